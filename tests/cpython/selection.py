"""Which modules and classes of CPython's suite are run in which mode, and which are left out, each with its reason."""

import importlib.util

# No socket, pipe or process beyond what the loop itself needs; run in every mode.
MODULES = (
    "test_tasks",
    "test_futures",
    "test_futures2",
    "test_eager_task_factory",
    "test_locks",
    "test_queues",
    "test_taskgroups",
    "test_timeouts",
    "test_waitfor",
    "test_runners",
    "test_threads",
    "test_context",
    "test_pep492",
    "test_staggered",
    "test_graph",
    "test_free_threading",
    "test_events",
)
# Transports, servers, subprocesses and TLS; run in NETWORK_MODES.
NETWORK_MODULES = (
    "test_sock_lowlevel",
    "test_sendfile",
    "test_streams",
    "test_server",
    "test_server_context",
    "test_buffered_proto",
    "test_subprocess",
    "test_ssl",
    "test_sslproto",
    "test_unix_events",
)
# Mode `both` differs from `plain` in what the name asyncio.Task makes, which these modules hardly use, and mode `task`
# runs them on asyncio's own loop, whose transports are not under test; --every-mode runs those two as well.
NETWORK_MODES = ("plain", "loop")
# Our own modules, in the folder pairs/: CPython's mixins against our classes.
PAIR_MODULES = ("task_pairs", "future_pairs", "loop_pairs", "handle_classes")

# The pure-Python twins put asyncio's own `_PyTask` and `_PyFuture` to the test. They matter only where those meet the
# loop under test, which is mode `loop`: in the others they would either test asyncio alone, or ask the pure-Python
# registry of tasks for Tasks that a loop with Tasks of its own never made there.
PURE_PYTHON_CLASSES = {
    "test_tasks": {
        "PyTask_PyFuture_Tests",
        "PyTask_PyFuture_SubclassTests",
        "PyIntrospectionTests",
        "PyCurrentLoopTests",
    },
    "test_futures": {"PyFutureTests", "PyFutureDoneCallbackTests", "PyFutureInheritanceTests"},
    "test_futures2": {"PyFutureTests"},
    "test_eager_task_factory": {"PyEagerTaskFactoryLoopTests", "NonEagerPyTaskTests", "EagerPyTaskTests"},
    "test_graph": {"TestCallStackPy"},
    "test_free_threading": {"TestPyFreeThreading", "TestEagerPyFreeThreading"},
    "test_events": {"TestPyGetEventLoop"},
}
# The same tests for another selector: the loop under test does not use the selector that it is given.
SELECTOR_REPEATS = {"EPollEventLoopTests", "PollEventLoopTests", "KqueueEventLoopTests"}
# Parts of modules that test a private class of asyncio with mocks, and touch no loop of another kind.
PRIVATE_CLASSES = {
    "test_unix_events": {
        "SelectorEventLoopSignalTests",
        "SelectorEventLoopUnixSockSendfileTests",
        "UnixReadPipeTransportTests",
        "UnixWritePipeTransportTests",
        "AbstractChildWatcherTests",
        "BaseChildWatcherTests",
        "SafeChildWatcherTests",
        "FastChildWatcherTests",
        "PolicyTests",
        "PidfdChildWatcherTests",
    },
    "test_sslproto": {"SslProtoHandshakeTests"},
    "test_subprocess": {"SubprocessTransportTests"},
}


def exists(module: str) -> bool:
    """Tells whether the running interpreter's suite has this module."""
    return importlib.util.find_spec(f"test.test_asyncio.{module}") is not None


def jobs(*, every_mode: bool = False) -> list[tuple[str, str]]:
    """Returns every (mode, module) that this interpreter can run, those without a network in front.

    `every_mode` repeats the modules of the network in the modes beyond NETWORK_MODES.
    """
    modes = ("task", "plain", "loop", "both")
    pairs = [("pairs", module) for module in PAIR_MODULES]
    plain = [(mode, module) for module in MODULES if exists(module) for mode in modes]
    network_modes = modes if every_mode else NETWORK_MODES
    network = [(mode, module) for module in NETWORK_MODULES if exists(module) for mode in network_modes]
    return pairs + plain + network


def is_selected(mode: str, module: str, class_name: str) -> bool:
    """Tells whether a test class of CPython's suite is run in `mode`."""
    if class_name in SELECTOR_REPEATS or class_name in PRIVATE_CLASSES.get(module, ()):
        return False
    if mode == "task" and module == "test_events":
        return class_name == "SelectEventLoopTests"
    return mode == "loop" or class_name not in PURE_PYTHON_CLASSES.get(module, ())

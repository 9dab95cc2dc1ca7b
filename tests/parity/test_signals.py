"""Signals: handlers of the loop, handlers of Python, delivery to idle and busy loops."""

import asyncio
import contextlib
import os
import signal
import threading
import time

import pytest
from turns import run_ready, run_turns, run_until

PROMPT = 0.5  # seconds within which a signal must reach an idle loop


@pytest.fixture(autouse=True)
def dispositions():
    """Puts back what a test did to the signals, and checks that the loop did the same."""
    numbers = (signal.SIGINT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCHLD, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    after = {number: signal.getsignal(number) for number in numbers}
    for number, handler in before.items():
        signal.signal(number, handler)
    assert after == before
    assert signal.set_wakeup_fd(-1) == -1


@contextlib.contextmanager
def sent_after(delay, number):
    """Send ``number`` to this process from another thread after ``delay`` seconds."""
    timer = threading.Timer(delay, os.kill, (os.getpid(), number))
    timer.start()
    try:
        yield
    finally:
        timer.join()


def test_a_handler_runs_on_the_loop(loop):
    seen = []
    loop.add_signal_handler(signal.SIGUSR1, lambda *arguments: seen.append(arguments), 1, "two")
    os.kill(os.getpid(), signal.SIGUSR1)
    assert seen == []
    run_until(loop, lambda: bool(seen))
    assert seen == [(1, "two")]
    assert loop.remove_signal_handler(signal.SIGUSR1) is True


def test_the_handler_is_installed_at_once(loop):
    """Between the call and the next turn the signal must not kill the process."""
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
    loop.add_signal_handler(signal.SIGUSR1, int)
    assert signal.getsignal(signal.SIGUSR1) is not signal.SIG_DFL
    loop.remove_signal_handler(signal.SIGUSR1)
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL


def test_an_idle_loop_wakes_at_once(loop):
    arrived = []
    loop.add_signal_handler(signal.SIGUSR1, lambda: (arrived.append(time.monotonic()), loop.stop()))
    far = loop.call_later(15, loop.stop)
    start = time.monotonic()
    with sent_after(0.05, signal.SIGUSR1):
        loop.run_forever()
    assert arrived and arrived[0] - start < PROMPT
    far.cancel()
    loop.remove_signal_handler(signal.SIGUSR1)


def test_a_busy_loop_receives_signals(loop):
    seen = []
    loop.add_signal_handler(signal.SIGUSR1, seen.append, 1)
    deadline = time.monotonic() + 5

    def busy():
        if not seen and time.monotonic() < deadline:
            loop.call_soon(busy)
        else:
            loop.stop()

    loop.call_soon(busy)
    with sent_after(0.02, signal.SIGUSR1):
        loop.run_forever()
    assert seen == [1]
    loop.remove_signal_handler(signal.SIGUSR1)


def test_a_new_handler_replaces_the_old(loop):
    seen = []
    loop.add_signal_handler(signal.SIGUSR1, seen.append, "old")
    loop.add_signal_handler(signal.SIGUSR1, seen.append, "new")
    os.kill(os.getpid(), signal.SIGUSR1)
    run_until(loop, lambda: bool(seen))
    assert seen == ["new"]
    loop.remove_signal_handler(signal.SIGUSR1)


def test_several_signals(loop):
    seen = []
    loop.add_signal_handler(signal.SIGUSR1, seen.append, 1)
    loop.add_signal_handler(signal.SIGUSR2, seen.append, 2)
    assert set(loop._signal_handlers) == {signal.SIGUSR1, signal.SIGUSR2}
    os.kill(os.getpid(), signal.SIGUSR1)
    os.kill(os.getpid(), signal.SIGUSR2)
    run_until(loop, lambda: len(seen) == 2)
    assert sorted(seen) == [1, 2]
    assert loop.remove_signal_handler(signal.SIGUSR1) is True
    os.kill(os.getpid(), signal.SIGUSR2)
    run_until(loop, lambda: len(seen) == 3)
    assert loop.remove_signal_handler(signal.SIGUSR2) is True
    assert dict(loop._signal_handlers) == {}


def test_a_handler_may_be_added_again(loop):
    seen = []
    for number in range(3):
        loop.add_signal_handler(signal.SIGUSR1, seen.append, 1)
        os.kill(os.getpid(), signal.SIGUSR1)
        run_until(loop, lambda number=number: len(seen) > number)
        loop.remove_signal_handler(signal.SIGUSR1)
    assert seen == [1, 1, 1]


def test_removing_what_is_not_there(loop):
    assert loop.remove_signal_handler(signal.SIGUSR1) is False


def test_a_handler_may_remove_itself(loop):
    seen = []

    def once():
        seen.append(loop.remove_signal_handler(signal.SIGUSR1))

    loop.add_signal_handler(signal.SIGUSR1, once)
    os.kill(os.getpid(), signal.SIGUSR1)
    run_until(loop, lambda: bool(seen))
    assert seen == [True]


def test_removing_sigint_restores_keyboard_interrupt(loop):
    loop.add_signal_handler(signal.SIGINT, int)
    assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    loop.remove_signal_handler(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_sigint_with_a_handler_raises_nothing(loop):
    seen = []
    loop.add_signal_handler(signal.SIGINT, seen.append, 1)
    os.kill(os.getpid(), signal.SIGINT)
    run_until(loop, lambda: bool(seen))
    loop.remove_signal_handler(signal.SIGINT)
    assert seen == [1]


def test_child_signals_are_allowed(loop):
    seen = []
    loop.add_signal_handler(signal.SIGCHLD, seen.append, 1)
    os.kill(os.getpid(), signal.SIGCHLD)
    run_until(loop, lambda: bool(seen))
    assert loop.remove_signal_handler(signal.SIGCHLD) is True


def test_a_cancelled_handler_is_dropped(loop):
    """The handle in ``_signal_handlers`` may be cancelled by whoever finds it."""
    seen = []
    loop.add_signal_handler(signal.SIGUSR1, seen.append, 1)
    loop._signal_handlers[signal.SIGUSR1].cancel()
    os.kill(os.getpid(), signal.SIGUSR1)
    run_turns(loop, 3)
    loop.call_later(0.005, loop.stop)
    loop.run_forever()
    assert seen == []
    assert signal.SIGUSR1 not in loop._signal_handlers


def test_errors_in_a_handler_are_reported(loop, reports):
    error = ValueError("in a signal handler")

    def fail():
        raise error

    loop.add_signal_handler(signal.SIGUSR1, fail)
    os.kill(os.getpid(), signal.SIGUSR1)
    run_until(loop, lambda: bool(reports.contexts))
    loop.remove_signal_handler(signal.SIGUSR1)
    assert reports.take_one()["exception"] is error


@pytest.mark.parametrize("number", [0, -1, 10_000])
def test_numbers_that_are_no_signal(loop, number):
    with pytest.raises(ValueError, match=f"invalid signal number {number}"):
        loop.add_signal_handler(number, int)
    with pytest.raises(ValueError, match=f"invalid signal number {number}"):
        loop.remove_signal_handler(number)


@pytest.mark.parametrize("number", ["SIGINT", 1.5, None])
def test_what_is_no_number(loop, number):
    with pytest.raises(TypeError, match="^sig must be an int, not "):
        loop.add_signal_handler(number, int)
    with pytest.raises(TypeError, match="^sig must be an int, not "):
        loop.remove_signal_handler(number)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_signals_that_cannot_be_caught(loop, number):
    with pytest.raises(RuntimeError, match=f"^sig {int(number)} cannot be caught$"):
        loop.add_signal_handler(number, int)
    assert dict(loop._signal_handlers) == {}


def test_coroutines_are_refused(loop):
    async def nothing():
        pass

    with pytest.raises(TypeError, match=r"^coroutines cannot be used with add_signal_handler\(\)$"):
        loop.add_signal_handler(signal.SIGUSR1, nothing)
    coroutine = nothing()
    with pytest.raises(TypeError, match=r"^coroutines cannot be used with add_signal_handler\(\)$"):
        loop.add_signal_handler(signal.SIGUSR1, coroutine)
    coroutine.close()


def test_only_the_main_thread_may_add(loop):
    errors = []

    def in_thread():
        try:
            loop.add_signal_handler(signal.SIGUSR1, int)
        except RuntimeError as error:
            errors.append(str(error))

    thread = threading.Thread(target=in_thread)
    thread.start()
    thread.join()
    assert len(errors) == 1
    assert "main thread" in errors[0]


def test_a_closed_loop_refuses(loop):
    loop.close()
    with pytest.raises(RuntimeError, match="^Event loop is closed$"):
        loop.add_signal_handler(signal.SIGUSR1, int)


def test_closing_removes_handlers(loop):
    loop.add_signal_handler(signal.SIGUSR1, int)
    loop.add_signal_handler(signal.SIGINT, int)
    loop.close()
    assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_handler_of_python_runs_promptly_on_an_idle_loop(loop):
    """uvicorn and many others use ``signal.signal``; no ``add_signal_handler`` came before."""
    arrived = []
    old = signal.signal(
        signal.SIGUSR1,
        lambda number, frame: (arrived.append(time.monotonic()), loop.call_soon_threadsafe(loop.stop)),
    )
    try:
        far = loop.call_later(15, loop.stop)
        start = time.monotonic()
        with sent_after(0.05, signal.SIGUSR1):
            loop.run_forever()
        assert arrived and arrived[0] - start < PROMPT
        assert time.monotonic() - start < 5
        far.cancel()
    finally:
        signal.signal(signal.SIGUSR1, old)


def test_a_handler_of_python_may_raise_out_of_an_idle_loop(loop):
    class Odd(Exception):
        pass

    def fail(number, frame):
        raise Odd

    old = signal.signal(signal.SIGUSR1, fail)
    try:
        far = loop.call_later(15, loop.stop)
        start = time.monotonic()
        with sent_after(0.05, signal.SIGUSR1), pytest.raises(Odd):
            loop.run_forever()
        assert time.monotonic() - start < PROMPT
        far.cancel()
        run_ready(loop)
    finally:
        signal.signal(signal.SIGUSR1, old)


@pytest.mark.parametrize("arm", ["call_soon", "nothing"])
def test_keyboard_interrupt_reaches_an_idle_loop(loop, arm):
    far = loop.call_later(15, loop.stop)
    if arm == "call_soon":
        loop.call_soon(int)
    start = time.monotonic()
    with sent_after(0.05, signal.SIGINT), pytest.raises(KeyboardInterrupt):
        loop.run_forever()
    assert time.monotonic() - start < PROMPT
    assert not loop.is_running()
    far.cancel()
    run_ready(loop)


def test_the_runner_cancels_the_main_task_on_sigint(library):
    events = []

    async def main():
        try:
            await asyncio.sleep(15)
        except asyncio.CancelledError:
            events.append("cancelled")
            raise

    start = time.monotonic()
    with sent_after(0.1, signal.SIGINT), pytest.raises(KeyboardInterrupt):
        with asyncio.Runner(loop_factory=library.new_event_loop) as runner:
            runner.run(main())
    assert time.monotonic() - start < 0.1 + PROMPT
    assert events == ["cancelled"]


def test_a_waiting_task_is_not_disturbed(loop):
    seen = []
    loop.add_signal_handler(signal.SIGUSR1, seen.append, 1)

    async def main():
        for _ in range(5):
            os.kill(os.getpid(), signal.SIGUSR1)
            await asyncio.sleep(0.003)
        return "undisturbed"

    assert loop.run_until_complete(main()) == "undisturbed"
    loop.remove_signal_handler(signal.SIGUSR1)
    assert seen == [1] * 5


def test_system_calls_are_restarted(loop):
    """``siginterrupt(False)``: a blocking read in a thread or callback goes on."""
    loop.add_signal_handler(signal.SIGUSR1, int)
    reader, writer = os.pipe()
    try:
        timer = threading.Timer(0.05, os.write, (writer, b"x"))
        with sent_after(0.01, signal.SIGUSR1):
            timer.start()
            assert os.read(reader, 1) == b"x"
            timer.join()
    finally:
        os.close(reader)
        os.close(writer)
        loop.remove_signal_handler(signal.SIGUSR1)


def test_many_signals_of_many_threads(loop):
    seen = []
    loop.add_signal_handler(signal.SIGUSR1, seen.append, 1)
    sent = threading.Event()

    def send():
        for _ in range(50):
            os.kill(os.getpid(), signal.SIGUSR1)
            time.sleep(0.0002)
        sent.set()

    thread = threading.Thread(target=send)
    thread.start()
    run_until(loop, sent.is_set)
    thread.join()
    run_until(loop, lambda: len(seen) > 0)
    loop.remove_signal_handler(signal.SIGUSR1)
    assert 0 < len(seen) <= 50


def test_a_wakeup_descriptor_of_the_program_is_left_alone(loop):
    """Programs (and other loops) set one of their own: it is theirs before, during and after."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        signal.set_wakeup_fd(writer)
        during = []
        loop.call_soon(lambda: during.append(signal.set_wakeup_fd(writer)))
        run_turns(loop, 2)
        assert during == [writer]
        assert signal.set_wakeup_fd(-1) == writer
    finally:
        signal.set_wakeup_fd(-1)
        os.close(reader)
        os.close(writer)


def test_an_interrupt_with_a_wakeup_descriptor_of_the_program(loop):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    far = loop.call_later(15, loop.stop)
    try:
        signal.set_wakeup_fd(writer)
        start = time.monotonic()
        with sent_after(0.05, signal.SIGINT), pytest.raises(KeyboardInterrupt):
            loop.run_forever()
        assert time.monotonic() - start < PROMPT
        assert signal.set_wakeup_fd(-1) == writer
        assert os.read(reader, 10) == bytes([signal.SIGINT])
    finally:
        signal.set_wakeup_fd(-1)
        far.cancel()
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize("library", ["tepal"], indirect=True)
def test_a_signal_on_the_way_into_the_wait_is_not_missed(loop):
    """Without a wakeup descriptor, asyncio sleeps on when a signal comes just before its wait."""

    class Alarm(KeyboardInterrupt):
        """Leaves the loop from wherever the interpreter notices the signal."""

    def ring(number, frame):
        raise Alarm

    old = signal.signal(signal.SIGALRM, ring)
    remaining = signal.setitimer(signal.ITIMER_REAL, 0)
    slowest = 0.0
    try:
        for number in range(300):
            far = loop.call_later(3, loop.stop)
            start = time.monotonic()
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.00002 + number * 0.000001)
                loop.run_forever()
            except Alarm:
                slowest = max(slowest, time.monotonic() - start)
            else:
                pytest.fail("the signal was missed")
            far.cancel()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
        signal.setitimer(signal.ITIMER_REAL, *remaining)
    assert slowest < PROMPT

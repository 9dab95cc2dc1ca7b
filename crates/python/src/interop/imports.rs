//! Every Python object that Rust looks up by name, looked up once.

use std::cell::UnsafeCell;

use pyo3::ffi;

use super::errors::{PyResult, Raised};
use super::interned::intern;
use super::object::Object;
use super::values;
use super::{calls, contextvars};

/// The objects; each field is named after what it holds.
pub(crate) struct Imports {
    pub(crate) cancelled_error: Object,
    pub(crate) invalid_state_error: Object,
    pub(crate) asyncio_future: Object,
    pub(crate) asyncio_task: Object,
    pub(crate) asyncio_handle: Object,
    pub(crate) asyncio_timer_handle: Object,
    /// `asyncio.events._ThreadSafeHandle` (3.14+), before that `asyncio.Handle`.
    pub(crate) asyncio_threadsafe_handle: Object,
    /// `vars(asyncio.events)`
    pub(crate) events_globals: Object,
    /// `asyncio.BaseEventLoop._call_soon`
    pub(crate) base_call_soon: Object,
    pub(crate) future_repr: Object,
    pub(crate) task_repr: Object,
    pub(crate) task_get_stack: Object,
    pub(crate) task_print_stack: Object,
    pub(crate) get_event_loop: Object,
    pub(crate) is_coroutine: Object,
    pub(crate) extract_stack: Object,
    pub(crate) handle_extract_stack: Object,
    pub(crate) format_callback_source: Object,
    pub(crate) set_result_unless_cancelled: Object,
    /// `asyncio.futures._convert_future_exc`
    pub(crate) convert_future_exception: Object,
    /// `socket.socket`
    pub(crate) socket: Object,
    /// `asyncio.base_events._check_ssl_socket`
    pub(crate) check_ssl_socket: Object,
    /// `concurrent.futures.Future`
    pub(crate) concurrent_future: Object,
    pub(crate) logger: Object,
    /// `warnings.warn`, which transports call while the interpreter ends, when nothing can be imported any more.
    pub(crate) warn: Object,
    /// `_asyncio._current_tasks`, up to 3.13.
    pub(crate) current_tasks: Option<Object>,
    /// `_asyncio._swap_current_task`, from 3.12 on.
    pub(crate) swap_current_task: Option<Object>,
    pub(crate) register_task: Object,
    pub(crate) unregister_task: Object,
    pub(crate) register_eager_task: Option<Object>,
    pub(crate) unregister_eager_task: Option<Object>,
    pub(crate) enter_task: Object,
    pub(crate) leave_task: Object,
    /// `asyncio.BaseEventLoop.create_task`
    pub(crate) base_create_task: Object,
    /// Whether that method takes `**kwargs` (3.13.3 and later).
    pub(crate) create_task_takes_any_keyword: bool,
    /// `asyncio.eager_task_factory` (3.12+), which we serve without calling it.
    pub(crate) eager_task_factory: Option<Object>,
    /// `asyncio.tasks.create_task`, as CPython has it
    pub(crate) create_task: Object,
    /// `asyncio.tasks.ensure_future`, as CPython has it
    pub(crate) ensure_future: Object,
    /// `asyncio.tasks.gather`, as CPython has it
    pub(crate) gather: Object,
    /// `asyncio.tasks._GatheringFuture`
    pub(crate) gathering_future: Object,
    /// `asyncio.TaskGroup`
    pub(crate) task_group: Object,
    /// `asyncio.TaskGroup.create_task`, as CPython has it
    pub(crate) task_group_create_task: Object,
    /// `asyncio.TaskGroup._on_task_done`, as CPython has it
    pub(crate) task_group_on_task_done: Object,
    /// `asyncio.current_task`
    pub(crate) current_task: Object,
    /// `sys.get_coroutine_origin_tracking_depth`
    pub(crate) coroutine_origin_depth: Object,
    /// `asyncio._get_running_loop`
    pub(crate) get_running_loop: Object,
    /// `asyncio.BufferedProtocol`
    pub(crate) buffered_protocol: Object,
    /// `asyncio.sslproto.SSLProtocol._do_read` and `_process_outgoing`
    pub(crate) ssl_do_read: Object,
    pub(crate) ssl_process_outgoing: Object,
    /// `asyncio.sslproto.SSLProtocol._do_handshake`, `_do_shutdown` and `buffer_updated`
    pub(crate) ssl_do_handshake: Object,
    pub(crate) ssl_do_shutdown: Object,
    pub(crate) ssl_buffer_updated: Object,
    /// `asyncio.sslproto.SSLProtocol._set_state`, `_start_handshake`, `_on_handshake_complete` and `_start_shutdown`
    pub(crate) ssl_set_state: Object,
    pub(crate) ssl_start_handshake: Object,
    pub(crate) ssl_on_handshake_complete: Object,
    pub(crate) ssl_start_shutdown: Object,
    /// `asyncio.sslproto._SSLProtocolTransport.write` and `writelines`
    pub(crate) ssl_transport_write: Object,
    pub(crate) ssl_transport_write_lines: Object,
    /// `asyncio.sslproto.SSLProtocolState.WRAPPED`
    pub(crate) ssl_state_wrapped: Object,
    /// The same, `UNWRAPPED`, `DO_HANDSHAKE`, `FLUSHING` and `SHUTDOWN`
    pub(crate) ssl_state_unwrapped: Object,
    pub(crate) ssl_state_do_handshake: Object,
    pub(crate) ssl_state_flushing: Object,
    pub(crate) ssl_state_shutdown: Object,
    /// `asyncio.sslproto.AppProtocolState.STATE_INIT` and `STATE_CON_MADE`
    pub(crate) ssl_app_state_init: Object,
    pub(crate) ssl_app_state_connected: Object,
    /// `ssl.SSLError`; `()` without that module.
    pub(crate) ssl_error: Object,
    /// `asyncio.sslproto.SSLAgainErrors`; `()` without the `ssl` module.
    pub(crate) ssl_again_errors: Object,
    /// -1
    pub(crate) minus_one: Object,
    /// `selectors._fileobj_to_fd`
    pub(crate) fileobj_to_fd: Object,
    /// Whether `set_exception(StopIteration)` turns it into a `RuntimeError` instead of raising
    /// `TypeError`: from 3.11.8, 3.12.2 and 3.13 on (gh-112182).
    pub(crate) converts_stop_iteration: bool,
    /// `("context",)`
    pub(crate) names_context: Object,
    /// `("debug",)`
    pub(crate) names_debug: Object,
    /// `("msg",)`
    pub(crate) names_msg: Object,
}

struct Cell(UnsafeCell<Option<Imports>>);

// SAFETY: touched only with the GIL held (see `interop`).
unsafe impl Sync for Cell {}

static IMPORTS: Cell = Cell(UnsafeCell::new(None));

/// The imported objects.
#[inline(always)]
pub(crate) fn imports() -> &'static Imports {
    // SAFETY: filled when the module is made, before any of our types can be reached,
    // and never changed after.
    unsafe { (*IMPORTS.0.get()).as_ref().unwrap_unchecked() }
}

/// `import name`.
///
/// # Errors
/// What the import raises.
pub(crate) fn import(name: &str) -> PyResult<Object> {
    let name = values::string(name)?;
    // SAFETY: the name is a live string.
    unsafe { Object::from_owned(ffi::PyImport_Import(name.as_ptr())) }.ok_or_else(Raised::already)
}

fn get(module: &Object, name: &str) -> PyResult<Object> {
    calls::attribute(module, &intern(name)?)
}

fn get_optional(module: &Object, name: &str) -> PyResult<Option<Object>> {
    calls::optional_attribute(module, &intern(name)?)
}

/// Looks everything up; called once by the module's initialisation.
///
/// # Errors
/// What the imports raise.
pub(crate) fn import_all() -> PyResult<()> {
    let native = import("_asyncio")?;
    let exceptions = dotted("asyncio", &["exceptions"])?;
    let events = dotted("asyncio", &["events"])?;
    let base_futures = dotted("asyncio", &["base_futures"])?;
    let base_tasks = dotted("asyncio", &["base_tasks"])?;
    let format_helpers = dotted("asyncio", &["format_helpers"])?;
    let sslproto = dotted("asyncio", &["sslproto"])?;
    let ssl_protocol = get(&sslproto, "SSLProtocol")?;
    let ssl_states = get(&sslproto, "SSLProtocolState")?;
    let ssl_app_states = get(&sslproto, "AppProtocolState")?;
    let ssl_transport = get(&sslproto, "_SSLProtocolTransport")?;
    let base_create_task = dotted("asyncio", &["BaseEventLoop", "create_task"])?;
    let imports = Imports {
        cancelled_error: get(&exceptions, "CancelledError")?,
        invalid_state_error: get(&exceptions, "InvalidStateError")?,
        asyncio_future: get(&native, "Future")?,
        asyncio_task: get(&native, "Task")?,
        asyncio_handle: get(&events, "Handle")?,
        asyncio_timer_handle: get(&events, "TimerHandle")?,
        asyncio_threadsafe_handle: match get_optional(&events, "_ThreadSafeHandle")? {
            Some(handle) => handle,
            None => get(&events, "Handle")?,
        },
        events_globals: get(&events, "__dict__")?,
        base_call_soon: dotted("asyncio", &["BaseEventLoop", "_call_soon"])?,
        future_repr: get(&base_futures, "_future_repr")?,
        task_repr: get(&base_tasks, "_task_repr")?,
        task_get_stack: get(&base_tasks, "_task_get_stack")?,
        task_print_stack: get(&base_tasks, "_task_print_stack")?,
        get_event_loop: get(&events, "get_event_loop")?,
        is_coroutine: dotted("asyncio", &["coroutines", "iscoroutine"])?,
        extract_stack: dotted("traceback", &["extract_stack"])?,
        handle_extract_stack: get(&format_helpers, "extract_stack")?,
        format_callback_source: get(&format_helpers, "_format_callback_source")?,
        set_result_unless_cancelled: dotted(
            "asyncio",
            &["futures", "_set_result_unless_cancelled"],
        )?,
        convert_future_exception: dotted("asyncio", &["futures", "_convert_future_exc"])?,
        socket: dotted("socket", &["socket"])?,
        check_ssl_socket: dotted("asyncio", &["base_events", "_check_ssl_socket"])?,
        concurrent_future: dotted("concurrent.futures", &["Future"])?,
        logger: dotted("asyncio", &["log", "logger"])?,
        warn: dotted("warnings", &["warn"])?,
        current_tasks: get_optional(&native, "_current_tasks")?,
        swap_current_task: get_optional(&native, "_swap_current_task")?,
        register_task: get(&native, "_register_task")?,
        unregister_task: get(&native, "_unregister_task")?,
        register_eager_task: get_optional(&native, "_register_eager_task")?,
        unregister_eager_task: get_optional(&native, "_unregister_eager_task")?,
        enter_task: get(&native, "_enter_task")?,
        leave_task: get(&native, "_leave_task")?,
        create_task_takes_any_keyword: takes_any_keyword(&base_create_task)?,
        base_create_task,
        eager_task_factory: get_optional(&import("asyncio")?, "eager_task_factory")?,
        create_task: dotted("asyncio", &["tasks", "create_task"])?,
        ensure_future: dotted("asyncio", &["tasks", "ensure_future"])?,
        gather: dotted("asyncio", &["tasks", "gather"])?,
        gathering_future: dotted("asyncio", &["tasks", "_GatheringFuture"])?,
        task_group: dotted("asyncio", &["TaskGroup"])?,
        task_group_create_task: dotted("asyncio", &["TaskGroup", "create_task"])?,
        task_group_on_task_done: dotted("asyncio", &["TaskGroup", "_on_task_done"])?,
        current_task: dotted("asyncio", &["current_task"])?,
        coroutine_origin_depth: dotted("sys", &["get_coroutine_origin_tracking_depth"])?,
        get_running_loop: get(&events, "_get_running_loop")?,
        buffered_protocol: dotted("asyncio", &["BufferedProtocol"])?,
        ssl_do_read: get(&ssl_protocol, "_do_read")?,
        ssl_process_outgoing: get(&ssl_protocol, "_process_outgoing")?,
        ssl_do_handshake: get(&ssl_protocol, "_do_handshake")?,
        ssl_do_shutdown: get(&ssl_protocol, "_do_shutdown")?,
        ssl_buffer_updated: get(&ssl_protocol, "buffer_updated")?,
        ssl_set_state: get(&ssl_protocol, "_set_state")?,
        ssl_start_handshake: get(&ssl_protocol, "_start_handshake")?,
        ssl_on_handshake_complete: get(&ssl_protocol, "_on_handshake_complete")?,
        ssl_start_shutdown: get(&ssl_protocol, "_start_shutdown")?,
        ssl_transport_write: get(&ssl_transport, "write")?,
        ssl_transport_write_lines: get(&ssl_transport, "writelines")?,
        ssl_state_wrapped: get(&ssl_states, "WRAPPED")?,
        ssl_state_unwrapped: get(&ssl_states, "UNWRAPPED")?,
        ssl_state_do_handshake: get(&ssl_states, "DO_HANDSHAKE")?,
        ssl_state_flushing: get(&ssl_states, "FLUSHING")?,
        ssl_state_shutdown: get(&ssl_states, "SHUTDOWN")?,
        ssl_app_state_init: get(&ssl_app_states, "STATE_INIT")?,
        ssl_app_state_connected: get(&ssl_app_states, "STATE_CON_MADE")?,
        ssl_error: match get_optional(&sslproto, "ssl")? {
            Some(ssl) if !ssl.is_none() => get(&ssl, "SSLError")?,
            _ => values::tuple(Vec::new())?,
        },
        ssl_again_errors: match get_optional(&sslproto, "SSLAgainErrors")? {
            Some(errors) => errors,
            None => values::tuple(Vec::new())?,
        },
        minus_one: values::signed_integer(-1)?,
        fileobj_to_fd: dotted("selectors", &["_fileobj_to_fd"])?,
        converts_stop_iteration: converts_stop_iteration()?,
        names_context: values::tuple(vec![intern("context")?])?,
        names_debug: values::tuple(vec![intern("debug")?])?,
        names_msg: values::tuple(vec![intern("msg")?])?,
    };
    // SAFETY: the GIL is held, and no reference into the cell exists before this.
    unsafe { *IMPORTS.0.get() = Some(imports) };
    Ok(())
}

/// Finds out where CPython keeps the current context; see [`contextvars::learn_layout`].
///
/// # Errors
/// What making and setting a `ContextVar` raises.
pub(crate) fn learn_context_layout() -> PyResult<()> {
    let class = dotted("contextvars", &["ContextVar"])?;
    let variable = calls::call(&class, [&values::string("tepal")?])?;
    let set = get(&variable, "set")?;
    contextvars::learn_layout(|| calls::call(&set, [&Object::none()]).map(drop))
}

fn converts_stop_iteration() -> PyResult<bool> {
    let version = values::to_integer(&dotted("sys", &["hexversion"])?)?;
    Ok(match version >> 16 {
        0x030b => version >= 0x030b_08f0,
        0x030c => version >= 0x030c_02f0,
        _ => true,
    })
}

/// Whether a Python function has `**kwargs` (CO_VARKEYWORDS in its code's flags).
fn takes_any_keyword(function: &Object) -> PyResult<bool> {
    const CO_VARKEYWORDS: i64 = 0x08;
    let flags = get(&get(function, "__code__")?, "co_flags")?;
    Ok(values::to_integer(&flags)? & CO_VARKEYWORDS != 0)
}

/// `import module`, then the attributes, one after the other.
pub(crate) fn dotted(module: &str, path: &[&str]) -> PyResult<Object> {
    let mut object = import(module)?;
    for name in path {
        object = get(&object, name)?;
    }
    Ok(object)
}

//! `asyncio.create_task`, `ensure_future` and `gather`, what `sleep(0)` awaits, and the two methods of `TaskGroup` that run
//! per Task, as they are on a loop of ours that runs.
//!
//! Each serves the usual call and hands every other one, unchanged, to the function of CPython
//! whose place it takes: where no loop of ours runs, in debug mode, with another task factory
//! than the eager one, with a replaced `create_task`, with arguments that are rarely used.

mod gather;
mod sleep;
mod task_group;

use crate::future::{FutureBody, GatheringBody};
use crate::interop::arguments::Arguments;
use crate::interop::coroutines::is_native;
use crate::interop::errors::PyResult;
use crate::interop::functions::function;
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::object::Object;
use crate::interop::running_task::running_loop;
use crate::loop_core::body::LoopBody;
use crate::task::{TaskBody, TaskOptions, create_on};

pub(crate) use task_group::install as install_task_group;

/// The loop, if its Tasks are ours and are made in the usual way.
#[inline(always)]
fn makes_our_tasks(event_loop: &Object) -> Option<&Instance<LoopBody>> {
    event_loop.instance_of::<LoopBody>().filter(|event_loop| {
        event_loop.attention.is_only_watched()
            && !event_loop.create_task_overridden.get()
            && (event_loop.task_factory.is_empty() || event_loop.eager_factory.get())
    })
}

/// A Future, a Task, or what `gather` gives, of exactly our types.
#[inline(always)]
fn ours(object: &Object) -> Option<&Instance<FutureBody>> {
    match object.exactly::<TaskBody>() {
        Some(task) => Some(task.base()),
        None => object
            .exactly::<FutureBody>()
            .or_else(|| object.exactly::<GatheringBody>().map(Instance::base)),
    }
}

/// `asyncio.create_task(coro, *, name=None, context=None, **kwargs)`
///
/// # Errors
/// `RuntimeError` if no loop runs; what `loop.create_task` raises.
///
/// # Reentrancy
/// An eager start runs Python code.
fn create_task(arguments: Arguments<'_>) -> PyResult<Object> {
    if let [coroutine] = arguments.positional() {
        let running = running_loop()?;
        if let Some(event_loop) = makes_our_tasks(&running)
            && let Some(options) = TaskOptions::given(event_loop, &arguments)?
        {
            return Ok(create_on(event_loop, coroutine, options)?.into_object());
        }
    }
    arguments.forward(&imports().create_task)
}

/// `asyncio.ensure_future(coro_or_future, *, loop=None)`
///
/// # Errors
/// What CPython's raises.
///
/// # Reentrancy
/// An eager start runs Python code.
fn ensure_future(arguments: Arguments<'_>) -> PyResult<Object> {
    if let [awaitable] = arguments.positional()
        && arguments.keyword_count() == 0
    {
        if ours(awaitable).is_some() {
            return Ok(awaitable.clone());
        }
        let running = running_loop()?;
        if is_native(awaitable)
            && let Some(event_loop) = makes_our_tasks(&running)
        {
            let options = TaskOptions::usual(event_loop);
            return Ok(create_on(event_loop, awaitable, options)?.into_object());
        }
    }
    arguments.forward(&imports().ensure_future)
}

/// Makes the types of what the functions give and keep.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_types() -> PyResult<()> {
    gather::make_type()?;
    sleep::make_type()
}

/// The functions by their names in `asyncio.tasks`.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn all() -> PyResult<[(&'static str, Object); 4]> {
    let module = "asyncio.tasks";
    let create_task = if imports().create_task_takes_any_keyword {
        function(
            module,
            c"create_task",
            c"create_task(coro, **kwargs)\n--\n\nA Task of the running loop that drives coro.",
            create_task,
        )
    } else {
        function(
            module,
            c"create_task",
            c"create_task(coro, *, name=None, context=None)\n--\n\nA Task of the running loop that drives coro.",
            create_task,
        )
    };
    let gather = function(
        module,
        c"gather",
        c"gather(*coros_or_futures, return_exceptions=False)\n--\n\nA future of the results of several awaitables, in their order.",
        gather::gather,
    );
    let ensure_future = function(
        module,
        c"ensure_future",
        c"ensure_future(coro_or_future, *, loop=None)\n--\n\nThe future itself, or a Task that awaits the awaitable.",
        ensure_future,
    );
    let sleep_zero = function(
        module,
        c"__sleep0",
        c"__sleep0()\n--\n\nWhat sleep(0) awaits: one turn of the loop.",
        sleep::sleep_zero,
    );
    Ok([
        ("sleep_zero", sleep_zero?),
        ("create_task", create_task?),
        ("ensure_future", ensure_future?),
        ("gather", gather?),
    ])
}

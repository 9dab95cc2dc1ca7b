//! `create_future`, `create_task` and the task factory.

use crate::future::FutureBody;
use crate::interop::arguments::Arguments;
use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::methods::{Method, with_arguments, without_arguments};
use crate::interop::object::Object;
use crate::interop::recognised::KnownObjects;
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::task::{TaskOptions, create_on};

use super::L;

static EAGER_FACTORIES: KnownObjects = KnownObjects::none();

/// Makes `create_task` start Tasks eagerly by itself where this factory is set.
pub(crate) fn recognise_eager_factory(factory: Object) {
    EAGER_FACTORIES.learn(factory);
}

/// `create_task(coro, *, name=None, context=None, **kwargs)`
///
/// # Errors
/// `RuntimeError` if the loop is closed, `TypeError` if `coro` is no coroutine; what a task
/// factory raises.
///
/// # Reentrancy
/// A task factory and an eager start run Python code.
#[inline(always)]
fn create_task(this: &L, arguments: Arguments<'_>) -> PyResult<Object> {
    this.check_open()?;
    let coroutine = match arguments.positional() {
        [coroutine] if this.task_factory.is_empty() => {
            if arguments.keyword_count() == 0 {
                let task = create_on(this, coroutine, TaskOptions::default())?;
                return Ok(task.into_object());
            }
            coroutine
        }
        [coroutine] if this.eager_factory.get() => coroutine,
        _ => return by_asyncio(this, arguments),
    };
    match TaskOptions::given(this, &arguments)? {
        Some(options) => Ok(create_on(this, coroutine, options)?.into_object()),
        None => by_asyncio(this, arguments),
    }
}

/// asyncio's own `create_task`, which calls the factory as this Python version does.
#[cold]
fn by_asyncio(this: &L, arguments: Arguments<'_>) -> PyResult<Object> {
    let mut values = vec![this.object()];
    values.extend(arguments.positional().iter().cloned());
    let mut names = Vec::new();
    for index in 0..arguments.keyword_count() {
        let (name, value) = arguments.keyword(index);
        names.push(name.clone());
        values.push(value.clone());
    }
    let names = values::tuple(names)?;
    calls::call_with_names(&imports().base_create_task, &values, &names)
}

/// `set_task_factory(factory)`
///
/// # Errors
/// `TypeError` if it is neither callable nor `None`.
pub(super) fn set_factory(this: &L, factory: &Object) -> PyResult<()> {
    if factory.is_none() {
        this.eager_factory.set(false);
        this.task_factory.clear();
        return Ok(());
    }
    if !calls::is_callable(factory) {
        return Err(Builtin::TypeError.raise("task factory must be a callable or None"));
    }
    let eager = EAGER_FACTORIES.contains(factory)
        || imports()
            .eager_task_factory
            .as_ref()
            .is_some_and(|eager| eager.is(factory));
    this.eager_factory.set(eager);
    this.task_factory.set(factory.clone());
    Ok(())
}

pub(super) fn methods() -> Vec<Method<LoopBody>> {
    vec![
        without_arguments(
            c"create_future",
            c"create_future($self, /)\n--\n\nA Future of this loop.",
            |this: &L| Instance::<FutureBody>::make(this),
        ),
        with_arguments(
            c"create_task",
            if imports().create_task_takes_any_keyword {
                c"create_task($self, coro, **kwargs)\n--\n\nA Task of this loop that drives coro."
            } else {
                c"create_task($self, coro, *, name=None, context=None)\n--\n\nA Task of this loop that drives coro."
            },
            create_task,
        ),
    ]
}

//! `tepal.Task` as Python code sees it.

use crate::future::FutureBody;
use crate::interop::arguments::{Arguments, Signature};
use crate::interop::calls;
use crate::interop::coroutines::is_true;
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::methods::{
    Attribute, Method, readable, with_arguments, with_one, without_arguments, writable,
};
use crate::interop::object::Object;
use crate::interop::slots::{initializer, representation};
use crate::interop::type_builder::TypeBuilder;
use crate::loop_core::loop_ref::LoopRef;
use crate::loop_core::shared_context::own_context;

use super::body::TaskBody;
use super::start::{TaskOptions, initialize};

type T = Instance<TaskBody>;

fn init(this: &T, arguments: Arguments<'_>) -> PyResult<()> {
    let names = [
        Name::Coro,
        Name::Loop,
        Name::Called,
        Name::Context,
        Name::EagerStart,
    ];
    let signature = Signature {
        function: "Task",
        names,
        required: 1,
        positional: 1,
    };
    let [coroutine, event_loop, name, context, eager] = arguments.bind(&signature)?;
    if cfg!(Py_3_15) && !this.future.event_loop.is_empty() {
        return Err(Builtin::RuntimeError.raise("Task object is already initialized"));
    }
    let eager = eager.as_ref().map_or(Ok(false), is_true)?;
    let coroutine = coroutine.unwrap_or_else(Object::none);
    let event_loop = LoopRef::given_or_current(event_loop)?;
    initialize(
        this,
        &coroutine,
        event_loop,
        TaskOptions {
            name,
            context,
            eager,
            ..TaskOptions::default()
        },
    )
}

fn cancel(this: &T, arguments: Arguments<'_>) -> PyResult<bool> {
    let signature = Signature {
        function: "cancel",
        names: [Name::Msg],
        required: 0,
        positional: 1,
    };
    let [message] = arguments.bind(&signature)?;
    this.require_coroutine_or_done()?;
    this.cancel(message)
}

impl T {
    /// `__init__` must have run; a Task that ended eagerly has no coroutine any more.
    fn require_coroutine_or_done(&self) -> PyResult<()> {
        if self.future.is_pending() {
            self.require_coroutine().map(drop)
        } else {
            Ok(())
        }
    }
}

fn get_stack(this: &T, arguments: Arguments<'_>) -> PyResult<Object> {
    let signature = Signature {
        function: "get_stack",
        names: [Name::Limit],
        required: 0,
        positional: 0,
    };
    let [limit] = arguments.bind(&signature)?;
    let limit = limit.unwrap_or_else(Object::none);
    this.with_object(|this| calls::call(&imports().task_get_stack, [this, &limit]))
}

fn print_stack(this: &T, arguments: Arguments<'_>) -> PyResult<Object> {
    let names = [Name::Limit, Name::File];
    let signature = Signature {
        function: "print_stack",
        names,
        required: 0,
        positional: 0,
    };
    let [limit, file] = arguments.bind(&signature)?;
    let limit = limit.unwrap_or_else(Object::none);
    let file = file.unwrap_or_else(Object::none);
    this.with_object(|this| calls::call(&imports().task_print_stack, [this, &limit, &file]))
}

fn refuse(what: &str) -> PyResult<()> {
    Err(Builtin::RuntimeError.raise(&format!("Task does not support {what} operation")))
}

fn class(this: &T) -> Object {
    if this.is_exact() {
        imports().asyncio_task.clone()
    } else {
        this.with_object(Object::kind)
    }
}

fn methods() -> Vec<Method<TaskBody>> {
    vec![
        with_arguments(
            c"cancel",
            c"cancel($self, /, msg=None)\n--\n\nThrow CancelledError into the coroutine at its next step.",
            cancel,
        ),
        without_arguments(c"uncancel", c"uncancel($self, /)\n--\n\nTake one cancel() back; gives how many are left.", T::uncancel),
        without_arguments(
            c"cancelling",
            c"cancelling($self, /)\n--\n\nHow many cancel() were not taken back.",
            |this: &T| u64::from(this.cancel_requests.get()),
        ),
        with_one(c"set_result", c"set_result($self, result, /)\n--\n\nNot for Tasks.", |_: &T, _| refuse("set_result")),
        with_one(c"set_exception", c"set_exception($self, exception, /)\n--\n\nNot for Tasks.", |_: &T, _| refuse("set_exception")),
        without_arguments(c"get_name", c"get_name($self, /)\n--\n\nThe name.", |this: &T| this.name()),
        with_one(c"set_name", c"set_name($self, value, /)\n--\n\nName it str(value).", |this: &T, name| this.set_name(name)),
        without_arguments(c"get_coro", c"get_coro($self, /)\n--\n\nThe coroutine.", |this: &T| this.coroutine.get()),
        without_arguments(c"get_context", c"get_context($self, /)\n--\n\nThe context.", |this: &T| own_context(&this.context)),
        with_arguments(c"get_stack", c"get_stack($self, /, *, limit=None)\n--\n\nThe frames of the coroutine.", get_stack),
        with_arguments(
            c"print_stack",
            c"print_stack($self, /, *, limit=None, file=None)\n--\n\nPrint the frames of the coroutine.",
            print_stack,
        ),
    ]
}

fn attributes() -> Vec<Attribute<TaskBody>> {
    vec![
        readable(c"_coro", |this: &T| this.coroutine.get()),
        readable(c"_fut_waiter", |this: &T| this.fut_waiter.get()),
        readable(c"_must_cancel", |this: &T| this.must_cancel.get()),
        writable(
            c"_log_destroy_pending",
            |this: &T| this.log_destroy_pending.get(),
            |this: &T, value| {
                this.log_destroy_pending.set(is_true(value)?);
                Ok(())
            },
        ),
        readable(c"_num_cancels_requested", |this: &T| {
            u64::from(this.cancel_requests.get())
        }),
        readable(c"__class__", class),
    ]
}

/// Makes the type `tepal.Task`.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_type() -> PyResult<Object> {
    TypeBuilder::<TaskBody>::new(
        c"Task(coro, *, loop=None, name=None, context=None, eager_start=False)\n--\n\nDrives a coroutine, as asyncio.Task.",
    )
    .base::<FutureBody>()
    .subclassable()
    .constructible()
    .slot(initializer(init))
    .slot(representation(|this: &T| {
        this.with_object(|this| calls::call(&imports().task_repr, [this]))
    }))
    .slot(crate::interop::slots::awaits_itself())
    .slot(crate::interop::slots::iterates_by(|this: &T| crate::future::await_iterator(this.base())))
    .slot(crate::interop::slots::next_step(|this: &T| crate::future::await_step(this.base())))
    .slot(crate::interop::slots::send_step(|this: &T| crate::future::await_step(this.base())))
    .hide(c"__next__")
    .method(without_arguments(c"__await__", c"__await__($self, /)\n--\n\nAn iterator for await.", |this: &T| {
        crate::future::await_iterator(this.base())
    }).beside_slot())
    .methods(methods())
    .attributes(attributes())
    .build()
}

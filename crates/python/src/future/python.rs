//! `tepal.Future` as Python code sees it.

use crate::interop::arguments::{Arguments, Signature};
use crate::interop::calls;
use crate::interop::coroutines::is_true;
use crate::interop::errors::{Builtin, PyResult, Raised};
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::methods::{
    Attribute, Method, class_getitem, readable, with_arguments, with_one, without_arguments,
    writable,
};
use crate::interop::object::Object;
use crate::interop::slots::{
    awaits_itself, initializer, iterates_by, next_step, representation, send_step,
};
use crate::interop::type_builder::TypeBuilder;
use crate::loop_core::loop_ref::LoopRef;

use super::awaiting;
use super::body::{FutureBody, State};

type F = Instance<FutureBody>;

fn init(this: &F, arguments: Arguments<'_>) -> PyResult<()> {
    let signature = Signature {
        function: "Future",
        names: [Name::Loop],
        required: 0,
        positional: 0,
    };
    let [event_loop] = arguments.bind(&signature)?;
    if cfg!(Py_3_15) && !this.event_loop.is_empty() {
        return Err(Builtin::RuntimeError.raise("Future object is already initialized"));
    }
    this.reset(LoopRef::given_or_current(event_loop)?)
}

fn cancel(this: &F, arguments: Arguments<'_>) -> PyResult<bool> {
    let signature = Signature {
        function: "cancel",
        names: [Name::Msg],
        required: 0,
        positional: 1,
    };
    let [message] = arguments.bind(&signature)?;
    this.require_loop()?;
    this.set_cancelled(message)
}

fn add_done_callback(this: &F, arguments: Arguments<'_>) -> PyResult<()> {
    if let [function] = arguments.positional()
        && arguments.keyword_count() < 2
    {
        let context = arguments.only_keyword("add_done_callback", Name::Context)?;
        return this.add_function(function, context);
    }
    Err(wrong_count(&arguments))
}

/// As CPython words it for one argument by position and one by keyword.
#[cold]
fn wrong_count(arguments: &Arguments<'_>) -> Raised {
    let positional = arguments.positional().len();
    let total = positional + arguments.keyword_count();
    Builtin::TypeError.raise(&if total > 2 {
        let kind = if positional == 0 { "keyword " } else { "" };
        format!("add_done_callback() takes at most 2 {kind}arguments ({total} given)")
    } else {
        format!("add_done_callback() takes exactly 1 positional argument ({positional} given)")
    })
}

fn set_result(this: &F, result: &Object) -> PyResult<()> {
    this.require_loop()?;
    this.set_result(result.clone())
}

fn set_exception(this: &F, exception: &Object) -> PyResult<()> {
    this.require_loop()?;
    this.set_exception(exception)
}

fn class(this: &F) -> Object {
    if this.is_exact() {
        imports().asyncio_future.clone()
    } else {
        this.with_object(Object::kind)
    }
}

fn methods() -> Vec<Method<FutureBody>> {
    vec![
        without_arguments(c"result", c"result($self, /)\n--\n\nThe result, or raise the exception.", F::result),
        without_arguments(c"exception", c"exception($self, /)\n--\n\nThe exception, or None.", F::exception),
        with_one(c"set_result", c"set_result($self, result, /)\n--\n\nMark done with a result.", set_result),
        with_one(
            c"set_exception",
            c"set_exception($self, exception, /)\n--\n\nMark done with an exception.",
            set_exception,
        ),
        with_arguments(
            c"add_done_callback",
            c"add_done_callback($self, fn, /, *, context=<unrepresentable>)\n--\n\nCall fn(future) when done.",
            add_done_callback,
        ),
        with_one(
            c"remove_done_callback",
            c"remove_done_callback($self, fn, /)\n--\n\nRemove all instances of a callback; gives their number.",
            |this: &F, function| this.remove_function(function),
        ),
        with_arguments(
            c"cancel",
            c"cancel($self, /, msg=None)\n--\n\nCancel; False if done already.",
            cancel,
        ),
        without_arguments(
            c"cancelled",
            c"cancelled($self, /)\n--\n\nWhether it was cancelled.",
            |this: &F| this.state() == State::Cancelled,
        ),
        without_arguments(c"done", c"done($self, /)\n--\n\nWhether it is done.", |this: &F| {
            !this.is_pending()
        }),
        without_arguments(c"get_loop", c"get_loop($self, /)\n--\n\nThe loop it belongs to.", |this: &F| {
            this.require_loop().map(|event_loop| event_loop.object())
        }),
        without_arguments(
            c"_make_cancelled_error",
            c"_make_cancelled_error($self, /)\n--\n\nThe CancelledError to raise.",
            F::make_cancelled_error,
        ),
        without_arguments(c"__await__", c"__await__($self, /)\n--\n\nAn iterator for await.", awaiting::iterate)
            .beside_slot(),
        class_getitem(),
    ]
}

fn attributes() -> Vec<Attribute<FutureBody>> {
    let mut attributes = vec![
        readable(c"_state", F::state_text),
        writable(
            c"_asyncio_future_blocking",
            |this: &F| this.blocking.get(),
            |this: &F, value| {
                this.require_loop()?;
                this.blocking.set(is_true(value)?);
                Ok(())
            },
        ),
        readable(c"_loop", |this: &F| {
            this.event_loop.get().map(|event_loop| event_loop.object())
        }),
        readable(c"_callbacks", F::callback_list),
        readable(c"_result", |this: &F| this.outcome_if(false)),
        readable(c"_exception", |this: &F| this.outcome_if(true)),
        writable(
            c"_log_traceback",
            |this: &F| this.log_traceback.get(),
            |this: &F, value| {
                if is_true(value)? {
                    let text = "_log_traceback can only be set to False";
                    return Err(Builtin::ValueError.raise(text));
                }
                this.log_traceback.set(false);
                Ok(())
            },
        ),
        readable(c"_source_traceback", |this: &F| this.source_traceback()),
        writable(
            c"_cancel_message",
            |this: &F| this.cancel_message(),
            |this: &F, value| {
                this.set_cancel_message(Some(value.clone()));
                Ok(())
            },
        ),
        readable(c"__class__", class),
    ];
    if cfg!(Py_3_14) {
        attributes.push(readable(c"_asyncio_awaited_by", F::awaited_by));
    }
    attributes
}

impl F {
    fn outcome_if(&self, failed: bool) -> Option<Object> {
        if self.failed.get() == failed {
            self.outcome.get()
        } else {
            None
        }
    }
}

/// Makes the type `tepal.Future`.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_type() -> PyResult<Object> {
    TypeBuilder::<FutureBody>::new(
        c"Future(*, loop=None)\n--\n\nA result that is not there yet, as asyncio.Future.",
    )
    .subclassable()
    .constructible()
    .slot(initializer(init))
    .slot(representation(|this: &F| {
        this.with_object(|this| calls::call(&imports().future_repr, [this]))
    }))
    .slot(awaits_itself())
    .slot(iterates_by(awaiting::iterate))
    .slot(next_step(awaiting::step))
    .slot(send_step(awaiting::step))
    .hide(c"__next__")
    .methods(methods())
    .attributes(attributes())
    .build()
}

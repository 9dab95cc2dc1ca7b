//! What is driven as CPython's coroutines are: by `send`, `throw` and `close`, or step by step without them.
//!
//! | state | `send(None)`, a step | `throw(exception)` | `close()` |
//! |---|---|---|---|
//! | new | begins | raises it; done | done |
//! | suspended | goes on | goes to what is awaited; mostly done | gives that up; done |
//! | done | RuntimeError | RuntimeError | nothing |
//!
//! A coroutine that is thrown away while it is new warns, as CPython's do.

use std::ffi::CStr;

use crate::interop::arguments::Arguments;
use crate::interop::coroutine_origin::warn_never_awaited;
use crate::interop::errors::{Builtin, PyResult, Raised};
use crate::interop::instance::{HeapType, Instance};
use crate::interop::methods::{readable, with_arguments, with_one, without_arguments};
use crate::interop::object::{Object, Slot};
use crate::interop::slots::{Step, awaits_itself, iterates_itself, next_step, send_step};
use crate::interop::stop_iteration::stop_iteration;
use crate::interop::type_builder::TypeBuilder;
use crate::interop::values;

use super::awaiting::exception_to_throw;

/// What is resumed step by step.
pub(crate) trait Resumable: HeapType {
    /// Goes on to the next value that is yielded, or to the end.
    fn step(this: &Instance<Self>) -> PyResult<Step>;

    /// Goes on by raising `exception`.
    fn throw(this: &Instance<Self>, exception: &Object) -> PyResult<Step>;

    /// Ends it.
    fn close(this: &Instance<Self>) -> PyResult<()>;
}

/// What looks to its user like the coroutine of an `async def` function.
pub(crate) trait NativeCoroutine: Resumable {
    /// `__qualname__`, that of asyncio's coroutine.
    fn qualified_name(&self) -> &'static str;

    /// Whether nothing of it has run.
    fn is_new(&self) -> bool;

    /// Whether it is over.
    fn is_done(&self) -> bool;

    /// Where it was made; see `interop::coroutine_origin`.
    fn origin(&self) -> &Slot;
}

/// The error of a second `await`.
#[cold]
pub(crate) fn already_awaited() -> Raised {
    Builtin::RuntimeError.raise("cannot reuse already awaited coroutine")
}

/// The finalizer of a coroutine that is still new.
pub(crate) fn finalize<T: NativeCoroutine>(this: &Instance<T>) {
    this.with_object(|object| warn_never_awaited(object, this.qualified_name()));
}

fn given(step: PyResult<Step>) -> PyResult<Object> {
    match step? {
        Step::Yield(value) => Ok(value),
        Step::Return(value) => Err(stop_iteration(&value)),
    }
}

fn send<T: Resumable>(this: &Instance<T>, _value: &Object) -> PyResult<Object> {
    given(T::step(this))
}

fn send_to_coroutine<T: NativeCoroutine>(this: &Instance<T>, value: &Object) -> PyResult<Object> {
    if this.is_new() && !value.is_none() {
        return Err(
            Builtin::TypeError.raise("can't send non-None value to a just-started coroutine")
        );
    }
    send(this, value)
}

fn throw<T: Resumable>(this: &Instance<T>, arguments: Arguments<'_>) -> PyResult<Object> {
    let exception = exception_to_throw(&arguments)?;
    given(T::throw(this, &exception))
}

fn throw_into_coroutine<T: NativeCoroutine>(
    this: &Instance<T>,
    arguments: Arguments<'_>,
) -> PyResult<Object> {
    let exception = exception_to_throw(&arguments)?;
    if this.is_done() {
        return Err(already_awaited());
    }
    given(T::throw(this, &exception))
}

fn name_of<T: NativeCoroutine>(this: &Instance<T>) -> PyResult<Object> {
    let name = this.qualified_name();
    values::string(name.rsplit_once('.').map_or(name, |(_, last)| last))
}

fn driven<T: Resumable>(documentation: &'static CStr) -> TypeBuilder<T> {
    TypeBuilder::<T>::new(documentation)
        .not_constructible()
        .slot(iterates_itself())
        .slot(next_step(T::step))
        .slot(send_step(T::step))
        .methods(vec![without_arguments(
            c"close",
            c"close($self, /)\n--\n\nGive it up.",
            T::close,
        )])
}

/// A type with what an iterator has that can be sent to and thrown into.
pub(crate) fn iterator_type<T: Resumable>(documentation: &'static CStr) -> TypeBuilder<T> {
    driven::<T>(documentation).methods(vec![
        with_one(c"send", c"send($self, value, /)\n--\n\nAdvance.", send),
        with_arguments(
            c"throw",
            c"throw($self, type, value=None, traceback=None, /)\n--\n\nRaise here.",
            throw,
        ),
    ])
}

/// A type with what a coroutine has.
///
/// It has no `cr_await`: asyncio's call graph (3.14) takes that as a sign of a `cr_frame`, which there is none of.
pub(crate) fn coroutine_type<T: NativeCoroutine>(documentation: &'static CStr) -> TypeBuilder<T> {
    const { assert!(T::FINALIZES, "it warns if it was never awaited") };
    driven::<T>(documentation)
        .slot(awaits_itself())
        .methods(vec![
            with_one(
                c"send",
                c"send($self, value, /)\n--\n\nAdvance.",
                send_to_coroutine,
            ),
            with_arguments(
                c"throw",
                c"throw($self, type, value=None, traceback=None, /)\n--\n\nRaise here.",
                throw_into_coroutine,
            ),
        ])
        .attributes(vec![
            readable(c"__name__", name_of),
            readable(c"__qualname__", |this: &Instance<T>| {
                values::string(this.qualified_name())
            }),
            readable(c"cr_running", |_: &Instance<T>| Object::from_bool(false)),
            readable(c"cr_origin", |this: &Instance<T>| {
                this.origin().get_or_none()
            }),
        ])
}

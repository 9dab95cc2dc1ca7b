//! A Future that follows a `concurrent.futures.Future`: the answer of `run_in_executor`.
//!
//! asyncio's `futures._chain_future` makes four closures for it and asks the source five times,
//! each time under its lock; here one object stands for all of them.
//!
//! | called with     | by                              | does                                     |
//! |-----------------|---------------------------------|------------------------------------------|
//! | the source      | the executor's thread, when the source is done | schedules itself on the loop |
//! | nothing         | the loop                        | copies the source's outcome              |
//! | the destination | the loop, when the destination is done | cancels the source if that was cancelled |
//!
//! What is scheduled and what is cancelled when, and that an answer to a closed loop is dropped,
//! is `_chain_future`'s (Lib/asyncio/futures.py).

use crate::interop::arguments::Arguments;
use crate::interop::calls;
use crate::interop::coroutines::is_true;
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::gc::Visitor;
use crate::interop::imports::imports;
use crate::interop::instance::{HeapType, Instance, TypeCell, create};
use crate::interop::interned::Name;
use crate::interop::methods::readable;
use crate::interop::object::{Object, Slot};
use crate::interop::slots::callable;
use crate::interop::threads;
use crate::interop::type_builder::TypeBuilder;
use crate::interop::values;
use crate::loop_core::attention::CLOSED;
use crate::loop_core::loop_ref::LoopRef;

use super::body::{FutureBody, State};

/// The link between the two.
pub(crate) struct ChainBody {
    source: Slot,
    destination: Slot,
}

impl HeapType for ChainBody {
    const NAME: &'static std::ffi::CStr = c"tepal._native.Chain";

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> Self {
        ChainBody {
            source: Slot::empty(),
            destination: Slot::empty(),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot(&self.source);
        visitor.slot(&self.destination);
    }

    fn clear(&self) {
        self.source.clear();
        self.destination.clear();
    }
}

/// Lets `destination`, a Future of ours, follow `source`, a `concurrent.futures.Future`.
///
/// # Errors
/// `TypeError` if the destination is no Future of ours; what `add_done_callback` raises.
///
/// # Reentrancy
/// A source that is done already is followed at once.
pub(crate) fn follow(source: &Object, destination: &Object) -> PyResult<()> {
    let Some(future) = destination.instance_of::<FutureBody>() else {
        return Err(Builtin::TypeError.raise("A future is required for destination argument"));
    };
    let chain = create(|| ChainBody {
        source: Slot::holding(source.clone()),
        destination: Slot::holding(destination.clone()),
    })?
    .into_object();
    future.add_function(&chain, None)?;
    calls::call_method(Name::AddDoneCallback, [source, &chain]).map(drop)
}

fn call(this: &Instance<ChainBody>, arguments: Arguments<'_>) -> PyResult<()> {
    // Empty only once the collector has cleared the cycle that this belonged to.
    let (Some(source), Some(destination)) = (this.source.get(), this.destination.get()) else {
        return Ok(());
    };
    match arguments.positional() {
        [] => copy_outcome(&source, &destination),
        [done] if done.is(&destination) => pass_cancellation_on(&source, &destination),
        _ => this.with_object(|this| source_is_done(this, &source, &destination)),
    }
}

/// Usually in a thread of the executor.
fn source_is_done(this: &Object, source: &Object, destination: &Object) -> PyResult<()> {
    let Some(future) = destination.instance_of::<FutureBody>() else {
        return Ok(());
    };
    match future.require_loop()? {
        LoopRef::Native(event_loop) => {
            if event_loop.attention.has(CLOSED) {
                return Ok(());
            }
            // asyncio does so from 3.14 on.
            if cfg!(Py_3_14) && event_loop.thread.get() == threads::ident() {
                return copy_outcome(source, destination);
            }
            calls::call_method(Name::CallSoonThreadsafe, [&event_loop.object(), this]).map(drop)
        }
        LoopRef::Foreign(event_loop) => {
            calls::call_method(Name::CallSoonThreadsafe, [&event_loop, this]).map(drop)
        }
    }
}

fn pass_cancellation_on(source: &Object, destination: &Object) -> PyResult<()> {
    match destination.instance_of::<FutureBody>() {
        Some(future) if future.state.get() == State::Cancelled => {
            calls::call_method(Name::Cancel, [source]).map(drop)
        }
        _ => Ok(()),
    }
}

/// What a call in another thread came to.
pub(crate) enum Outcome {
    Result(Object),
    Exception(Object),
    Cancelled,
}

/// `_copy_future_state`
fn copy_outcome(source: &Object, destination: &Object) -> PyResult<()> {
    if is_cancelled(destination) {
        return Ok(());
    }
    settle(destination, outcome_of(source)?)
}

fn is_cancelled(future: &Object) -> bool {
    future
        .instance_of::<FutureBody>()
        .is_none_or(|future| future.state.get() == State::Cancelled)
}

/// Gives the outcome to a Future of ours, unless that is cancelled.
///
/// # Errors
/// `InvalidStateError` if it is done already.
///
/// # Reentrancy
/// May run Python code.
pub(crate) fn settle(destination: &Object, outcome: Outcome) -> PyResult<()> {
    let Some(future) = destination.instance_of::<FutureBody>() else {
        return Ok(());
    };
    if is_cancelled(destination) {
        return Ok(());
    }
    match outcome {
        Outcome::Result(result) => future.set_result(result),
        Outcome::Exception(exception) => {
            let exception = calls::call(&imports().convert_future_exception, [&exception])?;
            future.set_exception(&exception)
        }
        Outcome::Cancelled => Instance::<FutureBody>::cancel_by_method(destination, None).map(drop),
    }
}

/// A source that is done changes no more, so that its fields can be read without its lock. A
/// subclass is asked by its methods up to 3.14, as asyncio asks it.
fn outcome_of(source: &Object) -> PyResult<Outcome> {
    if cfg!(Py_3_15) || source.is_exactly(&imports().concurrent_future) {
        let state = calls::attribute(source, Name::State.object())?;
        if values::same_text(&state, Name::Finished.object()) {
            let exception = calls::attribute(source, Name::ExceptionUnderscore.object())?;
            return Ok(if exception.is_none() {
                Outcome::Result(calls::attribute(source, Name::ResultUnderscore.object())?)
            } else {
                Outcome::Exception(exception)
            });
        }
    }
    if is_true(&calls::call_method(Name::Cancelled, [source])?)? {
        return Ok(Outcome::Cancelled);
    }
    let exception = calls::call_method(Name::Exception, [source])?;
    if exception.is_none() {
        calls::call_method(Name::Result, [source]).map(Outcome::Result)
    } else {
        Ok(Outcome::Exception(exception))
    }
}

/// Makes the type.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_chain_type() -> PyResult<()> {
    TypeBuilder::<ChainBody>::new(c"Lets a Future follow a concurrent.futures.Future.")
        .not_constructible()
        .slot(callable(call))
        .attributes(vec![readable(
            c"__qualname__",
            |_: &Instance<ChainBody>| values::string("_chain_future.<locals>._call_set_state"),
        )])
        .build()
        .map(drop)
}

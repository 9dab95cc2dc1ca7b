//! `await future`.
//!
//! The interpreter's `await` asks the type's slots and gets the Future itself, which is its
//! own iterator: nothing is allocated. Python code that calls `future.__await__()` or
//! `iter(future)` gets a [`FutureIterBody`], which has `send`, `throw` and `close` as CPython's
//! `FutureIter` has them.

use std::ffi::CStr;

use crate::interop::arguments::Arguments;
use crate::interop::calls;
use crate::interop::errors::{
    Builtin, PyResult, is_exception_class, is_exception_instance, raise_instance,
};
use crate::interop::gc::Visitor;
use crate::interop::instance::{HeapType, Instance, Ref, TypeCell, create};
use crate::interop::object::{Object, Slot};
use crate::interop::slots::Step;

use super::body::FutureBody;
use super::native_coroutine::{Resumable, iterator_type};

/// One step of awaiting a Future: yield it while it is pending, else give its outcome.
///
/// # Errors
/// The Future's exception; `RuntimeError` if a Task was resumed although the Future that it
/// was given is still pending and unnoticed.
#[inline(always)]
pub(crate) fn step(future: &Instance<FutureBody>) -> PyResult<Step> {
    if future.is_pending() {
        if future.blocking.replace(true) {
            return Err(Builtin::RuntimeError.raise("await wasn't used with future"));
        }
        return Ok(Step::Yield(future.object()));
    }
    future.result().map(Step::Return)
}

/// The explicit iterator of a Future.
pub(crate) struct FutureIterBody {
    future: Slot,
}

impl HeapType for FutureIterBody {
    const NAME: &'static CStr = c"tepal._native.FutureIter";

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> FutureIterBody {
        FutureIterBody {
            future: Slot::empty(),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot(&self.future);
    }

    fn clear(&self) {
        self.future.clear();
    }
}

/// `future.__await__()`
///
/// # Errors
/// `RuntimeError` before `__init__`.
pub(crate) fn iterate(future: &Instance<FutureBody>) -> PyResult<Ref<FutureIterBody>> {
    future.require_loop()?;
    create(|| FutureIterBody {
        future: Slot::holding(future.object()),
    })
}

impl Resumable for FutureIterBody {
    fn step(this: &Instance<FutureIterBody>) -> PyResult<Step> {
        let Some(future) = this.future.get() else {
            return Ok(Step::Return(Object::none()));
        };
        let Some(future) = future.instance_of::<FutureBody>() else {
            return Ok(Step::Return(Object::none()));
        };
        if !future.is_pending() {
            this.future.clear();
        }
        step(future)
    }

    fn throw(this: &Instance<FutureIterBody>, exception: &Object) -> PyResult<Step> {
        this.future.clear();
        Err(raise_instance(exception))
    }

    fn close(this: &Instance<FutureIterBody>) -> PyResult<()> {
        this.future.clear();
        Ok(())
    }
}

/// The exception that the arguments of a coroutine's `throw()` stand for, its traceback attached.
///
/// # Errors
/// `TypeError` where CPython's coroutines raise it; what making the exception raises; a `DeprecationWarning` for more than
/// one argument, where it is turned into an error.
pub(crate) fn exception_to_throw(arguments: &Arguments<'_>) -> PyResult<Object> {
    let (kind, value, traceback) = match arguments.positional() {
        [kind] => (kind, None, None),
        [kind, value] => (kind, Some(value), None),
        [kind, value, traceback] => (kind, Some(value), Some(traceback)),
        other => {
            return Err(Builtin::TypeError.raise(&format!(
                "throw expected 1 to 3 arguments, got {}",
                other.len()
            )));
        }
    };
    if arguments.positional().len() > 1 {
        warn_three_arguments()?;
    }
    if let Some(traceback) = traceback.filter(|traceback| !traceback.is_none())
        && !crate::interop::errors::is_traceback(traceback)
    {
        return Err(Builtin::TypeError.raise("throw() third argument must be a traceback"));
    }
    let value = value.filter(|value| !value.is_none());
    let exception = if is_exception_class(kind) {
        match value {
            Some(value) if is_exception_instance(value) => value.clone(),
            Some(value) => calls::call(kind, [value])?,
            None => calls::call(kind, [])?,
        }
    } else if is_exception_instance(kind) {
        if value.is_some() {
            return Err(
                Builtin::TypeError.raise("instance exception may not have a separate value")
            );
        }
        kind.clone()
    } else {
        return Err(Builtin::TypeError.raise(
            "exceptions must be classes deriving BaseException or instances of such a class",
        ));
    };
    if let Some(traceback) = traceback.filter(|traceback| !traceback.is_none()) {
        crate::interop::errors::set_traceback(&exception, traceback);
    }
    Ok(exception)
}

/// The deprecation of `throw(type, value, traceback)`, from 3.12 on.
fn warn_three_arguments() -> PyResult<()> {
    if !cfg!(Py_3_12) {
        return Ok(());
    }
    crate::interop::errors::warn_deprecated(
        "the (type, exc, tb) signature of throw() is deprecated, \
         use the single-arg signature instead.",
    )
}

/// Makes the type of explicit iterators.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_type() -> PyResult<Object> {
    iterator_type::<FutureIterBody>(c"Iterator that awaits a Future.").build()
}

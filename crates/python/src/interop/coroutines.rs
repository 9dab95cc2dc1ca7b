//! Driving a coroutine.

use std::ptr::null_mut;

use pyo3::ffi;

use super::border::enter;
use super::calls;
use super::errors::{Builtin, PyResult};
use super::interned::Name;
use super::object::Object;
use super::stop_iteration::while_driving;

/// What a coroutine did when it was resumed.
pub(crate) enum Resumed {
    /// It waits: this is what it yielded.
    Yielded(Object),
    /// It ended with a value.
    Returned(Object),
    /// It ended with an exception (taken out of the error indicator).
    Raised(Object),
}

/// `coroutine.send(None)`, without `StopIteration` on the way.
///
/// # Reentrancy
/// Runs any Python code.
#[inline(always)]
pub(crate) fn resume(coroutine: &Object) -> Resumed {
    let mut result = null_mut();
    // SAFETY: the coroutine is live; `result` receives an owned reference unless the
    // status is an error.
    unsafe {
        let status = while_driving(|| send(coroutine.as_ptr(), &mut result));
        match (status, Object::from_owned(result)) {
            (SEND_NEXT, Some(value)) => Resumed::Yielded(value),
            (SEND_RETURN, Some(value)) => Resumed::Returned(value),
            _ => Resumed::Raised(super::errors::Raised::already().take()),
        }
    }
}

const SEND_NEXT: i32 = ffi::PySendResult::PYGEN_NEXT as i32;
const SEND_RETURN: i32 = ffi::PySendResult::PYGEN_RETURN as i32;

/// `PyIter_Send(coroutine, None, result)`.
///
/// # Safety
/// The coroutine is live.
#[inline(always)]
unsafe fn send(coroutine: *mut ffi::PyObject, result: &mut *mut ffi::PyObject) -> i32 {
    if cfg!(Py_3_14) {
        // SAFETY: the coroutine and None are live, `result` is a place for a pointer.
        return unsafe { ffi::PyIter_Send(coroutine, ffi::Py_None(), result) as i32 };
    }
    let function = ffi::PyIter_Send as *const () as usize;
    let place = std::ptr::from_mut(result) as usize;
    // SAFETY: the same function with the same arguments; an `int` comes in the low half.
    unsafe {
        enter(
            function,
            coroutine as usize,
            ffi::Py_None() as usize,
            place,
            0,
        ) as i32
    }
}

/// `coroutine.throw(exception)`.
///
/// # Reentrancy
/// Runs any Python code.
#[cold]
pub(crate) fn throw(coroutine: &Object, exception: &Object) -> Resumed {
    let raised = match calls::call_method(Name::Throw, [coroutine, exception]) {
        Ok(value) => return Resumed::Yielded(value),
        Err(raised) => raised,
    };
    let ended = raised.is(Builtin::StopIteration);
    let exception = raised.take();
    if !ended {
        return Resumed::Raised(exception);
    }
    match calls::attribute(&exception, Name::Value.object()) {
        Ok(value) => Resumed::Returned(value),
        Err(raised) => Resumed::Raised(raised.take()),
    }
}

/// Whether this is a native coroutine (`async def`), by its exact type.
#[inline(always)]
pub(crate) fn is_native(object: &Object) -> bool {
    // SAFETY: the object is live.
    unsafe { ffi::PyCoro_CheckExact(object.as_ptr()) != 0 }
}

/// Whether this is a generator.
pub(crate) fn is_generator(object: &Object) -> bool {
    // SAFETY: the object is live.
    unsafe { ffi::PyGen_CheckExact(object.as_ptr()) != 0 }
}

/// `bool(object)`.
pub(crate) fn is_true(object: &Object) -> PyResult<bool> {
    // SAFETY: the object is live.
    match unsafe { ffi::PyObject_IsTrue(object.as_ptr()) } {
        -1 => Err(super::errors::Raised::already()),
        truth => Ok(truth != 0),
    }
}

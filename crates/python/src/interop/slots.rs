//! Slots of a type out of plain Rust functions; see [`super::methods`].

use std::marker::PhantomData;
use std::os::raw::{c_int, c_void};
use std::ptr::null_mut;

use pyo3::ffi;

use super::arguments::{Arguments, Unpacked};
use super::counting;
use super::errors::PyResult;
use super::instance::{HeapType, Instance, conjure};
use super::methods::{IntoReturn, guarded, guarded_object};
use super::object::{Borrowed, Object};
use super::stop_iteration::stop_iteration;

/// One slot of a type.
pub(crate) struct SlotFunction<T> {
    pub(super) slot: c_int,
    pub(super) pointer: *mut c_void,
    body: PhantomData<T>,
}

/// What an iterator's step gives.
pub(crate) enum Step {
    /// A value is yielded.
    Yield(Object),
    /// The iterator ends with this value.
    Return(Object),
}

fn slot<T>(slot: c_int, pointer: *mut c_void) -> SlotFunction<T> {
    SlotFunction {
        slot,
        pointer,
        body: PhantomData,
    }
}

/// `__init__`.
pub(crate) fn initializer<T, F>(_function: F) -> SlotFunction<T>
where
    T: HeapType,
    F: Fn(&Instance<T>, Arguments<'_>) -> PyResult<()> + Copy + 'static,
{
    unsafe extern "C" fn call<T, F>(
        this: *mut ffi::PyObject,
        arguments: *mut ffi::PyObject,
        keywords: *mut ffi::PyObject,
    ) -> c_int
    where
        T: HeapType,
        F: Fn(&Instance<T>, Arguments<'_>) -> PyResult<()> + Copy + 'static,
    {
        // SAFETY: CPython calls tp_init with an instance, a tuple, and NULL or a dict.
        let (this, arguments) = unsafe {
            (
                &*this.cast::<Instance<T>>(),
                Unpacked::new(arguments, keywords),
            )
        };
        guarded(-1, || conjure::<F>()(this, arguments?.view()).map(|()| 0))
    }
    slot(ffi::Py_tp_init, call::<T, F> as *mut c_void)
}

/// `__call__`.
pub(crate) fn callable<T, F, R>(_function: F) -> SlotFunction<T>
where
    T: HeapType,
    F: Fn(&Instance<T>, Arguments<'_>) -> R + Copy + 'static,
    R: IntoReturn,
{
    unsafe extern "C" fn call<T, F, R>(
        this: *mut ffi::PyObject,
        arguments: *mut ffi::PyObject,
        keywords: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject
    where
        T: HeapType,
        F: Fn(&Instance<T>, Arguments<'_>) -> R + Copy + 'static,
        R: IntoReturn,
    {
        // SAFETY: CPython calls tp_call with an instance, a tuple, and NULL or a dict.
        let (this, arguments) = unsafe {
            (
                &*this.cast::<Instance<T>>(),
                Unpacked::new(arguments, keywords),
            )
        };
        guarded_object(|| conjure::<F>()(this, arguments?.view()).into_return())
    }
    slot(ffi::Py_tp_call, call::<T, F, R> as *mut c_void)
}

/// `__repr__`.
pub(crate) fn representation<T, F, R>(_function: F) -> SlotFunction<T>
where
    T: HeapType,
    F: Fn(&Instance<T>) -> R + Copy + 'static,
    R: IntoReturn,
{
    unsafe extern "C" fn call<T, F, R>(this: *mut ffi::PyObject) -> *mut ffi::PyObject
    where
        T: HeapType,
        F: Fn(&Instance<T>) -> R + Copy + 'static,
        R: IntoReturn,
    {
        // SAFETY: CPython calls tp_repr with an instance.
        let this = unsafe { &*this.cast::<Instance<T>>() };
        guarded_object(|| conjure::<F>()(this).into_return())
    }
    slot(ffi::Py_tp_repr, call::<T, F, R> as *mut c_void)
}

/// `__hash__`.
pub(crate) fn hashing<T, F>(_function: F) -> SlotFunction<T>
where
    T: HeapType,
    F: Fn(&Instance<T>) -> PyResult<isize> + Copy + 'static,
{
    unsafe extern "C" fn call<T, F>(this: *mut ffi::PyObject) -> ffi::Py_hash_t
    where
        T: HeapType,
        F: Fn(&Instance<T>) -> PyResult<isize> + Copy + 'static,
    {
        // SAFETY: CPython calls tp_hash with an instance. -1 means failure to CPython.
        let this = unsafe { &*this.cast::<Instance<T>>() };
        guarded(-1, || {
            conjure::<F>()(this).map(|hash| if hash == -1 { -2 } else { hash })
        })
    }
    slot(ffi::Py_tp_hash, call::<T, F> as *mut c_void)
}

/// The six comparisons; the function gets the name of the method that Python would call
/// (`"__lt__"`, `"__eq__"`, …) and answers what that method answers.
pub(crate) fn comparison<T, F>(_function: F) -> SlotFunction<T>
where
    T: HeapType,
    F: Fn(&Instance<T>, &Object, &'static str) -> PyResult<Object> + Copy + 'static,
{
    unsafe extern "C" fn call<T, F>(
        this: *mut ffi::PyObject,
        other: *mut ffi::PyObject,
        operation: c_int,
    ) -> *mut ffi::PyObject
    where
        T: HeapType,
        F: Fn(&Instance<T>, &Object, &'static str) -> PyResult<Object> + Copy + 'static,
    {
        // SAFETY: CPython calls tp_richcompare with an instance and another object.
        let (this, other) = unsafe { (&*this.cast::<Instance<T>>(), Borrowed::new(other)) };
        let operator = match operation {
            ffi::Py_LT => "__lt__",
            ffi::Py_LE => "__le__",
            ffi::Py_EQ => "__eq__",
            ffi::Py_NE => "__ne__",
            ffi::Py_GT => "__gt__",
            _ => "__ge__",
        };
        guarded_object(|| conjure::<F>()(this, &other, operator))
    }
    slot(ffi::Py_tp_richcompare, call::<T, F> as *mut c_void)
}

/// Python's `NotImplemented`.
pub(crate) fn not_implemented() -> Object {
    // SAFETY: the singleton lives as long as the interpreter.
    unsafe { Object::from_borrowed(ffi::Py_NotImplemented()).unwrap_unchecked() }
}

/// `__setattr__`: the function is told after an attribute of the instance was set or
/// deleted in the ordinary way.
pub(crate) fn attribute_watch<T, F>(_function: F) -> SlotFunction<T>
where
    T: HeapType,
    F: Fn(&Instance<T>, &Object) -> PyResult<()> + Copy + 'static,
{
    unsafe extern "C" fn call<T, F>(
        this: *mut ffi::PyObject,
        name: *mut ffi::PyObject,
        value: *mut ffi::PyObject,
    ) -> c_int
    where
        T: HeapType,
        F: Fn(&Instance<T>, &Object) -> PyResult<()> + Copy + 'static,
    {
        // SAFETY: CPython calls tp_setattro with an instance and a name; NULL deletes.
        let failed = unsafe { ffi::PyObject_GenericSetAttr(this, name, value) };
        if failed < 0 {
            return failed;
        }
        // SAFETY: as above.
        let (this, name) = unsafe { (&*this.cast::<Instance<T>>(), Borrowed::new(name)) };
        guarded(-1, || conjure::<F>()(this, &name).map(|()| 0))
    }
    slot(ffi::Py_tp_setattro, call::<T, F> as *mut c_void)
}

unsafe extern "C" fn same(this: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: CPython hands us a live object.
    unsafe { counting::increment(this) };
    this
}

/// `__iter__` that answers the object itself.
pub(crate) fn iterates_itself<T: HeapType>() -> SlotFunction<T> {
    slot(ffi::Py_tp_iter, same as *mut c_void)
}

/// `__iter__` that makes an iterator.
pub(crate) fn iterates_by<T, F, R>(_function: F) -> SlotFunction<T>
where
    T: HeapType,
    F: Fn(&Instance<T>) -> R + Copy + 'static,
    R: IntoReturn,
{
    unsafe extern "C" fn call<T, F, R>(this: *mut ffi::PyObject) -> *mut ffi::PyObject
    where
        T: HeapType,
        F: Fn(&Instance<T>) -> R + Copy + 'static,
        R: IntoReturn,
    {
        // SAFETY: CPython calls tp_iter with an instance.
        let this = unsafe { &*this.cast::<Instance<T>>() };
        guarded_object(|| conjure::<F>()(this).into_return())
    }
    slot(ffi::Py_tp_iter, call::<T, F, R> as *mut c_void)
}

/// `__await__` that answers the object itself.
pub(crate) fn awaits_itself<T: HeapType>() -> SlotFunction<T> {
    slot(ffi::Py_am_await, same as *mut c_void)
}

/// `__next__`, for an iterator that may end with a value.
pub(crate) fn next_step<T, F>(_function: F) -> SlotFunction<T>
where
    T: HeapType,
    F: Fn(&Instance<T>) -> PyResult<Step> + Copy + 'static,
{
    unsafe extern "C" fn call<T, F>(this: *mut ffi::PyObject) -> *mut ffi::PyObject
    where
        T: HeapType,
        F: Fn(&Instance<T>) -> PyResult<Step> + Copy + 'static,
    {
        // SAFETY: CPython calls tp_iternext with an instance.
        let this = unsafe { &*this.cast::<Instance<T>>() };
        guarded(null_mut(), || match conjure::<F>()(this)? {
            Step::Yield(value) => Ok(value.into_ptr()),
            // NULL without an exception is the interpreter's StopIteration(None).
            Step::Return(value) if value.is_none() => Ok(null_mut()),
            Step::Return(value) => Err(stop_iteration(&value)),
        })
    }
    slot(ffi::Py_tp_iternext, call::<T, F> as *mut c_void)
}

/// `am_send`: the step of an awaitable without the detour of `StopIteration`.
pub(crate) fn send_step<T, F>(_function: F) -> SlotFunction<T>
where
    T: HeapType,
    F: Fn(&Instance<T>) -> PyResult<Step> + Copy + 'static,
{
    unsafe extern "C" fn call<T, F>(
        this: *mut ffi::PyObject,
        _sent: *mut ffi::PyObject,
        result: *mut *mut ffi::PyObject,
    ) -> ffi::PySendResult
    where
        T: HeapType,
        F: Fn(&Instance<T>) -> PyResult<Step> + Copy + 'static,
    {
        // SAFETY: CPython calls am_send with an instance and a place for the result.
        let this = unsafe { &*this.cast::<Instance<T>>() };
        let (status, value) = guarded((ffi::PySendResult::PYGEN_ERROR, null_mut()), || {
            Ok(match conjure::<F>()(this)? {
                Step::Yield(value) => (ffi::PySendResult::PYGEN_NEXT, value.into_ptr()),
                Step::Return(value) => (ffi::PySendResult::PYGEN_RETURN, value.into_ptr()),
            })
        });
        // SAFETY: `result` is CPython's own variable.
        unsafe { *result = value };
        status
    }
    slot(ffi::Py_am_send, call::<T, F> as *mut c_void)
}

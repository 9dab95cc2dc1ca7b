//! Tables of methods, attributes and slots out of plain Rust functions.
//!
//! A Rust function item has a type of its own and no bytes, so a generic `extern "C"`
//! function can call it without any table: each entry below is a trampoline made for one
//! function. A panic inside becomes a `RuntimeError`.

use std::ffi::CStr;
use std::marker::PhantomData;
use std::os::raw::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;

use pyo3::ffi;

use super::arguments::Arguments;
use super::errors::{Builtin, PyResult};
use super::instance::{HeapType, Instance, Ref, conjure};
use super::object::{Borrowed, Object};
use super::values;

/// One entry of a type's method table.
pub(crate) struct Method<T> {
    pub(super) definition: ffi::PyMethodDef,
    body: PhantomData<T>,
}

/// One entry of a type's attribute table.
pub(crate) struct Attribute<T> {
    pub(super) definition: ffi::PyGetSetDef,
    body: PhantomData<T>,
}

/// What a method may return.
pub(crate) trait IntoReturn {
    fn into_return(self) -> PyResult<Object>;
}

impl IntoReturn for Object {
    #[inline(always)]
    fn into_return(self) -> PyResult<Object> {
        Ok(self)
    }
}

impl IntoReturn for () {
    #[inline(always)]
    fn into_return(self) -> PyResult<Object> {
        Ok(Object::none())
    }
}

impl IntoReturn for bool {
    #[inline(always)]
    fn into_return(self) -> PyResult<Object> {
        Ok(Object::from_bool(self))
    }
}

impl IntoReturn for f64 {
    #[inline(always)]
    fn into_return(self) -> PyResult<Object> {
        values::float(self)
    }
}

impl IntoReturn for u64 {
    fn into_return(self) -> PyResult<Object> {
        values::integer(self)
    }
}

impl IntoReturn for Option<Object> {
    #[inline(always)]
    fn into_return(self) -> PyResult<Object> {
        Ok(self.unwrap_or_else(Object::none))
    }
}

impl<T: HeapType> IntoReturn for Ref<T> {
    #[inline(always)]
    fn into_return(self) -> PyResult<Object> {
        Ok(self.into_object())
    }
}

impl<R: IntoReturn> IntoReturn for PyResult<R> {
    #[inline(always)]
    fn into_return(self) -> PyResult<Object> {
        self.and_then(IntoReturn::into_return)
    }
}

/// Runs the body of a call that CPython made; a panic becomes a Python exception.
#[inline(always)]
pub(super) fn guarded<R>(failed: R, body: impl FnOnce() -> PyResult<R>) -> R {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => value,
        Ok(Err(_raised)) => failed,
        Err(panic) => {
            raise_panic(&*panic);
            failed
        }
    }
}

#[cold]
fn raise_panic(panic: &(dyn std::any::Any + Send)) {
    let text = panic
        .downcast_ref::<&str>()
        .map(ToString::to_string)
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown".to_owned());
    let _raised = Builtin::RuntimeError.raise(&format!("internal error in tepal: {text}"));
}

#[inline(always)]
pub(super) fn guarded_object(body: impl FnOnce() -> PyResult<Object>) -> *mut ffi::PyObject {
    guarded(null_mut(), || body().map(Object::into_ptr))
}

fn method<T>(
    name: &'static CStr,
    doc: &'static CStr,
    flags: c_int,
    pointer: ffi::PyMethodDefPointer,
) -> Method<T> {
    Method {
        definition: ffi::PyMethodDef {
            ml_name: name.as_ptr(),
            ml_meth: pointer,
            ml_flags: flags,
            ml_doc: doc.as_ptr(),
        },
        body: PhantomData,
    }
}

impl<T> Method<T> {
    /// The method stands in the type's dict in place of the slot of the same name: Python
    /// code gets the method, the interpreter's fast paths the slot.
    pub(crate) fn beside_slot(mut self) -> Self {
        self.definition.ml_flags |= ffi::METH_COEXIST;
        self
    }
}

/// A method without arguments.
pub(crate) fn without_arguments<T, F, R>(
    name: &'static CStr,
    doc: &'static CStr,
    _function: F,
) -> Method<T>
where
    T: HeapType,
    F: Fn(&Instance<T>) -> R + Copy + 'static,
    R: IntoReturn,
{
    unsafe extern "C" fn call<T, F, R>(
        this: *mut ffi::PyObject,
        _unused: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject
    where
        T: HeapType,
        F: Fn(&Instance<T>) -> R + Copy + 'static,
        R: IntoReturn,
    {
        // SAFETY: CPython's method descriptor has checked the type of `this`.
        let this = unsafe { &*this.cast::<Instance<T>>() };
        guarded_object(|| conjure::<F>()(this).into_return())
    }
    let pointer = ffi::PyMethodDefPointer {
        PyCFunction: call::<T, F, R>,
    };
    method(name, doc, ffi::METH_NOARGS, pointer)
}

/// A method with exactly one positional argument.
pub(crate) fn with_one<T, F, R>(name: &'static CStr, doc: &'static CStr, _function: F) -> Method<T>
where
    T: HeapType,
    F: Fn(&Instance<T>, &Object) -> R + Copy + 'static,
    R: IntoReturn,
{
    unsafe extern "C" fn call<T, F, R>(
        this: *mut ffi::PyObject,
        argument: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject
    where
        T: HeapType,
        F: Fn(&Instance<T>, &Object) -> R + Copy + 'static,
        R: IntoReturn,
    {
        // SAFETY: CPython has checked the type of `this`; the argument of a METH_O call
        // is not NULL and outlives the call.
        let (this, argument) = unsafe { (&*this.cast::<Instance<T>>(), Borrowed::new(argument)) };
        guarded_object(|| conjure::<F>()(this, &argument).into_return())
    }
    let pointer = ffi::PyMethodDefPointer {
        PyCFunction: call::<T, F, R>,
    };
    method(name, doc, ffi::METH_O, pointer)
}

/// A method with any arguments.
pub(crate) fn with_arguments<T, F, R>(
    name: &'static CStr,
    doc: &'static CStr,
    _function: F,
) -> Method<T>
where
    T: HeapType,
    F: Fn(&Instance<T>, Arguments<'_>) -> R + Copy + 'static,
    R: IntoReturn,
{
    unsafe extern "C" fn call<T, F, R>(
        this: *mut ffi::PyObject,
        values: *const *mut ffi::PyObject,
        positional: ffi::Py_ssize_t,
        names: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject
    where
        T: HeapType,
        F: Fn(&Instance<T>, Arguments<'_>) -> R + Copy + 'static,
        R: IntoReturn,
    {
        // SAFETY: CPython has checked the type of `this` and hands us its own argument
        // array, which outlives the call.
        let (this, arguments) = unsafe {
            (
                &*this.cast::<Instance<T>>(),
                Arguments::new(values, positional as usize, names),
            )
        };
        guarded_object(|| conjure::<F>()(this, arguments).into_return())
    }
    let pointer = ffi::PyMethodDefPointer {
        PyCFunctionFastWithKeywords: call::<T, F, R>,
    };
    method(name, doc, ffi::METH_FASTCALL | ffi::METH_KEYWORDS, pointer)
}

/// `__class_getitem__`, so that `Future[int]` works in annotations (PEP 585).
pub(crate) fn class_getitem<T: HeapType>() -> Method<T> {
    let pointer = ffi::PyMethodDefPointer {
        PyCFunction: ffi::Py_GenericAlias,
    };
    let doc = c"See PEP 585";
    method(
        c"__class_getitem__",
        doc,
        ffi::METH_O | ffi::METH_CLASS,
        pointer,
    )
}

unsafe extern "C" fn get<T, F, R>(
    this: *mut ffi::PyObject,
    _closure: *mut c_void,
) -> *mut ffi::PyObject
where
    T: HeapType,
    F: Fn(&Instance<T>) -> R + Copy + 'static,
    R: IntoReturn,
{
    // SAFETY: CPython's getset descriptor has checked the type of `this`.
    let this = unsafe { &*this.cast::<Instance<T>>() };
    guarded_object(|| conjure::<F>()(this).into_return())
}

unsafe extern "C" fn set<T, F>(
    this: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
    _closure: *mut c_void,
) -> c_int
where
    T: HeapType,
    F: Fn(&Instance<T>, &Object) -> PyResult<()> + Copy + 'static,
{
    // SAFETY: CPython has checked the type of `this`; NULL asks to delete.
    let this = unsafe { &*this.cast::<Instance<T>>() };
    guarded(-1, || {
        if value.is_null() {
            return Err(Builtin::AttributeError.raise("cannot delete attribute"));
        }
        // SAFETY: not NULL, and it outlives the call.
        let value = unsafe { Borrowed::new(value) };
        conjure::<F>()(this, &value).map(|()| 0)
    })
}

/// A read-only attribute.
pub(crate) fn readable<T, F, R>(name: &'static CStr, _getter: F) -> Attribute<T>
where
    T: HeapType,
    F: Fn(&Instance<T>) -> R + Copy + 'static,
    R: IntoReturn,
{
    let definition = ffi::PyGetSetDef {
        name: name.as_ptr(),
        get: Some(get::<T, F, R>),
        set: None,
        doc: std::ptr::null(),
        closure: null_mut(),
    };
    Attribute {
        definition,
        body: PhantomData,
    }
}

/// An attribute that can be read and written, but not deleted.
pub(crate) fn writable<T, F, R, S>(name: &'static CStr, getter: F, _setter: S) -> Attribute<T>
where
    T: HeapType,
    F: Fn(&Instance<T>) -> R + Copy + 'static,
    R: IntoReturn,
    S: Fn(&Instance<T>, &Object) -> PyResult<()> + Copy + 'static,
{
    let mut attribute = readable(name, getter);
    attribute.definition.set = Some(set::<T, S>);
    attribute
}

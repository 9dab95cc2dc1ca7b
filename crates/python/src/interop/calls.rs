//! Calls into Python.

use std::ptr::null_mut;

use pyo3::ffi;

use super::border::enter;
use super::errors::{PyResult, Raised};
use super::interned::Name;
use super::object::Object;

/// An argument array with the spare place in front that lets bound methods put `self`
/// there instead of copying the array.
#[repr(C)]
struct Padded<const N: usize> {
    spare: *mut ffi::PyObject,
    arguments: [*mut ffi::PyObject; N],
}

impl<const N: usize> Padded<N> {
    #[inline(always)]
    fn new(arguments: [&Object; N]) -> Padded<N> {
        Padded {
            spare: null_mut(),
            arguments: arguments.map(Object::as_ptr),
        }
    }
}

const OFFSET: usize = ffi::PY_VECTORCALL_ARGUMENTS_OFFSET;

#[inline(always)]
unsafe fn vectorcall(
    callable: *mut ffi::PyObject,
    arguments: *const *mut ffi::PyObject,
    count: usize,
    names: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    if cfg!(Py_3_14) {
        // SAFETY: the contract of PyObject_Vectorcall, which our callers keep.
        return unsafe { ffi::PyObject_Vectorcall(callable, arguments, count, names) };
    }
    let function = ffi::PyObject_Vectorcall as *const () as usize;
    // SAFETY: the same function with the same four arguments.
    unsafe {
        enter(
            function,
            callable as usize,
            arguments as usize,
            count,
            names as usize,
        ) as *mut ffi::PyObject
    }
}

#[inline(always)]
unsafe fn owned(pointer: *mut ffi::PyObject) -> PyResult<Object> {
    // SAFETY: the caller passes what a call returned: an owned reference or NULL.
    unsafe { Object::from_owned(pointer) }.ok_or_else(Raised::already)
}

/// `callable(*arguments)`.
///
/// # Reentrancy
/// Runs any Python code.
#[inline]
pub(crate) fn call<const N: usize>(callable: &Object, arguments: [&Object; N]) -> PyResult<Object> {
    let mut padded = Padded::new(arguments);
    // SAFETY: `N` live objects follow the spare place, which the callee may overwrite
    // during the call.
    unsafe {
        let first = (&raw mut padded.arguments).cast::<*mut ffi::PyObject>();
        owned(vectorcall(callable.as_ptr(), first, N | OFFSET, null_mut()))
    }
}

/// Runs `work` one level deeper, as calls between Python functions do.
///
/// # Errors
/// `RecursionError`, and what `work` raises.
pub(crate) fn deeper<R>(
    place: &'static std::ffi::CStr,
    work: impl FnOnce() -> PyResult<R>,
) -> PyResult<R> {
    // SAFETY: the GIL is held; the level is left below, on every way out but a panic, which ends the call above.
    unsafe {
        if ffi::Py_EnterRecursiveCall(place.as_ptr()) != 0 {
            return Err(Raised::already());
        }
        let outcome = work();
        ffi::Py_LeaveRecursiveCall();
        outcome
    }
}

/// `callable(*arguments)` for a tuple.
///
/// # Errors
/// `TypeError` if `arguments` is no tuple; what the callable raises.
pub(crate) fn call_tuple(callable: &Object, arguments: &Object) -> PyResult<Object> {
    // SAFETY: both are live; CallObject checks that it is a tuple.
    unsafe {
        owned(ffi::PyObject_CallObject(
            callable.as_ptr(),
            arguments.as_ptr(),
        ))
    }
}

/// `callable(*arguments, **keywords)`: the last values of `arguments` belong to `names`,
/// a tuple of strings.
pub(crate) fn call_with_names(
    callable: &Object,
    arguments: &[Object],
    names: &Object,
) -> PyResult<Object> {
    // SAFETY: `Object` is a transparent pointer, so the slice is an argument array; `names` is a tuple no longer than `arguments`, which
    // the assertion checks.
    unsafe {
        let keywords = ffi::PyTuple_GET_SIZE(names.as_ptr()) as usize;
        assert!(keywords <= arguments.len(), "more names than values");
        owned(vectorcall(
            callable.as_ptr(),
            arguments.as_ptr().cast(),
            arguments.len() - keywords,
            names.as_ptr(),
        ))
    }
}

/// `callable(*arguments, **keywords)` for the arguments of a vectorcall.
///
/// # Safety
/// `arguments` holds `count` live objects and one more for each of `names`, which is a tuple of strings or NULL.
pub(super) unsafe fn call_with_array(
    callable: &Object,
    arguments: *const *mut ffi::PyObject,
    count: usize,
    names: *mut ffi::PyObject,
) -> PyResult<Object> {
    // SAFETY: promised by the caller.
    unsafe { owned(vectorcall(callable.as_ptr(), arguments, count, names)) }
}

/// `receiver.name(*rest)`, where `arguments` is `[receiver, *rest]`.
#[inline]
pub(crate) fn call_method<const N: usize>(name: Name, arguments: [&Object; N]) -> PyResult<Object> {
    let mut padded = Padded::new(arguments);
    // SAFETY: as in `call`; `N` is at least one, for the receiver.
    unsafe {
        const { assert!(N > 0, "a method call needs its receiver") };
        let first = (&raw mut padded.arguments).cast::<*mut ffi::PyObject>();
        let name = name.object().as_ptr();
        owned(ffi::PyObject_VectorcallMethod(
            name,
            first,
            N | OFFSET,
            null_mut(),
        ))
    }
}

/// `receiver.name(*rest, keyword=value)`, where `arguments` is `[receiver, *rest, value]`
/// and `names` is the one-tuple of the keyword.
pub(crate) fn call_method_with_keyword<const N: usize>(
    name: Name,
    arguments: [&Object; N],
    names: &Object,
) -> PyResult<Object> {
    let mut padded = Padded::new(arguments);
    // SAFETY: as in `call_method`; the last argument belongs to the keyword.
    unsafe {
        const { assert!(N > 1, "a receiver and a value") };
        let first = (&raw mut padded.arguments).cast::<*mut ffi::PyObject>();
        let name = name.object().as_ptr();
        owned(ffi::PyObject_VectorcallMethod(
            name,
            first,
            (N - 1) | OFFSET,
            names.as_ptr(),
        ))
    }
}

/// `receiver.name`.
#[inline]
pub(crate) fn attribute(receiver: &Object, name: &Object) -> PyResult<Object> {
    // SAFETY: both are live.
    unsafe { owned(ffi::PyObject_GetAttr(receiver.as_ptr(), name.as_ptr())) }
}

/// `getattr(receiver, name, None)`, where only a missing attribute gives `None`.
pub(crate) fn optional_attribute(receiver: &Object, name: &Object) -> PyResult<Option<Object>> {
    match attribute(receiver, name) {
        Ok(value) => Ok(Some(value)),
        Err(raised) if raised.is(super::errors::Builtin::AttributeError) => {
            raised.forget();
            Ok(None)
        }
        Err(raised) => Err(raised),
    }
}

/// `receiver.name = value`.
pub(crate) fn set_attribute(receiver: &Object, name: &Object, value: &Object) -> PyResult<()> {
    // SAFETY: all are live.
    match unsafe { ffi::PyObject_SetAttr(receiver.as_ptr(), name.as_ptr(), value.as_ptr()) } {
        0 => Ok(()),
        _ => Err(Raised::already()),
    }
}

/// The attribute as the type (not the instance) has it: `getattr(kind, name)` without
/// binding, found along the method resolution order; `None` if there is none.
pub(crate) fn type_lookup(kind: &Object, name: Name) -> Option<Object> {
    // SAFETY: `kind` is a type object (checked); the result is borrowed from a type's
    // dict and counted at once.
    unsafe {
        if ffi::PyType_Check(kind.as_ptr()) == 0 {
            return None;
        }
        Object::from_borrowed(_PyType_Lookup(kind.as_ptr().cast(), name.object().as_ptr()))
    }
}

unsafe extern "C" {
    /// Exported by every CPython from 3.11 to 3.15 (Objects/typeobject.c).
    fn _PyType_Lookup(kind: *mut ffi::PyTypeObject, name: *mut ffi::PyObject)
    -> *mut ffi::PyObject;
}

/// The address of the C function behind a builtin function or method object.
#[inline]
pub(crate) fn builtin_address(function: &Object) -> Option<usize> {
    // SAFETY: the exact type is checked before the structure is read.
    unsafe {
        (ffi::PyCFunction_CheckExact(function.as_ptr()) != 0)
            .then(|| ffi::PyCFunction_GetFunction(function.as_ptr()))
            .flatten()
            .map(|address| address as usize)
    }
}

/// The `self` of a builtin method object.
pub(crate) fn builtin_self(function: &Object) -> Option<Object> {
    // SAFETY: the exact type is checked before the structure is read.
    unsafe {
        if ffi::PyCFunction_CheckExact(function.as_ptr()) == 0 {
            return None;
        }
        Object::from_borrowed(ffi::PyCFunction_GetSelf(function.as_ptr()))
    }
}

/// `object.__dict__`, as the interpreter itself finds it.
///
/// # Errors
/// `AttributeError` if it has none.
#[inline(always)]
pub(crate) fn instance_dict(object: &Object) -> PyResult<Object> {
    // SAFETY: the object is live; gives an owned reference or NULL.
    unsafe { owned(ffi::PyObject_GenericGetDict(object.as_ptr(), null_mut())) }
}

/// What a `weakref.ref` refers to; `None` if that is gone, or for any other object.
#[inline(always)]
pub(crate) fn weakly_referenced(reference: &Object) -> Option<Object> {
    // SAFETY: the type is checked. The referent, borrowed from the reference, is counted before anything else can run.
    unsafe {
        if ffi::PyWeakref_CheckRef(reference.as_ptr()) == 0 {
            return None;
        }
        #[cfg(Py_3_13)]
        {
            let mut referent = null_mut();
            ffi::PyWeakref_GetRef(reference.as_ptr(), &raw mut referent);
            Object::from_owned(referent)
        }
        #[cfg(not(Py_3_13))]
        {
            Object::from_borrowed(ffi::PyWeakref_GetObject(reference.as_ptr()))
                .filter(|referent| !referent.is_none())
        }
    }
}

/// `isinstance(object, class)`
///
/// # Errors
/// What `__instancecheck__` raises.
///
/// # Reentrancy
/// May run Python code.
pub(crate) fn is_instance(object: &Object, class: &Object) -> PyResult<bool> {
    // SAFETY: both are live.
    match unsafe { ffi::PyObject_IsInstance(object.as_ptr(), class.as_ptr()) } {
        -1 => Err(Raised::already()),
        answer => Ok(answer != 0),
    }
}

/// `callable(object)`
pub(crate) fn is_callable(object: &Object) -> bool {
    // SAFETY: the object is live.
    unsafe { ffi::PyCallable_Check(object.as_ptr()) != 0 }
}

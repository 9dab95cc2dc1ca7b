//! The code object of a native coroutine, without a lookup and an audit event for each.

use std::ffi::{CStr, c_void};
use std::sync::OnceLock;

use pyo3::ffi;

use super::coroutines::is_native;
use super::errors::Raised;
use super::object::Object;

/// `coroutine.cr_code` of a native coroutine; `None` for anything else.
#[inline]
pub(crate) fn code_of_native(coroutine: &Object) -> Option<Object> {
    if !is_native(coroutine) {
        return None;
    }
    directly(coroutine).or_else(|| by_getter(coroutine))
}

#[cfg(Py_3_12)]
unsafe extern "C" {
    /// The code object of a generator; a new reference (Include/cpython/genobject.h).
    fn PyGen_GetCode(generator: *mut ffi::PyObject) -> *mut ffi::PyObject;
}

#[cfg(Py_3_12)]
#[inline]
fn directly(coroutine: &Object) -> Option<Object> {
    if cfg!(py_sys_config = "Py_DEBUG") {
        // There it insists on a generator.
        return None;
    }
    // SAFETY: a native coroutine; those and generators begin with the same fields (`_PyGenObject_HEAD`), of which the function
    // reads the code. An owned reference.
    unsafe { Object::from_owned(PyGen_GetCode(coroutine.as_ptr())) }
}

/// 3.11 has no getter: the attribute is a field of the object, whose place the type tells. Asked for by name it costs a lookup and
/// an audit event.
#[cfg(not(Py_3_12))]
#[inline]
fn directly(coroutine: &Object) -> Option<Object> {
    static OFFSET: OnceLock<Option<usize>> = OnceLock::new();
    let offset = (*OFFSET.get_or_init(find_field))?;
    // SAFETY: the coroutine is of exactly the type that has an object (or NULL) at that offset, whose name is `cr_code`. It is
    // counted at once.
    unsafe {
        let field = coroutine.as_ptr().byte_add(offset);
        Object::from_borrowed(*field.cast::<*mut ffi::PyObject>())
    }
}

/// Where a coroutine has its code, in bytes.
#[cfg(not(Py_3_12))]
fn find_field() -> Option<usize> {
    /// A field with an object or NULL (`T_OBJECT` of Include/structmember.h).
    const OBJECT: std::ffi::c_int = 6;
    // SAFETY: the type is CPython's, static and ready; its table of members ends in an entry without a name.
    unsafe {
        let mut entry = (*std::ptr::addr_of!(ffi::PyCoro_Type)).tp_members;
        while !entry.is_null() && !(*entry).name.is_null() {
            let member = &*entry;
            if CStr::from_ptr(member.name) == c"cr_code" {
                return (member.type_code == OBJECT)
                    .then_some(member.offset)
                    .map(isize::cast_unsigned);
            }
            entry = entry.add(1);
        }
    }
    None
}

/// By the function behind the attribute.
fn by_getter(coroutine: &Object) -> Option<Object> {
    static GETTER: OnceLock<Option<(ffi::getter, usize)>> = OnceLock::new();
    let (getter, closure) = (*GETTER.get_or_init(find_getter))?;
    // SAFETY: the coroutine is of exactly the type whose getter this is; an owned reference, or NULL with an exception.
    let code = unsafe { Object::from_owned(getter(coroutine.as_ptr(), closure as *mut c_void)) };
    if code.is_none() {
        Raised::already().forget();
    }
    code
}

/// The function that reads `cr_code`, and the closure that it wants.
fn find_getter() -> Option<(ffi::getter, usize)> {
    // SAFETY: the type is CPython's, static and ready; its table of getters ends in an entry without a name.
    unsafe {
        let mut entry = (*std::ptr::addr_of!(ffi::PyCoro_Type)).tp_getset;
        while !entry.is_null() && !(*entry).name.is_null() {
            if CStr::from_ptr((*entry).name) == c"cr_code" {
                return (*entry)
                    .get
                    .map(|getter| (getter, (*entry).closure as usize));
            }
            entry = entry.add(1);
        }
    }
    None
}

//! Functions of a module out of plain Rust functions; see [`super::methods`].

use std::ffi::CStr;
use std::ptr::null_mut;

use pyo3::ffi;

use super::arguments::Arguments;
use super::errors::{PyResult, Raised};
use super::instance::conjure;
use super::interned::intern;
use super::methods::{IntoReturn, guarded_object};
use super::object::Object;

/// A function with any arguments, which says of itself that it belongs to that module.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn function<F, R>(
    module: &str,
    name: &'static CStr,
    doc: &'static CStr,
    _function: F,
) -> PyResult<Object>
where
    F: Fn(Arguments<'_>) -> R + Copy + 'static,
    R: IntoReturn,
{
    unsafe extern "C" fn call<F, R>(
        _this: *mut ffi::PyObject,
        values: *const *mut ffi::PyObject,
        positional: ffi::Py_ssize_t,
        names: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject
    where
        F: Fn(Arguments<'_>) -> R + Copy + 'static,
        R: IntoReturn,
    {
        // SAFETY: CPython calls with its own argument array, which outlives the call.
        let arguments = unsafe { Arguments::new(values, positional as usize, names) };
        guarded_object(|| conjure::<F>()(arguments).into_return())
    }
    let definition = Box::leak(Box::new(ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer {
            PyCFunctionFastWithKeywords: call::<F, R>,
        },
        ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
        ml_doc: doc.as_ptr(),
    }));
    let module = intern(module)?;
    // SAFETY: the definition is leaked, as the function keeps a pointer to it; the name is live.
    unsafe {
        let made = ffi::PyCFunction_NewEx(definition, null_mut(), module.as_ptr());
        Object::from_owned(made).ok_or_else(Raised::already)
    }
}

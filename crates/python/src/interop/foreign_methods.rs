//! Methods of ours on classes that Python code has made.

use std::ffi::CStr;
use std::os::raw::c_int;

use pyo3::ffi;

use super::arguments::Arguments;
use super::calls;
use super::errors::{PyResult, Raised};
use super::instance::conjure;
use super::interned::intern;
use super::methods::{IntoReturn, guarded_object};
use super::object::{Borrowed, Object};

/// One method, for any object of the class that it is added to.
pub(crate) struct ForeignMethod {
    name: &'static CStr,
    definition: ffi::PyMethodDef,
}

/// A method with any arguments.
pub(crate) fn foreign_method<F, R>(
    name: &'static CStr,
    doc: &'static CStr,
    _function: F,
) -> ForeignMethod
where
    F: Fn(&Object, Arguments<'_>) -> R + Copy + 'static,
    R: IntoReturn,
{
    unsafe extern "C" fn call<F, R>(
        this: *mut ffi::PyObject,
        values: *const *mut ffi::PyObject,
        positional: ffi::Py_ssize_t,
        names: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject
    where
        F: Fn(&Object, Arguments<'_>) -> R + Copy + 'static,
        R: IntoReturn,
    {
        // SAFETY: CPython calls with a live receiver, whose class the method descriptor has checked, and with its own
        // argument array; both outlive the call.
        let (this, arguments) = unsafe {
            (
                Borrowed::new(this),
                Arguments::new(values, positional as usize, names),
            )
        };
        guarded_object(|| conjure::<F>()(&this, arguments).into_return())
    }
    let flags: c_int = ffi::METH_FASTCALL | ffi::METH_KEYWORDS;
    ForeignMethod {
        name,
        definition: ffi::PyMethodDef {
            ml_name: name.as_ptr(),
            ml_meth: ffi::PyMethodDefPointer {
                PyCFunctionFastWithKeywords: call::<F, R>,
            },
            ml_flags: flags,
            ml_doc: doc.as_ptr(),
        },
    }
}

/// Gives a class these methods; its own of the same name are replaced.
///
/// # Errors
/// `TypeError` if it is no class, or one that cannot be changed.
pub(crate) fn add_methods(class: &Object, methods: Vec<ForeignMethod>) -> PyResult<()> {
    for method in methods {
        let name = intern(&method.name.to_string_lossy())?;
        let definition = Box::leak(Box::new(method.definition));
        // SAFETY: `class` is checked to be a type; the definition is leaked, as the descriptor keeps a pointer to it.
        let descriptor = unsafe {
            if ffi::PyType_Check(class.as_ptr()) == 0 {
                return Err(super::errors::Builtin::TypeError.raise("a class is required"));
            }
            Object::from_owned(ffi::PyDescr_NewMethod(class.as_ptr().cast(), definition))
        }
        .ok_or_else(Raised::already)?;
        calls::set_attribute(class, &name, &descriptor)?;
    }
    Ok(())
}

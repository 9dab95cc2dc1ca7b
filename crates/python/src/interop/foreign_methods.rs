//! Methods and attributes of ours on classes that Python code has made.

use std::ffi::CStr;
use std::os::raw::{c_int, c_void};
use std::ptr::null_mut;

use pyo3::ffi;

use super::arguments::Arguments;
use super::calls;
use super::errors::{Builtin, PyResult, Raised};
use super::instance::conjure;
use super::interned::intern;
use super::methods::{IntoReturn, guarded, guarded_object};
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

/// A method without arguments.
pub(crate) fn foreign_method_without_arguments<F, R>(
    name: &'static CStr,
    doc: &'static CStr,
    _function: F,
) -> ForeignMethod
where
    F: Fn(&Object) -> R + Copy + 'static,
    R: IntoReturn,
{
    unsafe extern "C" fn call<F, R>(
        this: *mut ffi::PyObject,
        _unused: *mut ffi::PyObject,
    ) -> *mut ffi::PyObject
    where
        F: Fn(&Object) -> R + Copy + 'static,
        R: IntoReturn,
    {
        // SAFETY: CPython calls with a live receiver, whose class the method descriptor has checked.
        let this = unsafe { Borrowed::new(this) };
        guarded_object(|| conjure::<F>()(&this).into_return())
    }
    ForeignMethod {
        name,
        definition: ffi::PyMethodDef {
            ml_name: name.as_ptr(),
            ml_meth: ffi::PyMethodDefPointer {
                PyCFunction: call::<F, R>,
            },
            ml_flags: ffi::METH_NOARGS,
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
                return Err(Builtin::TypeError.raise("a class is required"));
            }
            Object::from_owned(ffi::PyDescr_NewMethod(class.as_ptr().cast(), definition))
        }
        .ok_or_else(Raised::already)?;
        calls::set_attribute(class, &name, &descriptor)?;
    }
    Ok(())
}

/// One attribute that is computed, for any object of the class that it is added to.
pub(crate) struct ForeignAttribute {
    name: &'static CStr,
    definition: ffi::PyGetSetDef,
}

/// An attribute that can be read and written; to delete it is to set None.
pub(crate) fn foreign_attribute<G, S>(
    name: &'static CStr,
    _getter: G,
    _setter: S,
) -> ForeignAttribute
where
    G: Fn(&Object) -> PyResult<Object> + Copy + 'static,
    S: Fn(&Object, &Object) -> PyResult<()> + Copy + 'static,
{
    unsafe extern "C" fn get<G>(
        this: *mut ffi::PyObject,
        _closure: *mut c_void,
    ) -> *mut ffi::PyObject
    where
        G: Fn(&Object) -> PyResult<Object> + Copy + 'static,
    {
        // SAFETY: CPython calls with a live object, whose class the descriptor has checked.
        let this = unsafe { Borrowed::new(this) };
        guarded_object(|| conjure::<G>()(&this))
    }
    unsafe extern "C" fn set<S>(
        this: *mut ffi::PyObject,
        value: *mut ffi::PyObject,
        _closure: *mut c_void,
    ) -> c_int
    where
        S: Fn(&Object, &Object) -> PyResult<()> + Copy + 'static,
    {
        // SAFETY: as above.
        let this = unsafe { Borrowed::new(this) };
        guarded(-1, || {
            if value.is_null() {
                return conjure::<S>()(&this, &Object::none()).map(|()| 0);
            }
            // SAFETY: not NULL, and it outlives the call.
            let value = unsafe { Borrowed::new(value) };
            conjure::<S>()(&this, &value).map(|()| 0)
        })
    }
    ForeignAttribute {
        name,
        definition: ffi::PyGetSetDef {
            name: name.as_ptr(),
            get: Some(get::<G>),
            set: Some(set::<S>),
            doc: std::ptr::null(),
            closure: null_mut(),
        },
    }
}

/// Gives a class these attributes.
///
/// # Errors
/// `TypeError` if it is no class, or one that cannot be changed.
pub(crate) fn add_attributes(class: &Object, attributes: Vec<ForeignAttribute>) -> PyResult<()> {
    for attribute in attributes {
        let name = intern(&attribute.name.to_string_lossy())?;
        let definition = Box::leak(Box::new(attribute.definition));
        // SAFETY: `class` is checked to be a type; the definition is leaked, as the descriptor keeps a pointer to it.
        let descriptor = unsafe {
            if ffi::PyType_Check(class.as_ptr()) == 0 {
                return Err(Builtin::TypeError.raise("a class is required"));
            }
            Object::from_owned(ffi::PyDescr_NewGetSet(class.as_ptr().cast(), definition))
        }
        .ok_or_else(Raised::already)?;
        calls::set_attribute(class, &name, &descriptor)?;
    }
    Ok(())
}

/// Sets an attribute as `object.__setattr__` does.
///
/// # Errors
/// What a descriptor raises; `AttributeError`.
pub(crate) fn set_attribute_plainly(
    object: &Object,
    name: &Object,
    value: &Object,
) -> PyResult<()> {
    // SAFETY: all are live.
    match unsafe { ffi::PyObject_GenericSetAttr(object.as_ptr(), name.as_ptr(), value.as_ptr()) } {
        0 => Ok(()),
        _ => Err(Raised::already()),
    }
}

//! A weak reference to a Python object (PEP 205).

use pyo3::ffi;

use super::errors::{PyResult, Raised};
use super::object::Object;

/// Remembers an object without keeping it alive.
pub(crate) struct Weak(Object);

impl Weak {
    /// `weakref.ref(object)`
    ///
    /// # Errors
    /// `TypeError` if its type allows no weak references, `MemoryError`.
    pub(crate) fn new(object: &Object) -> PyResult<Weak> {
        // SAFETY: the object is live; gives an owned reference or NULL. Without a callback no Python code runs, neither
        // now nor when the reference dies.
        unsafe { Object::from_owned(ffi::PyWeakref_NewRef(object.as_ptr(), std::ptr::null_mut())) }
            .map(Weak)
            .ok_or_else(Raised::already)
    }

    /// Whether it is that very object that is remembered, and not one that has died and whose address `object` has got.
    #[inline]
    pub(crate) fn refers_to(&self, object: &Object) -> bool {
        let mut referent = std::ptr::null_mut();
        // SAFETY: a reference made by `new`; the referent is an owned reference or NULL.
        let referent = unsafe {
            ffi::compat::PyWeakref_GetRef(self.0.as_ptr(), &raw mut referent);
            Object::from_owned(referent)
        };
        referent.is_some_and(|referent| referent.is(object))
    }
}

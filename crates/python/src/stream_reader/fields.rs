//! The attributes that objects of asyncio's stream classes have in their `__dict__`: a third of the time of a look-up along
//! the class, which has none of these names, and no Python code runs.

use crate::interop::calls;
use crate::interop::coroutines::is_true;
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::interned::Name;
use crate::interop::object::Object;
use crate::interop::values;

/// An object's `__dict__`.
pub(super) struct Fields(Object);

impl Fields {
    /// The attributes of an object of a recognised class.
    ///
    /// # Errors
    /// `MemoryError`.
    #[inline(always)]
    pub(super) fn of(object: &Object) -> PyResult<Fields> {
        calls::instance_dict(object).map(Fields)
    }

    /// The attribute's value.
    ///
    /// # Errors
    /// `AttributeError` if somebody has deleted it.
    pub(super) fn get(&self, name: Name) -> PyResult<Object> {
        match self.find(name)? {
            Some(value) => Ok(value),
            None => Err(Builtin::AttributeError.raise(name.text())),
        }
    }

    /// The attribute's value, if there is one.
    #[inline(always)]
    pub(super) fn find(&self, name: Name) -> PyResult<Option<Object>> {
        self.find_object(name.object())
    }

    /// As [`Fields::find`], for any name.
    #[inline(always)]
    pub(super) fn find_object(&self, name: &Object) -> PyResult<Option<Object>> {
        values::dict_get(&self.0, name)
    }

    pub(super) fn set(&self, name: Name, value: &Object) -> PyResult<()> {
        values::dict_set(&self.0, name.object(), value)
    }

    /// Removes the attribute, if there is one.
    pub(super) fn remove(&self, name: Name) -> PyResult<()> {
        match self.find(name)? {
            Some(_) => values::dict_delete(&self.0, name.object()),
            None => Ok(()),
        }
    }

    /// `bool(attribute)`
    pub(super) fn is_set(&self, name: Name) -> PyResult<bool> {
        is_true(&self.get(name)?)
    }
}

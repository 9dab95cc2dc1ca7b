//! `weakref.WeakSet` and `weakref.WeakValueDictionary`, which are Python code around a `set` and a `dict`.
//!
//! What their methods do to these is done here to the same objects, with the same callbacks, as long as the classes are as
//! they were when the module was made; else their methods are called.

use pyo3::ffi;

use super::calls;
use super::errors::{PyResult, Raised};
use super::imports::dotted;
use super::interned::{Name, intern};
use super::object::{Object, Slot};
use super::recognised::Unchanged;
use super::values;

static WEAK_SET: Unchanged = Unchanged::nothing();
static WEAK_VALUES: Unchanged = Unchanged::nothing();
static KEYED: Keyed = Keyed {
    class: Slot::empty(),
    new: Slot::empty(),
};

/// `weakref.KeyedRef`
struct Keyed {
    class: Slot,
    /// `weakref.ref.__new__`
    new: Slot,
}

// SAFETY: touched only with the GIL held (see `interop`).
unsafe impl Sync for Keyed {}

/// Remembers the classes.
///
/// # Errors
/// What the look-ups raise.
pub(crate) fn learn() -> PyResult<()> {
    WEAK_SET.learn(
        &dotted("weakref", &["WeakSet"])?,
        &["add", "discard", "__len__"],
    )?;
    let values = dotted("weakref", &["WeakValueDictionary"])?;
    WEAK_VALUES.learn(&values, &["__setitem__", "__delitem__", "get"])?;
    KEYED.class.set(dotted("weakref", &["KeyedRef"])?);
    KEYED.new.set(dotted("weakref", &["ref", "__new__"])?);
    Ok(())
}

fn data_of(collection: &Object) -> PyResult<Object> {
    calls::attribute(collection, Name::Data.object())
}

/// `set.add(item)`
///
/// # Errors
/// `TypeError` if the item allows no weak references; `MemoryError`.
pub(crate) fn weak_set_add(set: &Object, item: &Object) -> PyResult<()> {
    if !WEAK_SET.is_type_of(set) {
        return calls::call(&calls::attribute(set, &intern("add")?)?, [item]).map(drop);
    }
    let remove = calls::attribute(set, Name::RemoveUnderscore.object())?;
    values::set_add(&data_of(set)?, &reference(item, Some(&remove))?)
}

/// `set.discard(item)`
///
/// # Errors
/// As [`weak_set_add`].
pub(crate) fn weak_set_discard(set: &Object, item: &Object) -> PyResult<()> {
    if !WEAK_SET.is_type_of(set) {
        return calls::call(&calls::attribute(set, &intern("discard")?)?, [item]).map(drop);
    }
    values::set_discard(&data_of(set)?, &reference(item, None)?)
}

/// `values[key] = item`
///
/// # Errors
/// As [`weak_set_add`].
pub(crate) fn weak_values_set(values: &Object, key: &Object, item: &Object) -> PyResult<()> {
    let (Some(class), Some(new)) = (KEYED.class.get(), KEYED.new.get()) else {
        return values::set_item(values, key, item);
    };
    if !WEAK_VALUES.is_type_of(values) {
        return values::set_item(values, key, item);
    }
    let remove = calls::attribute(values, Name::RemoveUnderscore.object())?;
    let reference = calls::call(&new, [&class, item, &remove])?;
    calls::set_attribute(&reference, Name::Key.object(), key)?;
    values::dict_set(&data_of(values)?, key, &reference)
}

/// Takes the entry out if it is this item's, before the item dies: the reference's callback is then not called.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn weak_values_forget(values: &Object, key: &Object, item: &Object) -> PyResult<()> {
    if !WEAK_VALUES.is_type_of(values) {
        return Ok(());
    }
    let data = data_of(values)?;
    let known = values::dict_get(&data, key)?;
    let is_ours = known
        .and_then(|reference| calls::weakly_referenced(&reference))
        .is_some_and(|referent| referent.is(item));
    if is_ours {
        values::dict_delete(&data, key)?;
    }
    Ok(())
}

fn reference(item: &Object, callback: Option<&Object>) -> PyResult<Object> {
    let callback = callback.map_or(std::ptr::null_mut(), Object::as_ptr);
    // SAFETY: both are live, or the callback is NULL; gives an owned reference or NULL.
    unsafe { Object::from_owned(ffi::PyWeakref_NewRef(item.as_ptr(), callback)) }
        .ok_or_else(Raised::already)
}

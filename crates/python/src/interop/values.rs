//! Python's plain values: numbers, strings, tuples, lists, dicts.

use pyo3::ffi;

use super::errors::{PyResult, Raised};
use super::interned::Name;
use super::object::Object;

unsafe fn owned(pointer: *mut ffi::PyObject) -> PyResult<Object> {
    // SAFETY: the caller passes an owned reference or NULL with an exception set.
    unsafe { Object::from_owned(pointer) }.ok_or_else(Raised::already)
}

/// A `float`.
pub(crate) fn float(value: f64) -> PyResult<Object> {
    // SAFETY: gives an owned reference or NULL.
    unsafe { owned(ffi::PyFloat_FromDouble(value)) }
}

/// The value of a number as `f64`.
///
/// # Errors
/// `TypeError` if it is no real number, `OverflowError` if it is too large.
#[inline]
pub(crate) fn to_float(object: &Object) -> PyResult<f64> {
    // SAFETY: the object is live; -1.0 may be a value or the sign of an error.
    unsafe {
        let value = ffi::PyFloat_AsDouble(object.as_ptr());
        if value == -1.0 && !ffi::PyErr_Occurred().is_null() {
            return Err(Raised::already());
        }
        Ok(value)
    }
}

/// Whether this is a `float` or an `int`, or of a subclass of one of them.
#[inline]
pub(crate) fn is_real(object: &Object) -> bool {
    // SAFETY: the object is live; only the flags of its type, or its bases, are read.
    is_integer(object) || unsafe { ffi::PyFloat_Check(object.as_ptr()) != 0 }
}

/// `left + right`.
///
/// # Errors
/// What the addition raises.
///
/// # Reentrancy
/// May run any Python code.
pub(crate) fn sum(left: &Object, right: &Object) -> PyResult<Object> {
    // SAFETY: both are live; gives an owned reference or NULL.
    unsafe { owned(ffi::PyNumber_Add(left.as_ptr(), right.as_ptr())) }
}

/// An `int`.
pub(crate) fn integer(value: u64) -> PyResult<Object> {
    // SAFETY: gives an owned reference or NULL.
    unsafe { owned(ffi::PyLong_FromUnsignedLongLong(value)) }
}

/// An `int`, also a negative one.
pub(crate) fn signed_integer(value: i64) -> PyResult<Object> {
    // SAFETY: gives an owned reference or NULL.
    unsafe { owned(ffi::PyLong_FromLongLong(value)) }
}

/// Whether this is an `int` or of a subclass of it.
#[inline]
pub(crate) fn is_integer(object: &Object) -> bool {
    // SAFETY: the object is live; only the flags of its type are read.
    unsafe { ffi::PyLong_Check(object.as_ptr()) != 0 }
}

/// The value of an `int`; what does not fit 64 bits becomes the nearest number that does.
///
/// # Errors
/// `TypeError` if it is no integer.
pub(crate) fn to_saturated_integer(object: &Object) -> PyResult<i64> {
    let mut overflow = 0;
    // SAFETY: the object is live; -1 may be a value or, without overflow, the sign of an error.
    unsafe {
        let value = ffi::PyLong_AsLongLongAndOverflow(object.as_ptr(), &mut overflow);
        match overflow {
            0 if value == -1 && !ffi::PyErr_Occurred().is_null() => Err(Raised::already()),
            0 => Ok(value),
            overflow if overflow > 0 => Ok(i64::MAX),
            _ => Ok(i64::MIN),
        }
    }
}

/// The value of an `int` that fits 64 bits.
pub(crate) fn to_integer(object: &Object) -> PyResult<i64> {
    // SAFETY: the object is live; -1 may be a value or the sign of an error.
    unsafe {
        let value = ffi::PyLong_AsLongLong(object.as_ptr());
        if value == -1 && !ffi::PyErr_Occurred().is_null() {
            return Err(Raised::already());
        }
        Ok(value)
    }
}

/// A `str`.
pub(crate) fn string(text: &str) -> PyResult<Object> {
    // SAFETY: a valid UTF-8 buffer with its length.
    unsafe {
        let length = text.len() as ffi::Py_ssize_t;
        owned(ffi::PyUnicode_FromStringAndSize(
            text.as_ptr().cast(),
            length,
        ))
    }
}

/// Whether the object is exactly a `tuple`.
#[inline(always)]
pub(crate) fn is_exact_tuple(object: &Object) -> bool {
    // SAFETY: the object is live.
    unsafe { ffi::PyTuple_CheckExact(object.as_ptr()) != 0 }
}

/// Whether the object is exactly a `str`.
pub(crate) fn is_exact_string(object: &Object) -> bool {
    // SAFETY: the object is live.
    unsafe { ffi::PyUnicode_CheckExact(object.as_ptr()) != 0 }
}

/// `str(object)`.
pub(crate) fn str_of(object: &Object) -> PyResult<Object> {
    // SAFETY: the object is live.
    unsafe { owned(ffi::PyObject_Str(object.as_ptr())) }
}

/// `repr(object)` as Rust text; never fails: an object whose repr raises is named so.
pub(crate) fn repr(object: &Object) -> String {
    // SAFETY: the object is live.
    let repr = unsafe { owned(ffi::PyObject_Repr(object.as_ptr())) };
    match repr {
        Ok(repr) => text(&repr).unwrap_or_default(),
        Err(raised) => {
            raised.forget();
            "<object whose repr() raises>".to_owned()
        }
    }
}

/// The text of a `str`; `None` for anything else.
pub(crate) fn text(object: &Object) -> Option<String> {
    // SAFETY: the object is live; the buffer belongs to it and is copied at once.
    unsafe {
        if ffi::PyUnicode_Check(object.as_ptr()) == 0 {
            return None;
        }
        let mut length = 0;
        let buffer = ffi::PyUnicode_AsUTF8AndSize(object.as_ptr(), &mut length);
        if buffer.is_null() {
            Raised::already().forget();
            return None;
        }
        let bytes = std::slice::from_raw_parts(buffer.cast::<u8>(), length as usize);
        Some(String::from_utf8_lossy(bytes).into_owned())
    }
}

/// Whether two `str` have the same text.
pub(crate) fn same_text(left: &Object, right: &Object) -> bool {
    // SAFETY: both are live; non-strings compare by the general rule. Names of keywords
    // are strings, so no foreign code runs.
    match unsafe { ffi::PyObject_RichCompareBool(left.as_ptr(), right.as_ptr(), ffi::Py_EQ) } {
        -1 => {
            Raised::already().forget();
            false
        }
        equal => equal != 0,
    }
}

/// `left == right` by Python's rule.
///
/// # Reentrancy
/// May run any Python code.
pub(crate) fn equal(left: &Object, right: &Object) -> PyResult<bool> {
    // SAFETY: both are live.
    match unsafe { ffi::PyObject_RichCompareBool(left.as_ptr(), right.as_ptr(), ffi::Py_EQ) } {
        -1 => Err(Raised::already()),
        equal => Ok(equal != 0),
    }
}

/// `hash(object)`.
pub(crate) fn hash(object: &Object) -> PyResult<isize> {
    // SAFETY: the object is live.
    match unsafe { ffi::PyObject_Hash(object.as_ptr()) } {
        -1 => Err(Raised::already()),
        hash => Ok(hash),
    }
}

/// A `tuple` of these objects.
pub(crate) fn tuple(items: Vec<Object>) -> PyResult<Object> {
    // SAFETY: SET_ITEM fills a new tuple and steals each reference.
    unsafe {
        let tuple = owned(ffi::PyTuple_New(items.len() as ffi::Py_ssize_t))?;
        for (index, item) in items.into_iter().enumerate() {
            ffi::PyTuple_SET_ITEM(tuple.as_ptr(), index as ffi::Py_ssize_t, item.into_ptr());
        }
        Ok(tuple)
    }
}

/// A `list` of these objects.
pub(crate) fn list(items: Vec<Object>) -> PyResult<Object> {
    // SAFETY: SET_ITEM fills a new list and steals each reference.
    unsafe {
        let list = owned(ffi::PyList_New(items.len() as ffi::Py_ssize_t))?;
        for (index, item) in items.into_iter().enumerate() {
            ffi::PyList_SET_ITEM(list.as_ptr(), index as ffi::Py_ssize_t, item.into_ptr());
        }
        Ok(list)
    }
}

/// A `dict` with these entries.
pub(crate) fn dict(entries: &[(Name, &Object)]) -> PyResult<Object> {
    // SAFETY: a new dict; SetItem takes its own references.
    unsafe {
        let dict = owned(ffi::PyDict_New())?;
        for (name, value) in entries {
            dict_set(&dict, name.object(), value)?;
        }
        Ok(dict)
    }
}

/// `dict[key] = value`.
#[inline]
pub(crate) fn dict_set(dict: &Object, key: &Object, value: &Object) -> PyResult<()> {
    // SAFETY: all are live; the call checks that `dict` is a dict.
    match unsafe { ffi::PyDict_SetItem(dict.as_ptr(), key.as_ptr(), value.as_ptr()) } {
        0 => Ok(()),
        _ => Err(Raised::already()),
    }
}

/// `mapping[key] = value`.
///
/// # Errors
/// What `__setitem__` raises.
pub(crate) fn set_item(mapping: &Object, key: &Object, value: &Object) -> PyResult<()> {
    // SAFETY: all are live.
    match unsafe { ffi::PyObject_SetItem(mapping.as_ptr(), key.as_ptr(), value.as_ptr()) } {
        0 => Ok(()),
        _ => Err(Raised::already()),
    }
}

/// `del dict[key]`.
pub(crate) fn dict_delete(dict: &Object, key: &Object) -> PyResult<()> {
    // SAFETY: both are live; the call checks that `dict` is a dict.
    match unsafe { ffi::PyDict_DelItem(dict.as_ptr(), key.as_ptr()) } {
        0 => Ok(()),
        _ => Err(Raised::already()),
    }
}

/// `dict.get(key)`.
pub(crate) fn dict_get(dict: &Object, key: &Object) -> PyResult<Option<Object>> {
    // SAFETY: both are live; the borrowed result is counted at once.
    unsafe {
        match Object::from_borrowed(ffi::PyDict_GetItemWithError(dict.as_ptr(), key.as_ptr())) {
            Some(value) => Ok(Some(value)),
            None if ffi::PyErr_Occurred().is_null() => Ok(None),
            None => Err(Raised::already()),
        }
    }
}

/// `set()`.
pub(crate) fn set() -> PyResult<Object> {
    // SAFETY: gives an owned reference or NULL.
    unsafe { owned(ffi::PySet_New(std::ptr::null_mut())) }
}

/// Whether the object is exactly a `set`.
pub(crate) fn is_set(object: &Object) -> bool {
    // SAFETY: the object is live.
    unsafe { ffi::PySet_CheckExact(object.as_ptr()) != 0 }
}

/// `set.add(item)`.
pub(crate) fn set_add(set: &Object, item: &Object) -> PyResult<()> {
    // SAFETY: both are live; the call checks that `set` is a set.
    match unsafe { ffi::PySet_Add(set.as_ptr(), item.as_ptr()) } {
        0 => Ok(()),
        _ => Err(Raised::already()),
    }
}

/// `set.discard(item)`.
pub(crate) fn set_discard(set: &Object, item: &Object) -> PyResult<()> {
    // SAFETY: both are live; the call checks that `set` is a set.
    match unsafe { ffi::PySet_Discard(set.as_ptr(), item.as_ptr()) } {
        -1 => Err(Raised::already()),
        _ => Ok(()),
    }
}

/// `frozenset(iterable)`.
pub(crate) fn frozenset(iterable: &Object) -> PyResult<Object> {
    // SAFETY: the object is live.
    unsafe { owned(ffi::PyFrozenSet_New(iterable.as_ptr())) }
}

/// `len(set)`.
pub(crate) fn set_len(set: &Object) -> usize {
    // SAFETY: the object is live; a non-set gives -1 with an exception, which we drop.
    let length = unsafe { ffi::PySet_Size(set.as_ptr()) };
    usize::try_from(length).unwrap_or_else(|_| {
        Raised::already().forget();
        0
    })
}

/// `tuple(iterable)`; a tuple itself is given back as it is.
///
/// # Errors
/// `TypeError` if it is no iterable; what the iteration raises.
pub(crate) fn to_tuple(iterable: &Object) -> PyResult<Object> {
    // SAFETY: the object is live.
    unsafe { owned(ffi::PySequence_Tuple(iterable.as_ptr())) }
}

/// Whether the object is exactly a `float`.
#[inline(always)]
pub(crate) fn is_exact_float(object: &Object) -> bool {
    // SAFETY: the object is live.
    unsafe { ffi::PyFloat_CheckExact(object.as_ptr()) != 0 }
}

/// The items of any iterable.
///
/// # Errors
/// `TypeError` if it is none; what the iteration raises.
pub(crate) fn items(iterable: &Object) -> PyResult<Vec<Object>> {
    // SAFETY: PySequence_Tuple gives a new tuple, whose items are borrowed and counted.
    unsafe {
        let tuple = owned(ffi::PySequence_Tuple(iterable.as_ptr()))?;
        let count = ffi::PyTuple_GET_SIZE(tuple.as_ptr());
        Ok((0..count)
            .filter_map(|i| Object::from_borrowed(ffi::PyTuple_GET_ITEM(tuple.as_ptr(), i)))
            .collect())
    }
}

//! Bytes of Python objects: `bytes`, `bytearray`, and whatever has the buffer protocol.

use std::mem::{MaybeUninit, offset_of};
use std::os::raw::c_int;

use pyo3::ffi;

use super::errors::{Builtin, PyResult, Raised, take_raised};
use super::object::Object;

/// A `bytes` object, exactly: its content never changes, so it can be read as long as it is kept.
pub(crate) struct Bytes(Object);

impl Bytes {
    /// The object, if it is exactly a `bytes`.
    #[inline(always)]
    pub(crate) fn of(object: &Object) -> Option<Bytes> {
        // SAFETY: the object is live.
        (unsafe { ffi::PyBytes_CheckExact(object.as_ptr()) } != 0).then(|| Bytes(object.clone()))
    }

    /// Looks at the content of an object that is exactly a `bytes`, without counting.
    #[inline(always)]
    pub(crate) fn peek(object: &Object) -> Option<&[u8]> {
        // SAFETY: the exact type is checked; the content is as long as the object says and is never changed, and the
        // borrow of `object` keeps it alive.
        unsafe {
            if ffi::PyBytes_CheckExact(object.as_ptr()) == 0 {
                return None;
            }
            let length = ffi::Py_SIZE(object.as_ptr()) as usize;
            let start = object
                .as_ptr()
                .cast::<u8>()
                .add(offset_of!(ffi::PyBytesObject, ob_sval));
            Some(std::slice::from_raw_parts(start, length))
        }
    }
}

impl AsRef<[u8]> for Bytes {
    #[inline(always)]
    fn as_ref(&self) -> &[u8] {
        Bytes::peek(&self.0).unwrap_or_default()
    }
}

/// A new `bytes` with this content.
///
/// # Errors
/// `MemoryError`.
#[inline(always)]
pub(crate) fn bytes(content: &[u8]) -> PyResult<Object> {
    // SAFETY: the pointer is to `len` readable bytes, which are copied; gives an owned reference or NULL.
    unsafe {
        let length = content.len() as ffi::Py_ssize_t;
        Object::from_owned(ffi::PyBytes_FromStringAndSize(
            content.as_ptr().cast(),
            length,
        ))
    }
    .ok_or_else(Raised::already)
}

/// Makes a `bytes` that nobody else refers to any more hold this content instead, if it is of that length. Gives it back
/// otherwise.
///
/// It saves the allocator's two slow paths for objects of more than 1 KiB.
#[inline(always)]
pub(crate) fn refilled(object: Object, content: &[u8]) -> Result<Object, Object> {
    let fits = object.reference_count() == 1
        && Bytes::peek(&object).is_some_and(|old| old.len() == content.len());
    if !fits || content.is_empty() {
        return Err(object);
    }
    // SAFETY: an exact `bytes` with this one reference: nobody else can look at it, as in `_PyBytes_Resize`. (The shared
    // empty and one-byte objects have more references.) It has `len` bytes of content, which `content` does not overlap,
    // and the hash of the old content is forgotten, as a new object has it.
    unsafe {
        let memory = object.as_ptr().cast::<ffi::PyBytesObject>();
        let start = object
            .as_ptr()
            .cast::<u8>()
            .add(offset_of!(ffi::PyBytesObject, ob_sval));
        std::ptr::copy_nonoverlapping(content.as_ptr(), start, content.len());
        #[allow(deprecated)]
        (&raw mut (*memory).ob_shash).write(-1);
    }
    Ok(object)
}

/// A new `bytes` with room for `room` bytes that `fill` writes into; it is cut to the number that `fill` answers.
/// `Err` of `fill` is handed out as the inner result, and nothing is made then.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn bytes_filled_by<E>(
    room: usize,
    fill: impl FnOnce(&mut [MaybeUninit<u8>]) -> Result<usize, E>,
) -> PyResult<Result<Object, E>> {
    // SAFETY: a new object with `room` bytes, uninitialized, which nobody else sees yet. `_PyBytes_Resize` demands just
    // that; it leaves NULL behind if it fails. `fill` says how many bytes it has initialized, at most `room`.
    unsafe {
        let mut made = ffi::PyBytes_FromStringAndSize(std::ptr::null(), room as ffi::Py_ssize_t);
        if made.is_null() {
            return Err(Raised::already());
        }
        let start = made
            .cast::<u8>()
            .add(offset_of!(ffi::PyBytesObject, ob_sval));
        let place = std::slice::from_raw_parts_mut(start.cast::<MaybeUninit<u8>>(), room);
        match fill(place) {
            Ok(filled) => {
                if filled < room
                    && _PyBytes_Resize(&raw mut made, filled.min(room) as ffi::Py_ssize_t) < 0
                {
                    return Err(Raised::already());
                }
                Object::from_owned(made).map(Ok).ok_or_else(Raised::already)
            }
            Err(error) => {
                drop(Object::from_owned(made));
                Ok(Err(error))
            }
        }
    }
}

unsafe extern "C" {
    /// Include/cpython/bytesobject.h.
    fn _PyBytes_Resize(bytes: *mut *mut ffi::PyObject, size: ffi::Py_ssize_t) -> c_int;
}

/// Whether `isinstance(object, (bytes, bytearray, memoryview))`.
pub(crate) fn is_bytes_like(object: &Object) -> bool {
    // SAFETY: the object is live.
    unsafe {
        ffi::PyBytes_Check(object.as_ptr()) != 0
            || ffi::PyByteArray_Check(object.as_ptr()) != 0
            || ffi::PyMemoryView_Check(object.as_ptr()) != 0
    }
}

/// A contiguous buffer of some object, held for as long as this lives: meanwhile the object cannot move or shrink it.
pub(crate) struct View(ffi::Py_buffer);

impl View {
    /// The object's bytes, to be read.
    ///
    /// # Errors
    /// `TypeError` if it has no buffer, `BufferError` if that is not contiguous; what its own code raises.
    pub(crate) fn readable(object: &Object) -> PyResult<View> {
        View::get(object, ffi::PyBUF_SIMPLE)
    }

    /// The object's bytes, to be written: the first argument of `function`.
    ///
    /// # Errors
    /// `TypeError` if it has none that can be written, as methods of sockets put it.
    pub(crate) fn writable(object: &Object, function: &str) -> PyResult<View> {
        View::get(object, ffi::PyBUF_WRITABLE).map_err(|_raised| {
            drop(take_raised());
            let kind = if object.is_none() {
                "None".to_owned()
            } else {
                super::instance::type_name(object)
            };
            Builtin::TypeError.raise(&format!(
                "{function} argument 1 must be read-write bytes-like object, not {kind}"
            ))
        })
    }

    fn get(object: &Object, flags: i32) -> PyResult<View> {
        let mut view = MaybeUninit::<ffi::Py_buffer>::uninit();
        // SAFETY: the object is live; the call fills the view or fails.
        unsafe {
            if ffi::PyObject_GetBuffer(object.as_ptr(), view.as_mut_ptr(), flags) < 0 {
                return Err(Raised::already());
            }
            Ok(View(view.assume_init()))
        }
    }

    /// The bytes. Nothing else may write them while they are looked at: no Python code may run meanwhile.
    #[inline]
    pub(crate) fn as_slice(&self) -> &[u8] {
        if self.0.len <= 0 || self.0.buf.is_null() {
            return &[];
        }
        // SAFETY: a held view is `len` contiguous bytes (PyBUF_SIMPLE asks for that).
        unsafe { std::slice::from_raw_parts(self.0.buf.cast::<u8>(), self.0.len as usize) }
    }

    /// The bytes, of a view made by [`View::writable`]; read-only ones give an empty slice.
    #[inline]
    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        if self.0.len <= 0 || self.0.buf.is_null() || self.0.readonly != 0 {
            return &mut [];
        }
        // SAFETY: as in `as_slice`, and not read-only. The GIL keeps other Python code from the bytes.
        unsafe { std::slice::from_raw_parts_mut(self.0.buf.cast::<u8>(), self.0.len as usize) }
    }
}

impl Drop for View {
    fn drop(&mut self) {
        // SAFETY: filled by PyObject_GetBuffer and released once.
        unsafe { ffi::PyBuffer_Release(&raw mut self.0) };
    }
}

/// `len(object)`
///
/// # Errors
/// `TypeError` if it has none; what `__len__` raises.
pub(crate) fn length(object: &Object) -> PyResult<usize> {
    // SAFETY: the object is live.
    let length = unsafe { ffi::PyObject_Size(object.as_ptr()) };
    usize::try_from(length).map_err(|_| Raised::already())
}

/// Whether the object is exactly a `bytearray`.
#[inline(always)]
pub(crate) fn is_exact_bytearray(object: &Object) -> bool {
    // SAFETY: the object is live.
    unsafe { ffi::PyByteArray_CheckExact(object.as_ptr()) != 0 }
}

/// The length of an exact `bytearray`; 0 for anything else.
#[inline(always)]
pub(crate) fn bytearray_length(array: &Object) -> usize {
    if !is_exact_bytearray(array) {
        return 0;
    }
    // SAFETY: the exact type is checked.
    unsafe { ffi::PyByteArray_GET_SIZE(array.as_ptr()) as usize }
}

/// `array.extend(content)` for an exact `bytearray`.
///
/// # Errors
/// `BufferError` if somebody holds a view of it, `MemoryError`; `TypeError` if it is no exact `bytearray`.
#[inline(always)]
pub(crate) fn bytearray_extend(array: &Object, content: &[u8]) -> PyResult<()> {
    if !is_exact_bytearray(array) {
        return Err(super::errors::Builtin::TypeError.raise("a bytearray is required"));
    }
    // SAFETY: the exact type is checked. After a resize the array has at least `before + len` bytes of its own, which
    // `content` cannot overlap: nothing of ours points into a bytearray.
    unsafe {
        let array = array.as_ptr();
        let before = ffi::PyByteArray_GET_SIZE(array) as usize;
        let after = (before + content.len()) as ffi::Py_ssize_t;
        if ffi::PyByteArray_Resize(array, after) < 0 {
            return Err(Raised::already());
        }
        let start = ffi::PyByteArray_AS_STRING(array).cast::<u8>();
        std::ptr::copy_nonoverlapping(content.as_ptr(), start.add(before), content.len());
    }
    Ok(())
}

/// The first `count` bytes of an exact `bytearray`, which it then has no more.
///
/// # Errors
/// `BufferError` if somebody holds a view of it; `MemoryError`; `TypeError` if it is no exact `bytearray`.
#[inline(always)]
pub(crate) fn bytearray_take(array: &Object, count: usize) -> PyResult<Object> {
    if !is_exact_bytearray(array) {
        return Err(super::errors::Builtin::TypeError.raise("a bytearray is required"));
    }
    // SAFETY: the exact type is checked; the content is copied before the array changes.
    unsafe {
        let length = ffi::PyByteArray_GET_SIZE(array.as_ptr()) as usize;
        let count = count.min(length);
        let start = ffi::PyByteArray_AS_STRING(array.as_ptr()).cast::<u8>();
        let taken = bytes(std::slice::from_raw_parts(start, count))?;
        let cut = if count == length {
            ffi::PyByteArray_Resize(array.as_ptr(), 0)
        } else {
            ffi::PySequence_DelSlice(array.as_ptr(), 0, count as ffi::Py_ssize_t)
        };
        if cut < 0 {
            return Err(Raised::already());
        }
        Ok(taken)
    }
}

/// A new `bytearray`, empty.
///
/// # Errors
/// `MemoryError`.
pub(crate) fn bytearray() -> PyResult<Object> {
    // SAFETY: no bytes are read; gives an owned reference or NULL.
    unsafe { Object::from_owned(ffi::PyByteArray_FromStringAndSize(std::ptr::null(), 0)) }
        .ok_or_else(Raised::already)
}

/// Where `part` begins in `content`, at `from` or later.
pub(crate) fn find(content: &[u8], part: &[u8], from: usize) -> Option<usize> {
    let rest = content.get(from..)?;
    if part.is_empty() {
        return None;
    }
    // SAFETY: memmem reads the two ranges and gives NULL or a pointer into the first.
    unsafe {
        let found = libc::memmem(
            rest.as_ptr().cast(),
            rest.len(),
            part.as_ptr().cast(),
            part.len(),
        );
        let start = rest.as_ptr();
        (!found.is_null()).then(|| from + found.cast::<u8>().offset_from(start) as usize)
    }
}

/// Where `part` begins in an exact `bytearray`, at `from` or later.
pub(crate) fn bytearray_find(array: &Object, part: &[u8], from: usize) -> Option<usize> {
    let length = bytearray_length(array);
    if from > length || part.is_empty() {
        return None;
    }
    if !is_exact_bytearray(array) {
        return None;
    }
    // SAFETY: an exact bytearray has `length` bytes. No Python code runs while they are looked at.
    unsafe {
        let start = ffi::PyByteArray_AS_STRING(array.as_ptr()).cast::<u8>();
        find(std::slice::from_raw_parts(start, length), part, from)
    }
}

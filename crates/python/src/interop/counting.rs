//! Reference counts, in the width in which CPython itself reads and writes them.
//!
//! From 3.14 on the count is the low half of a word (`ob_refcnt` in Include/object.h), and CPython's own code touches only
//! that half. PyO3 reads and writes the whole word. Where that follows a write of CPython's (what was called has just given
//! up a reference), the processor cannot hand the bytes on: it waits until the write has left its store buffer, a dozen
//! cycles for an instruction that takes one.

#[cfg(all(Py_3_14, target_pointer_width = "64", not(Py_GIL_DISABLED)))]
pub(super) use half::{count, decrement, increment};
#[cfg(not(all(Py_3_14, target_pointer_width = "64", not(Py_GIL_DISABLED))))]
pub(super) use whole::{count, decrement, increment};

/// The count is the low half of a word.
#[cfg(all(Py_3_14, target_pointer_width = "64", not(Py_GIL_DISABLED)))]
mod half {
    use pyo3::ffi;

    unsafe extern "C" {
        /// Exported by every CPython (Include/object.h).
        fn _Py_Dealloc(object: *mut ffi::PyObject);
    }

    /// One reference more.
    ///
    /// # Safety
    /// `object` points to a live object.
    #[inline(always)]
    pub(in crate::interop) unsafe fn increment(object: *mut ffi::PyObject) {
        // SAFETY: a live object has a count, which is ours while the GIL is held.
        unsafe {
            let count = place(object);
            if !is_immortal(*count) {
                *count += 1;
            }
        }
    }

    /// One reference less; the last one ends the object, which may run any Python code.
    ///
    /// # Safety
    /// `object` points to a live object, and the caller owns a reference to it.
    #[inline(always)]
    pub(in crate::interop) unsafe fn decrement(object: *mut ffi::PyObject) {
        // SAFETY: a live object has a count, at least one for the caller's reference; the GIL is held.
        unsafe {
            let count = place(object);
            if !is_immortal(*count) {
                *count -= 1;
                if *count == 0 {
                    _Py_Dealloc(object);
                }
            }
        }
    }

    /// How many references there are; a very large number for an object that is not counted.
    ///
    /// # Safety
    /// `object` points to an object, which may be inside its own dealloc (0).
    #[inline(always)]
    pub(in crate::interop) unsafe fn count(object: *mut ffi::PyObject) -> usize {
        // SAFETY: promised by the caller.
        unsafe { *place(object) as usize }
    }

    /// # Safety
    /// As [`count`].
    #[inline(always)]
    unsafe fn place(object: *mut ffi::PyObject) -> *mut u32 {
        // SAFETY: only an address inside of the object is computed.
        unsafe { &raw mut (*object).ob_refcnt.refcnt_and_flags.ob_refcnt }
    }

    /// `_Py_IsImmortal`: such an object is not counted.
    #[inline(always)]
    fn is_immortal(count: u32) -> bool {
        count.cast_signed() < 0
    }
}

/// The count is a word (up to 3.13), or is not simply a count.
#[cfg(not(all(Py_3_14, target_pointer_width = "64", not(Py_GIL_DISABLED))))]
mod whole {
    use pyo3::ffi;

    /// One reference more.
    ///
    /// # Safety
    /// `object` points to a live object.
    #[inline(always)]
    pub(in crate::interop) unsafe fn increment(object: *mut ffi::PyObject) {
        // SAFETY: promised by the caller; the GIL is held.
        unsafe { ffi::Py_INCREF(object) }
    }

    /// One reference less; the last one ends the object, which may run any Python code.
    ///
    /// # Safety
    /// `object` points to a live object, and the caller owns a reference to it.
    #[inline(always)]
    pub(in crate::interop) unsafe fn decrement(object: *mut ffi::PyObject) {
        // SAFETY: promised by the caller; the GIL is held.
        unsafe { ffi::Py_DECREF(object) }
    }

    /// How many references there are; a very large number for an object that is not counted.
    ///
    /// # Safety
    /// `object` points to an object, which may be inside its own dealloc (0).
    #[inline(always)]
    pub(in crate::interop) unsafe fn count(object: *mut ffi::PyObject) -> usize {
        // SAFETY: promised by the caller.
        usize::try_from(unsafe { ffi::Py_REFCNT(object) }).unwrap_or(0)
    }
}

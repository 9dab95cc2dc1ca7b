//! Which Python code runs right now.

use std::ptr::NonNull;

use pyo3::ffi;

use super::object::Object;

/// A frame of this thread's stack. It must not be kept beyond the call that asked for it, since it keeps the locals alive.
pub(crate) struct Frame(Object);

impl Frame {
    /// The innermost Python frame; `None` if no Python code runs.
    #[inline]
    pub(crate) fn current() -> Option<Frame> {
        // SAFETY: the GIL is held; a borrowed reference or NULL, counted at once.
        unsafe { Object::from_borrowed(ffi::PyEval_GetFrame().cast()) }.map(Frame)
    }

    /// The code object of the innermost Python frame and the offset of its instruction, in bytes; `None` if no Python code runs.
    /// For each Task of a recording: as the methods say it, without counting the frame.
    #[inline(always)]
    pub(crate) fn current_place() -> Option<(Object, i32)> {
        // SAFETY: the GIL is held; a borrowed reference or NULL. The frame lives while its code runs, which it does meanwhile, and
        // has a code object; an owned reference, never NULL.
        unsafe {
            let frame = NonNull::new(ffi::PyEval_GetFrame())?.as_ptr();
            let code = Object::from_owned(ffi::PyFrame_GetCode(frame).cast())?;
            Some((code, ffi::PyFrame_GetLasti(frame)))
        }
    }

    /// Who called this frame.
    #[inline]
    pub(crate) fn back(&self) -> Option<Frame> {
        // SAFETY: a live frame; an owned reference or NULL.
        unsafe { Object::from_owned(ffi::PyFrame_GetBack(self.0.as_ptr().cast()).cast()) }
            .map(Frame)
    }

    /// The frame's code object.
    #[inline]
    pub(crate) fn code(&self) -> Object {
        // SAFETY: a live frame has a code object; an owned reference, never NULL.
        unsafe {
            Object::from_owned(ffi::PyFrame_GetCode(self.0.as_ptr().cast()).cast())
                .unwrap_unchecked()
        }
    }

    /// The offset of the instruction that runs, in bytes.
    #[inline]
    pub(crate) fn last_instruction(&self) -> i32 {
        // SAFETY: a live frame.
        unsafe { ffi::PyFrame_GetLasti(self.0.as_ptr().cast()) }
    }

    /// The line that runs.
    pub(crate) fn line(&self) -> i32 {
        // SAFETY: a live frame.
        unsafe { ffi::PyFrame_GetLineNumber(self.0.as_ptr().cast()) }
    }
}

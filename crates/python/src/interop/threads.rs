//! The GIL, threads and pending signals.

use pyo3::ffi;

use super::border::enter;
use super::errors::{PyResult, Raised};

/// Runs `wait` with the GIL released.
///
/// `wait` is `Send`, so it cannot capture any Python object.
pub(crate) fn detached<R: Send>(wait: impl FnOnce() -> R + Send) -> R {
    // SAFETY: the GIL is held on entry (see `interop`) and again on return. A panic of
    // `wait` would leave the thread detached; the guard below restores it in any case.
    struct Detached(*mut ffi::PyThreadState);
    impl Drop for Detached {
        fn drop(&mut self) {
            // SAFETY: the state that SaveThread gave on this very thread.
            unsafe {
                enter(
                    ffi::PyEval_RestoreThread as *const () as usize,
                    self.0 as usize,
                    0,
                    0,
                    0,
                )
            };
        }
    }
    // SAFETY: as above.
    let _detached = Detached(unsafe { ffi::PyEval_SaveThread() });
    wait()
}

/// Runs the Python handlers of signals that have arrived (main thread only).
///
/// # Errors
/// What a handler raised; `KeyboardInterrupt` by default for SIGINT.
///
/// # Reentrancy
/// Runs any Python code.
pub(crate) fn check_signals() -> PyResult<()> {
    // SAFETY: the GIL is held.
    match unsafe { enter(ffi::PyErr_CheckSignals as *const () as usize, 0, 0, 0, 0) as i32 } {
        0 => Ok(()),
        _ => Err(Raised::already()),
    }
}

/// What `threading.get_ident()` gives for this thread.
#[inline]
pub(crate) fn ident() -> u64 {
    // SAFETY: has no preconditions.
    unsafe { PyThread_get_thread_ident() as u64 }
}

unsafe extern "C" {
    /// Include/pythread.h.
    fn PyThread_get_thread_ident() -> std::os::raw::c_ulong;
}

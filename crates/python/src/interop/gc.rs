//! What the cyclic garbage collector is shown.

use std::os::raw::{c_int, c_void};

use pyo3::ffi;

use super::instance::{HeapType, Ref};
use super::object::{Object, Slot};

/// Whether somebody is told of every object that is made or ends (`PyRefTracer_SetTracer`,
/// since 3.13).
#[inline(always)]
pub(crate) fn is_traced() -> bool {
    #[cfg(Py_3_13)]
    {
        unsafe extern "C" {
            fn PyRefTracer_GetTracer(data: *mut *mut c_void) -> *mut c_void;
        }
        let mut data = std::ptr::null_mut();
        // SAFETY: the GIL is held; the function writes one pointer to `data` and gives the
        // address of the tracer's function, which is only compared here.
        unsafe { !PyRefTracer_GetTracer(&raw mut data).is_null() }
    }
    #[cfg(not(Py_3_13))]
    false
}

/// Passes every reference that an object owns to the collector.
///
/// A traverse function must show each owned reference once and must run no Python code.
pub(crate) struct Visitor {
    visit: ffi::visitproc,
    argument: *mut c_void,
    result: c_int,
}

impl Visitor {
    /// # Safety
    /// `visit` and `argument` come from CPython's call of `tp_traverse`.
    pub(super) unsafe fn new(visit: ffi::visitproc, argument: *mut c_void) -> Visitor {
        Visitor {
            visit,
            argument,
            result: 0,
        }
    }

    /// What `tp_traverse` returns.
    pub(super) fn result(&self) -> c_int {
        self.result
    }

    pub(super) fn pointer(&mut self, pointer: *mut ffi::PyObject) {
        if self.result == 0 && !pointer.is_null() {
            // SAFETY: CPython's own visit function with its own argument.
            self.result = unsafe { (self.visit)(pointer, self.argument) };
        }
    }

    /// Shows an owned reference.
    pub(crate) fn object(&mut self, object: &Object) {
        self.pointer(object.as_ptr());
    }

    /// Shows an owned reference to an object that the collector may not know: if nobody else
    /// has it, what it refers to is shown in its place.
    pub(crate) fn queued(&mut self, object: &Object) {
        self.object(object);
        if self.result != 0 || object.is_tracked() || object.reference_count() != 1 {
            return;
        }
        // SAFETY: a live object; its own traverse function is called as the collector
        // would call it, with the collector's visit function.
        unsafe {
            let kind = ffi::Py_TYPE(object.as_ptr());
            if let Some(traverse) = (*kind).tp_traverse {
                self.result = traverse(object.as_ptr(), self.visit, self.argument);
            }
        }
    }

    /// Shows an owned typed reference.
    pub(crate) fn reference<T: HeapType>(&mut self, reference: &Ref<T>) {
        self.pointer(reference.as_ptr());
    }

    /// Shows the content of a cell.
    pub(crate) fn slot(&mut self, slot: &Slot) {
        slot.peek(|held| {
            if let Some(object) = held {
                self.pointer(object.as_ptr());
            }
        });
    }

    /// Shows what a cell of another owner holds.
    pub(crate) fn slot_with<T: Clone>(
        &mut self,
        slot: &Slot<T>,
        show: impl FnOnce(&mut Visitor, &T),
    ) {
        slot.peek(|held| {
            if let Some(value) = held {
                show(self, value);
            }
        });
    }
}

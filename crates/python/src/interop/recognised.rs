//! Recognising the callables by which CPython's own C Tasks are driven.

use std::cell::{Cell, RefCell};

use super::calls::{builtin_address, builtin_self};
use super::object::Object;

/// The type of a C Task's step wrapper, and the C function of its wake-up method.
pub(crate) struct Recognised {
    step_type: Cell<usize>,
    wakeup_function: Cell<usize>,
}

// SAFETY: touched only with the GIL held (see `interop`).
unsafe impl Sync for Recognised {}

/// CPython's own Task.
pub(crate) static C_TASK: Recognised = Recognised::none();

impl Recognised {
    /// Recognises nothing until it has learned.
    const fn none() -> Recognised {
        Recognised {
            step_type: Cell::new(0),
            wakeup_function: Cell::new(0),
        }
    }

    /// Learns from one example of each. The type of the step wrapper is kept alive by
    /// `_asyncio` itself.
    pub(crate) fn learn(&self, step: &Object, wakeup: &Object) {
        self.step_type.set(step.kind().address());
        self.wakeup_function
            .set(builtin_address(wakeup).unwrap_or(0));
    }

    /// Whether this is the step of a C Task.
    #[inline(always)]
    pub(crate) fn is_step(&self, callable: &Object) -> bool {
        let known = self.step_type.get();
        known != 0 && callable.type_address() == known
    }

    /// Whether this is the wake-up method of a C Task.
    #[inline(always)]
    pub(crate) fn is_wakeup(&self, callable: &Object) -> bool {
        let known = self.wakeup_function.get();
        known != 0 && builtin_address(callable) == Some(known)
    }
}

/// The Task that a callback of a Future wakes, if it is CPython's wake-up of a C Task.
pub(crate) fn woken_c_task(callback: &Object) -> Option<Object> {
    if C_TASK.is_wakeup(callback) {
        builtin_self(callback)
    } else {
        None
    }
}

/// Objects that are known by identity.
pub(crate) struct KnownObjects(RefCell<Vec<Object>>);

// SAFETY: touched only with the GIL held (see `interop`).
unsafe impl Sync for KnownObjects {}

impl KnownObjects {
    pub(crate) const fn none() -> KnownObjects {
        KnownObjects(RefCell::new(Vec::new()))
    }

    /// Keeps an object, for good.
    pub(crate) fn learn(&self, object: Object) {
        self.0.borrow_mut().push(object);
    }

    pub(crate) fn contains(&self, object: &Object) -> bool {
        self.0.borrow().iter().any(|known| known.is(object))
    }
}

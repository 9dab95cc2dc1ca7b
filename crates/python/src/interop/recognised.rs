//! Recognising the callables by which CPython's own C Tasks are driven.

use std::cell::{Cell, RefCell};

use super::calls::{self, builtin_address, builtin_self};
use super::errors::{Builtin, PyResult};
use super::interned::intern;
use super::object::{Object, Slot};

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

/// A class as it was when it was learnt: some of its attributes, and whether they are still the same.
///
/// CPython gives a class another version whenever it or a base of it changes (`tp_version_tag`), so that the attributes
/// are compared only after such a change.
pub(crate) struct Unchanged {
    class: Slot,
    originals: RefCell<Vec<(Object, Object)>>,
    /// The version for which the attributes were found to be the same; 0 is none.
    version: Cell<u32>,
}

// SAFETY: touched only with the GIL held (see `interop`).
unsafe impl Sync for Unchanged {}

impl Unchanged {
    pub(crate) const fn nothing() -> Unchanged {
        Unchanged {
            class: Slot::empty(),
            originals: RefCell::new(Vec::new()),
            version: Cell::new(0),
        }
    }

    /// Remembers the class and these attributes of it.
    ///
    /// # Errors
    /// `AttributeError` if it has one of them not.
    pub(crate) fn learn(&self, class: &Object, names: &[&str]) -> PyResult<()> {
        let mut originals = Vec::with_capacity(names.len());
        for name in names {
            let name = intern(name)?;
            let original = calls::attribute(class, &name)?;
            originals.push((name, original));
        }
        drop(self.originals.replace(originals));
        self.version.set(0);
        self.class.set(class.clone());
        Ok(())
    }

    /// Whether the object is of exactly this class, and the class is as it was.
    #[inline(always)]
    pub(crate) fn is_type_of(&self, object: &Object) -> bool {
        self.class
            .peek(|class| class.is_some_and(|class| object.is_exactly(class)))
            && self.is_as_learnt()
    }

    /// Whether the class is as it was.
    #[inline(always)]
    pub(crate) fn is_as_learnt(&self) -> bool {
        let now = self.class_version();
        (now != 0 && now == self.version.get()) || self.compare()
    }

    #[inline(always)]
    fn class_version(&self) -> u32 {
        self.class.peek(|class| match class {
            // SAFETY: a live class; a plain field of its type object is read.
            Some(class) => unsafe {
                (*class.as_ptr().cast::<pyo3::ffi::PyTypeObject>()).tp_version_tag
            },
            None => 0,
        })
    }

    #[cold]
    fn compare(&self) -> bool {
        let Some(class) = self.class.get() else {
            return false;
        };
        let originals: Vec<(Object, Object)> = self.originals.borrow().clone();
        for (name, original) in &originals {
            match calls::attribute(&class, name) {
                Ok(now) if now.is(original) => {}
                Ok(_) => return false,
                Err(raised) => {
                    raised.forget();
                    return false;
                }
            }
        }
        self.version.set(self.class_version());
        true
    }

    /// The attribute as it was learnt.
    ///
    /// # Errors
    /// `AttributeError` if it was not.
    pub(crate) fn original(&self, name: &str) -> PyResult<Object> {
        let name = intern(name)?;
        let originals = self.originals.borrow();
        match originals.iter().find(|(known, _)| known.is(&name)) {
            Some((_, original)) => Ok(original.clone()),
            None => Err(Builtin::AttributeError.raise("no such method was learnt")),
        }
    }

    /// Makes the object an instance of this class, if the interpreter allows it.
    pub(crate) fn become_type_of(&self, object: &Object) {
        let Some(class) = self.class.get() else {
            return;
        };
        let assigned =
            intern("__class__").and_then(|name| calls::set_attribute(object, &name, &class));
        if let Err(raised) = assigned {
            raised.forget();
        }
    }
}

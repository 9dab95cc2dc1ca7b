//! Instances of classes that Python code has made with `__slots__`, and the pointer in them that is ours.
//!
//! CPython keeps the value of a name of `__slots__` at a fixed place in the object. The place is found by experiment when
//! the class becomes known; a value is then read without a look-up.

use std::cell::Cell;

use pyo3::ffi;

use super::calls;
use super::errors::{Builtin, PyResult, Raised};
use super::instance::{HeapType, Instance, Ref};
use super::interned::intern;
use super::object::{Object, Slot};
use super::values;

/// A class, and where its instances keep the value of one name.
pub(crate) struct MemberSlot {
    class: Slot,
    /// In bytes; 0 is unknown.
    offset: Cell<usize>,
}

// SAFETY: touched only with the GIL held (see `interop`).
unsafe impl Sync for MemberSlot {}

impl MemberSlot {
    pub(crate) const fn unknown() -> MemberSlot {
        MemberSlot {
            class: Slot::empty(),
            offset: Cell::new(0),
        }
    }

    /// Finds the place: the one word of an instance that becomes a mark when the attribute is set to it.
    ///
    /// # Errors
    /// What making an instance raises; `RuntimeError` if there is no such word.
    pub(crate) fn learn(&self, class: &Object, name: &str) -> PyResult<()> {
        let make = calls::attribute(class, &intern("__new__")?)?;
        let probe = calls::call(&make, [class])?;
        let size = values::to_integer(&calls::attribute(class, &intern("__basicsize__")?)?)?;
        let words = usize::try_from(size).unwrap_or(0) / size_of::<usize>();
        let mark = values::list(Vec::new())?;
        let name = intern(name)?;
        let first = size_of::<ffi::PyObject>() / size_of::<usize>();
        let holds_mark = |word: usize| {
            // SAFETY: `word` lies behind the head and inside the instance, whose size its class has told; a word is read.
            let content = unsafe { *probe.as_ptr().cast::<usize>().add(word) };
            content == mark.address()
        };
        let before = (first..words).any(holds_mark);
        calls::set_attribute(&probe, &name, &mark)?;
        match (first..words).find(|word| holds_mark(*word)) {
            Some(word) if !before => {
                self.offset.set(word * size_of::<usize>());
                self.class.set(class.clone());
                Ok(())
            }
            _ => Err(Builtin::RuntimeError.raise("a slot of tepal's own class was not found")),
        }
    }

    /// What an instance of exactly this class holds there, if it is a `T`.
    #[inline(always)]
    pub(crate) fn value<T: HeapType>(&self, object: &Object) -> Option<Ref<T>> {
        let known = self
            .class
            .peek(|class| class.is_some_and(|class| object.is_exactly(class)));
        if !known {
            return None;
        }
        // SAFETY: an instance of exactly this class, for which `learn` has found that this word is NULL or an owned
        // pointer to the attribute's value. It is counted before anything else can run.
        let held = unsafe {
            let place = object.as_ptr().cast::<u8>().add(self.offset.get());
            Object::from_borrowed(*place.cast::<*mut ffi::PyObject>())
        }?;
        held.exactly::<T>().map(Instance::reference)
    }

    /// Makes an instance that holds this value; `__init__` is not called.
    ///
    /// # Errors
    /// `MemoryError`; `RuntimeError` before the class is known.
    pub(crate) fn make(&self, value: Object) -> PyResult<Object> {
        let Some(class) = self.class.get() else {
            return Err(Builtin::RuntimeError.raise("the class is not known yet"));
        };
        // SAFETY: a live class made by Python code: its `tp_alloc` gives a new, empty instance, in which the word is
        // NULL and takes over the value.
        unsafe {
            let kind = class.as_ptr().cast::<ffi::PyTypeObject>();
            let allocate = (*kind).tp_alloc.unwrap_or(ffi::PyType_GenericAlloc);
            let made = Object::from_owned(allocate(kind, 0)).ok_or_else(Raised::already)?;
            let place = made.as_ptr().cast::<u8>().add(self.offset.get());
            place.cast::<*mut ffi::PyObject>().write(value.into_ptr());
            Ok(made)
        }
    }
}

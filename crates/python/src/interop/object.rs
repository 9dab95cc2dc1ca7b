//! Owned references to Python objects, and the cells that hold them.

use std::cell::UnsafeCell;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;

use pyo3::ffi;

use super::counting;

/// An owned (strong) reference to a Python object.
///
/// Cloning increments the reference count, dropping decrements it. A drop may run any
/// Python code (`__del__`, weakref callbacks), so drop only while nothing is borrowed.
#[repr(transparent)]
pub(crate) struct Object(NonNull<ffi::PyObject>);

impl Object {
    /// Takes over an owned pointer; `None` for NULL.
    ///
    /// # Safety
    /// `pointer` is NULL or an owned reference which the caller gives away.
    #[inline(always)]
    pub(super) unsafe fn from_owned(pointer: *mut ffi::PyObject) -> Option<Object> {
        NonNull::new(pointer).map(Object)
    }

    /// Makes an owned reference from a borrowed pointer; `None` for NULL.
    ///
    /// # Safety
    /// `pointer` is NULL or points to a live object.
    #[inline(always)]
    pub(super) unsafe fn from_borrowed(pointer: *mut ffi::PyObject) -> Option<Object> {
        let pointer = NonNull::new(pointer)?;
        // SAFETY: the caller promises that the object lives.
        unsafe { counting::increment(pointer.as_ptr()) };
        Some(Object(pointer))
    }

    /// The raw pointer, borrowed.
    #[inline(always)]
    pub(super) fn as_ptr(&self) -> *mut ffi::PyObject {
        self.0.as_ptr()
    }

    /// The raw pointer, with the ownership.
    #[inline(always)]
    pub(super) fn into_ptr(self) -> *mut ffi::PyObject {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// Python's `None`.
    #[inline(always)]
    pub(crate) fn none() -> Object {
        // SAFETY: None lives as long as the interpreter.
        unsafe { Object::from_borrowed(ffi::Py_None()).unwrap_unchecked() }
    }

    /// Python's `True` or `False`.
    #[inline(always)]
    pub(crate) fn from_bool(value: bool) -> Object {
        // SAFETY: both singletons live as long as the interpreter.
        unsafe {
            let pointer = if value {
                ffi::Py_True()
            } else {
                ffi::Py_False()
            };
            Object::from_borrowed(pointer).unwrap_unchecked()
        }
    }

    /// `self is other`.
    #[inline(always)]
    pub(crate) fn is(&self, other: &Object) -> bool {
        self.0 == other.0
    }

    /// `self is None`.
    #[inline(always)]
    pub(crate) fn is_none(&self) -> bool {
        // SAFETY: only the address of the singleton is read.
        self.as_ptr() == unsafe { ffi::Py_None() }
    }

    /// `type(self) is kind`.
    #[inline(always)]
    pub(crate) fn is_exactly(&self, kind: &Object) -> bool {
        // SAFETY: `self` is a live object, so its type can be read.
        unsafe { ffi::Py_TYPE(self.as_ptr()).cast() == kind.as_ptr() }
    }

    /// `type(self)`.
    pub(crate) fn kind(&self) -> Object {
        // SAFETY: a live object has a live type.
        unsafe { Object::from_borrowed(ffi::Py_TYPE(self.as_ptr()).cast()).unwrap_unchecked() }
    }

    /// The address of the type.
    #[inline(always)]
    pub(super) fn type_address(&self) -> usize {
        // SAFETY: `self` is a live object, so its type can be read.
        unsafe { ffi::Py_TYPE(self.as_ptr()) as usize }
    }

    /// The object behind a reference of PyO3's.
    pub(crate) fn from_bound(bound: &pyo3::Bound<'_, pyo3::PyAny>) -> Object {
        // SAFETY: a `Bound` holds a live object, and its lifetime proves the GIL.
        unsafe { Object::from_borrowed(bound.as_ptr()).unwrap_unchecked() }
    }

    /// The same object as a reference of PyO3's.
    pub(crate) fn into_bound(self, py: pyo3::Python<'_>) -> pyo3::Bound<'_, pyo3::PyAny> {
        // SAFETY: the ownership moves over.
        unsafe { pyo3::Bound::from_owned_ptr(py, self.into_ptr()) }
    }

    /// Makes the object known to the cyclic collector, if it is not yet.
    #[inline]
    pub(crate) fn track(&self) {
        // SAFETY: our callers pass instances of our own collectable types; tracking twice
        // is excluded by the test.
        unsafe {
            if ffi::PyObject_GC_IsTracked(self.as_ptr()) == 0 {
                ffi::PyObject_GC_Track(self.as_ptr().cast());
            }
        }
    }

    /// Whether the cyclic collector knows the object.
    pub(crate) fn is_tracked(&self) -> bool {
        // SAFETY: the object is live; any object may be asked.
        unsafe { ffi::PyObject_GC_IsTracked(self.as_ptr()) != 0 }
    }

    /// How many references there are.
    #[inline(always)]
    pub(crate) fn reference_count(&self) -> usize {
        // SAFETY: `self` is a live object.
        unsafe { counting::count(self.as_ptr()) }
    }

    /// Whether giving up this reference runs no Python code: somebody else holds the object
    /// too, or it is of a type written in C whose instances refer to nothing that a collector
    /// would want to know (numbers, strings, bytes).
    #[inline(always)]
    pub(crate) fn goes_silently(&self) -> bool {
        // SAFETY: a live object has a live type, whose flags can be read.
        self.reference_count() > 1
            || unsafe {
                ffi::PyType_HasFeature(
                    ffi::Py_TYPE(self.as_ptr()),
                    ffi::Py_TPFLAGS_HEAPTYPE | ffi::Py_TPFLAGS_HAVE_GC,
                ) == 0
            }
    }

    /// A number that identifies the object while it lives (Python's `id`).
    pub(crate) fn address(&self) -> usize {
        self.as_ptr() as usize
    }
}

impl Clone for Object {
    #[inline(always)]
    fn clone(&self) -> Object {
        // SAFETY: `self` owns a reference, so the object lives.
        unsafe { counting::increment(self.as_ptr()) };
        Object(self.0)
    }
}

impl Drop for Object {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: `self` owns this reference and gives it up here.
        unsafe { counting::decrement(self.as_ptr()) };
    }
}

/// A reference that somebody else owns for as long as `'a`; used for arguments of calls.
pub(crate) struct Borrowed<'a> {
    object: ManuallyDrop<Object>,
    owner: std::marker::PhantomData<&'a Object>,
}

impl Borrowed<'_> {
    /// # Safety
    /// `pointer` is not NULL and the object outlives `'a`.
    #[inline(always)]
    pub(super) unsafe fn new(pointer: *mut ffi::PyObject) -> Self {
        // SAFETY: not NULL by contract; ManuallyDrop keeps the count as it is.
        let object = unsafe { ManuallyDrop::new(Object(NonNull::new_unchecked(pointer))) };
        Borrowed {
            object,
            owner: std::marker::PhantomData,
        }
    }
}

impl Deref for Borrowed<'_> {
    type Target = Object;

    #[inline(always)]
    fn deref(&self) -> &Object {
        &self.object
    }
}

/// A cell for an optional owned reference (or another cheap-to-clone owner).
///
/// All operations are short and run no Python code while the cell is open: a replaced
/// value is handed out, to be dropped by the caller after the cell is whole again.
#[repr(transparent)]
pub(crate) struct Slot<T: Clone = Object>(UnsafeCell<Option<T>>);

impl<T: Clone> Slot<T> {
    /// An empty cell.
    pub(crate) const fn empty() -> Slot<T> {
        Slot(UnsafeCell::new(None))
    }

    /// A filled cell.
    #[inline(always)]
    pub(crate) const fn holding(value: T) -> Slot<T> {
        Slot(UnsafeCell::new(Some(value)))
    }

    /// A cell with that content.
    #[inline(always)]
    pub(crate) const fn new(value: Option<T>) -> Slot<T> {
        Slot(UnsafeCell::new(value))
    }

    /// A new reference to the content.
    #[inline(always)]
    pub(crate) fn get(&self) -> Option<T> {
        // SAFETY: the GIL is held and `T::clone` only counts references, so nobody
        // changes the cell during this borrow.
        unsafe { (*self.0.get()).clone() }
    }

    /// Whether the cell is empty.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        // SAFETY: as in `get`.
        unsafe { (*self.0.get()).is_none() }
    }

    /// Takes the content out.
    #[inline(always)]
    pub(crate) fn take(&self) -> Option<T> {
        self.replace(None)
    }

    /// Exchanges the content and hands out the old one.
    #[inline(always)]
    pub(crate) fn replace(&self, value: Option<T>) -> Option<T> {
        // SAFETY: the GIL is held and `mem::replace` runs no other code, so this is
        // the only access.
        unsafe { std::mem::replace(&mut *self.0.get(), value) }
    }

    /// Stores a value; the old one is dropped after the cell is whole.
    #[inline(always)]
    pub(crate) fn set(&self, value: T) {
        drop(self.replace(Some(value)));
    }

    /// Empties the cell; the old value is dropped after the cell is whole.
    #[inline(always)]
    pub(crate) fn clear(&self) {
        drop(self.take());
    }

    /// Looks at the content without counting.
    ///
    /// `look` must not reach the cell again and must run no Python code; it is meant for
    /// comparisons and for visits of the garbage collector.
    #[inline(always)]
    pub(super) fn peek<R>(&self, look: impl FnOnce(Option<&T>) -> R) -> R {
        // SAFETY: the GIL is held, and callers inside `interop` keep `look` free of
        // anything that could change the cell.
        unsafe { look((*self.0.get()).as_ref()) }
    }
}

impl Slot<Object> {
    /// Whether the cell holds exactly this object.
    #[inline(always)]
    pub(crate) fn is(&self, other: &Object) -> bool {
        self.peek(|held| held.is_some_and(|held| held.is(other)))
    }

    /// The content, or Python's `None`.
    pub(crate) fn get_or_none(&self) -> Object {
        self.get().unwrap_or_else(Object::none)
    }
}

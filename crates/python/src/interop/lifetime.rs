//! Birth and end of our own objects.
//!
//! Life of an instance: memory from the free list or from CPython's allocator → body
//! written → tracked by the collector → … → `tp_dealloc`: finalizer if the body asks for
//! it → untracked → weak references cleared → body dropped → memory to the free list or
//! back to CPython.

use std::mem::ManuallyDrop;
use std::os::raw::{c_int, c_void};
use std::ptr::{NonNull, null_mut};

use pyo3::ffi;

use super::counting;
use super::errors::{PyResult, Raised};
use super::gc::Visitor;
use super::instance::{HeapType, Instance, Ref, body_offset};
use super::object::Object;

/// Makes an instance of exactly the type `T`; `body` makes its content, right in its place:
/// a body that is made elsewhere and copied costs the processor a wait for its own stores.
///
/// # Errors
/// `MemoryError`.
#[inline(always)]
pub(crate) fn create<T: HeapType>(body: impl FnOnce() -> T) -> PyResult<Ref<T>> {
    Blank::allocate().map(|blank| blank.fill_tracked(body))
}

/// As [`create`], for an instance that the collector does not know.
///
/// # Errors
/// `MemoryError`.
#[inline(always)]
pub(crate) fn create_untracked<T: HeapType>(body: impl FnOnce() -> T) -> PyResult<Ref<T>> {
    Blank::allocate().map(|blank| blank.fill(body))
}

/// The memory of an instance of exactly `T`, before it has a body. Where it is taken before what the body is made of,
/// nothing can fail any more in between, and the compiler need not keep that in memory to be able to drop it.
pub(crate) struct Blank<T: HeapType>(NonNull<Instance<T>>);

impl<T: HeapType> Blank<T> {
    /// Takes it.
    ///
    /// # Errors
    /// `MemoryError`.
    #[inline(always)]
    pub(crate) fn allocate() -> PyResult<Blank<T>> {
        let kind = T::cell().kind();
        // SAFETY: memory on the free list was made by the same allocator for the same exact
        // type, is untracked, and PyObject_Init gives it a count of one and its type again.
        // Nobody sees the object before its body is written.
        unsafe {
            let memory = match T::cell().pop() {
                Some(memory) => {
                    ffi::PyObject_Init(memory.as_ptr(), kind);
                    memory.as_ptr()
                }
                None => ffi::PyObject_GC_New::<ffi::PyObject>(kind),
            };
            match NonNull::new(memory.cast::<Instance<T>>()) {
                Some(memory) => Ok(Blank(memory)),
                None => Err(Raised::already()),
            }
        }
    }

    /// Writes the body, right in its place; should `body` panic, the memory is lost.
    #[inline(always)]
    pub(crate) fn fill(self, body: impl FnOnce() -> T) -> Ref<T> {
        let memory = ManuallyDrop::new(self).0;
        // SAFETY: the memory is ours alone and large enough for the body, which it does not have yet.
        unsafe { (&raw mut (*memory.as_ptr()).body).write(body()) };
        Ref(memory)
    }
}

impl<T: HeapType> Blank<T> {
    /// As [`Blank::fill`]; from then on the collector knows the instance.
    #[inline(always)]
    pub(crate) fn fill_tracked(self, body: impl FnOnce() -> T) -> Ref<T> {
        let instance = self.fill(body);
        // SAFETY: a fresh instance, whose body is complete, and which is not tracked yet.
        unsafe { ffi::PyObject_GC_Track(instance.as_ptr().cast()) };
        instance
    }
}

impl<T: HeapType> Drop for Blank<T> {
    #[cold]
    fn drop(&mut self) {
        // SAFETY: memory of CPython's allocator for objects with a collector's head, untracked and without a body; it
        // was given a reference to its type.
        unsafe {
            ffi::PyObject_GC_Del(self.0.as_ptr().cast());
            counting::decrement(T::cell().kind().cast());
        }
    }
}

/// Gives up a reference. If it is the last one to an instance of exactly `T` that the
/// collector does not know, the memory goes to the free list without the detour over
/// CPython's `_Py_Dealloc` and [`tp_dealloc`]; the caller has asked [`super::gc::is_traced`].
///
/// # Reentrancy
/// As any drop: may run Python code.
#[inline(always)]
pub(crate) fn recycle<T: HeapType>(object: Object) {
    const { assert!(!T::FINALIZES, "a finalizer is run by tp_dealloc") };
    let memory = object.as_ptr();
    // SAFETY: the object is live, its type is compared before the cast, and the word at the
    // offset is the head of its list of weak references. With a count of one, no weak
    // reference and no collector that knows it, nobody else can reach the object: its body is
    // dropped once, and its memory, as `tp_dealloc` would leave it, goes to the list of the
    // same exact type. The reference to the type is given up as there.
    unsafe {
        let unreachable = object.reference_count() == 1
            && ffi::Py_TYPE(memory) == T::cell().kind()
            && ffi::PyObject_GC_IsTracked(memory) == 0
            && T::WEAKREFS.is_none_or(|offset| {
                let list = memory.cast::<u8>().add(body_offset::<T>() + offset);
                (*list.cast::<*mut ffi::PyObject>()).is_null()
            });
        if !unreachable || !T::cell().has_room(T::FREE_LIST) {
            return drop(object);
        }
        let kind = T::cell().kind();
        let memory = object.into_ptr();
        std::ptr::drop_in_place(&raw mut (*memory.cast::<Instance<T>>()).body);
        // What the body's end ran may have filled the list.
        if !T::cell().push(NonNull::new_unchecked(memory), T::FREE_LIST) {
            ffi::PyObject_GC_Del(memory.cast());
        }
        counting::decrement(kind.cast());
    }
}

/// `tp_new`: an instance of `kind` (the type or a Python subclass) with a blank body.
pub(super) unsafe extern "C" fn tp_new<T: HeapType>(
    kind: *mut ffi::PyTypeObject,
    _arguments: *mut ffi::PyObject,
    _keywords: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: CPython calls this with a subtype of ours, whose tp_alloc gives zeroed
    // memory of at least our size. Traversal before the write below cannot happen:
    // nothing is allocated in between, and zeroed cells read as empty anyway.
    unsafe {
        let Some(allocate) = (*kind).tp_alloc else {
            return null_mut();
        };
        let memory = allocate(kind, 0);
        if !memory.is_null() {
            (&raw mut (*memory.cast::<Instance<T>>()).body).write(T::blank());
        }
        memory
    }
}

/// `tp_dealloc`.
pub(super) unsafe extern "C" fn tp_dealloc<T: HeapType>(memory: *mut ffi::PyObject) {
    // SAFETY: CPython hands us an instance whose count fell to zero, exactly once; the
    // order below is that of CPython's own types (see the module's text).
    unsafe {
        let kind = ffi::Py_TYPE(memory);
        let instance = memory.cast::<Instance<T>>();
        if (*instance).body.needs_finalize() && ffi::PyObject_CallFinalizerFromDealloc(memory) < 0 {
            return;
        }
        // The mark of a finalized object would stay in the memory and silence the next one:
        // the call above sets it, and so does the collector before it breaks a cycle.
        let pristine = !T::FINALIZES || ffi::PyObject_GC_IsFinalized(memory) == 0;
        ffi::PyObject_GC_UnTrack(memory.cast());
        if let Some(offset) = T::WEAKREFS {
            let list = memory.cast::<u8>().add(body_offset::<T>() + offset);
            if !(*list.cast::<*mut ffi::PyObject>()).is_null() {
                ffi::PyObject_ClearWeakRefs(memory);
            }
        }
        std::ptr::drop_in_place(&raw mut (*instance).body);
        let exact = kind == T::cell().kind();
        let reusable = pristine && exact && T::FREE_LIST > 0;
        if !(reusable && T::cell().push(NonNull::new_unchecked(memory), T::FREE_LIST)) {
            match (*kind).tp_free {
                Some(free) => free(memory.cast()),
                None => ffi::PyObject_GC_Del(memory.cast()),
            }
        }
        counting::decrement(kind.cast());
    }
}

/// `tp_traverse`.
pub(super) unsafe extern "C" fn tp_traverse<T: HeapType>(
    memory: *mut ffi::PyObject,
    visit: ffi::visitproc,
    argument: *mut c_void,
) -> c_int {
    // SAFETY: CPython hands us a live instance; an instance owns its type.
    unsafe {
        let mut visitor = Visitor::new(visit, argument);
        let kind = ffi::Py_TYPE(memory);
        if kind != T::cell().kind() {
            // A class written in Python may end with its instances. Ours never ends (`TypeCell`), so the collector need
            // not look at it for each of them.
            visitor.pointer(kind.cast());
        }
        (*memory.cast::<Instance<T>>()).body.traverse(&mut visitor);
        visitor.result()
    }
}

/// `tp_clear`.
pub(super) unsafe extern "C" fn tp_clear<T: HeapType>(memory: *mut ffi::PyObject) -> c_int {
    // SAFETY: CPython hands us a live instance.
    unsafe { (*memory.cast::<Instance<T>>()).body.clear() };
    0
}

/// `tp_finalize`.
pub(super) unsafe extern "C" fn tp_finalize<T: HeapType>(memory: *mut ffi::PyObject) {
    // SAFETY: CPython hands us a live instance. A pending exception must survive the
    // finalizer, so it is put aside.
    unsafe {
        let instance = &*memory.cast::<Instance<T>>();
        if instance.body.needs_finalize() {
            let pending = super::errors::take_raised();
            T::finalize(instance);
            if let Some(pending) = pending {
                let _ = super::errors::restore(pending);
            }
        }
    }
}

//! Our own heap types: the memory of an instance, its birth and its end.
//!
//! PyO3's `#[pyclass]` does not give what Task, Future and Handle need: a finalizer that
//! may hand out `self`, separate `__new__` and `__init__`, free lists, and a layout in
//! which a subtype begins with its base. So the types are made by `PyType_FromSpec`.
//! Births and ends are in [`super::lifetime`].

use std::cell::UnsafeCell;
use std::ffi::CStr;
use std::mem::{ManuallyDrop, offset_of, size_of};
use std::ops::Deref;
use std::ptr::{NonNull, null_mut};

use pyo3::ffi;

use super::counting;
use super::gc::Visitor;
pub(crate) use super::lifetime::{Blank, create, create_untracked, recycle};
use super::object::{Object, Slot};

/// The memory of one Python object of ours: CPython's head, then our body.
#[repr(C)]
pub(crate) struct Instance<T> {
    head: UnsafeCell<ffi::PyObject>,
    pub(super) body: T,
}

impl<T> Deref for Instance<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.body
    }
}

/// Where the body begins inside an instance, in bytes.
pub(super) const fn body_offset<T>() -> usize {
    offset_of!(Instance<T>, body)
}

/// How large an instance with this body is, in bytes.
pub(crate) const fn size_with<T>() -> usize {
    size_of::<Instance<T>>()
}

/// A body that makes a Python type.
///
/// # Reentrancy
/// `traverse` must run no Python code. `clear` and the drop of the body may.
pub(crate) trait HeapType: Sized + 'static {
    /// The dotted name, as in `tepal.Future`.
    const NAME: &'static CStr;
    /// How many freed instances are kept for reuse; 0 for none.
    const FREE_LIST: usize = 0;
    /// Offset of the [`InstanceDict`] field inside the body, if instances have a `__dict__`.
    const DICT: Option<usize> = None;
    /// Offset of the [`WeakReferences`] field inside the body, if weakrefs are allowed.
    const WEAKREFS: Option<usize> = None;
    /// Whether the type has a finalizer (it then has a `__del__` for Python code to see).
    const FINALIZES: bool = false;

    /// The cell that remembers the type object.
    fn cell() -> &'static TypeCell;
    /// An empty body, as `__new__` makes it.
    fn blank() -> Self;
    /// Shows all owned references to the collector.
    fn traverse(&self, visitor: &mut Visitor);
    /// Gives up all references that can be part of a cycle.
    fn clear(&self);
    /// Whether `finalize` has anything to do; asked before every end.
    fn needs_finalize(&self) -> bool {
        false
    }
    /// The finalizer (PEP 442): may run Python code and hand out `this`.
    fn finalize(_this: &Instance<Self>) {}
}

/// A body whose memory begins with the body of `Base`, so that an instance can be seen
/// as an instance of the base type.
///
/// # Safety
/// The implementor is `#[repr(C)]`, its first field is of type `Base`, and its Python
/// type is made with `Base`'s as base.
pub(crate) unsafe trait Extends<Base>: HeapType {}

/// Declares that `$derived` is `#[repr(C)]` and begins with a `$base` in `$field`.
/// The layout is checked when the crate is compiled.
macro_rules! extends {
    ($derived:ty, $field:ident: $base:ty) => {
        const _: () = assert!(std::mem::offset_of!($derived, $field) == 0);
        const _: fn(&$derived) -> &$base = |derived| &derived.$field;
        $crate::interop::instance::declare_extends!($derived, $base);
    };
}
pub(crate) use extends;

macro_rules! declare_extends {
    ($derived:ty, $base:ty) => {
        // SAFETY: `extends!` asserted the offset and, by the closure, the field's type.
        #[allow(unsafe_code)]
        unsafe impl $crate::interop::instance::Extends<$base> for $derived {}
    };
}
pub(crate) use declare_extends;

/// Remembers a type object and the free list of its instances.
pub(crate) struct TypeCell {
    kind: UnsafeCell<*mut ffi::PyTypeObject>,
    free: UnsafeCell<Vec<NonNull<ffi::PyObject>>>,
}

// SAFETY: touched only with the GIL held (see `interop`), which orders all accesses.
unsafe impl Sync for TypeCell {}

impl TypeCell {
    /// A cell before its type is made.
    pub(crate) const fn new() -> TypeCell {
        TypeCell {
            kind: UnsafeCell::new(null_mut()),
            free: UnsafeCell::new(Vec::new()),
        }
    }

    #[inline(always)]
    pub(super) fn kind(&self) -> *mut ffi::PyTypeObject {
        // SAFETY: the GIL is held.
        unsafe { *self.kind.get() }
    }

    pub(super) fn set(&self, kind: *mut ffi::PyTypeObject) {
        // SAFETY: the GIL is held.
        unsafe { *self.kind.get() = kind }
    }

    #[inline(always)]
    pub(super) fn pop(&self) -> Option<NonNull<ffi::PyObject>> {
        // SAFETY: the GIL is held and `pop` runs no other code.
        unsafe { (*self.free.get()).pop() }
    }

    #[inline(always)]
    pub(super) fn has_room(&self, limit: usize) -> bool {
        // SAFETY: the GIL is held; a plain number is read.
        unsafe { (*self.free.get()).len() < limit }
    }

    #[inline(always)]
    pub(super) fn push(&self, memory: NonNull<ffi::PyObject>, limit: usize) -> bool {
        // SAFETY: the GIL is held; a push of a plain pointer runs no Python code.
        let free = unsafe { &mut *self.free.get() };
        let room = free.len() < limit;
        if room {
            free.push(memory);
        }
        room
    }
}

/// The `__dict__` of an instance; CPython fills it through its offset.
#[repr(transparent)]
pub(crate) struct InstanceDict(Slot);

impl InstanceDict {
    pub(crate) const fn new() -> InstanceDict {
        InstanceDict(Slot::empty())
    }

    /// Whether the dict exists: some attribute was stored or `__dict__` was asked for.
    #[inline(always)]
    pub(crate) fn is_used(&self) -> bool {
        !self.0.is_empty()
    }

    pub(crate) fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot(&self.0);
    }

    pub(crate) fn clear(&self) {
        self.0.clear();
    }
}

/// The head of the list of weak references; CPython alone reads and writes it.
#[repr(transparent)]
pub(crate) struct WeakReferences(UnsafeCell<*mut ffi::PyObject>);

impl WeakReferences {
    pub(crate) const fn new() -> WeakReferences {
        WeakReferences(UnsafeCell::new(null_mut()))
    }

    /// Whether nobody has made one.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        // SAFETY: the GIL is held; a plain pointer is read.
        unsafe { (*self.0.get()).is_null() }
    }
}

/// An owned, typed reference: a pointer to an [`Instance`] of type `T` (or of a subtype).
#[repr(transparent)]
pub(crate) struct Ref<T: HeapType>(pub(super) NonNull<Instance<T>>);

impl<T: HeapType> Ref<T> {
    #[inline(always)]
    pub(super) fn as_ptr(&self) -> *mut ffi::PyObject {
        self.0.as_ptr().cast()
    }

    /// Forgets the type.
    #[inline(always)]
    pub(crate) fn into_object(self) -> Object {
        let this = ManuallyDrop::new(self);
        // SAFETY: the ownership moves from `this` to the result.
        unsafe { Object::from_owned(this.as_ptr()).unwrap_unchecked() }
    }

    /// `self is other`.
    #[inline(always)]
    pub(crate) fn is(&self, other: &Instance<T>) -> bool {
        std::ptr::eq(self.0.as_ptr(), other)
    }
}

impl<T: HeapType> Clone for Ref<T> {
    #[inline(always)]
    fn clone(&self) -> Ref<T> {
        // SAFETY: `self` owns a reference, so the object lives.
        unsafe { counting::increment(self.as_ptr()) };
        Ref(self.0)
    }
}

impl<T: HeapType> Drop for Ref<T> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: `self` owns this reference.
        unsafe { counting::decrement(self.as_ptr()) };
    }
}

impl<T: HeapType> Deref for Ref<T> {
    type Target = Instance<T>;

    #[inline(always)]
    fn deref(&self) -> &Instance<T> {
        // SAFETY: the reference keeps the instance alive; bodies are changed only
        // through cells.
        unsafe { self.0.as_ref() }
    }
}

impl<T: HeapType> Instance<T> {
    /// A new typed reference to this object.
    #[inline(always)]
    pub(crate) fn reference(&self) -> Ref<T> {
        // SAFETY: `self` is a live instance.
        unsafe { counting::increment(self.head.get()) };
        Ref(NonNull::from(self))
    }

    /// A new reference to this object.
    #[inline(always)]
    pub(crate) fn object(&self) -> Object {
        self.reference().into_object()
    }

    /// The object behind this instance, not counted.
    #[inline(always)]
    pub(crate) fn with_object<R>(&self, look: impl FnOnce(&Object) -> R) -> R {
        // SAFETY: `self` lives during the call; ManuallyDrop keeps the count.
        let object =
            unsafe { ManuallyDrop::new(Object::from_owned(self.head.get()).unwrap_unchecked()) };
        look(&object)
    }

    /// Whether this object is of exactly this type, not of a subtype.
    #[inline(always)]
    pub(crate) fn is_exact(&self) -> bool {
        // SAFETY: a live instance has a type.
        unsafe { ffi::Py_TYPE(self.head.get()) == T::cell().kind() }
    }

    /// This instance as one of its base type.
    #[inline(always)]
    pub(crate) fn base<Base>(&self) -> &Instance<Base>
    where
        T: Extends<Base>,
    {
        // SAFETY: `Extends` promises that the memory begins with a `Base` body.
        unsafe { &*std::ptr::from_ref(self).cast::<Instance<Base>>() }
    }

    #[inline(always)]
    pub(super) fn raw_head(&self) -> *mut ffi::PyObject {
        self.head.get()
    }
}

impl Object {
    /// This object as an instance of exactly the type `T` (no subtype).
    #[inline(always)]
    pub(crate) fn exactly<T: HeapType>(&self) -> Option<&Instance<T>> {
        // SAFETY: the type is compared before the cast, and `self` keeps the object alive.
        unsafe {
            let pointer = self.as_ptr();
            (ffi::Py_TYPE(pointer) == T::cell().kind()).then(|| &*pointer.cast::<Instance<T>>())
        }
    }

    /// This object as an instance of the type `T` or of a subtype.
    #[inline]
    pub(crate) fn instance_of<T: HeapType>(&self) -> Option<&Instance<T>> {
        // SAFETY: the type is checked before the cast, and `self` keeps the object alive.
        unsafe {
            let pointer = self.as_ptr();
            (ffi::PyObject_TypeCheck(pointer, T::cell().kind()) != 0)
                .then(|| &*pointer.cast::<Instance<T>>())
        }
    }

    /// A typed reference, if the object is an instance of `T` or of a subtype.
    #[inline]
    pub(crate) fn to_ref<T: HeapType>(&self) -> Option<Ref<T>> {
        self.instance_of::<T>().map(Instance::reference)
    }
}

/// The type object of `T`.
pub(crate) fn type_object<T: HeapType>() -> Object {
    // SAFETY: every type is made when the module is, and kept for good by its cell.
    unsafe { Object::from_borrowed(T::cell().kind().cast()).unwrap_unchecked() }
}

/// Conjures a function item from its type; such values have no bytes.
#[inline(always)]
pub(super) fn conjure<F: Copy>() -> F {
    const {
        assert!(
            size_of::<F>() == 0,
            "only a function item or a closure without captures"
        )
    };
    // SAFETY: a zero-sized Copy value can be read from any aligned address. Its type is
    // inhabited: whoever made the table had a value of it in hand.
    unsafe { *NonNull::<F>::dangling().as_ref() }
}

/// The number that CPython gives to a state of a class, and changes with the class or with one that it inherits from; 0
/// while it has none.
#[inline(always)]
pub(crate) fn type_version(class: &Object) -> u32 {
    // SAFETY: our callers pass a class; the field is only read, with the GIL held.
    unsafe { (*class.as_ptr().cast::<ffi::PyTypeObject>()).tp_version_tag }
}

/// `type(object).__name__`, of the real type.
pub(crate) fn type_name(object: &Object) -> String {
    // SAFETY: a live object has a live type; tp_name is a C string.
    let name = unsafe { CStr::from_ptr((*ffi::Py_TYPE(object.as_ptr())).tp_name) };
    let name = name.to_string_lossy();
    name.rsplit('.').next().unwrap_or_default().to_owned()
}

//! Boxes whose memory is kept for the next of their kind.
//!
//! For what comes and goes with each Task: the allocator takes longer to find such memory than it takes to fill it.

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::ptr::NonNull;

/// What lives in a [`Spared`] box.
pub(crate) trait Spare: Sized + 'static {
    /// How many free pieces of memory are kept.
    const LIMIT: usize;

    /// Where they are kept. Nothing that a drop of `Self` runs may be Python code.
    fn pieces() -> &'static SparePieces<Self>;
}

/// Free memory for values of one type.
pub(crate) struct SparePieces<T>(UnsafeCell<Vec<Box<MaybeUninit<T>>>>);

// SAFETY: touched only with the GIL held (see `interop`), which orders all accesses.
unsafe impl<T> Sync for SparePieces<T> {}

impl<T> SparePieces<T> {
    /// None yet.
    pub(crate) const fn new() -> SparePieces<T> {
        SparePieces(UnsafeCell::new(Vec::new()))
    }
}

/// As a `Box`, but neither `Send` nor `Sync`.
pub(crate) struct Spared<T: Spare>(NonNull<T>);

impl<T: Spare> Spared<T> {
    /// A box with what `make` gives; `make` touches no box of this kind.
    #[inline(always)]
    pub(crate) fn new(make: impl FnOnce() -> T) -> Spared<T> {
        // SAFETY: the GIL is held, and a pop runs no other code.
        let piece = unsafe { (*T::pieces().0.get()).pop() };
        let piece = piece.unwrap_or_else(Box::new_uninit);
        Spared(NonNull::from(Box::leak(Box::write(piece, make()))))
    }
}

impl<T: Spare> Deref for Spared<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: `self` owns the value, which is changed only through cells.
        unsafe { self.0.as_ref() }
    }
}

impl<T: Spare> Drop for Spared<T> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: the value came out of a box and is owned; it is dropped once, before its memory counts as unwritten. The GIL is
        // held, and neither the value's end nor a push runs Python code.
        unsafe {
            self.0.drop_in_place();
            let piece = Box::from_raw(self.0.as_ptr().cast::<MaybeUninit<T>>());
            let pieces = &mut *T::pieces().0.get();
            if pieces.len() < T::LIMIT {
                pieces.push(piece);
            }
        }
    }
}

//! `contextvars.Context` (PEP 567).

use std::cell::Cell;

use pyo3::ffi;

use super::errors::{PyResult, Raised};
use super::object::Object;

/// `contextvars.copy_context()`.
#[inline(always)]
pub(crate) fn copy_current() -> PyResult<Object> {
    // SAFETY: gives an owned reference or NULL with an exception.
    unsafe { Object::from_owned(ffi::PyContext_CopyCurrent()) }.ok_or_else(Raised::already)
}

/// Whether the object is a `contextvars.Context`.
pub(crate) fn is_context(object: &Object) -> bool {
    // SAFETY: the object is live; the type object is CPython's own.
    unsafe { ffi::PyContext_CheckExact(object.as_ptr()) != 0 }
}

/// An entered context; [`Entered::exit`] (or the drop) leaves it.
pub(crate) struct Entered<'a>(&'a Object);

impl<'a> Entered<'a> {
    /// Makes `context` the current one.
    ///
    /// # Errors
    /// `RuntimeError` if it is entered already, `TypeError` if it is no context.
    #[inline(always)]
    pub(crate) fn new(context: &'a Object) -> PyResult<Entered<'a>> {
        // SAFETY: the object is live, and its type is checked by the call itself
        // (`ENSURE_Context`).
        match unsafe { ffi::PyContext_Enter(context.as_ptr()) } {
            0 => Ok(Entered(context)),
            _ => Err(Raised::already()),
        }
    }
}

impl Drop for Entered<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: entered by `new`. The exit fails only if the callee left another context
        // entered on top; then CPython has set a RuntimeError, which must not stay behind
        // unseen.
        if unsafe { ffi::PyContext_Exit(self.0.as_ptr()) } < 0 {
            Raised::already().write_unraisable(self.0);
        }
    }
}

/// `context.copy()`.
///
/// # Errors
/// `MemoryError`; `TypeError` if it is no context.
pub(crate) fn copy_of(context: &Object) -> PyResult<Object> {
    // SAFETY: the object is live; the call checks its type.
    unsafe { Object::from_owned(ffi::PyContext_Copy(context.as_ptr())) }.ok_or_else(Raised::already)
}

/// Where CPython keeps the current context in a thread state, and the variables in a
/// context, in words. Both are private, so they are found by experiment when the module is
/// made; where the experiment does not give one clear answer, nothing is ever read.
struct Layout {
    context_in_thread_state: Cell<usize>,
}

// SAFETY: touched only with the GIL held (see `interop`).
unsafe impl Sync for Layout {}

static LAYOUT: Layout = Layout {
    context_in_thread_state: Cell::new(0),
};

/// `{ob_refcnt, ob_type, ctx_prev, ctx_vars, …}`: Include/internal/pycore_context.h, the same
/// from 3.7 to 3.15; confirmed by [`learn_layout`].
const VARIABLES_IN_CONTEXT: usize = 3;

/// How many words of a thread state are looked at. The context is word 26 to 29 on 3.11 to
/// 3.15, and the structure is longer than 40 words on each of them.
const WORDS_OF_THREAD_STATE: usize = 32;

fn variables_word(context: &Object) -> usize {
    // SAFETY: a context object has more than four words; a plain word is read.
    unsafe { *context.as_ptr().cast::<usize>().add(VARIABLES_IN_CONTEXT) }
}

fn places_of(context: &Object) -> Vec<usize> {
    // SAFETY: the GIL is held, so there is a thread state; the words lie inside of it.
    unsafe {
        let state = ffi::PyThreadState_Get().cast::<usize>();
        let address = context.as_ptr() as usize;
        (0..WORDS_OF_THREAD_STATE)
            .filter(|word| *state.add(*word) == address)
            .collect()
    }
}

/// Finds the layout; `set_variable` sets some `ContextVar` in the current context.
///
/// # Errors
/// What the experiment's calls raise; an unclear answer is no error.
pub(crate) fn learn_layout(set_variable: impl FnOnce() -> PyResult<()>) -> PyResult<()> {
    let first = copy_current()?;
    let second = copy_of(&first)?;
    let entered = Entered::new(&first)?;
    let place = places_of(&first);
    let same_before = variables_word(&first) == variables_word(&second);
    let set = set_variable();
    let differs_after = variables_word(&first) != variables_word(&second);
    drop(entered);
    set?;
    let entered = Entered::new(&second)?;
    let place_again = places_of(&second);
    drop(entered);
    let clear = place.len() == 1 && place == place_again && same_before && differs_after;
    if clear && cfg!(not(Py_GIL_DISABLED)) {
        LAYOUT.context_in_thread_state.set(place[0]);
    }
    Ok(())
}

/// Identifies the variables of the current context: as long as somebody keeps a context with
/// these variables alive, the same number means the same values. `None` if there is no context
/// yet or if the layout is unknown.
#[inline(always)]
pub(crate) fn current_variables() -> Option<usize> {
    let word = LAYOUT.context_in_thread_state.get();
    if word == 0 {
        return None;
    }
    // SAFETY: the GIL is held; `learn_layout` found that this word of the thread state is
    // NULL or points to the current context, a live object.
    unsafe {
        let context = *ffi::PyThreadState_Get().cast::<*const usize>().add(word);
        if context.is_null() {
            None
        } else {
            Some(*context.add(VARIABLES_IN_CONTEXT))
        }
    }
}

/// Whether this is the context that is current in this thread; false where the layout is unknown.
#[inline(always)]
pub(crate) fn is_current(context: &Object) -> bool {
    let word = LAYOUT.context_in_thread_state.get();
    // SAFETY: as in `current_variables`; the pointer is only compared.
    word != 0
        && unsafe {
            *ffi::PyThreadState_Get()
                .cast::<*const ffi::PyObject>()
                .add(word)
        } == context.as_ptr().cast_const()
}

/// Identifies the variables of a context, as [`current_variables`] does.
#[inline(always)]
pub(crate) fn variables_of(context: &Object) -> usize {
    variables_word(context)
}

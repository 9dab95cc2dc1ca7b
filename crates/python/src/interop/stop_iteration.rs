//! `StopIteration(value)`, the way in which an awaitable without `am_send` ends.
//!
//! Every `await future` that has a result passes here: the interpreter's `SEND` calls
//! `tp_iternext`, takes the exception that it finds, reads its `value` and throws the rest
//! away. Calling the class for that costs some 500 instructions, more than all that tepal does
//! for the future. So the object is filled in directly, as `BaseException.__new__` and
//! `StopIteration.__init__` (Objects/exceptions.c) fill it, and one object is used again
//! whenever nobody has kept it.
//!
//! The object that waits for its next use holds on to the last value. That must not be
//! noticed, so only values that cannot be told apart from a copy travel in it, and those that
//! are large are let go of after the step: see [`is_plain`] and [`may_travel`]. And who calls `__next__` from Python leaves a traceback in it, with
//! all frames on the way: so it is used only while a coroutine is driven, and looked at
//! afterwards ([`while_driving`]).

use std::cell::Cell;
use std::mem::size_of;
use std::ptr::null_mut;

use pyo3::ffi;

use super::errors::{Builtin, PyResult, Raised, raise_instance, restore, take_raised};
use super::object::Object;
use super::{calls, counting, values};

/// The largest `str`, `bytes` or `int` (in items of its variable part) that may outlive its use.
const LONGEST_KEPT: ffi::Py_ssize_t = 256;

struct Reusable {
    /// An owned `StopIteration`, or NULL.
    exception: Cell<*mut ffi::PyStopIterationObject>,
    /// Whether the structure is what this module was compiled for.
    layout_is_known: Cell<bool>,
    /// The number of the step that drives a coroutine now, so that [`while_driving`] will look; 0 for none. Where
    /// threads take turns in the middle of their steps, some of them drive unwatched.
    watched: Cell<usize>,
    /// The number of the latest step: odd, so that it never becomes 0.
    latest: Cell<usize>,
    /// Whether the exception was handed out since it was last looked at.
    handed_out: Cell<bool>,
    /// Whether its value is too large to be held until the next use.
    holds_large: Cell<bool>,
}

// SAFETY: touched only with the GIL held (see `interop`).
unsafe impl Sync for Reusable {}

static REUSABLE: Reusable = Reusable {
    exception: Cell::new(null_mut()),
    layout_is_known: Cell::new(false),
    watched: Cell::new(0),
    latest: Cell::new(1),
    handed_out: Cell::new(false),
    holds_large: Cell::new(false),
};

/// Whether a coroutine is driven, so that somebody looks at the exception afterwards.
#[inline(always)]
fn is_watched() -> bool {
    REUSABLE.watched.get() != 0
}

/// Drives a coroutine; the exception may be used again by what it awaits.
#[inline(always)]
pub(super) fn while_driving<R>(drive: impl FnOnce() -> R) -> R {
    let step = REUSABLE.latest.get().wrapping_add(2);
    REUSABLE.latest.set(step);
    let outer = REUSABLE.watched.replace(step);
    let driven = drive();
    // If a step of another thread began in between, or has ended meanwhile, nobody can say whether the outer one still
    // runs.
    let undisturbed = REUSABLE.watched.get() == step;
    REUSABLE.watched.set(if undisturbed { outer } else { 0 });
    if REUSABLE.handed_out.replace(false) {
        forget_if_touched();
    }
    driven
}

/// Lets go of the exception if somebody kept it or left something in it, and of a large value in it.
#[inline(always)]
fn forget_if_touched() {
    let exception = REUSABLE.exception.get();
    if exception.is_null() {
        return;
    }
    // SAFETY: the pointer is an owned, live `StopIteration` of the known layout.
    unsafe {
        if is_touched(exception) {
            forget();
        } else if REUSABLE.holds_large.replace(false) {
            fill(&mut *exception, &Object::none());
        }
    }
}

/// Exchanges the value. What is dropped is plain or a `bytes`, so that no Python code runs. False if memory is short.
///
/// # Safety
/// A live `StopIteration` of the known layout that nobody else has.
#[inline(always)]
unsafe fn fill(fields: &mut ffi::PyStopIterationObject, value: &Object) -> bool {
    // SAFETY: the caller's promise. A tuple of one item with one reference is seen by nobody else, so that its item can
    // be exchanged; each place takes over the reference that it is given.
    unsafe {
        let arguments = fields.args;
        let own = !arguments.is_null()
            && ffi::PyTuple_CheckExact(arguments) != 0
            && counting::count(arguments) == 1
            && ffi::PyTuple_GET_SIZE(arguments) == 1;
        if own {
            let old = ffi::PyTuple_GET_ITEM(arguments, 0);
            ffi::PyTuple_SET_ITEM(arguments, 0, value.clone().into_ptr());
            drop(Object::from_owned(old));
        } else {
            let Some(made) = arguments_of(value) else {
                return false;
            };
            drop(Object::from_owned(std::mem::replace(
                &mut fields.args,
                made.into_ptr(),
            )));
        }
        let old = std::mem::replace(&mut fields.value, value.clone().into_ptr());
        drop(Object::from_owned(old));
    }
    true
}

#[cold]
fn forget() {
    // The drop may run Python code (the frames of a traceback), which finds nothing here.
    let exception = REUSABLE.exception.replace(null_mut());
    // A coroutine that failed has left its exception in the indicator.
    let pending = take_raised();
    // SAFETY: the pointer was owned by this module.
    drop(unsafe { Object::from_owned(exception.cast()) });
    if let Some(pending) = pending {
        let _raised = restore(pending);
    }
}

/// # Safety
/// `exception` is a live `StopIteration` of the known layout.
#[inline(always)]
unsafe fn is_touched(exception: *mut ffi::PyStopIterationObject) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let fields = &*exception;
        counting::count(exception.cast()) != 1
            || !fields.dict.is_null()
            || !fields.notes.is_null()
            || !fields.traceback.is_null()
            || !fields.context.is_null()
            || !fields.cause.is_null()
    }
}

/// Raises `StopIteration(value)`; tuples and exceptions are wrapped explicitly, as
/// `_PyGen_SetStopIterationValue` does.
#[inline(always)]
pub(crate) fn stop_iteration(value: &Object) -> Raised {
    if !REUSABLE.layout_is_known.get() {
        return call_the_class(value);
    }
    match reuse(value).or_else(|| fill_in(value)) {
        Some(exception) => restore(exception),
        None => call_the_class(value),
    }
}

#[cold]
fn call_the_class(value: &Object) -> Raised {
    match calls::call(&Builtin::StopIteration.class(), [value]) {
        Ok(exception) => raise_instance(&exception),
        Err(raised) => raised,
    }
}

/// Whether keeping the value for a while can be noticed by nobody: it is small, has no
/// identity that programs rely on, no finaliser, and cannot be weakly referenced.
#[inline(always)]
fn is_plain(value: &Object) -> bool {
    let object = value.as_ptr();
    // SAFETY: the object is live; the sizes are read only of objects that have one.
    unsafe {
        ffi::PyBool_Check(object) != 0
            || ffi::PyFloat_CheckExact(object) != 0
            || (ffi::PyLong_CheckExact(object) != 0 && is_small_int(object))
            || (ffi::PyBytes_CheckExact(object) != 0 && ffi::Py_SIZE(object) <= LONGEST_KEPT)
            || (ffi::PyUnicode_CheckExact(object) != 0
                && ffi::PyUnicode_GetLength(object) <= LONGEST_KEPT)
    }
}

/// Whether the value may be held until the end of the step: it is plain, or a `bytes` of any length.
#[inline(always)]
fn may_travel(value: &Object) -> bool {
    // SAFETY: the object is live.
    is_plain(value) || unsafe { ffi::PyBytes_CheckExact(value.as_ptr()) != 0 }
}

/// # Safety
/// `object` is an exact `int`.
#[inline(always)]
unsafe fn is_small_int(object: *mut ffi::PyObject) -> bool {
    // The word counts digits; from 3.12 on (`lv_tag`) it holds their number above three flags.
    // SAFETY: an int begins with the head of an object of variable size.
    unsafe { (*object.cast::<ffi::PyVarObject>()).ob_size }.unsigned_abs()
        <= LONGEST_KEPT.unsigned_abs()
}

/// Takes the kept exception with a new value, if nobody else has it and nothing was done to it.
#[inline(always)]
fn reuse(value: &Object) -> Option<Object> {
    let exception = REUSABLE.exception.get();
    if exception.is_null() || !is_watched() || !may_travel(value) {
        return None;
    }
    // SAFETY: the pointer is an owned `StopIteration` whose layout `learn_layout` has checked.
    // With a reference count of one nobody else can see the fields change.
    unsafe {
        if is_touched(exception) {
            forget();
            return None;
        }
        if !fill(&mut *exception, value) {
            return None;
        }
        REUSABLE.handed_out.set(true);
        REUSABLE.holds_large.set(!is_plain(value));
        Object::from_borrowed(exception.cast())
    }
}

/// A new `StopIteration` with its fields set; it is kept for its next use if that is allowed.
#[inline(always)]
fn fill_in(value: &Object) -> Option<Object> {
    let arguments = arguments_of(value)?;
    // SAFETY: the class is live; the allocation gives zeroed fields, which all may be NULL,
    // and `learn_layout` has checked where they lie. `args` and `value` take over one
    // reference each.
    unsafe {
        let class = Builtin::StopIteration.class();
        let made = ffi::PyType_GenericAlloc(class.as_ptr().cast(), 0);
        if made.is_null() {
            ffi::PyErr_Clear();
            return None;
        }
        let fields = &mut *made.cast::<ffi::PyStopIterationObject>();
        fields.args = arguments.into_ptr();
        fields.value = value.clone().into_ptr();
        if REUSABLE.exception.get().is_null() && is_watched() && may_travel(value) {
            REUSABLE.handed_out.set(true);
            REUSABLE.holds_large.set(!is_plain(value));
            counting::increment(made);
            REUSABLE.exception.set(made.cast());
        }
        Object::from_owned(made)
    }
}

#[inline(always)]
fn arguments_of(value: &Object) -> Option<Object> {
    // SAFETY: a new tuple of one item, which takes over the reference that it is given.
    unsafe {
        let tuple = ffi::PyTuple_New(1);
        if tuple.is_null() {
            ffi::PyErr_Clear();
            return None;
        }
        ffi::PyTuple_SET_ITEM(tuple, 0, value.clone().into_ptr());
        Object::from_owned(tuple)
    }
}

/// Checks that the interpreter's `StopIteration` is the structure that this module fills in;
/// if not, the class is called each time.
///
/// # Errors
/// What making a `StopIteration` raises.
pub(crate) fn learn_layout() -> PyResult<()> {
    let class = Builtin::StopIteration.class();
    let value = values::string("tepal")?;
    let made = calls::call(&class, [&value])?;
    // SAFETY: the object is live and, as its type's basic size says, as long as the structure.
    let known = unsafe {
        let size = (*class.as_ptr().cast::<ffi::PyTypeObject>()).tp_basicsize;
        if size.unsigned_abs() == size_of::<ffi::PyStopIterationObject>() {
            let fields = &*made.as_ptr().cast::<ffi::PyStopIterationObject>();
            let others = [fields.dict, fields.notes, fields.traceback, fields.context];
            fields.value == value.as_ptr()
                && !fields.args.is_null()
                && ffi::PyTuple_CheckExact(fields.args) != 0
                && ffi::PyTuple_GET_SIZE(fields.args) == 1
                && ffi::PyTuple_GET_ITEM(fields.args, 0) == value.as_ptr()
                && others.iter().all(|field| field.is_null())
        } else {
            false
        }
    };
    REUSABLE.layout_is_known.set(known);
    Ok(())
}

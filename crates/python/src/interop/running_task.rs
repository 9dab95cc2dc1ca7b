//! The Task that runs in this thread, where CPython 3.14 and later keep it.
//!
//! `asyncio.current_task()` reads a field of the thread state (`asyncio_running_task` in
//! Include/internal/pycore_tstate.h, next to `asyncio_running_loop`). The way to write it,
//! `_asyncio._swap_current_task`, is a Python call, and a loop needs two of them for nearly
//! every step. The field is private, so it is found by experiment when the module is made;
//! where the experiment gives no clear answer, the call is made each time.

use std::cell::Cell;

use pyo3::ffi;

use super::calls;
use super::errors::PyResult;
use super::imports::{dotted, imports};
use super::object::Object;

struct Layout {
    /// Which word of the thread state is the running loop; the Task is the next one. 0: unknown.
    running_loop: Cell<usize>,
}

// SAFETY: touched only with the GIL held (see `interop`).
unsafe impl Sync for Layout {}

static LAYOUT: Layout = Layout {
    running_loop: Cell::new(0),
};

/// How many words of a thread state are looked at. The two are words 108 and 109 on 3.14, 128
/// and 129 on 3.15, and the two words of the list of the thread's Tasks follow on both.
const WORDS_OF_THREAD_STATE: usize = if cfg!(Py_3_15) { 132 } else { 112 };

/// Replaces the Task that runs in this thread, if the thread's running loop is `event_loop`
/// and the place is known; `None` is no Task. Gives what was there before.
///
/// # Errors
/// `Err(())` if nothing was done, and `_swap_current_task` has to be called.
#[inline(always)]
pub(crate) fn exchange(event_loop: &Object, task: Option<&Object>) -> Result<Option<Object>, ()> {
    let word = LAYOUT.running_loop.get();
    if word == 0 {
        return Err(());
    }
    // SAFETY: the GIL is held; `learn_layout` found that this word of the thread state is the
    // running loop and the next one an owned reference to the running Task, or NULL. The old
    // reference is handed out, the new one is stored; no Python code runs in between.
    unsafe {
        let state = ffi::PyThreadState_Get().cast::<*mut ffi::PyObject>();
        if *state.add(word) != event_loop.as_ptr() {
            return Err(());
        }
        let place = state.add(word + 1);
        let previous = *place;
        *place = match task {
            Some(task) => task.clone().into_ptr(),
            None => std::ptr::null_mut(),
        };
        Ok(Object::from_owned(previous))
    }
}

/// The loop that runs in this thread; `None` if there is none.
///
/// # Errors
/// What `asyncio._get_running_loop` raises.
#[inline(always)]
pub(crate) fn running_loop() -> PyResult<Object> {
    let word = LAYOUT.running_loop.get();
    if word == 0 {
        return calls::call(&imports().get_running_loop, []);
    }
    // SAFETY: as in `exchange`; the reference is counted at once.
    let found = unsafe {
        let state = ffi::PyThreadState_Get().cast::<*mut ffi::PyObject>();
        Object::from_borrowed(*state.add(word))
    };
    Ok(found.unwrap_or_else(Object::none))
}

/// Finds the place, with a made-up loop and a made-up Task; versions before 3.14 have none.
///
/// # Errors
/// What `_set_running_loop` and `_swap_current_task` raise; an unclear answer is no error.
pub(crate) fn learn_layout() -> PyResult<()> {
    // 3.12 and 3.13 have the function too, above the dict that we write ourselves.
    let (Some(swap), None) = (&imports().swap_current_task, &imports().current_tasks) else {
        return Ok(());
    };
    let get = dotted("_asyncio", &["_get_running_loop"])?;
    let set = dotted("_asyncio", &["_set_running_loop"])?;
    let real_loop = calls::call(&get, [])?;
    let object = dotted("builtins", &["object"])?;
    let made_up_loop = calls::call(&object, [])?;
    let made_up_task = calls::call(&object, [])?;
    // The module may be imported by a running Task: both are taken away and put back.
    let real_task = if real_loop.is_none() {
        Object::none()
    } else {
        calls::call(swap, [&real_loop, &Object::none()])?
    };
    calls::call(&set, [&made_up_loop])?;
    let with_task = calls::call(swap, [&made_up_loop, &made_up_task])
        .map(|_previous| places_of(&made_up_loop, Some(&made_up_task)));
    let without_task = calls::call(swap, [&made_up_loop, &Object::none()])
        .map(|_previous| places_of(&made_up_loop, None));
    calls::call(&set, [&real_loop])?;
    if !real_loop.is_none() {
        calls::call(swap, [&real_loop, &real_task])?;
    }
    let (with_task, without_task) = (with_task?, without_task?);
    if let [place] = with_task.as_slice()
        && without_task.contains(place)
        && cfg!(not(Py_GIL_DISABLED))
    {
        LAYOUT.running_loop.set(*place);
    }
    Ok(())
}

/// The words of this thread's state that hold this loop and are followed by this Task (or by
/// NULL).
fn places_of(event_loop: &Object, task: Option<&Object>) -> Vec<usize> {
    let task = task.map_or(0, |task| task.as_ptr() as usize);
    // SAFETY: the GIL is held, so there is a thread state; the words lie inside of it.
    unsafe {
        let state = ffi::PyThreadState_Get().cast::<usize>();
        (1..WORDS_OF_THREAD_STATE - 1)
            .filter(|word| *state.add(*word) == event_loop.as_ptr() as usize)
            .filter(|word| *state.add(*word + 1) == task)
            .collect()
    }
}

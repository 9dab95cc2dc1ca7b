//! `_add_reader` and its like: asyncio's public methods check, these register.

use std::os::fd::RawFd;

use crate::handle::HandleBody;
use crate::interop::arguments::Arguments;
use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::methods::{Method, with_arguments, with_one, without_arguments};
use crate::interop::object::Object;
use crate::interop::values;
use crate::loop_core::attention::CLOSED;
use crate::loop_core::body::LoopBody;
use crate::loop_core::watchers::{Side, Watch};

use super::L;

/// The descriptor of an `int` or of an object with `fileno()`, as `selectors` takes it.
///
/// # Errors
/// `ValueError` as `selectors` words it.
fn descriptor(file: &Object) -> PyResult<RawFd> {
    let number = values::to_integer(&calls::call(&imports().fileobj_to_fd, [file])?)?;
    RawFd::try_from(number)
        .map_err(|_| Builtin::ValueError.raise(&format!("Invalid file descriptor: {number}")))
}

/// The descriptor of what may be watched: a file that has been closed since is looked for among the watched ones, as
/// `_fileobj_lookup` of `selectors` does.
///
/// # Errors
/// `ValueError` as `selectors` words it.
fn watched_descriptor(this: &L, file: &Object) -> PyResult<RawFd> {
    descriptor(file).or_else(|error| {
        if !error.is(Builtin::ValueError) {
            return Err(error);
        }
        let found = this.watchers.borrow().descriptor_of(file);
        match found {
            Some(descriptor) => {
                error.forget();
                Ok(descriptor)
            }
            None => Err(error),
        }
    })
}

fn add(this: &L, arguments: Arguments<'_>, side: Side) -> PyResult<Object> {
    let context = arguments.only_keyword("BaseSelectorEventLoop._add_reader", Name::Context)?;
    let [file, callback, rest @ ..] = arguments.positional() else {
        return Err(Builtin::TypeError.raise("a file descriptor and a callback are required"));
    };
    this.check_open()?;
    let descriptor = descriptor(file)?;
    let handle = Instance::<HandleBody>::make(this, callback.clone(), rest, context)?;
    if this.is_debug()? {
        handle.remember_origin()?;
    }
    let watch = Watch::Handle(handle.clone().into_object());
    let before = this.watch(descriptor, side, watch)?;
    if !values::is_integer(file) {
        this.remember_file(descriptor, file);
    }
    cancel(before)?;
    Ok(handle.into_object())
}

/// Cancels a Handle that waits no longer, so that it does not run if it is queued already. A transport looks itself.
fn cancel(before: Option<Watch>) -> PyResult<()> {
    match &before {
        Some(Watch::Handle(handle)) => match handle.instance_of::<HandleBody>() {
            Some(handle) => handle.cancel(),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn remove(this: &L, file: &Object, side: Side) -> PyResult<bool> {
    if this.attention.has(CLOSED) {
        return Ok(false);
    }
    let before = this.unwatch(watched_descriptor(this, file)?, side)?;
    let watched = before.is_some();
    cancel(before)?;
    Ok(watched)
}

/// `(reader, writer)` of one descriptor, with None for the side that nobody watches; None if
/// neither side is watched.
fn watched(this: &L, file: &Object) -> PyResult<Object> {
    let descriptor = watched_descriptor(this, file)?;
    let side = |side| this.watchers.borrow().get(descriptor, side).cloned();
    match (side(Side::Reader), side(Side::Writer)) {
        (None, None) => Ok(Object::none()),
        (reader, writer) => values::tuple(vec![
            shown(this, reader, Name::ReadReady)?,
            shown(this, writer, Name::WriteReady)?,
        ]),
    }
}

/// The Handle that watches; for a transport or an operation, which has none, one is made for the look.
fn shown(this: &L, watch: Option<Watch>, method: Name) -> PyResult<Object> {
    let (object, method) = match watch {
        None => return Ok(Object::none()),
        Some(Watch::Handle(handle)) => return Ok(handle),
        Some(Watch::Transport(transport)) => (transport, method),
        Some(Watch::Operation(operation)) => (operation, Name::Ready),
    };
    let callback = calls::attribute(&object, method.object())?;
    let handle = Instance::<HandleBody>::make(this, callback, &[], None)?;
    Ok(handle.into_object())
}

/// All descriptors that somebody watches.
fn watched_descriptors(this: &L) -> PyResult<Object> {
    let descriptors = this.watchers.borrow().interests();
    let numbers = descriptors
        .into_iter()
        .map(|(descriptor, _)| values::integer(u64::try_from(descriptor).unwrap_or(0)))
        .collect::<PyResult<Vec<Object>>>()?;
    values::list(numbers)
}

pub(super) fn methods() -> Vec<Method<LoopBody>> {
    vec![
        with_arguments(
            c"_add_reader",
            c"_add_reader($self, fd, callback, /, *args, context=None)\n--\n\nCall when fd can be read.",
            |this: &L, arguments: Arguments<'_>| add(this, arguments, Side::Reader),
        ),
        with_arguments(
            c"_add_writer",
            c"_add_writer($self, fd, callback, /, *args, context=None)\n--\n\nCall when fd can be written.",
            |this: &L, arguments: Arguments<'_>| add(this, arguments, Side::Writer),
        ),
        with_one(
            c"_remove_reader",
            c"_remove_reader($self, fd, /)\n--\n\nStop; True if there was a reader.",
            |this: &L, file: &Object| remove(this, file, Side::Reader),
        ),
        with_one(
            c"_remove_writer",
            c"_remove_writer($self, fd, /)\n--\n\nStop; True if there was a writer.",
            |this: &L, file: &Object| remove(this, file, Side::Writer),
        ),
        with_one(
            c"_watched",
            c"_watched($self, fd, /)\n--\n\nThe Handles (reader, writer) of fd, or None.",
            watched,
        ),
        without_arguments(
            c"_watched_descriptors",
            c"_watched_descriptors($self, /)\n--\n\nEvery descriptor that is watched.",
            watched_descriptors,
        ),
    ]
}

//! `_add_reader` and its like: asyncio's public methods check, these register.

use std::os::fd::RawFd;

use crate::handle::HandleBody;
use crate::interop::arguments::Arguments;
use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult};
use crate::interop::imports::imports;
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::methods::{Method, with_arguments, with_one};
use crate::interop::object::Object;
use crate::interop::values;
use crate::loop_core::attention::CLOSED;
use crate::loop_core::body::LoopBody;
use crate::loop_core::watchers::Side;

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

fn add(this: &L, arguments: Arguments<'_>, side: Side) -> PyResult<Object> {
    let context = arguments.only_keyword("_add_reader", Name::Context)?;
    let [file, callback, rest @ ..] = arguments.positional() else {
        return Err(Builtin::TypeError.raise("a file descriptor and a callback are required"));
    };
    this.check_open()?;
    let descriptor = descriptor(file)?;
    let handle = Instance::<HandleBody>::make(this, callback.clone(), rest, context)?;
    if this.is_debug()? {
        handle.remember_origin()?;
    }
    let before = this.watch(descriptor, side, handle.clone().into_object())?;
    if let Some(before) = before
        .as_ref()
        .and_then(|before| before.instance_of::<HandleBody>())
    {
        before.cancel()?;
    }
    Ok(handle.into_object())
}

fn remove(this: &L, file: &Object, side: Side) -> PyResult<bool> {
    if this.attention.has(CLOSED) {
        return Ok(false);
    }
    match this.unwatch(descriptor(file)?, side)? {
        Some(handle) => {
            if let Some(handle) = handle.instance_of::<HandleBody>() {
                handle.cancel()?;
            }
            Ok(true)
        }
        None => Ok(false),
    }
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
    ]
}

//! `_buffer`, `_eof`, `_waiter` ...: the state of an adopted reader as asyncio's methods and curious programs see it.

use crate::interop::arguments::{Arguments, Signature};
use crate::interop::buffers;
use crate::interop::coroutines::is_true;
use crate::interop::errors::PyResult;
use crate::interop::foreign_methods::{
    ForeignAttribute, ForeignMethod, foreign_attribute, foreign_method,
    foreign_method_without_arguments, set_attribute_plainly,
};
use crate::interop::interned::Name;
use crate::interop::object::{Object, Slot};
use crate::interop::values;

use super::adoption::{PASSED_BY_READING, state_of};
use super::reader_state::ReaderState;

fn get(reader: &Object, slot: fn(&ReaderState) -> &Slot) -> PyResult<Object> {
    let state = state_of(reader)?;
    Ok(slot(&state).get_or_none())
}

fn set(reader: &Object, slot: fn(&ReaderState) -> &Slot, value: &Object) -> PyResult<()> {
    let state = state_of(reader)?;
    store(slot(&state), value);
    Ok(())
}

/// None and nothing are the same in here.
pub(super) fn store(slot: &Slot, value: &Object) {
    if value.is_none() {
        slot.clear();
    } else {
        slot.set(value.clone());
    }
}

/// What is no `bytearray` is left to asyncio's methods.
fn set_buffer(reader: &Object, value: &Object) -> PyResult<()> {
    let state = state_of(reader)?;
    if !buffers::is_exact_bytearray(value) {
        state.patched.set(true);
    }
    state.received.replace(value);
    Ok(())
}

/// The limit as a number of bytes; what is no integer is left to asyncio's methods, with the largest one in its place.
fn set_limit(reader: &Object, value: &Object) -> PyResult<()> {
    let state = state_of(reader)?;
    match values::to_saturated_integer(value) {
        Ok(limit) => state.limit.set(usize::try_from(limit).unwrap_or(0)),
        Err(raised) => return Err(raised),
    }
    Ok(())
}

/// The attributes that asyncio's `__init__` makes.
pub(super) fn attributes() -> Vec<ForeignAttribute> {
    vec![
        foreign_attribute(
            c"_buffer",
            |reader| state_of(reader)?.received.array(),
            set_buffer,
        ),
        foreign_attribute(
            c"_limit",
            |reader| values::integer(state_of(reader)?.limit.get() as u64),
            set_limit,
        ),
        foreign_attribute(
            c"_eof",
            |reader| Ok(Object::from_bool(state_of(reader)?.eof.get())),
            |reader, value| {
                state_of(reader)?.eof.set(is_true(value)?);
                Ok(())
            },
        ),
        foreign_attribute(
            c"_paused",
            |reader| Ok(Object::from_bool(state_of(reader)?.paused.get())),
            |reader, value| {
                state_of(reader)?.paused.set(is_true(value)?);
                Ok(())
            },
        ),
        foreign_attribute(
            c"_waiter",
            |reader| get(reader, |state| &state.waiter),
            |reader, value| set(reader, |state| &state.waiter, value),
        ),
        foreign_attribute(
            c"_exception",
            |reader| get(reader, |state| &state.exception),
            |reader, value| set(reader, |state| &state.exception, value),
        ),
        foreign_attribute(
            c"_transport",
            |reader| get(reader, |state| &state.transport),
            |reader, value| set(reader, |state| &state.transport, value),
        ),
        foreign_attribute(
            c"_loop",
            |reader| get(reader, |state| &state.event_loop),
            |reader, value| set(reader, |state| &state.event_loop, value),
        ),
    ]
}

/// `__setattr__(name, value)`: who replaces a method on one reader gets asyncio's other methods with it.
fn set_attribute(reader: &Object, arguments: Arguments<'_>) -> PyResult<()> {
    let [name, value] = arguments.bind(&Signature {
        function: "__setattr__",
        names: [Name::Called, Name::Value],
        required: 2,
        positional: 2,
    })?;
    let (name, value) = (
        name.unwrap_or_else(Object::none),
        value.unwrap_or_else(Object::none),
    );
    set_attribute_plainly(reader, &name, &value)?;
    let replaced = values::text(&name)
        .is_some_and(|name| PASSED_BY_READING.contains(&name.as_str()) || name == "__class__");
    if replaced {
        state_of(reader)?.patched.set(true);
    }
    Ok(())
}

/// `at_eof()`
fn at_eof(reader: &Object) -> PyResult<bool> {
    let state = state_of(reader)?;
    Ok(state.eof.get() && state.received.len() == 0)
}

/// `exception()`
fn exception(reader: &Object) -> PyResult<Object> {
    get(reader, |state| &state.exception)
}

/// Methods that only look at the state, and the watch over the attributes.
pub(super) fn methods() -> Vec<ForeignMethod> {
    vec![
        foreign_method_without_arguments(
            c"exception",
            c"exception($self, /)\n--\n\nThe exception that ended the stream.",
            exception,
        ),
        foreign_method_without_arguments(
            c"at_eof",
            c"at_eof($self, /)\n--\n\nWhether the stream has ended and everything was read.",
            at_eof,
        ),
        foreign_method(
            c"__setattr__",
            c"__setattr__($self, name, value, /)\n--\n\nImplement setattr(self, name, value).",
            set_attribute,
        ),
    ]
}

//! What `read()` and its like give: an awaitable that does the work of asyncio's coroutine of the same name.
//!
//! | state | `send(None)` | `throw()`, `close()` |
//! |---|---|---|
//! | new | looks into the buffer: → done with the bytes, or → waiting with a Future in `reader._waiter` | → done |
//! | waiting | the Future is done: `_waiter` is None again, looks into the buffer | the same, → done |
//! | done | RuntimeError | nothing |
//!
//! As a coroutine's, nothing of it happens before it is awaited.

use std::cell::Cell;
use std::ffi::CStr;

use crate::future::{FutureBody, await_step, exception_to_throw};
use crate::interop::arguments::Arguments;
use crate::interop::buffers::{self, Bytes};
use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult, Raised, raise_instance, restore};
use crate::interop::gc::Visitor;
use crate::interop::instance::{HeapType, Instance, TypeCell, create_untracked};
use crate::interop::interned::Name;
use crate::interop::methods::{with_arguments, with_one, without_arguments};
use crate::interop::object::{Object, Slot};
use crate::interop::slots::{Step, awaits_itself, iterates_itself, next_step, send_step};
use crate::interop::stop_iteration::stop_iteration;
use crate::interop::type_builder::TypeBuilder;
use crate::interop::values;

use super::adoption::{asyncio_exception, waiter_for};
use super::fields::Fields;

/// What is to be read.
pub(super) enum Want {
    /// At most so many bytes, at least one.
    Some(usize),
    /// So many bytes.
    Exactly(usize),
    /// `readline()`
    Line,
    /// `readuntil(separator)`
    Until(Bytes),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Waiting,
    Done,
}

/// One read.
pub(crate) struct ReadBody {
    reader: Slot<Fields>,
    want: Want,
    /// How much of the buffer is known not to hold the separator (bytes).
    searched: Cell<usize>,
    waiter: Slot,
    state: Cell<State>,
}

impl HeapType for ReadBody {
    const NAME: &'static CStr = c"tepal._native.StreamRead";
    const FREE_LIST: usize = 256;

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> ReadBody {
        ReadBody {
            reader: Slot::empty(),
            want: Want::Line,
            searched: Cell::new(0),
            waiter: Slot::empty(),
            state: Cell::new(State::New),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot_with(&self.reader, |visitor, reader| reader.traverse(visitor));
        visitor.slot(&self.waiter);
    }

    fn clear(&self) {
        self.reader.clear();
        self.waiter.clear();
    }
}

impl ReadBody {
    /// A new read.
    ///
    /// # Errors
    /// `MemoryError`.
    #[inline(always)]
    pub(super) fn make(reader: &Object, want: Want) -> PyResult<Object> {
        let read = create_untracked(ReadBody {
            reader: Slot::holding(Fields::of(reader)?),
            want,
            ..ReadBody::blank()
        })?;
        Ok(read.into_object())
    }
}

/// What a look into the buffer gives.
enum Look {
    Found(Object),
    /// More has to come.
    Wait,
}

#[inline(always)]
fn step(this: &Instance<ReadBody>) -> PyResult<Step> {
    let outcome = advance(this);
    if !matches!(outcome, Ok(Step::Yield(_))) {
        this.state.set(State::Done);
        this.reader.clear();
    }
    outcome
}

#[inline(always)]
fn advance(this: &Instance<ReadBody>) -> PyResult<Step> {
    let Some(fields) = this.reader.get() else {
        return Err(Builtin::RuntimeError.raise("cannot reuse already awaited coroutine"));
    };
    let fields = &fields;
    match this.state.get() {
        State::New => {
            let exception = fields.get(Name::ExceptionUnderscore)?;
            if !exception.is_none() {
                return Err(raise_instance(&exception));
            }
        }
        State::Waiting | State::Done => {
            if let Some(step) = await_waiter(this, fields)? {
                return Ok(step);
            }
        }
    }
    loop {
        match look(this, fields)? {
            Look::Found(found) => return Ok(Step::Return(found)),
            Look::Wait => {
                begin_to_wait(this, fields)?;
                if let Some(step) = await_waiter(this, fields)? {
                    return Ok(step);
                }
            }
        }
    }
}

/// `_wait_for_data(func_name)`, up to its `await`.
fn begin_to_wait(this: &Instance<ReadBody>, fields: &Fields) -> PyResult<()> {
    if !fields.get(Name::Waiter)?.is_none() {
        let method = match this.want {
            Want::Exactly(_) => "readexactly",
            Want::Line | Want::Until(_) => "readuntil",
            Want::Some(_) => "read",
        };
        return Err(Builtin::RuntimeError.raise(&format!(
            "{method}() called while another coroutine is already waiting for incoming data"
        )));
    }
    if fields.is_set(Name::PausedUnderscore)? {
        fields.resume_transport()?;
    }
    let waiter = waiter_for(fields)?;
    fields.set(Name::Waiter, &waiter)?;
    this.waiter.set(waiter);
    this.state.set(State::Waiting);
    // It waits, and may become part of a cycle.
    this.with_object(Object::track);
    Ok(())
}

/// One step of `await self._waiter`; `None` when that is over. Afterwards `_waiter` is None in any case.
fn await_waiter(this: &Instance<ReadBody>, fields: &Fields) -> PyResult<Option<Step>> {
    let Some(waiter) = this.waiter.get() else {
        return Ok(None);
    };
    let stepped = match waiter.exactly::<FutureBody>() {
        Some(future) => await_step(future),
        None => Err(Builtin::RuntimeError.raise("the loop's create_future() was replaced")),
    };
    match stepped {
        Ok(Step::Yield(future)) => Ok(Some(Step::Yield(future))),
        Ok(Step::Return(_)) => {
            this.waiter.clear();
            fields.set(Name::Waiter, &Object::none())?;
            Ok(None)
        }
        Err(raised) => Err(give_up(this, fields, raised)),
    }
}

/// Leaves the wait by an exception.
#[cold]
fn give_up(this: &Instance<ReadBody>, fields: &Fields, raised: Raised) -> Raised {
    let exception = raised.take();
    this.waiter.clear();
    if let Err(later) = fields.set(Name::Waiter, &Object::none()) {
        later.write_unraisable(&exception);
    }
    restore(exception)
}

#[inline(always)]
fn look(this: &Instance<ReadBody>, fields: &Fields) -> PyResult<Look> {
    let buffer = fields.get(Name::BufferUnderscore)?;
    let buffered = buffers::bytearray_length(&buffer);
    match &this.want {
        Want::Some(count) => {
            // After one wait whatever there is is the answer, also nothing.
            let waited = this.state.get() == State::Waiting;
            if buffered == 0 && !waited && !fields.is_set(Name::EofUnderscore)? {
                return Ok(Look::Wait);
            }
            fields.take(&buffer, *count).map(Look::Found)
        }
        Want::Exactly(count) if buffered >= *count => fields.take(&buffer, *count).map(Look::Found),
        Want::Exactly(count) => {
            if !fields.is_set(Name::EofUnderscore)? {
                return Ok(Look::Wait);
            }
            let partial = buffers::bytearray_take(&buffer, buffered)?;
            Err(incomplete(&partial, &values::integer(*count as u64)?))
        }
        Want::Line => look_for_line(this, fields, &buffer),
        Want::Until(separator) => look_for(this, fields, &buffer, separator.as_ref()),
    }
}

/// `readuntil(separator)`, up to the next wait.
fn look_for(
    this: &Instance<ReadBody>,
    fields: &Fields,
    buffer: &Object,
    separator: &[u8],
) -> PyResult<Look> {
    match search(this, fields, buffer, separator)? {
        Searched::Found(start) => fields
            .take(buffer, start + separator.len())
            .map(Look::Found),
        Searched::NotYet => Ok(Look::Wait),
        Searched::Ended => {
            let partial = buffers::bytearray_take(buffer, buffers::bytearray_length(buffer))?;
            Err(incomplete(&partial, &Object::none()))
        }
        Searched::Overrun(message, consumed) => Err(overrun(message, consumed)),
    }
}

/// `readline()`: asyncio turns the errors of `readuntil(b'\n')` into what was read and into `ValueError`.
fn look_for_line(this: &Instance<ReadBody>, fields: &Fields, buffer: &Object) -> PyResult<Look> {
    match search(this, fields, buffer, b"\n")? {
        Searched::Found(start) => fields.take(buffer, start + 1).map(Look::Found),
        Searched::NotYet => Ok(Look::Wait),
        Searched::Ended => {
            let partial = buffers::bytearray_take(buffer, buffers::bytearray_length(buffer))?;
            Ok(Look::Found(partial))
        }
        Searched::Overrun(message, consumed) => {
            let newline = buffers::bytearray_find(buffer, b"\n", consumed) == Some(consumed);
            let dropped = if newline {
                consumed + 1
            } else {
                buffers::bytearray_length(buffer)
            };
            drop(fields.take(buffer, dropped)?);
            Err(Builtin::ValueError.raise(message))
        }
    }
}

enum Searched {
    /// The separator begins here.
    Found(usize),
    NotYet,
    /// The stream has ended without one.
    Ended,
    /// The limit is exceeded, with so much consumed.
    Overrun(&'static str, usize),
}

fn search(
    this: &Instance<ReadBody>,
    fields: &Fields,
    buffer: &Object,
    separator: &[u8],
) -> PyResult<Searched> {
    let buffered = buffers::bytearray_length(buffer);
    let searched = this.searched.get();
    if buffered.saturating_sub(searched) >= separator.len() {
        if let Some(start) = buffers::bytearray_find(buffer, separator, searched) {
            if start > fields.limit()? {
                let message = "Separator is found, but chunk is longer than limit";
                return Ok(Searched::Overrun(message, start));
            }
            return Ok(Searched::Found(start));
        }
        let searched = buffered + 1 - separator.len();
        this.searched.set(searched);
        if searched > fields.limit()? {
            let message = "Separator is not found, and chunk exceed the limit";
            return Ok(Searched::Overrun(message, searched));
        }
    }
    if fields.is_set(Name::EofUnderscore)? {
        return Ok(Searched::Ended);
    }
    Ok(Searched::NotYet)
}

#[cold]
fn incomplete(partial: &Object, expected: &Object) -> Raised {
    let made = asyncio_exception("IncompleteReadError")
        .and_then(|class| calls::call(&class, [partial, expected]));
    made.map_or_else(|raised| raised, |exception| raise_instance(&exception))
}

#[cold]
fn overrun(message: &str, consumed: usize) -> Raised {
    let made = asyncio_exception("LimitOverrunError").and_then(|class| {
        let consumed = values::integer(consumed as u64)?;
        calls::call(&class, [&values::string(message)?, &consumed])
    });
    made.map_or_else(|raised| raised, |exception| raise_instance(&exception))
}

fn send(this: &Instance<ReadBody>, _value: &Object) -> PyResult<Object> {
    match step(this)? {
        Step::Yield(value) => Ok(value),
        Step::Return(value) => Err(stop_iteration(&value)),
    }
}

fn throw(this: &Instance<ReadBody>, arguments: Arguments<'_>) -> PyResult<()> {
    let exception = exception_to_throw(&arguments)?;
    close(this);
    Err(raise_instance(&exception))
}

fn close(this: &Instance<ReadBody>) {
    let waited = this.waiter.take().is_some();
    if let Some(reader) = this.reader.take()
        && waited
        && let Err(raised) = reader.set(Name::Waiter, &Object::none())
    {
        this.with_object(|this| raised.write_unraisable(this));
    }
    this.state.set(State::Done);
}

/// Makes the type.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_type() -> PyResult<Object> {
    TypeBuilder::<ReadBody>::new(c"A read of a stream, to be awaited.")
        .not_constructible()
        .slot(iterates_itself())
        .slot(awaits_itself())
        .slot(next_step(step))
        .slot(send_step(step))
        .methods(vec![
            with_one(c"send", c"send($self, value, /)\n--\n\nAdvance.", send),
            with_arguments(
                c"throw",
                c"throw($self, type, value=None, traceback=None, /)\n--\n\nRaise here.",
                throw,
            ),
            without_arguments(c"close", c"close($self, /)\n--\n\nGive up.", close),
        ])
        .build()
}

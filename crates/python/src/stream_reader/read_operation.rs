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

use crate::future::{
    FutureBody, NativeCoroutine, Resumable, already_awaited, await_step, coroutine_type,
    finalize_coroutine,
};
use crate::interop::buffers::Bytes;
use crate::interop::calls;
use crate::interop::coroutine_origin::origin_of_new;
use crate::interop::errors::{
    Builtin, PyResult, Raised, raise_given, raise_instance, restore, while_handling,
};
use crate::interop::gc::Visitor;
use crate::interop::instance::{HeapType, Instance, Ref, TypeCell, create_untracked};
use crate::interop::methods::readable;
use crate::interop::object::{Object, Slot};
use crate::interop::slots::Step;
use crate::interop::values;

use super::adoption::asyncio_exception;
use super::reader_state::ReaderState;

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
    /// Kept alive until the read is done, as a coroutine keeps its `self`.
    reader: Slot,
    /// Gone once it is done.
    stream: Slot<Ref<ReaderState>>,
    want: Want,
    /// How much of the buffer is known not to hold the separator (bytes).
    searched: Cell<usize>,
    waiter: Slot,
    origin: Slot,
    state: Cell<State>,
}

impl HeapType for ReadBody {
    const NAME: &'static CStr = c"tepal._native.StreamRead";
    const FREE_LIST: usize = 256;
    const FINALIZES: bool = true;

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> ReadBody {
        ReadBody {
            reader: Slot::empty(),
            stream: Slot::empty(),
            want: Want::Line,
            searched: Cell::new(0),
            waiter: Slot::empty(),
            origin: Slot::empty(),
            state: Cell::new(State::Done),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot(&self.reader);
        visitor.slot_with(&self.stream, |visitor, stream| visitor.reference(stream));
        visitor.slot(&self.waiter);
        visitor.slot(&self.origin);
    }

    fn clear(&self) {
        self.reader.clear();
        self.stream.clear();
        self.waiter.clear();
    }

    fn needs_finalize(&self) -> bool {
        self.state.get() == State::New
    }

    fn finalize(this: &Instance<ReadBody>) {
        finalize_coroutine(this);
    }
}

impl ReadBody {
    /// A new read.
    ///
    /// # Errors
    /// `MemoryError`.
    #[inline(always)]
    pub(super) fn make(reader: &Object, stream: Ref<ReaderState>, want: Want) -> PyResult<Object> {
        let origin = origin_of_new()?;
        let read = create_untracked(|| ReadBody {
            reader: Slot::holding(reader.clone()),
            stream: Slot::holding(stream),
            want,
            origin: Slot::new(origin),
            state: Cell::new(State::New),
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

impl Resumable for ReadBody {
    #[inline(always)]
    fn step(this: &Instance<ReadBody>) -> PyResult<Step> {
        let outcome = advance(this);
        if !matches!(outcome, Ok(Step::Yield(_))) {
            this.state.set(State::Done);
            this.stream.clear();
            this.reader.clear();
        }
        outcome
    }

    fn throw(this: &Instance<ReadBody>, exception: &Object) -> PyResult<Step> {
        ReadBody::close(this)?;
        Err(raise_instance(exception))
    }

    fn close(this: &Instance<ReadBody>) -> PyResult<()> {
        let waited = this.waiter.take().is_some();
        if let Some(stream) = this.stream.take()
            && waited
        {
            stream.waiter.clear();
        }
        this.state.set(State::Done);
        this.reader.clear();
        Ok(())
    }
}

impl NativeCoroutine for ReadBody {
    fn qualified_name(&self) -> &'static str {
        match self.want {
            Want::Some(_) => "StreamReader.read",
            Want::Exactly(_) => "StreamReader.readexactly",
            Want::Line => "StreamReader.readline",
            Want::Until(_) => "StreamReader.readuntil",
        }
    }

    fn is_new(&self) -> bool {
        self.state.get() == State::New
    }

    fn is_done(&self) -> bool {
        self.state.get() == State::Done
    }

    fn origin(&self) -> &Slot {
        &self.origin
    }
}

#[inline(always)]
fn advance(this: &Instance<ReadBody>) -> PyResult<Step> {
    let Some(stream) = this.stream.get() else {
        return Err(already_awaited());
    };
    match this.state.get() {
        State::New => {
            if let Some(exception) = stream.exception.get() {
                return Err(raise_given(&exception));
            }
        }
        State::Waiting | State::Done => {
            if let Some(step) = await_waiter(this, &stream)? {
                return Ok(step);
            }
        }
    }
    loop {
        match look(this, &stream)? {
            Look::Found(found) => return Ok(Step::Return(found)),
            Look::Wait => {
                begin_to_wait(this, &stream)?;
                if let Some(step) = await_waiter(this, &stream)? {
                    return Ok(step);
                }
            }
        }
    }
}

/// `_wait_for_data(func_name)`, up to its `await`.
#[inline(always)]
fn begin_to_wait(this: &Instance<ReadBody>, stream: &Instance<ReaderState>) -> PyResult<()> {
    if !stream.waiter.is_empty() {
        return Err(somebody_waits(this));
    }
    if stream.paused.get() {
        stream.resume_transport()?;
    }
    stream.wanted.set(match this.want {
        Want::Some(count) => count,
        Want::Exactly(count) => count.saturating_sub(stream.received.len()),
        Want::Line | Want::Until(_) => 0,
    });
    let waiter = stream.new_waiter()?;
    stream.waiter.set(waiter.clone());
    this.waiter.set(waiter);
    this.state.set(State::Waiting);
    // It waits, and may become part of a cycle.
    this.with_object(Object::track);
    Ok(())
}

#[cold]
fn somebody_waits(this: &Instance<ReadBody>) -> Raised {
    let method = match this.want {
        Want::Exactly(_) => "readexactly",
        Want::Line | Want::Until(_) => "readuntil",
        Want::Some(_) => "read",
    };
    Builtin::RuntimeError.raise(&format!(
        "{method}() called while another coroutine is already waiting for incoming data"
    ))
}

/// One step of `await self._waiter`; `None` when that is over. Afterwards `_waiter` is None in any case.
#[inline(always)]
fn await_waiter(
    this: &Instance<ReadBody>,
    stream: &Instance<ReaderState>,
) -> PyResult<Option<Step>> {
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
            stream.waiter.clear();
            Ok(None)
        }
        Err(raised) => Err(give_up(this, stream, raised)),
    }
}

/// Leaves the wait by an exception.
#[cold]
fn give_up(this: &Instance<ReadBody>, stream: &Instance<ReaderState>, raised: Raised) -> Raised {
    let exception = raised.take();
    this.waiter.clear();
    stream.waiter.clear();
    restore(exception)
}

#[inline(always)]
fn look(this: &Instance<ReadBody>, stream: &Instance<ReaderState>) -> PyResult<Look> {
    let buffered = stream.received.len();
    match &this.want {
        Want::Some(count) => {
            // After one wait whatever there is is the answer, also nothing.
            let waited = this.state.get() == State::Waiting;
            if buffered == 0 && !waited && !stream.eof.get() {
                return Ok(Look::Wait);
            }
            stream.take(*count).map(Look::Found)
        }
        Want::Exactly(count) if buffered >= *count => stream.take(*count).map(Look::Found),
        Want::Exactly(count) => {
            if !stream.eof.get() {
                return Ok(Look::Wait);
            }
            let partial = stream.received.take(buffered)?;
            Err(incomplete(&partial, &values::integer(*count as u64)?))
        }
        Want::Line => look_for_line(this, stream),
        Want::Until(separator) => look_for(this, stream, separator.as_ref()),
    }
}

/// `readuntil(separator)`, up to the next wait.
fn look_for(
    this: &Instance<ReadBody>,
    stream: &Instance<ReaderState>,
    separator: &[u8],
) -> PyResult<Look> {
    match search(this, stream, separator) {
        Searched::Found(start) => stream.take(start + separator.len()).map(Look::Found),
        Searched::NotYet => Ok(Look::Wait),
        Searched::Ended => {
            let partial = stream.received.take(stream.received.len())?;
            Err(incomplete(&partial, &Object::none()))
        }
        Searched::Overrun(message, consumed) => Err(overrun(message, consumed)),
    }
}

/// `readline()`: asyncio turns the errors of `readuntil(b'\n')` into what was read and into `ValueError`.
fn look_for_line(this: &Instance<ReadBody>, stream: &Instance<ReaderState>) -> PyResult<Look> {
    match search(this, stream, b"\n") {
        Searched::Found(start) => stream.take(start + 1).map(Look::Found),
        Searched::NotYet => Ok(Look::Wait),
        Searched::Ended => stream.received.take(stream.received.len()).map(Look::Found),
        Searched::Overrun(message, consumed) => {
            let newline = stream.received.find(b"\n", consumed) == Some(consumed);
            let dropped = if newline {
                consumed + 1
            } else {
                stream.received.len()
            };
            drop(stream.take(dropped)?);
            let exceeded = overrun(message, consumed).take();
            Err(while_handling(&exceeded, || {
                Builtin::ValueError.raise(message)
            }))
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

fn search(this: &Instance<ReadBody>, stream: &Instance<ReaderState>, separator: &[u8]) -> Searched {
    let buffered = stream.received.len();
    let searched = this.searched.get();
    if buffered.saturating_sub(searched) >= separator.len() {
        if let Some(start) = stream.received.find(separator, searched) {
            if start > stream.limit.get() {
                let message = "Separator is found, but chunk is longer than limit";
                return Searched::Overrun(message, start);
            }
            return Searched::Found(start);
        }
        let searched = buffered + 1 - separator.len();
        this.searched.set(searched);
        if searched > stream.limit.get() {
            let message = "Separator is not found, and chunk exceed the limit";
            return Searched::Overrun(message, searched);
        }
    }
    if stream.eof.get() {
        return Searched::Ended;
    }
    Searched::NotYet
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

/// Makes the type.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_type() -> PyResult<Object> {
    type Read<'a> = &'a Instance<ReadBody>;
    coroutine_type::<ReadBody>(c"A read of a stream, to be awaited.")
        .attributes(vec![
            readable(c"_waits_for", |this: Read<'_>| this.waiter.get_or_none()),
            readable(c"_reader", |this: Read<'_>| this.reader.get_or_none()),
        ])
        .build()
}

//! `asyncio.StreamWriter` above a transport of ours: `write()` and `drain()` without Python frames.
//!
//! The writers that a server's callback gets are instances of a subclass with these methods
//! (`python/tepal/streams.py`). What `drain()` gives is done at once if there is nothing to wait for, and otherwise runs
//! asyncio's own coroutine:
//!
//! | state | `send(None)` | `throw()`, `close()` |
//! |---|---|---|
//! | new | nothing to wait for: → done; else → running | → done |
//! | running | goes to asyncio's coroutine; its end: → done | goes there as well |
//! | done | RuntimeError | nothing |

use std::ffi::CStr;

use crate::future::{
    NativeCoroutine, Resumable, already_awaited, coroutine_type, finalize_coroutine,
};
use crate::interop::arguments::Arguments;
use crate::interop::calls;
use crate::interop::coroutine_origin::origin_of_new;
use crate::interop::coroutines::{self, Resumed};
use crate::interop::errors::{PyResult, raise_instance, restore};
use crate::interop::foreign_methods::{
    ForeignMethod, foreign_method, foreign_method_without_arguments,
};
use crate::interop::gc::Visitor;
use crate::interop::instance::{HeapType, Instance, TypeCell, create_untracked};
use crate::interop::interned::Name;
use crate::interop::methods::readable;
use crate::interop::object::{Object, Slot};
use crate::interop::slots::Step;
use crate::stream_reader::{
    WriterState, original_delete, original_drain, original_write, writer_state,
};

use super::body::StreamBody;
use super::delivery::upper;

/// One `drain()`.
pub(crate) struct DrainBody {
    /// Gone once it has begun.
    writer: Slot,
    /// asyncio's coroutine, if there is something to wait for.
    coroutine: Slot,
    origin: Slot,
}

impl HeapType for DrainBody {
    const NAME: &'static CStr = c"tepal._native.StreamDrain";
    const FREE_LIST: usize = 256;
    const FINALIZES: bool = true;

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> DrainBody {
        DrainBody {
            writer: Slot::empty(),
            coroutine: Slot::empty(),
            origin: Slot::empty(),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot(&self.writer);
        visitor.slot(&self.coroutine);
        visitor.slot(&self.origin);
    }

    fn clear(&self) {
        self.writer.clear();
        self.coroutine.clear();
    }

    fn needs_finalize(&self) -> bool {
        self.is_new()
    }

    fn finalize(this: &Instance<DrainBody>) {
        finalize_coroutine(this);
    }
}

/// `StreamWriter.write(data)`
fn write(writer: &Object, arguments: Arguments<'_>) -> PyResult<Object> {
    if let [data] = arguments.positional()
        && arguments.keyword_count() == 0
        && let Some(transport) = writer_state(writer).and_then(|state| state.transport.get())
        && let Some(stream) = transport.exactly::<StreamBody>()
        && !stream.has_own_attributes()
    {
        stream.write(data)?;
        return Ok(Object::none());
    }
    if let [data] = arguments.positional()
        && arguments.keyword_count() == 0
        && let Some(transport) = writer_state(writer).and_then(|state| state.transport.get())
        && let Some(written) = upper().and_then(|upper| (upper.write)(&transport, data))
    {
        return written.map(|()| Object::none());
    }
    let original = original_write()?;
    arguments.pass_on(&original, writer)
}

/// `StreamWriter.drain()`
fn drain(writer: &Object) -> PyResult<Object> {
    let origin = origin_of_new()?;
    let drain = create_untracked(|| DrainBody {
        writer: Slot::holding(writer.clone()),
        coroutine: Slot::empty(),
        origin: Slot::new(origin),
    })?;
    Ok(drain.into_object())
}

/// Whether `drain()` would come back without waiting and without an error: neither has the reader failed, nor is the
/// transport closing (only then the protocol can have lost its connection), nor has it told the protocol to pause. Above
/// TLS the protocol itself is asked.
#[inline(always)]
fn nothing_to_wait_for(state: &WriterState) -> PyResult<bool> {
    let Some(transport) = state.transport.get() else {
        return Ok(false);
    };
    match transport.exactly::<StreamBody>() {
        Some(stream) => {
            stream.settle_if_much()?;
            Ok(!stream.closing.get()
                && !stream.flow.get().is_paused()
                && stream
                    .protocol
                    .get()
                    .is_some_and(|protocol| state.may_go_on(&protocol)))
        }
        None if upper().is_some_and(|upper| (upper.is_open)(&transport)) => {
            state.protocol_may_go_on()
        }
        None => Ok(false),
    }
}

impl Resumable for DrainBody {
    #[inline(always)]
    fn step(this: &Instance<DrainBody>) -> PyResult<Step> {
        if let Some(coroutine) = this.coroutine.get() {
            return settle(this, coroutines::resume(&coroutine));
        }
        let Some(writer) = this.writer.take() else {
            return Err(already_awaited());
        };
        if let Some(state) = writer_state(&writer)
            && nothing_to_wait_for(&state)?
        {
            return Ok(Step::Return(Object::none()));
        }
        let coroutine = calls::call(&original_drain()?, [&writer])?;
        this.coroutine.set(coroutine.clone());
        this.with_object(Object::track);
        settle(this, coroutines::resume(&coroutine))
    }

    fn throw(this: &Instance<DrainBody>, exception: &Object) -> PyResult<Step> {
        this.writer.clear();
        match this.coroutine.get() {
            Some(coroutine) => settle(this, coroutines::throw(&coroutine, exception)),
            None => Err(raise_instance(exception)),
        }
    }

    fn close(this: &Instance<DrainBody>) -> PyResult<()> {
        this.writer.clear();
        match this.coroutine.take() {
            Some(coroutine) => calls::call_method(Name::Close, [&coroutine]).map(drop),
            None => Ok(()),
        }
    }
}

impl NativeCoroutine for DrainBody {
    fn qualified_name(&self) -> &'static str {
        "StreamWriter.drain"
    }

    fn is_new(&self) -> bool {
        !self.writer.is_empty()
    }

    fn is_done(&self) -> bool {
        self.writer.is_empty() && self.coroutine.is_empty()
    }

    fn origin(&self) -> &Slot {
        &self.origin
    }
}

fn settle(this: &Instance<DrainBody>, resumed: Resumed) -> PyResult<Step> {
    match resumed {
        Resumed::Yielded(value) => Ok(Step::Yield(value)),
        Resumed::Returned(value) => {
            this.coroutine.clear();
            Ok(Step::Return(value))
        }
        Resumed::Raised(exception) => {
            this.coroutine.clear();
            Err(restore(exception))
        }
    }
}

/// `__del__()`: asyncio's closes a transport that is still open, and warns. A writer without a state is none yet.
fn delete(writer: &Object) -> PyResult<()> {
    let transport = writer_state(writer).and_then(|state| state.transport.get());
    match transport.as_ref().map(Object::exactly::<StreamBody>) {
        None => Ok(()),
        Some(Some(stream)) if stream.closing.get() => Ok(()),
        Some(_) => calls::call(&original_delete()?, [writer]).map(drop),
    }
}

/// What our subclass of `asyncio.StreamWriter` does natively.
pub(crate) fn writer_methods() -> Vec<ForeignMethod> {
    vec![
        foreign_method(
            c"write",
            c"write($self, /, data)\n--\n\nSend bytes; never blocks.",
            write,
        ),
        foreign_method_without_arguments(
            c"drain",
            c"drain($self, /)\n--\n\nWait until writing may go on.",
            drain,
        ),
        foreign_method_without_arguments(
            c"__del__",
            c"__del__($self, /)\n--\n\nClose what nobody has closed.",
            delete,
        ),
    ]
}

/// Makes the type of what `drain()` gives.
///
/// # Errors
/// What CPython raises.
pub(crate) fn make_drain_type() -> PyResult<Object> {
    coroutine_type::<DrainBody>(c"A wait until a stream may be written to, to be awaited.")
        .attributes(vec![readable(
            c"_waits_for",
            |this: &Instance<DrainBody>| this.coroutine.get_or_none(),
        )])
        .build()
}

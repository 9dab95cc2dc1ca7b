//! The end of a pipe that is read from.

use std::cell::Cell;
use std::ffi::CStr;
use std::mem::offset_of;

use tepal_core::constants::{LARGEST_READ, SCRATCH_READ};
use tepal_core::pipe::{self, FileKind};
use tepal_core::stream::ReadSize;

use crate::interop::arguments::Arguments;
use crate::interop::buffers::{self, Bytes};
use crate::interop::calls;
use crate::interop::errors::{Builtin, PyResult, exception_matches};
use crate::interop::gc::Visitor;
use crate::interop::instance::{
    HeapType, Instance, InstanceDict, Ref, TypeCell, WeakReferences, create,
};
use crate::interop::interned::{Name, intern};
use crate::interop::object::{Object, Slot};
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::loop_core::shared_context::run_in;
use crate::loop_core::watchers::Side;
use crate::stream_reader::{ReaderState, may_be_fed};

use super::super::delivery::{Delivery, Way};
use super::super::wire::{Attempt, attempt, remembered, spared};
use super::end::{End, PipeTransport};
use super::kind;
use super::process_output::ProcessOutput;
use super::write::{self, WritePipeBody};

const READ_ERROR: &str = "Fatal read error on pipe transport";

/// The state of one read transport. It begins with what instances of `asyncio.ReadTransport` consist of.
#[repr(C)]
pub(crate) struct ReadPipeBody {
    /// `_extra`
    extra: Slot,
    dict: InstanceDict,
    weak_references: WeakReferences,
    end: End,
    pub(super) delivery: Delivery,
    pub(super) process: ProcessOutput,
    read_size: Cell<ReadSize>,
    /// `max_size`: the most that one read asks for (bytes).
    pub(super) max_size: Cell<usize>,
    /// How much the pipe can hold, so that no read can bring more (bytes).
    capacity: Cell<usize>,
    pub(super) paused: Cell<bool>,
}

impl HeapType for ReadPipeBody {
    const NAME: &'static CStr = c"tepal._native.ReadPipeTransport";
    const DICT: Option<usize> = Some(offset_of!(ReadPipeBody, dict));
    const WEAKREFS: Option<usize> = Some(offset_of!(ReadPipeBody, weak_references));
    const FINALIZES: bool = true;

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> ReadPipeBody {
        ReadPipeBody {
            extra: Slot::empty(),
            dict: InstanceDict::new(),
            weak_references: WeakReferences::new(),
            end: End::blank(),
            delivery: Delivery::none(),
            process: ProcessOutput::none(),
            read_size: Cell::new(ReadSize::default()),
            max_size: Cell::new(LARGEST_READ),
            capacity: Cell::new(usize::MAX),
            paused: Cell::new(false),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot(&self.extra);
        self.dict.traverse(visitor);
        self.end.traverse(visitor);
        self.delivery.traverse(visitor);
        self.process.traverse(visitor);
    }

    fn clear(&self) {
        self.extra.clear();
        self.dict.clear();
        self.end.clear();
        self.let_go();
    }

    fn needs_finalize(&self) -> bool {
        !self.end.pipe.is_empty()
    }

    fn finalize(this: &Instance<ReadPipeBody>) {
        this.warn_unclosed_end();
    }
}

impl PipeTransport for ReadPipeBody {
    fn end(&self) -> &End {
        &self.end
    }

    fn extra(&self) -> &Slot {
        &self.extra
    }

    fn let_go(&self) {
        self.delivery.clear();
        self.process.clear();
    }
}

/// What an entry `Readable` of the ready queue does: nothing if the transport has stopped reading since.
///
/// # Errors
/// What the protocol raises, which asyncio leaves to the loop's exception handler as well.
///
/// # Reentrancy
/// Runs any Python code.
pub(in super::super) fn run_readable(
    event_loop: &Instance<LoopBody>,
    transport: &Object,
) -> PyResult<()> {
    if let Some(writing) = transport.exactly::<WritePipeBody>() {
        return write::run_readable(event_loop, writing);
    }
    let Some(transport) = transport.exactly::<ReadPipeBody>() else {
        return Ok(());
    };
    if !transport.is_watching_end(event_loop, Side::Reader) {
        return Ok(());
    }
    run_in(&transport.end.read_context, || {
        transport.read_ready(event_loop)
    })?
}

impl Instance<ReadPipeBody> {
    /// Makes a transport and schedules `connection_made`, the first look at the pipe and the end of `waiter`.
    ///
    /// # Errors
    /// `ValueError` for a regular file; what the pipe's `fileno()` and looking at the protocol raise.
    pub(crate) fn make(
        event_loop: &Instance<LoopBody>,
        arguments: Arguments<'_>,
    ) -> PyResult<Ref<ReadPipeBody>> {
        let refusal = "Pipe transport is for pipes/sockets only.";
        let given = kind::given(event_loop, &arguments, "_new_read_pipe_transport", refusal)?;
        let transport = create(|| ReadPipeBody {
            end: given.end,
            ..ReadPipeBody::blank()
        })?;
        transport.extra.set(given.facts);
        if given.kind == FileKind::Pipe {
            let capacity = pipe::capacity(transport.end.descriptor.get());
            transport.capacity.set(capacity.unwrap_or(usize::MAX));
        }
        transport.hear_by(&given.protocol)?;
        transport.start_end(&given.waiter)?;
        Ok(transport)
    }

    /// `set_protocol(protocol)`
    ///
    /// # Errors
    /// What looking at the protocol raises.
    pub(super) fn set_protocol(&self, protocol: &Object) -> PyResult<()> {
        self.end.protocol.set(protocol.clone());
        self.hear_by(protocol)
    }

    fn hear_by(&self, protocol: &Object) -> PyResult<()> {
        self.process.meet(protocol)?;
        self.delivery.choose_for_pipe(protocol)
    }

    /// `is_reading()`
    pub(super) fn is_reading(&self) -> bool {
        !self.end.closing.get() && !self.paused.get()
    }

    /// `_begin(waiter)`: what follows `connection_made`.
    ///
    /// # Errors
    /// As [`Instance::watch_end`].
    pub(super) fn begin(&self, waiter: &Object) -> PyResult<()> {
        let watched = if self.is_reading() {
            self.watch_end(Side::Reader)
        } else {
            Ok(())
        };
        kind::wake(waiter, watched)
    }

    /// `pause_reading()`
    ///
    /// # Errors
    /// `OSError` from the kernel.
    pub(super) fn pause_reading(&self) -> PyResult<()> {
        if !self.is_reading() {
            return Ok(());
        }
        self.paused.set(true);
        self.stop_watching_end(Side::Reader)?;
        self.log_of_end("debug", "%r pauses reading")
    }

    /// `resume_reading()`
    ///
    /// # Errors
    /// As [`Instance::watch_end`].
    pub(super) fn resume_reading(&self) -> PyResult<()> {
        if self.end.closing.get() || !self.paused.get() {
            return Ok(());
        }
        self.paused.set(false);
        self.watch_end(Side::Reader)?;
        self.log_of_end("debug", "%r resumes reading")
    }

    /// Reads once, and hands over what came.
    ///
    /// # Errors
    /// What the protocol raises.
    pub(super) fn read_ready(&self, event_loop: &Instance<LoopBody>) -> PyResult<()> {
        if self.end.closing.get() {
            return Ok(());
        }
        if let Some(reader) = self.fed_reader()? {
            return self.feed(event_loop, &reader);
        }
        self.read_data(event_loop)
    }

    /// The reader to which what comes goes straight.
    fn fed_reader(&self) -> PyResult<Option<Ref<ReaderState>>> {
        let Some(protocol) = self.end.protocol.get() else {
            return Ok(None);
        };
        if self.process.is_met() {
            return self.process.reader(&protocol);
        }
        if self.delivery.way() != Way::Reader {
            return Ok(None);
        }
        let reader = self.delivery.reader();
        Ok(reader.filter(|reader| may_be_fed(&protocol, reader)))
    }

    fn read_data(&self, event_loop: &Instance<LoopBody>) -> PyResult<()> {
        let data = match self.receive(event_loop, usize::MAX, spared)? {
            Attempt::Done(data) => data,
            Attempt::NotNow => return Ok(()),
            Attempt::Failed(exception) => return self.fatal_error(&exception, READ_ERROR),
        };
        if Bytes::peek(&data).is_some_and(<[u8]>::is_empty) {
            return self.read_end();
        }
        let method = self.delivery.data_received(&self.end.protocol)?;
        calls::call(&method, [&data])?;
        if data.reference_count() == 1 {
            // Nobody kept it: its memory serves the next packet of the same size.
            event_loop.spare.set(data);
        }
        if self.process.is_met()
            && self
                .process
                .has_delivered(&self.end.protocol.get_or_none())?
        {
            let name = Name::DeliveredUnderscore.object();
            let delivered = self.with_object(|this| calls::attribute(this, name))?;
            self.call_soon_from_end(delivered, None)?;
        }
        Ok(())
    }

    fn feed(
        &self,
        event_loop: &Instance<LoopBody>,
        reader: &Instance<ReaderState>,
    ) -> PyResult<()> {
        match self.receive_for(event_loop, reader)? {
            Attempt::Done(0) => self.read_end(),
            Attempt::Done(_) => reader.announce(),
            Attempt::NotNow => Ok(()),
            Attempt::Failed(exception) => self.fatal_error(&exception, READ_ERROR),
        }
    }

    /// Reads a `bytes` of at most so many bytes, a small one made by `make`; an empty one is the end.
    fn receive(
        &self,
        event_loop: &Instance<LoopBody>,
        most: usize,
        make: impl FnOnce(&Instance<LoopBody>, &[u8]) -> PyResult<Object>,
    ) -> PyResult<Attempt<Object>> {
        let descriptor = self.end.descriptor.get();
        let mut size = self.read_size.get();
        let answer = if size.is_small() {
            let mut scratch = event_loop.scratch.borrow_mut();
            let room = self.scratch_room(&mut scratch);
            match pipe::read(descriptor, &mut scratch[..room]) {
                Ok(count) => Ok(make(event_loop, &scratch[..count])?),
                Err(error) => Err(error),
            }
        } else {
            let bounds = self.max_size.get().min(self.capacity.get());
            let room = size.room().min(bounds).min(most);
            buffers::bytes_filled_by(room, |place| pipe::read_uninitialized(descriptor, place))?
        };
        if let Ok(data) = &answer {
            size.learn(Bytes::peek(data).map_or(0, <[u8]>::len));
            self.read_size.set(size);
        }
        Ok(attempt(answer))
    }

    /// Reads for a stream reader; 0 is the end.
    ///
    /// # Errors
    /// `BufferError` if somebody holds a view of the reader's buffer; `MemoryError`.
    fn receive_for(
        &self,
        event_loop: &Instance<LoopBody>,
        reader: &Instance<ReaderState>,
    ) -> PyResult<Attempt<usize>> {
        if reader.received.takes_packets() {
            let wanted = reader.wanted.replace(0);
            let most = if wanted >= SCRATCH_READ {
                wanted
            } else {
                usize::MAX
            };
            return Ok(match self.receive(event_loop, most, remembered)? {
                Attempt::Done(packet) => {
                    let count = Bytes::peek(&packet).map_or(0, <[u8]>::len);
                    if count > 0 {
                        reader.received.put(packet);
                    }
                    Attempt::Done(count)
                }
                Attempt::NotNow => Attempt::NotNow,
                Attempt::Failed(exception) => Attempt::Failed(exception),
            });
        }
        let array = reader.received.array()?;
        let mut scratch = event_loop.scratch.borrow_mut();
        let room = self.scratch_room(&mut scratch);
        let answer = pipe::read(self.end.descriptor.get(), &mut scratch[..room]);
        if let Ok(count) = answer {
            buffers::bytearray_extend(&array, &scratch[..count])?;
        }
        Ok(attempt(answer))
    }

    fn scratch_room(&self, scratch: &mut Vec<u8>) -> usize {
        if scratch.is_empty() {
            scratch.resize(SCRATCH_READ, 0);
        }
        scratch.len().min(self.max_size.get())
    }

    /// Nobody writes any more.
    fn read_end(&self) -> PyResult<()> {
        self.log_of_end("info", "%r was closed by peer")?;
        self.end.closing.set(true);
        self.stop_watching_end(Side::Reader)?;
        let protocol = self.end.protocol.get_or_none();
        let ended = calls::attribute(&protocol, Name::EofReceived.object())?;
        self.call_soon_from_end(ended, None)?;
        self.schedule_loss_of_end(&Object::none())
    }

    /// `_fatal_error(exc, message)`: a terminal that was hung up (`EIO`) is only logged in debug mode; any other error goes
    /// to the exception handler. Either closes the transport.
    ///
    /// # Errors
    /// What the exception handler raises; as [`Self::close_with`].
    #[cold]
    pub(super) fn fatal_error(&self, exception: &Object, message: &str) -> PyResult<()> {
        if is_hang_up(exception)? {
            self.log_failure_of_end(exception, message)?;
        } else {
            self.report_of_end(message, exception)?;
        }
        self.close_with(exception)
    }

    /// `close()`
    ///
    /// # Errors
    /// As [`Self::close_with`].
    pub(super) fn close(&self) -> PyResult<()> {
        if self.end.closing.get() {
            return Ok(());
        }
        self.close_with(&Object::none())
    }

    /// `_close(exc)`
    ///
    /// # Errors
    /// `RuntimeError` if the loop is closed; `OSError` from the kernel.
    pub(super) fn close_with(&self, exception: &Object) -> PyResult<()> {
        self.end.closing.set(true);
        self.stop_watching_end(Side::Reader)?;
        self.schedule_loss_of_end(exception)
    }
}

fn is_hang_up(exception: &Object) -> PyResult<bool> {
    if !exception_matches(exception, &Builtin::OsError.class()) {
        return Ok(false);
    }
    let number = calls::attribute(exception, &intern("errno")?)?;
    Ok(values::is_integer(&number) && values::to_integer(&number)? == i64::from(libc::EIO))
}

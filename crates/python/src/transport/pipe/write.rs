//! The end of a pipe that is written to.

use std::cell::{Cell, RefCell};
use std::ffi::CStr;
use std::io;
use std::mem::offset_of;

use tepal_core::pipe::{self, FileKind};
use tepal_core::socket::MAXIMUM_BUFFERS;
use tepal_core::stream::{FlowControl, WriteQueue};

use crate::interop::arguments::Arguments;
use crate::interop::buffers::{self, Bytes, View};
use crate::interop::calls;
use crate::interop::coroutines::is_true;
use crate::interop::errors::{Builtin, PyResult, exception_matches, raise};
use crate::interop::gc::Visitor;
use crate::interop::imports::{dotted, imports};
use crate::interop::instance::{
    HeapType, Instance, InstanceDict, Ref, TypeCell, WeakReferences, create,
};
use crate::interop::interned::{Name, intern};
use crate::interop::object::{Object, Slot};
use crate::interop::values;
use crate::loop_core::body::LoopBody;
use crate::loop_core::failures;
use crate::loop_core::shared_context::run_in;
use crate::loop_core::watchers::Side;

use super::super::body::{AsyncioBase, Chunk};
use super::super::flow;
use super::super::wire::{Attempt, attempt};
use super::end::{End, PipeTransport};
use super::kind;

const WRITE_ERROR: &str = "Fatal write error on pipe transport";

/// How many writes to a closed pipe are ignored in silence (`asyncio.constants.LOG_THRESHOLD_FOR_CONNLOST_WRITES`).
const SILENT_WRITES: u32 = 5;

/// The state of one write transport.
#[repr(C)]
pub(crate) struct WritePipeBody {
    pub(super) asyncio: AsyncioBase,
    dict: InstanceDict,
    weak_references: WeakReferences,
    end: End,
    /// Whether the end of the one who reads can be seen: of pipes and sockets.
    sees_reader_leave: Cell<bool>,
    pub(super) queue: RefCell<WriteQueue<Chunk>>,
    pub(super) flow: Cell<FlowControl>,
    /// `_conn_lost`: how often was written in vain.
    pub(super) connection_lost: Cell<u32>,
}

impl HeapType for WritePipeBody {
    const NAME: &'static CStr = c"tepal._native.WritePipeTransport";
    const DICT: Option<usize> = Some(offset_of!(WritePipeBody, dict));
    const WEAKREFS: Option<usize> = Some(offset_of!(WritePipeBody, weak_references));
    const FINALIZES: bool = true;

    fn cell() -> &'static TypeCell {
        static CELL: TypeCell = TypeCell::new();
        &CELL
    }

    fn blank() -> WritePipeBody {
        WritePipeBody {
            asyncio: AsyncioBase::empty(),
            dict: InstanceDict::new(),
            weak_references: WeakReferences::new(),
            end: End::blank(),
            sees_reader_leave: Cell::new(false),
            queue: RefCell::new(WriteQueue::new()),
            flow: Cell::new(FlowControl::default()),
            connection_lost: Cell::new(0),
        }
    }

    fn traverse(&self, visitor: &mut Visitor) {
        self.asyncio.traverse(visitor);
        self.dict.traverse(visitor);
        self.end.traverse(visitor);
    }

    fn clear(&self) {
        self.asyncio.clear();
        self.dict.clear();
        self.end.clear();
    }

    fn needs_finalize(&self) -> bool {
        !self.end.pipe.is_empty()
    }

    fn finalize(this: &Instance<WritePipeBody>) {
        this.warn_unclosed_end();
    }
}

impl PipeTransport for WritePipeBody {
    fn end(&self) -> &End {
        &self.end
    }

    fn extra(&self) -> &Slot {
        &self.asyncio.extra
    }

    fn let_go(&self) {}
}

/// What an entry `Writable` of the ready queue does.
///
/// # Errors
/// `SystemExit` and `KeyboardInterrupt`; what the exception handler raises.
///
/// # Reentrancy
/// Runs any Python code.
pub(in super::super) fn run_writable(
    event_loop: &Instance<LoopBody>,
    transport: &Object,
) -> PyResult<()> {
    let Some(transport) = transport.exactly::<WritePipeBody>() else {
        return Ok(());
    };
    if !transport.is_watching_end(event_loop, Side::Writer) {
        return Ok(());
    }
    run_in(&transport.end.write_context, || transport.write_ready())?
}

/// What an entry `Readable` of the ready queue does: nobody reads any more.
///
/// # Errors
/// As [`run_writable`].
///
/// # Reentrancy
/// Runs any Python code.
pub(super) fn run_readable(
    event_loop: &Instance<LoopBody>,
    transport: &Instance<WritePipeBody>,
) -> PyResult<()> {
    if !transport.is_watching_end(event_loop, Side::Reader) {
        return Ok(());
    }
    run_in(&transport.end.read_context, || transport.read_ready())?
}

impl Instance<WritePipeBody> {
    /// Makes a transport and schedules `connection_made`, the first look at the pipe and the end of `waiter`.
    ///
    /// # Errors
    /// `ValueError` for a regular file; what the pipe's `fileno()` and looking at the protocol raise.
    pub(crate) fn make(
        event_loop: &Instance<LoopBody>,
        arguments: Arguments<'_>,
    ) -> PyResult<Ref<WritePipeBody>> {
        let refusal = "Pipe transport is only for pipes, sockets and character devices";
        let given = kind::given(event_loop, &arguments, "_new_write_pipe_transport", refusal)?;
        let transport = create(|| WritePipeBody {
            end: given.end,
            sees_reader_leave: Cell::new(given.kind != FileKind::CharacterDevice),
            ..WritePipeBody::blank()
        })?;
        transport.asyncio.extra.set(given.facts);
        transport.start_end(&given.waiter)?;
        Ok(transport)
    }

    /// `_begin(waiter)`: what follows `connection_made`.
    ///
    /// # Errors
    /// As [`Instance::watch_end`].
    pub(super) fn begin(&self, waiter: &Object) -> PyResult<()> {
        let watched = if self.sees_reader_leave.get() && !self.end.losing.get() {
            self.watch_end(Side::Reader)
        } else {
            Ok(())
        };
        kind::wake(waiter, watched)
    }

    /// `write(data)`: at once if nothing waits, else behind what waits.
    ///
    /// # Errors
    /// `AssertionError` if `data` is not bytes-like. Errors of the pipe close the transport and are not raised.
    pub(super) fn write(&self, data: &Object) -> PyResult<()> {
        if let Some(bytes) = Bytes::peek(data)
            && !bytes.is_empty()
            && !self.end.closing.get()
            && self.connection_lost.get() == 0
        {
            return self.write_bytes(data, bytes);
        }
        if !buffers::is_bytes_like(data) {
            let class = dotted("builtins", &["AssertionError"])?;
            return Err(raise(&class, &values::repr(data)));
        }
        if !is_true(data)? || self.ignores_write()? {
            return Ok(());
        }
        match View::readable(data) {
            Ok(view) => self.write_bytes(data, view.as_slice()),
            Err(raised) => {
                let exception = failures::contain(raised)?;
                self.write_failed(&exception)
            }
        }
    }

    /// Whether the transport is closing, so that a write is ignored; asyncio logs that from the fifth on.
    fn ignores_write(&self) -> PyResult<bool> {
        let lost = self.connection_lost.get();
        if lost == 0 && !self.end.closing.get() {
            return Ok(false);
        }
        if lost >= SILENT_WRITES {
            let warning = calls::attribute(&imports().logger, &intern("warning")?)?;
            let text = "pipe closed by peer or os.write(pipe, data) raised exception.";
            calls::call(&warning, [&values::string(text)?])?;
        }
        self.connection_lost.set(lost.saturating_add(1));
        Ok(true)
    }

    /// Writes `bytes`, the content of `data`.
    fn write_bytes(&self, data: &Object, bytes: &[u8]) -> PyResult<()> {
        let mut sent = 0;
        if self.queue.borrow().is_empty() {
            match attempt(pipe::write(self.end.descriptor.get(), bytes)) {
                Attempt::Done(count) if count >= bytes.len() => return Ok(()),
                Attempt::Done(count) => sent = count,
                Attempt::NotNow => {}
                Attempt::Failed(exception) => return self.write_failed(&exception),
            }
            self.watch_end(Side::Writer)?;
        }
        let (chunk, sent) = match Bytes::of(data) {
            Some(bytes) => (Chunk::Kept(bytes), sent),
            None => (Chunk::Copied(bytes[sent..].into()), 0),
        };
        let left = self.queue.borrow_mut().push(chunk, sent);
        drop(left);
        self.maybe_pause_protocol()
    }

    /// `writelines(list_of_data)`: as asyncio's, which joins them.
    ///
    /// # Errors
    /// As [`Self::write`]; what `bytes.join` raises.
    pub(super) fn write_lines(&self, lines: &Object) -> PyResult<()> {
        let join = calls::attribute(&buffers::bytes(&[])?, &intern("join")?)?;
        self.write(&calls::call(&join, [lines])?)
    }

    fn write_failed(&self, exception: &Object) -> PyResult<()> {
        let lost = self.connection_lost.get();
        self.connection_lost.set(lost.saturating_add(1));
        self.fatal_error(exception, WRITE_ERROR)
    }

    /// Writes what the pipe takes of the queue, and does what an empty queue was waited for.
    ///
    /// # Errors
    /// As [`run_writable`].
    pub(super) fn write_ready(&self) -> PyResult<()> {
        if self.queue.borrow().is_empty() {
            return Ok(());
        }
        match self.write_queue() {
            Attempt::NotNow => return Ok(()),
            Attempt::Failed(exception) => {
                drop(self.queue.borrow_mut().take_all());
                self.stop_watching_end(Side::Writer)?;
                return self.write_failed(&exception);
            }
            // A chunk is memory of ours or an exact `bytes`: dropping it runs no Python code.
            Attempt::Done(count) => self.queue.borrow_mut().advance(count, drop),
        }
        self.maybe_resume_protocol()?;
        // What `resume_writing` has written may wait.
        if !self.queue.borrow().is_empty() {
            return Ok(());
        }
        self.stop_watching_end(Side::Writer)?;
        if self.end.closing.get() && !self.end.losing.replace(true) {
            self.stop_watching_end(Side::Reader)?;
            return self.lose_end(&Object::none());
        }
        Ok(())
    }

    fn write_queue(&self) -> Attempt<usize> {
        const FEW: usize = 16;
        let descriptor = self.end.descriptor.get();
        let queue = self.queue.borrow();
        let count = queue.chunks().count();
        let answer = if count <= FEW {
            let mut places = [io::IoSlice::new(&[]); FEW];
            pipe::write_vectored(descriptor, queue.next(&mut places))
        } else {
            let mut places = vec![io::IoSlice::new(&[]); count.min(MAXIMUM_BUFFERS)];
            pipe::write_vectored(descriptor, queue.next(&mut places))
        };
        drop(queue);
        attempt(answer)
    }

    /// Nobody reads any more.
    ///
    /// # Errors
    /// As [`Self::close_with`].
    pub(super) fn read_ready(&self) -> PyResult<()> {
        self.log_of_end("info", "%r was closed by peer")?;
        if self.queue.borrow().is_empty() {
            return self.close_with(&Object::none());
        }
        let broken = calls::call(&dotted("builtins", &["BrokenPipeError"])?, [])?;
        self.close_with(&broken)
    }

    /// `write_eof()`, which is `close()` as well: ends once everything is written.
    ///
    /// # Errors
    /// `RuntimeError` if the loop is closed.
    pub(super) fn write_eof(&self) -> PyResult<()> {
        if self.end.closing.replace(true) {
            return Ok(());
        }
        if self.queue.borrow().is_empty() {
            self.stop_watching_end(Side::Reader)?;
            self.schedule_loss_of_end(&Object::none())?;
        }
        Ok(())
    }

    /// `_close(exc)`: gives up what is not written; `connection_lost(exc)` comes with the next turn.
    ///
    /// # Errors
    /// `RuntimeError` if the loop is closed; `OSError` from the kernel.
    pub(super) fn close_with(&self, exception: &Object) -> PyResult<()> {
        self.end.closing.set(true);
        let unsent = self.queue.borrow_mut().take_all();
        drop(unsent);
        self.stop_watching_end(Side::Writer)?;
        self.stop_watching_end(Side::Reader)?;
        self.schedule_loss_of_end(exception)
    }

    /// `_fatal_error(exc, message)`: errors of the operating system are only logged in debug mode; any other goes to the
    /// exception handler. Either closes the transport.
    ///
    /// # Errors
    /// What the exception handler raises; as [`Self::close_with`].
    #[cold]
    pub(super) fn fatal_error(&self, exception: &Object, message: &str) -> PyResult<()> {
        if exception_matches(exception, &Builtin::OsError.class()) {
            self.log_failure_of_end(exception, message)?;
        } else {
            self.report_of_end(message, exception)?;
        }
        self.close_with(exception)
    }

    /// After the queue grew.
    ///
    /// # Errors
    /// `SystemExit` and `KeyboardInterrupt` of `pause_writing`; what the exception handler raises.
    pub(super) fn maybe_pause_protocol(&self) -> PyResult<()> {
        let size = self.queue.borrow().size();
        if flow::grew(&self.flow, size) {
            self.tell_protocol(Name::PauseWriting)?;
        }
        Ok(())
    }

    /// After the queue shrank.
    ///
    /// # Errors
    /// As [`Self::maybe_pause_protocol`], of `resume_writing`.
    pub(super) fn maybe_resume_protocol(&self) -> PyResult<()> {
        let size = self.queue.borrow().size();
        if flow::shrank(&self.flow, size) {
            self.tell_protocol(Name::ResumeWriting)?;
        }
        Ok(())
    }

    fn tell_protocol(&self, method: Name) -> PyResult<()> {
        let protocol = self.end.protocol.get_or_none();
        flow::tell(&protocol, method, |message, exception| {
            let message = values::text(message).unwrap_or_default();
            self.report_of_end(&message, exception)
        })
    }
}

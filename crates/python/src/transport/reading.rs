//! From the kernel to the protocol.

use tepal_core::constants::LARGEST_READ;

use crate::interop::buffers;
use crate::interop::calls;
use crate::interop::coroutines::is_true;
use crate::interop::errors::{PyResult, Raised};
use crate::interop::instance::Instance;
use crate::interop::interned::Name;
use crate::interop::object::Object;
use crate::loop_core::body::LoopBody;
use crate::loop_core::failures;
use crate::loop_core::shared_context::run_in;
use crate::loop_core::watchers::{Side, Watch};

use crate::stream_reader::{ReaderState, may_be_fed};

use super::body::StreamBody;
use super::delivery::{Way, upper};
use super::pipe;
use super::wire::Attempt;

/// What an entry `Readable` of the ready queue does: nothing if the transport has stopped reading since.
///
/// # Errors
/// `SystemExit` and `KeyboardInterrupt`; what the exception handler raises.
///
/// # Reentrancy
/// Runs any Python code.
#[inline(always)]
pub(crate) fn run_readable(event_loop: &Instance<LoopBody>, transport: &Object) -> PyResult<()> {
    let Some(stream) = transport.exactly::<StreamBody>() else {
        return pipe::run_readable(event_loop, transport);
    };
    if !event_loop.is_watched_by(stream.descriptor.get(), Side::Reader, transport) {
        return Ok(());
    }
    if stream.delivery.way() == Way::Reader
        && event_loop.attention.is_only_watched()
        && let Some(reader) = stream.delivery.reader()
        && stream.feeds(&reader)
    {
        return stream.feed(event_loop, &reader);
    }
    run_in(&stream.read_context, || stream.read_ready(event_loop))?
}

impl Instance<StreamBody> {
    /// Whether reads are wanted: `is_reading()`.
    #[inline(always)]
    pub(super) fn is_reading(&self) -> bool {
        !self.closing.get() && !self.paused.get()
    }

    /// Reads once, and hands over what came.
    ///
    /// # Errors
    /// As [`run_readable`].
    #[inline(always)]
    pub(super) fn read_ready(&self, event_loop: &Instance<LoopBody>) -> PyResult<()> {
        if self.connection_lost.get() != 0 {
            return Ok(());
        }
        match self.delivery.way() {
            Way::Data => self.read_data(event_loop),
            Way::Reader => self.read_for_stream(event_loop),
            Way::Buffer => self.read_into_buffer(event_loop),
            Way::Upper => self.read_for_upper(event_loop),
        }
    }

    #[inline(always)]
    fn read_data(&self, event_loop: &Instance<LoopBody>) -> PyResult<()> {
        let data = match self.receive_bytes(event_loop)? {
            Attempt::Done(data) => data,
            Attempt::NotNow => return Ok(()),
            Attempt::Failed(exception) => return self.read_failed(&exception),
        };
        if buffers::Bytes::peek(&data).is_some_and(<[u8]>::is_empty) {
            return self.read_end(event_loop);
        }
        event_loop.delivering.set(true);
        let delivered = self
            .delivery
            .data_received(&self.protocol)
            .and_then(|method| calls::call(&method, [&data]));
        event_loop.delivering.set(false);
        match delivered {
            Ok(_) => {
                if data.reference_count() == 1 && !self.foreign_socket.get() {
                    // Nobody kept it: its memory serves the next packet of the same size. (What a foreign socket gave
                    // may be anything; what ours gave is a `bytes`.)
                    event_loop.spare.set(data);
                }
                Ok(())
            }
            Err(raised) => self.protocol_failed(raised, "data_received"),
        }
    }

    /// Feeds the reader of an `asyncio.StreamReaderProtocol`; where that does not go, as any other protocol.
    fn read_for_stream(&self, event_loop: &Instance<LoopBody>) -> PyResult<()> {
        match self.delivery.reader() {
            Some(reader) if self.feeds(&reader) => {
                let received = self.receive_for(event_loop, &reader);
                self.fed(event_loop, &reader, received)
            }
            _ => self.read_data(event_loop),
        }
    }

    /// Whether what arrives goes straight to this reader.
    #[inline(always)]
    fn feeds(&self, reader: &Instance<ReaderState>) -> bool {
        !self.foreign_socket.get()
            && self.connection_lost.get() == 0
            && self
                .protocol
                .get()
                .is_some_and(|protocol| may_be_fed(&protocol, reader))
    }

    /// As [`Self::read_for_stream`], and enters the context only for what may run Python code.
    #[inline(always)]
    fn feed(
        &self,
        event_loop: &Instance<LoopBody>,
        reader: &Instance<ReaderState>,
    ) -> PyResult<()> {
        let received = self.receive_for(event_loop, reader);
        match received {
            Ok(Attempt::Done(count)) if count > 0 && reader.wakes_natively() => {
                event_loop.hurry(count);
                reader.announce()
            }
            Ok(Attempt::NotNow) => Ok(()),
            received => run_in(&self.read_context, || {
                self.fed(event_loop, reader, received)
            })?,
        }
    }

    fn fed(
        &self,
        event_loop: &Instance<LoopBody>,
        reader: &Instance<ReaderState>,
        received: PyResult<Attempt<usize>>,
    ) -> PyResult<()> {
        match received {
            Ok(Attempt::Done(0)) => self.read_end(event_loop),
            Ok(Attempt::Done(_)) => match reader.announce() {
                Ok(()) => Ok(()),
                Err(raised) => self.protocol_failed(raised, "data_received"),
            },
            Ok(Attempt::NotNow) => Ok(()),
            Ok(Attempt::Failed(exception)) => self.read_failed(&exception),
            Err(raised) => self.protocol_failed(raised, "data_received"),
        }
    }

    /// Feeds the native layer above; from a foreign socket, as asyncio feeds it.
    #[inline(always)]
    fn read_for_upper(&self, event_loop: &Instance<LoopBody>) -> PyResult<()> {
        let Some(upper) = upper().filter(|_| !self.foreign_socket.get()) else {
            return self.read_into_buffer(event_loop);
        };
        let Some(socket) = self.socket.get() else {
            return Ok(());
        };
        // Away while it is in use: what is called may read as well.
        let mut sealed = event_loop.received.take();
        if sealed.is_empty() {
            sealed.resize(LARGEST_READ, 0);
        }
        let room = sealed.len().min(self.max_size.get());
        let answer = self.receive_to(&socket, &mut sealed[..room]);
        let outcome = match answer {
            Attempt::Done(0) => self.read_end(event_loop),
            Attempt::Done(count) => {
                let protocol = self.protocol.get_or_none();
                match (upper.received)(&protocol, &sealed[..count]) {
                    Ok(()) => Ok(()),
                    Err(raised) => self.protocol_failed(raised, "buffer_updated"),
                }
            }
            Attempt::NotNow => Ok(()),
            Attempt::Failed(exception) => self.read_failed(&exception),
        };
        event_loop.received.set(sealed);
        outcome
    }

    /// The peer sends no more.
    pub(super) fn read_end(&self, event_loop: &Instance<LoopBody>) -> PyResult<()> {
        if event_loop.is_debug()? {
            self.log_debug("%r received EOF")?;
        }
        let protocol = self.protocol.get_or_none();
        let answer = calls::call_method(Name::EofReceived, [&protocol]);
        match answer.and_then(|answer| is_true(&answer)) {
            // The protocol may write on, but nothing more can be read.
            Ok(true) => self.stop_watching(event_loop, Side::Reader),
            Ok(false) => self.close(),
            Err(raised) => self.protocol_failed(raised, "eof_received"),
        }
    }

    #[cold]
    pub(super) fn read_failed(&self, exception: &Object) -> PyResult<()> {
        self.fatal_error(exception, "Fatal read error on socket transport")
    }

    #[cold]
    pub(super) fn protocol_failed(&self, raised: Raised, method: &str) -> PyResult<()> {
        let exception = failures::contain(raised)?;
        self.fatal_error(
            &exception,
            &format!("Fatal error: protocol.{method}() call failed."),
        )
    }

    /// Begins to read, if that is still wanted; `_add_reader` of asyncio's transport.
    ///
    /// # Errors
    /// `OSError` from the kernel; `RuntimeError` if the loop is closed.
    pub(super) fn watch_reads(&self) -> PyResult<()> {
        if !self.is_reading() {
            return Ok(());
        }
        let event_loop = self.event_loop()?;
        self.read_context.set(self.callback_context(&event_loop)?);
        let watch = Watch::Transport(self.object());
        let before = event_loop.watch(self.descriptor.get(), Side::Reader, watch)?;
        drop(before);
        Ok(())
    }

    /// Stops waiting for one side, if it is this transport that waits.
    ///
    /// # Errors
    /// `OSError` from the kernel.
    pub(super) fn stop_watching(
        &self,
        event_loop: &Instance<LoopBody>,
        side: Side,
    ) -> PyResult<()> {
        let descriptor = self.descriptor.get();
        if self.with_object(|this| event_loop.is_watched_by(descriptor, side, this)) {
            let before = event_loop.unwatch(descriptor, side)?;
            drop(before);
        }
        Ok(())
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
        let event_loop = self.event_loop()?;
        self.stop_watching(&event_loop, Side::Reader)?;
        if event_loop.is_debug()? {
            self.log_debug("%r pauses reading")?;
        }
        Ok(())
    }

    /// `resume_reading()`
    ///
    /// # Errors
    /// As [`Self::watch_reads`].
    pub(super) fn resume_reading(&self) -> PyResult<()> {
        if self.closing.get() || !self.paused.get() {
            return Ok(());
        }
        self.paused.set(false);
        self.watch_reads()?;
        if self.event_loop()?.is_debug()? {
            self.log_debug("%r resumes reading")?;
        }
        Ok(())
    }
}

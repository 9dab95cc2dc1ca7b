//! Writes that wait for the next one of the same turn, so that both leave with one system call.
//!
//! asyncio sends each write at once, uvloop and zuvloop send all at the end of the turn. Here a write is held back only
//! where the program's habit says that another one follows in the same turn ([`Burst`](tepal_core::stream::Burst)), and
//! the last one sends them all before it returns; the end of the turn is a safety net. Whatever else is asked of the
//! transport finds the bytes sent ([`settle`](Instance::settle)).

use tepal_core::monotonic_ns;

use crate::interop::errors::{PyResult, restore};
use crate::interop::instance::Instance;
use crate::interop::object::Object;
use crate::interop::threads;
use crate::loop_core::body::LoopBody;

use super::body::StreamBody;
use super::wire::Attempt;
use super::writing::WRITE_ERROR;

impl Instance<StreamBody> {
    /// Counts a write; whether another one is expected in this turn.
    #[inline(always)]
    pub(super) fn expects_another_write(&self) -> bool {
        let turn = match self.event_loop.get() {
            // Only the loop's own thread comes to the end of the turn.
            Some(event_loop) if event_loop.thread.get() == threads::ident() => {
                event_loop.turn.get()
            }
            _ => 0,
        };
        if turn == 0 || self.foreign_socket.get() {
            return false;
        }
        let mut burst = self.burst.get();
        let more = burst.wrote(turn);
        self.burst.set(burst);
        more
    }

    /// Holds the first write back.
    pub(super) fn hold(&self, data: &Object, bytes: &[u8]) -> PyResult<()> {
        let event_loop = self.event_loop()?;
        let mut burst = self.burst.get();
        burst.hold(monotonic_ns());
        self.burst.set(burst);
        self.keep(data, bytes, 0);
        self.held.set(true);
        event_loop.holding.borrow_mut().push(self.object());
        Ok(())
    }

    /// A write that follows one that is held.
    pub(super) fn write_behind_held(
        &self,
        data: &Object,
        bytes: &[u8],
        more: bool,
    ) -> PyResult<()> {
        self.keep(data, bytes, 0);
        let size = self.queue.borrow().size();
        if more && self.burst.get().may_hold(size, monotonic_ns()) {
            return Ok(());
        }
        self.settle()
    }

    /// Sends what is held back.
    ///
    /// # Errors
    /// As `write`.
    #[inline(always)]
    pub(super) fn settle(&self) -> PyResult<()> {
        if self.held.replace(false) {
            self.send_held()
        } else {
            Ok(())
        }
    }

    fn send_held(&self) -> PyResult<()> {
        if self.connection_lost.get() != 0 || self.queue.borrow().is_empty() {
            return Ok(());
        }
        match self.send_queue()? {
            // A chunk is memory of ours or an exact `bytes`: dropping it runs no Python code.
            Attempt::Done(count) => self.queue.borrow_mut().advance(count, drop),
            Attempt::NotNow => {}
            Attempt::Failed(exception) => {
                drop(self.queue.borrow_mut().take_all());
                return self.fatal_error(&exception, WRITE_ERROR);
            }
        }
        if self.queue.borrow().is_empty() {
            return Ok(());
        }
        self.watch_writes()?;
        self.maybe_pause_protocol()
    }
}

/// Sends what the transports of the loop hold back.
///
/// # Errors
/// The first error of a transport's `write`; all are served.
///
/// # Reentrancy
/// Runs any Python code.
pub(crate) fn send_held(event_loop: &Instance<LoopBody>) -> PyResult<()> {
    let holding = std::mem::take(&mut *event_loop.holding.borrow_mut());
    let mut failed = Ok(());
    for transport in &holding {
        let Some(stream) = transport.exactly::<StreamBody>() else {
            continue;
        };
        match (stream.settle(), &failed) {
            (Ok(()), _) => {}
            (Err(raised), Ok(())) => failed = Err(raised.take()),
            (Err(raised), Err(_)) => raised.forget(),
        }
    }
    failed.map_err(restore)
}

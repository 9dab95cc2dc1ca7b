//! Writes that wait for others, so that all leave together.
//!
//! asyncio sends each write at once, uvloop and zuvloop send all at the end of the turn. Here a write is held back
//!
//! - for the next one of the same transport, where the program's habit says that it follows in the same turn
//!   ([`Burst`](tepal_core::stream::Burst)): the last one sends them all before it returns;
//! - for the end of the connection, where that followed at once with the connections before
//!   ([`Endings`](tepal_core::stream::Endings), [`ending`](super::ending));
//! - for those of other transports, where many are busy and more entries are ready to run
//!   ([`Gathering`](tepal_core::stream::Gathering)): all are sent after some of them, one right after the other;
//! - for those of the same transport to the other parts of a message that is larger than the protocol's buffer
//!   ([`filling`](super::filling)).
//!
//! What `data_received` answers at once is still in the processor's caches, and its memory serves for the next packet if
//! nobody keeps it: of such answers only small ones wait for other transports.
//!
//! Nothing waits beyond the next poll or the end of the loop's run. Whatever else is asked of the transport finds the
//! bytes sent ([`settle`](Instance::settle)).

use tepal_core::constants::{GATHERED_ANSWER, HELD_BYTES, JOINED_ANSWERS};
use tepal_core::monotonic_ns;
use tepal_core::socket::Next;
use tepal_core::stream::Gathering;

use crate::interop::errors::{PyResult, Raised, restore};
use crate::interop::instance::Instance;
use crate::interop::object::Object;
use crate::interop::threads;
use crate::loop_core::body::LoopBody;
use crate::loop_core::shared_context::run_in;

use super::body::StreamBody;
use super::wire::Attempt;
use super::writing::WRITE_ERROR;

/// Why the queue of a transport waits, if not for the kernel.
///
/// | state | `write` finds | → |
/// |---|---|---|
/// | No | many transports busy, more ready, and no large answer out of `data_received` | Gathered |
/// | No | the habit of writing again | ForNext |
/// | No | the first of a connection, and those before ended with it | ForEnd |
/// | No | `gathering_writes` has begun | Gathered, before any write; what began it ends it |
/// | No | a part of a message filled the protocol's buffer ([`filling`](super::filling)) | ForRest, before any write; the last part ends it |
/// | ForNext | the last one of the habit, too much or too long | No: all is sent |
/// | Gathered, ForEnd, ForRest | too much | No: all is sent |
/// | ForNext, ForEnd, Gathered, ForRest | anything else | the same |
/// | ForEnd, Gathered | `close()`, and nobody else can have the socket | No: sent with the end of the stream ([`ending`](super::ending)) |
/// | ForNext, ForEnd, Gathered, ForRest | no `write`: a poll, another method, the end of the run | No: all is sent |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    No,
    ForNext,
    ForEnd,
    ForRest,
    Gathered,
}

impl Instance<StreamBody> {
    /// Counts a write of so many bytes. Answers what it should wait for.
    #[inline(always)]
    pub(super) fn should_wait(&self, size: usize) -> Held {
        let Some(event_loop) = self.event_loop.get() else {
            return Held::No;
        };
        // Only the loop's own thread comes to the next poll, and only turns of ours send before it.
        if event_loop.thread.get() != threads::ident()
            || self.foreign_socket.get()
            || !event_loop.turning.get()
        {
            return Held::No;
        }
        let mut burst = self.burst.get();
        let first = burst.is_new();
        let more = burst.wrote(event_loop.turn.get());
        self.burst.set(burst);
        let mut gathering = event_loop.gathering.get();
        let many = gathering.wrote();
        event_loop.gathering.set(gathering);
        let may_gather = size <= GATHERED_ANSWER || !event_loop.delivering.get();
        if size >= HELD_BYTES {
            Held::No
        } else if many
            && may_gather
            && !hold_enough(&event_loop)
            && !event_loop.ready.borrow().is_empty()
        {
            Held::Gathered
        } else if more {
            Held::ForNext
        } else if first && self.may_wait_for_end(&event_loop) {
            Held::ForEnd
        } else {
            Held::No
        }
    }

    /// Holds the first write back.
    #[inline(always)]
    pub(super) fn hold(&self, data: &Object, bytes: &[u8], held: Held) -> PyResult<()> {
        let event_loop = self.event_loop()?;
        self.keep(data, bytes, 0);
        self.begin_to_hold(&event_loop, held);
        Ok(())
    }

    /// What was just queued is held back.
    #[inline(always)]
    pub(super) fn begin_to_hold(&self, event_loop: &Instance<LoopBody>, held: Held) {
        if matches!(held, Held::ForNext | Held::ForEnd) {
            self.note_holding();
        }
        self.held.set(held);
        let mut holding = event_loop.holding.borrow_mut();
        if holding.is_empty() {
            let mut gathering = event_loop.gathering.get();
            gathering.begin(monotonic_ns());
            event_loop.gathering.set(gathering);
        }
        holding.push(self.object());
    }

    /// From now on something is held.
    pub(super) fn note_holding(&self) {
        let mut burst = self.burst.get();
        burst.hold(monotonic_ns());
        self.burst.set(burst);
    }

    /// A write that follows one that is held; `next` is what it should wait for itself.
    pub(super) fn write_behind_held(
        &self,
        data: &Object,
        bytes: &[u8],
        next: Held,
    ) -> PyResult<()> {
        self.keep(data, bytes, 0);
        self.wait_behind_held(next)
    }

    /// Sends what is held, if what was queued behind it should not wait.
    pub(super) fn wait_behind_held(&self, next: Held) -> PyResult<()> {
        let size = self.queue.borrow().size();
        let wait = match self.held.get() {
            Held::Gathered | Held::ForEnd => size < HELD_BYTES,
            Held::ForRest => size < JOINED_ANSWERS,
            _ => next == Held::ForNext && self.burst.get().may_hold(size, monotonic_ns()),
        };
        if wait { Ok(()) } else { self.settle() }
    }

    /// Lets all that `work` writes leave together, after it, unless that is much.
    ///
    /// # Errors
    /// What `work` raises; as `write`.
    ///
    /// # Reentrancy
    /// As `work`.
    pub(crate) fn gathering_writes(&self, work: impl FnOnce() -> PyResult<()>) -> PyResult<()> {
        self.holding_writes(Held::Gathered, work)
    }

    /// As [`Self::gathering_writes`], with the reason.
    ///
    /// # Errors
    /// As [`Self::gathering_writes`].
    ///
    /// # Reentrancy
    /// As `work`.
    pub(super) fn holding_writes(
        &self,
        held: Held,
        work: impl FnOnce() -> PyResult<()>,
    ) -> PyResult<()> {
        let Some(event_loop) = self.event_loop.get() else {
            return work();
        };
        let begins = event_loop.turning.get()
            && self.held.get() == Held::No
            && self.queue.borrow().is_empty();
        if begins {
            // Polls of turns within `work` send it as well.
            self.begin_to_hold(&event_loop, held);
        }
        let pending = work().map_err(Raised::take);
        let settled = self.settle();
        if begins {
            let last = event_loop
                .holding
                .borrow_mut()
                .pop_if(|last| self.with_object(|this| last.is(this)));
            drop(last);
        }
        if self.queue.borrow().is_empty() {
            // Most connections queue nothing ever again.
            drop(self.queue.borrow_mut().take_all());
        }
        match pending {
            Ok(()) => settled,
            Err(pending) => {
                if let Err(raised) = settled {
                    raised.forget();
                }
                Err(restore(pending))
            }
        }
    }

    /// Sends what is held back.
    ///
    /// # Errors
    /// As `write`.
    #[inline(always)]
    pub(super) fn settle(&self) -> PyResult<()> {
        match self.held.replace(Held::No) {
            Held::No => Ok(()),
            held => {
                self.note_no_end(held);
                self.send_held()
            }
        }
    }

    /// As [`Self::settle`], and what waits for the end, or was gathered, leaves with the end of the stream, which follows soon. Answers whether it
    /// waits for that.
    ///
    /// # Errors
    /// As `write`.
    pub(super) fn settle_before_end(&self) -> PyResult<bool> {
        match self.held.replace(Held::No) {
            Held::No => Ok(false),
            Held::ForNext | Held::ForRest => self.send_held().map(|()| false),
            Held::ForEnd | Held::Gathered => match self.try_held(Next::Soon)? {
                Outcome::Sent => Ok(true),
                unsent => self.held_tried(unsent).map(|()| false),
            },
        }
    }

    /// As [`Self::settle`], if a part of what is held could be so much that the protocol has to pause.
    ///
    /// # Errors
    /// As `write`.
    #[inline(always)]
    pub(super) fn settle_if_much(&self) -> PyResult<()> {
        if self.held.get() == Held::No || self.queue.borrow().size() <= self.flow.get().limits().1 {
            return Ok(());
        }
        self.settle()
    }

    fn send_held(&self) -> PyResult<()> {
        match self.try_held(Next::Unknown)? {
            Outcome::Sent => Ok(()),
            unsent => self.held_tried(unsent),
        }
    }

    /// As [`Self::settle`], for the loop: of no Task, and in the connection's context if Python code runs.
    fn settle_by_loop(&self, event_loop: &Instance<LoopBody>) -> PyResult<()> {
        let held = self.held.replace(Held::No);
        if held == Held::No {
            return Ok(());
        }
        self.note_no_end(held);
        let unsent = match self.try_held(Next::Unknown)? {
            Outcome::Sent => return Ok(()),
            unsent => unsent,
        };
        event_loop.retract_task();
        if self.read_context.is_empty() {
            return self.held_tried(unsent);
        }
        run_in(&self.read_context, || self.held_tried(unsent))?
    }

    /// Lets the kernel take what it takes. Runs no Python code, unless the socket is foreign.
    #[inline(always)]
    fn try_held(&self, next: Next) -> PyResult<Outcome> {
        if self.connection_lost.get() != 0 || self.queue.borrow().is_empty() {
            return Ok(Outcome::Sent);
        }
        match self.send_queue(next)? {
            // A chunk is memory of ours or an exact `bytes`: dropping it runs no Python code.
            Attempt::Done(count) => self.queue.borrow_mut().advance(count, drop),
            Attempt::NotNow => {}
            Attempt::Failed(exception) => return Ok(Outcome::Failed(exception)),
        }
        Ok(if self.queue.borrow().is_empty() {
            Outcome::Sent
        } else {
            Outcome::Left
        })
    }

    #[cold]
    fn held_tried(&self, unsent: Outcome) -> PyResult<()> {
        match unsent {
            Outcome::Sent => Ok(()),
            Outcome::Left => {
                self.watch_writes()?;
                self.maybe_pause_protocol()
            }
            Outcome::Failed(exception) => {
                drop(self.queue.borrow_mut().take_all());
                self.fatal_error(&exception, WRITE_ERROR)
            }
        }
    }
}

/// What became of bytes that were held.
enum Outcome {
    Sent,
    Left,
    Failed(Object),
}

/// Whether so many transports hold something back that they are to be served now.
#[inline(always)]
pub(crate) fn hold_enough(event_loop: &Instance<LoopBody>) -> bool {
    Gathering::is_enough(event_loop.holding.borrow().len())
}

/// Sends what the transports of the loop hold back, and what they come to hold meanwhile.
///
/// # Errors
/// The first error of a transport's `write`; all are served.
///
/// # Reentrancy
/// Runs any Python code.
#[inline(never)]
pub(crate) fn send_held(event_loop: &Instance<LoopBody>) -> PyResult<()> {
    let mut failed = Ok(());
    loop {
        let mut holding = event_loop.holding.take();
        if holding.is_empty() {
            break;
        }
        for transport in holding.drain(..) {
            let Some(stream) = transport.exactly::<StreamBody>() else {
                continue;
            };
            match (stream.settle_by_loop(event_loop), &failed) {
                (Ok(()), _) => {}
                (Err(raised), Ok(())) => failed = Err(raised.take()),
                (Err(raised), Err(_)) => raised.forget(),
            }
        }
        let mut gathering = event_loop.gathering.get();
        gathering.sent(monotonic_ns());
        event_loop.gathering.set(gathering);
        // The memory serves again, unless something was held meanwhile.
        if event_loop.holding.borrow().is_empty() {
            event_loop.holding.replace(holding);
        }
    }
    failed.map_err(restore)
}

//! The reasons for which scheduling must leave its fast path.

use std::cell::Cell;

/// The loop is closed: scheduling raises.
pub(crate) const CLOSED: u8 = 1;
/// Debug mode: the thread is checked, handles remember where they were made.
pub(crate) const DEBUG: u8 = 2;
/// `call_soon` was replaced on the instance or by a subclass: everything goes through it.
pub(crate) const OVERRIDDEN: u8 = 4;

/// `get_debug` was replaced: it is asked whether debug mode is on.
pub(crate) const DEBUG_METHOD: u8 = 8;
/// `_timer_handle_cancelled` was replaced: it is told of every cancelled timer.
pub(crate) const TIMER_HOOK: u8 = 16;

/// A recording runs: it is told of every Task that becomes ready, and of every step.
pub(crate) const RECORDING: u8 = 32;
/// Unfinished Tasks are kept alive: each that ends is to be let go.
pub(crate) const KEEPING: u8 = 64;

/// `asyncio.Handle._run` was replaced: everything runs as a Handle, through the replacement.
pub(crate) const HANDLE_RUN: u8 = 128;

/// The reasons that concern how an entry runs.
pub(crate) const CARE: u8 = DEBUG | RECORDING | KEEPING | HANDLE_RUN;

/// A set of the reasons above; empty on the fast path, so that one test is enough.
pub(crate) struct Attention(Cell<u8>);

impl Attention {
    pub(crate) const fn none() -> Attention {
        Attention(Cell::new(0))
    }

    /// Whether nothing special is to be minded.
    #[inline(always)]
    pub(crate) fn is_none(&self) -> bool {
        self.0.get() == 0
    }

    /// Whether nothing is to be minded but that somebody looks on: nothing behaves differently then.
    #[inline(always)]
    pub(crate) fn is_only_watched(&self) -> bool {
        self.0.get() & !(RECORDING | KEEPING) == 0
    }

    /// Whether a recording runs, and nothing else asks for care with each entry that runs.
    #[inline(always)]
    pub(crate) fn is_recording_only(&self) -> bool {
        self.0.get() & CARE == RECORDING
    }

    #[inline(always)]
    pub(crate) fn has(&self, reason: u8) -> bool {
        self.0.get() & reason != 0
    }

    pub(crate) fn set(&self, reason: u8, on: bool) {
        let others = self.0.get() & !reason;
        self.0.set(if on { others | reason } else { others });
    }
}

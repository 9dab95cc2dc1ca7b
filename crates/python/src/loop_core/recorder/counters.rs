use std::cell::Cell;

use super::COUNTERS;

/// The sums that a loop keeps while nobody asked for more.
pub(crate) struct Counters {
    pub(crate) level: Cell<u8>,
    pub(crate) turns: Cell<u64>,
    /// Steps of Tasks and callbacks.
    pub(crate) entries: Cell<u64>,
    pub(crate) tasks: Cell<u64>,
    /// Waits in the kernel, and how many nanoseconds they took.
    pub(crate) waits: Cell<u64>,
    pub(crate) idle: Cell<u64>,
    /// Nanoseconds of finished runs of the loop, and when the present one began (0: none).
    pub(crate) ran: Cell<u64>,
    pub(crate) running_since: Cell<u64>,
    /// The most entries that were ready at once.
    pub(crate) longest_queue: Cell<u64>,
}

impl Counters {
    pub(crate) const fn new() -> Counters {
        Counters {
            level: Cell::new(COUNTERS),
            turns: Cell::new(0),
            entries: Cell::new(0),
            tasks: Cell::new(0),
            waits: Cell::new(0),
            idle: Cell::new(0),
            ran: Cell::new(0),
            running_since: Cell::new(0),
            longest_queue: Cell::new(0),
        }
    }

    /// Whether anything is counted.
    #[inline(always)]
    pub(crate) fn on(&self) -> bool {
        self.level.get() != super::OFF
    }

    /// A turn ran `batch` entries.
    #[inline(always)]
    pub(crate) fn turned(&self, batch: u64) {
        if !self.on() {
            return;
        }
        self.turns.set(self.turns.get() + 1);
        self.entries.set(self.entries.get() + batch);
        if batch > self.longest_queue.get() {
            self.longest_queue.set(batch);
        }
    }

    /// The loop slept from `start` to `end`.
    #[inline]
    pub(crate) fn slept(&self, start: u64, end: u64) {
        self.waits.set(self.waits.get() + 1);
        self.idle.set(self.idle.get() + end.saturating_sub(start));
    }

    /// The loop begins to run at `now`.
    pub(crate) fn begin(&self, now: u64) {
        self.running_since.set(now);
    }

    /// The loop has stopped.
    pub(crate) fn end(&self, now: u64) {
        let since = self.running_since.replace(0);
        if since != 0 {
            self.ran.set(self.ran.get() + now.saturating_sub(since));
        }
    }
}

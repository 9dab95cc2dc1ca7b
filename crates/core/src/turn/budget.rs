use crate::constants::FIRST_CLOCK_READING;

/// Decides when a loop that has ready work looks at the kernel again.
#[derive(Clone, Debug)]
pub struct PollBudget {
    /// The budget: entries.
    entries: u32,
    /// The budget: nanoseconds.
    nanoseconds: u64,
    /// Entries run since the last poll.
    ran: u32,
    /// When `ran` reaches this, the clock is read next.
    next_reading: u32,
    /// The last `ran()` reached `next_reading`.
    reading_due: bool,
    /// When the last poll returned.
    polled_at: u64,
}

impl PollBudget {
    /// A budget of so many entries and nanoseconds, whichever is spent first.
    pub const fn new(entries: u32, nanoseconds: u64) -> PollBudget {
        PollBudget {
            entries,
            nanoseconds,
            ran: 0,
            next_reading: 1,
            reading_due: false,
            polled_at: 0,
        }
    }

    /// Says that a batch of so many entries was run.
    #[inline]
    pub fn ran(&mut self, entries: u32) {
        self.ran = self.ran.saturating_add(entries);
        self.reading_due = self.ran >= self.next_reading;
        if self.reading_due {
            self.next_reading = self
                .ran
                .saturating_add(1)
                .checked_next_power_of_two()
                .unwrap_or(u32::MAX);
        }
    }

    /// Whether the budget is spent, so that a poll is due although work is ready.
    #[inline]
    pub fn spent(&self, now: impl FnOnce() -> u64) -> bool {
        self.ran >= self.entries
            || (self.reading_due && now().saturating_sub(self.polled_at) >= self.nanoseconds)
    }

    /// Says that a poll returned at `now`.
    #[inline]
    pub fn polled(&mut self, now: u64) {
        let elapsed = now.saturating_sub(self.polled_at);
        let first_readings_time = elapsed.saturating_mul(u64::from(FIRST_CLOCK_READING));
        let cheap = first_readings_time <= self.nanoseconds.saturating_mul(u64::from(self.ran));
        self.next_reading = if cheap { FIRST_CLOCK_READING } else { 1 };
        self.polled_at = now;
        self.ran = 0;
        self.reading_due = false;
    }
}

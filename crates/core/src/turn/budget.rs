//! How often a busy loop looks at the kernel.
//!
//! asyncio polls at every turn. With ready work waiting, most of those polls find nothing and cost 150 to 400 ns each,
//! more than the entry they are made for. Here a poll is made when a budget is spent: so many entries run since the last
//! poll, or so much time gone, whichever comes first. The first bounds the cost, the second how late I/O is noticed.
//!
//! # Reading the clock
//!
//! A reading costs 25 to 60 ns, again about as much as an entry, so it is not read for every batch either, but when the
//! entries since the last poll reach 1, 2, 4, 8 and so on. If entries are slow, this notices the overspent time at the
//! latest when twice of it has gone, or after the first entry. And if at the average speed of the last period (poll to
//! poll) eight entries fit into the time, it begins with the eighth: three readings in 64 entries. If entries
//! become slow just then, a poll is once up to eight entries late; the following period begins with 1 again.

use crate::constants::FIRST_CLOCK_READING;

/// Decides when a loop that has ready work looks at the kernel again.
///
/// After each batch the loop calls [`ran`](PollBudget::ran), then asks [`spent`](PollBudget::spent), and after every
/// poll, made for whatever reason, calls [`polled`](PollBudget::polled). A loop without ready work polls anyway and need
/// not ask. A budget that was never told of a poll is spent after the first batch.
#[derive(Clone, Debug)]
pub struct PollBudget {
    /// The budget: entries.
    entries: u32,
    /// The budget: nanoseconds.
    nanoseconds: u64,
    /// Entries run since the last poll.
    ran: u32,
    /// How many entries since the last poll make the next reading of the clock due.
    next_reading: u32,
    /// The last batch reached `next_reading`.
    reading_due: bool,
    /// When the last poll returned.
    polled_at: u64,
}

impl PollBudget {
    /// A budget of so many entries and so many nanoseconds between two polls, whichever is spent first. With 0 entries
    /// it is always spent: a poll at each turn, as asyncio does.
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
            // The next power of two: that of the last reading doubled, or further if a large batch leapt over some.
            let reached = self.ran.saturating_add(1);
            self.next_reading = reached.checked_next_power_of_two().unwrap_or(u32::MAX);
        }
    }

    /// Whether the budget is spent, so that a poll is due although work is ready. To be asked once after each batch.
    ///
    /// `now` reads the clock (nanoseconds); it is called only when entries do not decide and a reading is due. A loop
    /// that knows the time already gives what it knows.
    #[inline]
    pub fn spent(&self, now: impl FnOnce() -> u64) -> bool {
        self.spent_times(1, now)
    }

    /// As [`spent`](PollBudget::spent), for a budget that is so many times as large, in entries and in time: while there
    /// is nobody whose latency counts.
    #[inline]
    pub fn spent_times(&self, times: u32, now: impl FnOnce() -> u64) -> bool {
        self.ran >= self.entries.saturating_mul(times)
            || (self.reading_due
                && now().saturating_sub(self.polled_at)
                    >= self.nanoseconds.saturating_mul(u64::from(times)))
    }

    /// Says that a poll returned at `now` (nanoseconds).
    #[inline]
    pub fn polled(&mut self, now: u64) {
        let elapsed = now.saturating_sub(self.polled_at);
        // A wait in between counts as slowness. That errs on the careful side, for one period.
        let cheap = self.ran > 0
            && elapsed.saturating_mul(u64::from(FIRST_CLOCK_READING))
                <= self.nanoseconds.saturating_mul(u64::from(self.ran));
        self.next_reading = if cheap { FIRST_CLOCK_READING } else { 1 };
        self.reading_due = false;
        self.polled_at = now;
        self.ran = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::PollBudget;

    /// Runs single entries of a fixed cost for some periods; per period how many entries and readings it took.
    fn periods(
        budget: &mut PollBudget,
        clock: &mut u64,
        cost: u64,
        count: usize,
    ) -> Vec<(u32, u32)> {
        let mut periods = Vec::new();
        let (mut entries, mut readings) = (0, 0);
        while periods.len() < count {
            *clock += cost;
            entries += 1;
            budget.ran(1);
            let spent = budget.spent(|| {
                readings += 1;
                *clock
            });
            if spent {
                budget.polled(*clock);
                periods.push((entries, readings));
                (entries, readings) = (0, 0);
            }
        }
        periods
    }

    #[test]
    fn cheap_entries_are_bounded_by_number_and_read_the_clock_thrice() {
        let (mut budget, mut clock) = (PollBudget::new(64, 25_000), 1_000_000);
        budget.polled(clock);
        let seen = periods(&mut budget, &mut clock, 40, 4);
        assert_eq!(seen, [(64, 6), (64, 3), (64, 3), (64, 3)]);
    }

    #[test]
    fn slow_entries_are_bounded_by_time() {
        let (mut budget, mut clock) = (PollBudget::new(64, 25_000), 1_000_000);
        budget.polled(clock);
        assert_eq!(periods(&mut budget, &mut clock, 1_000_000, 3), [(1, 1); 3]);
        // 8 entries of 5 microseconds are the first power of two past 25 microseconds.
        assert_eq!(periods(&mut budget, &mut clock, 5_000, 3), [(8, 4); 3]);
    }

    #[test]
    fn a_turn_from_cheap_to_slow_is_late_once_by_eight_entries() {
        let (mut budget, mut clock) = (PollBudget::new(64, 25_000), 1_000_000);
        budget.polled(clock);
        periods(&mut budget, &mut clock, 40, 3);
        assert_eq!(
            periods(&mut budget, &mut clock, 1_000_000, 3),
            [(8, 1), (1, 1), (1, 1)]
        );
    }

    #[test]
    fn a_larger_budget_shares_the_count() {
        let mut budget = PollBudget::new(64, 25_000);
        budget.polled(1_000_000);
        budget.ran(64);
        assert!(budget.spent(|| 1_000_000));
        assert!(!budget.spent_times(16, || 1_000_000 + 16 * 25_000 - 1));
        assert!(budget.spent_times(16, || 1_000_000 + 16 * 25_000));
        budget.ran(15 * 64);
        assert!(budget.spent_times(16, || unreachable!("the entries decide")));
        assert!(PollBudget::new(0, 1).spent_times(16, || unreachable!("the entries decide")));
    }

    #[test]
    fn a_wide_batch_never_reads_the_clock() {
        let mut budget = PollBudget::new(64, 25_000);
        budget.polled(1);
        budget.ran(64);
        assert!(budget.spent(|| unreachable!("the entries decide")));
        budget.polled(2);
        assert!(!budget.spent(|| unreachable!("nothing ran")));
    }

    #[test]
    fn without_a_poll_it_is_spent_at_once() {
        let mut budget = PollBudget::new(64, 25_000);
        budget.ran(1);
        assert!(budget.spent(|| 1_000_000));
    }

    #[test]
    fn no_entries_means_a_poll_at_each_turn() {
        let mut budget = PollBudget::new(0, 25_000);
        budget.polled(1);
        assert!(budget.spent(|| unreachable!("the entries decide")));
    }

    #[test]
    fn counts_saturate() {
        let mut budget = PollBudget::new(u32::MAX, u64::MAX);
        for _ in 0..3 {
            budget.ran(u32::MAX);
        }
        assert!(budget.spent(|| unreachable!("the entries decide")));
        budget.polled(0);
        assert!(!budget.spent(|| 0));
    }
}

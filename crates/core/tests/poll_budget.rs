//! The poll budget against its definition, and the bounds that follow from it.

use proptest::collection::vec;
use proptest::prelude::any;
use proptest::{prop_assert, prop_assert_eq, proptest};
use tepal_core::PollBudget;
use tepal_core::constants::{DEFAULT_POLL_ENTRIES, DEFAULT_POLL_NANOSECONDS, FIRST_CLOCK_READING};

/// The rule as the documentation words it, with all of the history kept.
struct Model {
    entries: u64,
    nanoseconds: u64,
    /// Size of each batch since the last poll.
    batches: Vec<u64>,
    /// The first reading of this period is due at this many entries.
    first_reading: u64,
    polled_at: u64,
}

impl Model {
    fn ran(&self) -> u64 {
        self.batches.iter().sum()
    }

    /// Whether the last batch reached a first reading or one of its doublings that the batches before had not.
    fn reading_due(&self) -> bool {
        let Some(last) = self.batches.last() else {
            return false;
        };
        let (before, after) = (self.ran() - last, self.ran());
        (0..40).any(|doublings| {
            let reading = self.first_reading << doublings;
            before < reading && reading <= after
        })
    }

    fn spent(&self, now: u64) -> bool {
        self.ran() >= self.entries
            || (self.reading_due() && now - self.polled_at >= self.nanoseconds)
    }

    fn polled(&mut self, now: u64) {
        let ran = u128::from(self.ran());
        let elapsed = u128::from(now - self.polled_at);
        let eight_fit = ran > 0
            && elapsed * u128::from(FIRST_CLOCK_READING) <= u128::from(self.nanoseconds) * ran;
        self.first_reading = if eight_fit {
            u64::from(FIRST_CLOCK_READING)
        } else {
            1
        };
        self.polled_at = now;
        self.batches.clear();
    }
}

proptest! {
    #[test]
    fn decides_as_the_rule_says(
        entries in 0_u32..200,
        nanoseconds in 0_u64..60_000,
        // Size of a batch, nanoseconds it took, whether the loop polls although it need not.
        batches in vec((1_u32..20, 0_u64..20_000, proptest::bool::weighted(0.1)), 0..400),
    ) {
        let mut budget = PollBudget::new(entries, nanoseconds);
        let mut model = Model {
            entries: u64::from(entries),
            nanoseconds,
            batches: Vec::new(),
            first_reading: 1,
            polled_at: 0,
        };
        let mut now = 1_000_000;
        for (size, cost, polls_anyway) in batches {
            now += cost;
            budget.ran(size);
            model.batches.push(u64::from(size));
            let mut read = false;
            let spent = budget.spent(|| { read = true; now });
            prop_assert_eq!(spent, model.spent(now));
            prop_assert!(!read || model.reading_due(), "the clock is read only when due");
            if spent || polls_anyway {
                budget.polled(now);
                model.polled(now);
            }
        }
    }

    #[test]
    fn entries_bound_every_period_whatever_they_cost(costs in vec(any::<u32>(), 1..500)) {
        let mut budget = PollBudget::new(DEFAULT_POLL_ENTRIES, DEFAULT_POLL_NANOSECONDS);
        let mut now = 1_u64 << 40;
        budget.polled(now);
        let (mut ran, mut readings) = (0, 0);
        for cost in costs {
            now += u64::from(cost);
            ran += 1;
            budget.ran(1);
            if budget.spent(|| { readings += 1; now }) {
                budget.polled(now);
                (ran, readings) = (0, 0);
            }
            prop_assert!(ran < DEFAULT_POLL_ENTRIES);
            prop_assert!(readings <= 6, "1, 2, 4, 8, 16, 32");
        }
    }

    #[test]
    fn equal_entries_are_at_most_twice_the_time_late(cost in 1_u64..2_000_000) {
        let mut budget = PollBudget::new(u32::MAX, DEFAULT_POLL_NANOSECONDS);
        let mut now = 1_u64 << 40;
        budget.polled(now);
        for _ in 0..10 {
            let begun = now;
            loop {
                now += cost;
                budget.ran(1);
                if budget.spent(|| now) {
                    break;
                }
            }
            prop_assert!(now - begun >= DEFAULT_POLL_NANOSECONDS);
            prop_assert!(now - begun <= cost.max(2 * DEFAULT_POLL_NANOSECONDS));
            budget.polled(now);
        }
    }
}

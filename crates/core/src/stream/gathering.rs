use crate::constants::{
    GATHERED_NANOSECONDS, GATHERED_TRANSPORTS, GATHERING_FROM, GATHERING_RESTS,
};

/// Whether the writes of many transports are gathered, to be sent one right after the other.
///
/// Where many connections are busy at once, answers that leave with their computing in between wake the peers again and
/// again; sent in a row they find them awake. A *period* is what runs from one poll to the next. Whether there are many
/// is learned from the periods before; a loop with few busy connections sends each write at once.
///
/// | state | a write while nothing of its transport waits | many are gathered, or a poll comes |
/// |---|---|---|
/// | few wrote of late | sent | - |
/// | many wrote of late | gathered | all are sent; took that too long: → resting |
/// | resting | sent | a poll: after [`GATHERING_RESTS`] of them → few wrote of late |
#[derive(Clone, Copy, Debug, Default)]
pub struct Gathering {
    /// Writes since the last poll.
    written: u32,
    /// The same of the periods before, each counting half as much as the one after it.
    recently: u32,
    /// When the first that is gathered now was written (nanoseconds).
    since: u64,
    /// For how many polls still nothing is gathered.
    rests: u32,
}

impl Gathering {
    /// Counts a write. Answers whether it may be gathered.
    #[inline]
    pub fn wrote(&mut self) -> bool {
        self.written = self.written.saturating_add(1);
        self.recently >= GATHERING_FROM && self.rests == 0
    }

    /// The first write is gathered, at this time (nanoseconds).
    pub fn begin(&mut self, now: u64) {
        self.since = now;
    }

    /// Whether so many transports are to be sent now, although the period has not ended.
    #[inline]
    pub fn is_enough(transports: usize) -> bool {
        transports >= GATHERED_TRANSPORTS
    }

    /// What was gathered is sent, at this time (nanoseconds).
    pub fn sent(&mut self, now: u64) {
        if now.saturating_sub(self.since) > GATHERED_NANOSECONDS {
            self.rests = GATHERING_RESTS;
            self.recently = 0;
        }
    }

    /// A period ends.
    #[inline]
    pub fn polled(&mut self) {
        self.recently = self.written.max(self.recently / 2);
        self.written = 0;
        self.rests = self.rests.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::Gathering;
    use crate::constants::{
        GATHERED_NANOSECONDS, GATHERED_TRANSPORTS, GATHERING_FROM, GATHERING_RESTS,
    };

    /// Whether each of so many writes of a period may be gathered.
    fn period(gathering: &mut Gathering, writes: u32) -> Vec<bool> {
        let answers = (0..writes).map(|_| gathering.wrote()).collect();
        gathering.polled();
        answers
    }

    #[test]
    fn few_writes_are_never_gathered() {
        let mut gathering = Gathering::default();
        for _ in 0..10 {
            let answers = period(&mut gathering, GATHERING_FROM - 1);
            assert!(answers.iter().all(|gathered| !gathered));
        }
    }

    #[test]
    fn many_writes_are_gathered_from_the_next_period_on() {
        let mut gathering = Gathering::default();
        assert!(!period(&mut gathering, GATHERING_FROM).contains(&true));
        assert!(!period(&mut gathering, GATHERING_FROM).contains(&false));
    }

    #[test]
    fn periods_without_writes_are_forgiven_for_a_while() {
        let mut gathering = Gathering::default();
        period(&mut gathering, 4 * GATHERING_FROM);
        period(&mut gathering, 0);
        period(&mut gathering, 0);
        assert_eq!(period(&mut gathering, 1), [true]);
        assert_eq!(period(&mut gathering, 1), [false]);
    }

    #[test]
    fn slow_callbacks_end_it() {
        let mut gathering = Gathering::default();
        period(&mut gathering, 100);
        assert!(gathering.wrote());
        gathering.begin(1_000);
        gathering.sent(1_000 + GATHERED_NANOSECONDS);
        assert!(gathering.wrote());
        gathering.begin(1_000);
        gathering.sent(1_001 + GATHERED_NANOSECONDS);
        for _ in 0..GATHERING_RESTS {
            assert!(!period(&mut gathering, 100).contains(&true));
        }
        assert!(!period(&mut gathering, 100).contains(&false));
    }

    #[test]
    fn so_many_are_enough() {
        assert!(!Gathering::is_enough(GATHERED_TRANSPORTS - 1));
        assert!(Gathering::is_enough(GATHERED_TRANSPORTS));
    }
}

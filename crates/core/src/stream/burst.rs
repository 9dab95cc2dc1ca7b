use crate::constants::{HELD_BYTES, HELD_NANOSECONDS};

/// How many writes a program makes in one turn of the loop, learned from the turns before.
///
/// A response is often written as a head and a body. If the last two turns in which something was written both had
/// several writes, the first ones of the next turn wait for the last one, and all leave with one system call. Nothing
/// waits longer than the turn.
///
/// | state | a write | the turn ends |
/// |---|---|---|
/// | nothing held | fewer than in both turns before, and small: → held; else it is sent | - |
/// | held | as many as before, too much or too long: all is sent → nothing held | all is sent → nothing held |
#[derive(Clone, Copy, Debug, Default)]
pub struct Burst {
    turn: u64,
    writes: u32,
    before: u32,
    earlier: u32,
    held_since: u64,
}

impl Burst {
    /// Whether nothing was written yet.
    #[inline]
    pub fn is_new(&self) -> bool {
        self.turn == 0
    }

    /// Whether something was written in this turn, and in no other before it.
    #[inline]
    pub fn is_only(&self, turn: u64) -> bool {
        self.turn == turn && self.before == 0
    }

    /// For how long something was held (nanoseconds).
    pub fn held_for(&self, now: u64) -> u64 {
        now.saturating_sub(self.held_since)
    }

    /// Counts a write in this turn (1 and more). Answers whether another one is expected in the same turn.
    #[inline]
    pub fn wrote(&mut self, turn: u64) -> bool {
        if turn != self.turn {
            self.earlier = self.before;
            self.before = self.writes;
            self.writes = 0;
            self.turn = turn;
        }
        self.writes = self.writes.saturating_add(1);
        self.writes < self.before.min(self.earlier)
    }

    /// The first write is held, at this time (nanoseconds).
    pub fn hold(&mut self, now: u64) {
        self.held_since = now;
    }

    /// Whether so many bytes, held since [`hold`](Burst::hold), may be held longer.
    pub fn may_hold(&self, bytes: usize, now: u64) -> bool {
        bytes < HELD_BYTES && now.saturating_sub(self.held_since) < HELD_NANOSECONDS
    }
}

#[cfg(test)]
mod tests {
    use super::Burst;
    use crate::constants::{HELD_BYTES, HELD_NANOSECONDS};

    /// Whether each of so many writes of a turn expects another.
    fn turn(burst: &mut Burst, number: u64, writes: usize) -> Vec<bool> {
        (0..writes).map(|_| burst.wrote(number)).collect()
    }

    #[test]
    fn two_turns_alike_make_a_habit() {
        let mut burst = Burst::default();
        assert_eq!(turn(&mut burst, 1, 2), [false, false]);
        assert_eq!(turn(&mut burst, 2, 2), [false, false]);
        assert_eq!(turn(&mut burst, 3, 2), [true, false]);
        assert_eq!(turn(&mut burst, 9, 3), [true, false, false]);
    }

    #[test]
    fn single_writes_are_never_held() {
        let mut burst = Burst::default();
        for number in 1..10 {
            assert_eq!(turn(&mut burst, number, 1), [false]);
        }
    }

    #[test]
    fn one_exception_ends_the_habit_for_two_turns() {
        let mut burst = Burst::default();
        for number in 1..=3 {
            turn(&mut burst, number, 2);
        }
        assert_eq!(turn(&mut burst, 4, 1), [true]);
        assert_eq!(turn(&mut burst, 5, 2), [false, false]);
        assert_eq!(turn(&mut burst, 6, 2), [false, false]);
        assert_eq!(turn(&mut burst, 7, 2), [true, false]);
    }

    #[test]
    fn knows_its_first_turn() {
        let mut burst = Burst::default();
        assert!(burst.is_new() && !burst.is_only(3));
        turn(&mut burst, 3, 2);
        assert!(!burst.is_new() && burst.is_only(3) && !burst.is_only(4));
        turn(&mut burst, 4, 1);
        assert!(!burst.is_only(3) && !burst.is_only(4));
        burst.hold(100);
        assert_eq!((burst.held_for(130), burst.held_for(90)), (30, 0));
    }

    #[test]
    fn much_and_long_are_not_held() {
        let mut burst = Burst::default();
        burst.hold(1_000);
        assert!(burst.may_hold(HELD_BYTES - 1, 1_000 + HELD_NANOSECONDS - 1));
        assert!(!burst.may_hold(HELD_BYTES, 1_000));
        assert!(!burst.may_hold(1, 1_000 + HELD_NANOSECONDS));
    }
}

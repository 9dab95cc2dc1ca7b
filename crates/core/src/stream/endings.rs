use crate::constants::{ENDINGS_FROM, ENDINGS_NANOSECONDS, ENDINGS_REST};

/// Whether the end of a connection follows its first answer at once, learned from the connections before.
///
/// A server that answers once and closes sends the answer and the end of the stream apart, each with its way through the
/// kernel, unless the answer waits for the end, which follows in the same turn.
///
/// | state | a connection ended in the turn of its first answer | another did not | an answer waited too long |
/// |---|---|---|---|
/// | unknown | after [`ENDINGS_FROM`] in a row: → expected | unknown | - |
/// | expected | expected | unknown | resting |
/// | resting | after [`ENDINGS_REST`] of them: → unknown | resting | resting |
#[derive(Clone, Copy, Debug, Default)]
pub struct Endings {
    /// How many of the last connections ended with their first answer; less than 0 while resting.
    row: i32,
}

impl Endings {
    /// Whether the end is expected right after a first answer.
    #[inline]
    pub fn are_expected(&self) -> bool {
        self.row >= ENDINGS_FROM
    }

    /// A connection ended in the turn of its first answer, and there was no other.
    pub fn met(&mut self) {
        self.row = self.row.saturating_add(1);
    }

    /// A connection went on after its first answer.
    pub fn missed(&mut self) {
        self.row = self.row.min(0);
    }

    /// An answer has waited this long for the end (nanoseconds).
    pub fn waited(&mut self, nanoseconds: u64) {
        if nanoseconds > ENDINGS_NANOSECONDS {
            self.row = -ENDINGS_REST;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Endings;
    use crate::constants::{ENDINGS_FROM, ENDINGS_NANOSECONDS, ENDINGS_REST};

    fn meet(endings: &mut Endings, times: i32) {
        for _ in 0..times {
            endings.met();
        }
    }

    #[test]
    fn some_in_a_row_make_a_habit_and_one_exception_ends_it() {
        let mut endings = Endings::default();
        meet(&mut endings, ENDINGS_FROM - 1);
        assert!(!endings.are_expected());
        endings.missed();
        meet(&mut endings, ENDINGS_FROM - 1);
        assert!(!endings.are_expected());
        endings.met();
        assert!(endings.are_expected());
        endings.missed();
        assert!(!endings.are_expected());
    }

    #[test]
    fn a_long_wait_is_not_repeated_soon() {
        let mut endings = Endings::default();
        meet(&mut endings, ENDINGS_FROM);
        endings.waited(ENDINGS_NANOSECONDS);
        assert!(endings.are_expected());
        endings.waited(ENDINGS_NANOSECONDS + 1);
        endings.missed();
        meet(&mut endings, ENDINGS_REST + ENDINGS_FROM - 1);
        assert!(!endings.are_expected());
        endings.met();
        assert!(endings.are_expected());
    }
}

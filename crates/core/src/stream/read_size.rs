use crate::constants::{LARGEST_READ, SCRATCH_READ};

/// Guesses how much the next read of a stream will bring, from what the last ones brought.
///
/// Small reads go through a buffer that the whole loop shares and are copied into an object of exactly their size: the
/// copy is cheaper than the memory of an object that is too large. A stream that fills that buffer is given an object
/// of its own to read into, twice as large each time that it is filled, and half as large when less than a quarter of
/// it was needed.
///
/// | room | the read brought | next room |
/// |---|---|---|
/// | any | all of it | twice as much, at most [`LARGEST_READ`] |
/// | above [`SCRATCH_READ`] | less than a quarter | half of it |
/// | any | anything else | the same |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadSize {
    room: usize,
}

impl Default for ReadSize {
    fn default() -> ReadSize {
        ReadSize { room: SCRATCH_READ }
    }
}

impl ReadSize {
    /// How many bytes the next read should have room for.
    #[inline]
    pub fn room(&self) -> usize {
        self.room
    }

    /// Whether the next read should go through the shared buffer and be copied.
    #[inline]
    pub fn is_small(&self) -> bool {
        self.room <= SCRATCH_READ
    }

    /// Learns that a read with this room brought `received` bytes.
    #[inline]
    pub fn learn(&mut self, received: usize) {
        if received >= self.room {
            self.room = (self.room * 2).min(LARGEST_READ);
        } else if received < self.room / 4 && self.room > SCRATCH_READ {
            self.room /= 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ReadSize;
    use crate::constants::{LARGEST_READ, SCRATCH_READ};

    #[test]
    fn grows_while_it_is_filled_and_shrinks_when_it_is_not_needed() {
        let mut size = ReadSize::default();
        assert!(size.is_small() && size.room() == SCRATCH_READ);
        for _ in 0..20 {
            size.learn(size.room());
        }
        assert_eq!(size.room(), LARGEST_READ);
        size.learn(LARGEST_READ / 4);
        assert_eq!(size.room(), LARGEST_READ);
        for _ in 0..20 {
            size.learn(1);
        }
        assert_eq!(size, ReadSize::default());
    }
}

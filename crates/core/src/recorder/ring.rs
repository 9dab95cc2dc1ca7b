/// The latest events, in memory that is taken once.
///
/// When it is full, the oldest event makes place for the newest, and is counted: what is lost is missing, never wrong.
pub struct Ring<T: Copy> {
    events: Vec<T>,
    capacity: usize,
    /// Where the oldest event is, once the ring is full.
    oldest: usize,
    dropped: u64,
}

impl<T: Copy> Ring<T> {
    /// A ring for `capacity` events; at least one.
    pub fn new(capacity: usize) -> Ring<T> {
        let capacity = capacity.max(1);
        Ring {
            events: Vec::with_capacity(capacity),
            capacity,
            oldest: 0,
            dropped: 0,
        }
    }

    /// Adds an event; allocates nothing.
    #[inline]
    pub fn push(&mut self, event: T) {
        if self.events.len() < self.capacity {
            self.events.push(event);
            return;
        }
        if let Some(place) = self.events.get_mut(self.oldest) {
            *place = event;
        }
        self.dropped += 1;
        self.oldest += 1;
        if self.oldest == self.capacity {
            self.oldest = 0;
        }
    }

    /// How many events were given up for newer ones.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The events that are left, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        let (newer, older) = self.events.split_at(self.oldest);
        older.iter().chain(newer)
    }
}

#[cfg(test)]
mod tests {
    use super::Ring;

    #[test]
    fn keeps_the_newest_in_order_and_counts_the_rest() {
        let mut ring = Ring::new(3);
        for number in 0..3 {
            ring.push(number);
        }
        assert_eq!(ring.iter().copied().collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(ring.dropped(), 0);
        for number in 3..8 {
            ring.push(number);
        }
        assert_eq!(ring.iter().copied().collect::<Vec<_>>(), [5, 6, 7]);
        assert_eq!(ring.dropped(), 5);
    }
}

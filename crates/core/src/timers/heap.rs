use crate::constants::{RETAINED_TIMER_CAPACITY, TOLERATED_CANCELLED_TIMERS};

/// Children per node.
const ARITY: usize = 4;

/// Items in the order of their deadlines; equal deadlines in the order in which they were pushed.
#[derive(Debug)]
pub struct TimerHeap<T> {
    entries: Vec<Entry<T>>,
    /// The sequence number that the next push takes.
    next_sequence: u64,
    /// How many of the entries were reported as cancelled.
    cancelled: usize,
}

#[derive(Debug)]
struct Entry<T> {
    deadline: u64,
    sequence: u64,
    item: T,
}

impl<T> Entry<T> {
    #[inline]
    fn key(&self) -> (u64, u64) {
        (self.deadline, self.sequence)
    }
}

impl<T> TimerHeap<T> {
    /// An empty heap, without an allocation.
    pub const fn new() -> TimerHeap<T> {
        TimerHeap {
            entries: Vec::new(),
            next_sequence: 0,
            cancelled: 0,
        }
    }

    /// Adds an item that is due at `deadline` (nanoseconds).
    #[inline]
    pub fn push(&mut self, deadline: u64, item: T) {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.entries.push(Entry {
            deadline,
            sequence,
            item,
        });
        self.sift_up(self.entries.len() - 1);
    }

    /// The earliest deadline.
    #[inline]
    pub fn next_deadline(&self) -> Option<u64> {
        self.entries.first().map(|entry| entry.deadline)
    }

    /// The item with the earliest deadline.
    #[inline]
    pub fn peek(&self) -> Option<&T> {
        self.entries.first().map(|entry| &entry.item)
    }

    /// Takes out the earliest item if its deadline is not after `now`.
    #[inline]
    pub fn pop_due(&mut self, now: u64) -> Option<T> {
        if self.next_deadline()? > now {
            return None;
        }
        self.pop()
    }

    /// Takes out the earliest item.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        if self.entries.is_empty() {
            return None;
        }
        let earliest = self.entries.swap_remove(0);
        if self.entries.is_empty() {
            if self.entries.capacity() > RETAINED_TIMER_CAPACITY {
                self.entries.shrink_to(RETAINED_TIMER_CAPACITY);
            }
        } else {
            self.sift_down(0);
        }
        Some(earliest.item)
    }

    /// How many items are inside, cancelled ones included.
    #[inline]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nothing is inside.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Every deadline and item, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.entries
            .iter()
            .map(|entry| (entry.deadline, &entry.item))
    }

    /// Counts a cancelled item that is still inside; true when a compaction is due.
    #[inline]
    pub fn note_cancelled(&mut self) -> bool {
        self.cancelled += 1;
        self.cancelled > TOLERATED_CANCELLED_TIMERS && self.cancelled > self.entries.len() / 2
    }

    /// A cancelled item was popped.
    #[inline]
    pub fn note_cancelled_left(&mut self) {
        self.cancelled = self.cancelled.saturating_sub(1);
    }

    /// Takes the cancelled items out.
    pub fn compact(&mut self, is_cancelled: impl Fn(&T) -> bool) -> Vec<T> {
        let mut dead = Vec::with_capacity(self.cancelled);
        let mut index = 0;
        while index < self.entries.len() {
            if is_cancelled(&self.entries[index].item) {
                dead.push(self.entries.swap_remove(index).item);
            } else {
                index += 1;
            }
        }
        self.cancelled = 0;
        self.heapify();
        dead
    }

    /// Takes every item out.
    pub fn take_all(&mut self) -> Vec<T> {
        self.cancelled = 0;
        std::mem::take(&mut self.entries)
            .into_iter()
            .map(|entry| entry.item)
            .collect()
    }

    fn heapify(&mut self) {
        for index in (0..self.entries.len().div_ceil(ARITY)).rev() {
            self.sift_down(index);
        }
    }

    #[inline]
    fn sift_up(&mut self, mut index: usize) {
        while index > 0 {
            let parent = (index - 1) / ARITY;
            if self.entries[parent].key() <= self.entries[index].key() {
                break;
            }
            self.entries.swap(parent, index);
            index = parent;
        }
    }

    #[inline]
    fn sift_down(&mut self, mut index: usize) {
        loop {
            let first = index * ARITY + 1;
            let last = (first + ARITY).min(self.entries.len());
            let Some(smallest) = (first..last).min_by_key(|&child| self.entries[child].key())
            else {
                break;
            };
            if self.entries[index].key() <= self.entries[smallest].key() {
                break;
            }
            self.entries.swap(index, smallest);
            index = smallest;
        }
    }
}

impl<T> Default for TimerHeap<T> {
    fn default() -> TimerHeap<T> {
        TimerHeap::new()
    }
}

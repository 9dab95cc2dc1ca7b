//! The ready queue.

use std::mem::ManuallyDrop;

use super::entry::Entry;

/// A place of the ring; empty places hold `None`, so that nothing is lost when one is written to.
type Place = ManuallyDrop<Option<Entry>>;

/// How many places the first entry makes.
const FIRST_PLACES: usize = 64;

/// What the next turn runs, in order: a ring.
///
/// An entry that is put in is written word by word right into its place, and one that is taken out and taken apart at once
/// never exists as a whole. Copied in pairs of words, which is how an entry on the stack goes from place to place, it costs
/// the processor a wait for its own stores. So the ring is our own: the standard library's keeps the entry on the stack
/// for the case that growing fails, and is not compiled into each place that uses it.
#[derive(Default)]
pub(crate) struct ReadyQueue {
    /// A power of two of them, or none.
    places: Vec<Place>,
    /// The index of the first entry.
    head: usize,
    len: usize,
}

impl ReadyQueue {
    pub(crate) const fn new() -> ReadyQueue {
        ReadyQueue {
            places: Vec::new(),
            head: 0,
            len: 0,
        }
    }

    /// The index of the place so many entries behind the head.
    #[inline(always)]
    fn index(&self, offset: usize) -> usize {
        self.head.wrapping_add(offset) & self.places.len().wrapping_sub(1)
    }

    #[inline(always)]
    pub(crate) fn push_back(&mut self, entry: Entry) {
        // From here on nothing has to be done for the entry if growing fails.
        let entry = ManuallyDrop::new(Some(entry));
        if self.len == self.places.len() {
            self.grow();
        }
        let index = self.index(self.len);
        if let Some(place) = self.places.get_mut(index) {
            *place = entry;
            self.len += 1;
        }
    }

    #[inline(always)]
    pub(crate) fn pop_front(&mut self) -> Option<Entry> {
        if self.len == 0 {
            return None;
        }
        let index = self.head;
        self.head = self.index(1);
        self.len -= 1;
        self.take(index)
    }

    pub(crate) fn pop_back(&mut self) -> Option<Entry> {
        if self.len == 0 {
            return None;
        }
        self.len -= 1;
        self.take(self.index(self.len))
    }

    #[inline(always)]
    fn take(&mut self, index: usize) -> Option<Entry> {
        let place = self.places.get_mut(index)?;
        ManuallyDrop::into_inner(std::mem::replace(place, ManuallyDrop::new(None)))
    }

    #[inline(always)]
    pub(crate) fn front(&self) -> Option<&Entry> {
        self.get(0)
    }

    #[inline(always)]
    pub(crate) fn back(&self) -> Option<&Entry> {
        self.get(self.len.checked_sub(1)?)
    }

    /// The entry so many behind the first.
    #[inline(always)]
    pub(crate) fn get(&self, offset: usize) -> Option<&Entry> {
        if offset >= self.len {
            return None;
        }
        self.places.get(self.index(offset))?.as_ref()
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        (0..self.len).filter_map(|offset| self.get(offset))
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        let places = (2 * self.places.len()).max(FIRST_PLACES);
        let mut larger = Vec::with_capacity(places);
        for offset in 0..self.len {
            larger.push(ManuallyDrop::new(self.take(self.index(offset))));
        }
        larger.resize_with(places, || ManuallyDrop::new(None));
        self.places = larger;
        self.head = 0;
    }
}

impl Drop for ReadyQueue {
    fn drop(&mut self) {
        while let Some(entry) = self.pop_front() {
            drop(entry);
        }
    }
}

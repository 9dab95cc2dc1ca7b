//! What has arrived for a reader and was not read yet.
//!
//! A packet that finds nothing before it stays the `bytes` that it was received into, and a read that asks for at least
//! so much gets that very object. What comes in pieces, and what Python code wants to see as `reader._buffer`, lies in a
//! `bytearray` as asyncio has it.
//!
//! | state | a packet comes | a read takes | Python code looks at `_buffer` |
//! |---|---|---|---|
//! | empty | → packet | - | → array, empty |
//! | packet, of which a part may be read already | → array | the rest: → empty; less: the same | → array |
//! | array | stays; one that is empty and that nobody else has: → packet | the same | the same |

use std::cell::Cell;

use crate::interop::buffers::{self, Bytes};
use crate::interop::errors::PyResult;
use crate::interop::gc::Visitor;
use crate::interop::object::{Object, Slot};

pub(crate) struct Received {
    /// A `bytes`, of which `taken` bytes were read already: fewer than it has.
    packet: Slot,
    taken: Cell<usize>,
    /// An exact `bytearray`; empty while there is a packet.
    array: Slot,
}

impl Received {
    pub(super) const fn nothing() -> Received {
        Received {
            packet: Slot::empty(),
            taken: Cell::new(0),
            array: Slot::empty(),
        }
    }

    pub(super) fn traverse(&self, visitor: &mut Visitor) {
        visitor.slot(&self.packet);
        visitor.slot(&self.array);
    }

    pub(super) fn clear(&self) {
        self.packet.clear();
        self.array.clear();
    }

    /// How many bytes wait to be read.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        if self.packet.is_empty() {
            return self
                .array
                .get()
                .map_or(0, |array| buffers::bytearray_length(&array));
        }
        self.packet
            .get()
            .and_then(|packet| Bytes::peek(&packet).map(<[u8]>::len))
            .map_or(0, |length| length - self.taken.get())
    }

    /// Whether the next packet may stay what it is: nothing waits, and nobody holds the array in which it would be looked
    /// for.
    #[inline(always)]
    pub(crate) fn takes_packets(&self) -> bool {
        self.packet.is_empty()
            && self.array.get().is_none_or(|array| {
                // Counted here and by the cell.
                buffers::bytearray_length(&array) == 0 && array.reference_count() == 2
            })
    }

    /// Keeps a packet that is not empty, where [`Received::takes_packets`].
    #[inline(always)]
    pub(crate) fn put(&self, packet: Object) {
        self.taken.set(0);
        self.packet.set(packet);
    }

    /// Keeps a copy of these bytes behind what waits.
    ///
    /// # Errors
    /// `BufferError` if somebody holds a view of the array; `MemoryError`.
    pub(crate) fn append(&self, content: &[u8]) -> PyResult<()> {
        if self.takes_packets() && !content.is_empty() {
            self.put(buffers::bytes(content)?);
            return Ok(());
        }
        buffers::bytearray_extend(&self.array()?, content)
    }

    /// Everything as one `bytearray`, in which it is kept from now on.
    ///
    /// # Errors
    /// `BufferError` if somebody holds a view of it; `MemoryError`.
    pub(crate) fn array(&self) -> PyResult<Object> {
        let array = match self.array.get() {
            Some(array) => array,
            None => {
                let array = buffers::bytearray()?;
                self.array.set(array.clone());
                array
            }
        };
        if let Some(packet) = self.packet.get() {
            let content = Bytes::peek(&packet).unwrap_or_default();
            buffers::bytearray_extend(&array, &content[self.taken.get()..])?;
            self.packet.clear();
        }
        Ok(array)
    }

    /// Keeps everything in this exact `bytearray` from now on.
    pub(super) fn replace(&self, array: &Object) {
        self.packet.clear();
        self.array.set(array.clone());
    }

    /// Takes the first `count` bytes, or all if there are fewer.
    ///
    /// # Errors
    /// `BufferError` if somebody holds a view of the array; `MemoryError`.
    #[inline(always)]
    pub(crate) fn take(&self, count: usize) -> PyResult<Object> {
        let Some(packet) = self.packet.get() else {
            return match self.array.get() {
                Some(array) => buffers::bytearray_take(&array, count),
                None => buffers::bytes(&[]),
            };
        };
        let taken = self.taken.get();
        let content = Bytes::peek(&packet).unwrap_or_default();
        if taken == 0 && count >= content.len() {
            self.packet.clear();
            return Ok(packet);
        }
        let end = taken.saturating_add(count).min(content.len());
        let part = buffers::bytes(&content[taken..end])?;
        if end == content.len() {
            self.packet.clear();
        } else {
            self.taken.set(end);
        }
        Ok(part)
    }

    /// Where `part` begins, at `from` or later.
    pub(super) fn find(&self, part: &[u8], from: usize) -> Option<usize> {
        match self.packet.get() {
            Some(packet) => {
                let content = Bytes::peek(&packet).unwrap_or_default();
                let found = buffers::find(&content[self.taken.get()..], part, from);
                drop(packet);
                found
            }
            None => buffers::bytearray_find(&self.array.get()?, part, from),
        }
    }
}

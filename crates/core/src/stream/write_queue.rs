use std::collections::VecDeque;
use std::io::IoSlice;

/// What is still to be sent, in the order in which it was written.
///
/// The queue owns its chunks (a reference to an immutable object, or a copy) and never copies them: what the kernel has
/// taken of the first one is a number.
///
/// # Invariants
/// - No chunk is empty, and `sent` is less than the length of the first chunk (0 if there is none).
/// - `size` is the sum of all lengths, less `sent`.
#[derive(Debug)]
pub struct WriteQueue<C> {
    chunks: VecDeque<C>,
    /// How much of the first chunk was sent already (bytes).
    sent: usize,
    /// How much is left in all (bytes).
    size: usize,
}

impl<C> Default for WriteQueue<C> {
    fn default() -> WriteQueue<C> {
        WriteQueue {
            chunks: VecDeque::new(),
            sent: 0,
            size: 0,
        }
    }
}

impl<C: AsRef<[u8]>> WriteQueue<C> {
    /// An empty queue, without memory of its own.
    pub fn new() -> WriteQueue<C> {
        WriteQueue::default()
    }

    /// How much is left to send (bytes).
    #[inline]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Whether everything was sent.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Puts a chunk at the end, of which `sent` bytes were sent already; that may be other than 0 only if the queue is
    /// empty. A chunk of which nothing is left is given back.
    pub fn push(&mut self, chunk: C, sent: usize) -> Option<C> {
        let length = chunk.as_ref().len();
        debug_assert!(
            sent == 0 || self.chunks.is_empty(),
            "a later chunk was sent first"
        );
        if sent >= length {
            return Some(chunk);
        }
        if self.chunks.is_empty() {
            self.sent = sent;
        }
        self.size += length - sent;
        self.chunks.push_back(chunk);
        None
    }

    /// What is left of each chunk, in order.
    pub fn pieces(&self) -> impl Iterator<Item = &[u8]> {
        let mut skip = self.sent;
        self.chunks.iter().map(move |chunk| {
            let piece = &chunk.as_ref()[skip..];
            skip = 0;
            piece
        })
    }

    /// Fills `buffers` with what is to be sent next, and gives the part of it that was filled.
    pub fn next<'a, 'b>(&'a self, buffers: &'b mut [IoSlice<'a>]) -> &'b [IoSlice<'a>] {
        let mut count = 0;
        for (place, piece) in buffers.iter_mut().zip(self.pieces()) {
            *place = IoSlice::new(piece);
            count += 1;
        }
        &buffers[..count]
    }

    /// The kernel took `count` bytes. Chunks that are sent as a whole are handed to `release`, which must not reach
    /// this queue. A count above what is left is taken as all of it.
    pub fn advance(&mut self, count: usize, mut release: impl FnMut(C)) {
        let mut left = count.min(self.size);
        self.size -= left;
        while let Some(first) = self.chunks.front() {
            let length = first.as_ref().len() - self.sent;
            if left < length {
                self.sent += left;
                return;
            }
            left -= length;
            self.sent = 0;
            if let Some(chunk) = self.chunks.pop_front() {
                release(chunk);
            }
        }
    }

    /// Gives all chunks up, to be dropped by the caller.
    #[must_use = "dropping may run foreign code, which must not meet a borrowed queue"]
    pub fn take_all(&mut self) -> VecDeque<C> {
        self.sent = 0;
        self.size = 0;
        std::mem::take(&mut self.chunks)
    }

    /// The chunks themselves, with what was sent of the first one.
    pub fn chunks(&self) -> impl Iterator<Item = &C> {
        self.chunks.iter()
    }
}

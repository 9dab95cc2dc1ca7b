use std::io;
use std::os::fd::RawFd;

use crate::event::{Event, Timeout};
use crate::sys::{self, RawEvents};

/// Waits for a [`Reactor`](crate::Reactor)'s events without borrowing it.
///
/// The loop's thread waits with the owner's lock released, and meanwhile other threads may take the lock and register.
///
/// # Invariant
/// It is a bare fd number: whoever waits must see to it that the reactor is not closed meanwhile, as the loop does by
/// refusing to close while it runs. A wait after closing fails, or, if the number was taken by another reactor, waits
/// for that one's events.
#[derive(Clone, Copy, Debug)]
pub struct Poller {
    fd: RawFd,
}

impl Poller {
    pub(super) fn new(fd: RawFd) -> Poller {
        Poller { fd }
    }

    /// Waits until something is ready, a [`Waker`](crate::Waker) wakes it or the time is over, and replaces what
    /// `events` held. A wakeup is consumed and not shown: then the buffer may be empty though no time went by.
    ///
    /// It is one system call, precise to the nanosecond where the kernel has `epoll_pwait2` (Linux 5.11), otherwise
    /// rounded up to milliseconds: never early.
    ///
    /// # Errors
    /// `ErrorKind::Interrupted` when a signal came; the caller decides whether to wait again, since it may have to run
    /// signal handlers first. `EBADF` or `EINVAL` after the reactor was closed. The buffer is then empty.
    #[inline]
    pub fn wait(&self, events: &mut EventBuffer, timeout: Timeout) -> io::Result<()> {
        sys::wait(self.fd, &mut events.raw, timeout)
    }
}

/// Where a wait puts its events. Made once and used again for each wait.
///
/// When a wait fills it, it doubles before the next one, up to
/// [`MAXIMUM_EVENT_CAPACITY`](crate::constants::MAXIMUM_EVENT_CAPACITY). What did not fit is not lost: it is still ready
/// at the next wait.
#[derive(Debug)]
pub struct EventBuffer {
    raw: RawEvents,
}

impl EventBuffer {
    /// An empty buffer that holds `capacity` events at first (at least one).
    pub fn new(capacity: usize) -> EventBuffer {
        EventBuffer {
            raw: RawEvents::new(capacity),
        }
    }

    /// The events of the last wait, in the kernel's order.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = Event> {
        self.raw.iter()
    }

    /// Forgets the events of the last wait.
    #[inline]
    pub fn clear(&mut self) {
        self.raw.clear();
    }

    /// How many events the last wait reported.
    #[inline]
    pub fn len(&self) -> usize {
        self.raw.len()
    }

    /// Whether the last wait reported nothing.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.raw.len() == 0
    }

    /// How many events the next wait can report before the buffer grows.
    pub fn capacity(&self) -> usize {
        self.raw.capacity()
    }
}

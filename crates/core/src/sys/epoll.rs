use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Refusal, Registrar};
use crate::constants::MAXIMUM_EVENT_CAPACITY;
use crate::event::{Event, Interest, Timeout, Token};

/// What marks a report of the wake source. No registration has it, since no open fd is negative.
const WAKE: Token = Token {
    fd: -1,
    generation: u32::MAX,
};

/// An epoll instance (`man 7 epoll`).
#[derive(Debug)]
pub(crate) struct Epoll {
    fd: OwnedFd,
}

impl Epoll {
    /// Opens one, close-on-exec.
    ///
    /// # Errors
    /// `EMFILE`, `ENFILE`, `ENOMEM`.
    pub(crate) fn new() -> io::Result<Epoll> {
        // SAFETY: takes no pointers.
        let fd = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just gave us this fd; nobody else knows it, so we are its only owner.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Epoll { fd })
    }

    /// Its fd, for [`wait`].
    pub(crate) fn fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }

    /// Lets a wake source end waits.
    ///
    /// Edge-triggered, the one exception: every write to an eventfd is a new edge, whatever its count, so that
    /// reporting it also consumes it and no `read` is spent on each wakeup. The count itself means nothing to us.
    ///
    /// # Errors
    /// `ENOMEM`, `ENOSPC`.
    pub(crate) fn add_wake_source(&self, fd: RawFd) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, fd, libc::EPOLLIN | libc::EPOLLET, WAKE)
    }

    fn control(&self, operation: i32, fd: RawFd, bits: i32, token: Token) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: bits as u32,
            u64: token.to_u64(),
        };
        // SAFETY: `event` is a valid epoll_event for the whole call; the kernel copies it and keeps no pointer.
        let status = unsafe { libc::epoll_ctl(self.fd.as_raw_fd(), operation, fd, &raw mut event) };
        if status < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

impl Registrar for Epoll {
    fn add(&self, fd: RawFd, interest: Interest, token: Token) -> Result<(), Refusal> {
        self.control(libc::EPOLL_CTL_ADD, fd, bits_of(interest), token)
            .map_err(refusal)
    }

    fn modify(&self, fd: RawFd, interest: Interest, token: Token) -> Result<(), Refusal> {
        self.control(libc::EPOLL_CTL_MOD, fd, bits_of(interest), token)
            .map_err(refusal)
    }

    fn remove(&self, fd: RawFd) -> Result<(), Refusal> {
        self.control(libc::EPOLL_CTL_DEL, fd, 0, WAKE)
            .map_err(refusal)
    }
}

fn bits_of(interest: Interest) -> i32 {
    let mut bits = 0;
    if interest.contains(Interest::READABLE) {
        bits |= libc::EPOLLIN;
    }
    if interest.contains(Interest::WRITABLE) {
        bits |= libc::EPOLLOUT;
    }
    if interest.is_edge_triggered() {
        bits |= libc::EPOLLET | libc::EPOLLRDHUP | libc::EPOLLPRI;
    }
    bits
}

/// What says nothing about writing.
const FOR_READING: u32 = (libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLPRI) as u32;

/// Sorts what `epoll_ctl` answers (`man 2 epoll_ctl`).
fn refusal(error: io::Error) -> Refusal {
    match error.raw_os_error() {
        Some(libc::ENOENT) => Refusal::Absent,
        Some(libc::EEXIST) => Refusal::Present,
        // EPERM: the file has no poll operation. For a fd that was registered it means closed and reopened as a file.
        Some(libc::EBADF | libc::EPERM) => Refusal::Gone(error),
        _ => Refusal::Failed(error),
    }
}

/// What a wait reported, in the kernel's own form.
#[derive(Debug)]
pub(crate) struct EpollEvents {
    reported: Vec<libc::epoll_event>,
    /// The last wait filled the buffer, so that more may have been ready than it could say.
    was_full: bool,
}

impl EpollEvents {
    /// Room for `capacity` events; at least one, since the kernel refuses a wait without room.
    pub(crate) fn new(capacity: usize) -> EpollEvents {
        EpollEvents {
            reported: Vec::with_capacity(capacity.clamp(1, MAXIMUM_EVENT_CAPACITY)),
            was_full: false,
        }
    }

    /// How many events the next wait can report before the buffer grows.
    pub(crate) fn capacity(&self) -> usize {
        self.reported.capacity()
    }

    /// How many events the last wait reported.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.reported.len()
    }

    /// Forgets the events of the last wait.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.reported.clear();
    }

    /// The events of the last wait, as `selectors.EpollSelector` reads their bits.
    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = Event> {
        self.reported.iter().map(|raw| {
            let bits = raw.events;
            Event {
                token: Token::from_u64(raw.u64),
                readable: bits & !(libc::EPOLLOUT as u32) != 0,
                writable: bits & !FOR_READING != 0,
                exceptional: bits & !(libc::EPOLLIN | libc::EPOLLOUT) as u32 != 0,
            }
        })
    }

    /// Empties the buffer for the next wait, and doubles it if the last wait filled it.
    #[inline]
    fn make_room(&mut self) {
        self.reported.clear();
        if self.was_full {
            let wanted = (self.reported.capacity() * 2).min(MAXIMUM_EVENT_CAPACITY);
            self.reported.reserve_exact(wanted);
            self.was_full = false;
        }
    }
}

/// Waits until something is ready or the time is over; replaces what `events` held.
///
/// # Errors
/// `Interrupted` if a signal came; `EBADF` or `EINVAL` if `epoll` is no open epoll instance.
pub(crate) fn wait(epoll: RawFd, events: &mut EpollEvents, timeout: Timeout) -> io::Result<()> {
    /// Set once `epoll_pwait2` proved to be missing or forbidden; a running kernel does not grow it.
    static MILLISECONDS_ONLY: AtomicBool = AtomicBool::new(false);

    wait_as_finely_as_possible(epoll, events, timeout, &MILLISECONDS_ONLY)
}

fn wait_as_finely_as_possible(
    epoll: RawFd,
    events: &mut EpollEvents,
    timeout: Timeout,
    milliseconds_only: &AtomicBool,
) -> io::Result<()> {
    events.make_room();
    let count = match timeout {
        // Only a real duration needs the finer call, which costs 100 ns more.
        Timeout::Now => wait_milliseconds(epoll, events, 0)?,
        Timeout::Forever => wait_milliseconds(epoll, events, -1)?,
        Timeout::After(nanoseconds) if milliseconds_only.load(Ordering::Relaxed) => {
            wait_milliseconds(epoll, events, milliseconds_rounded_up(nanoseconds))?
        }
        Timeout::After(nanoseconds) => match wait_nanoseconds(epoll, events, nanoseconds) {
            // ENOSYS: Linux before 5.11. EPERM: a seccomp filter older than the call; the call itself never says it.
            Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
                milliseconds_only.store(true, Ordering::Relaxed);
                wait_milliseconds(epoll, events, milliseconds_rounded_up(nanoseconds))?
            }
            answer => answer?,
        },
    };
    // SAFETY: the kernel wrote the first `count` events into the vector's allocation.
    // `count` is at most the capacity, which is what the kernel was told.
    unsafe { events.reported.set_len(count) };
    events.was_full = count == events.reported.capacity();
    let wakeup = |raw: &libc::epoll_event| raw.u64 == WAKE.to_u64();
    if let Some(index) = events.reported.iter().position(wakeup) {
        events.reported.remove(index);
    }
    Ok(())
}

fn wait_milliseconds(epoll: RawFd, events: &mut EpollEvents, timeout: i32) -> io::Result<usize> {
    let room = events.reported.capacity() as i32;
    // SAFETY: the pointer is to `room` writable epoll_events, the vector's allocation.
    // The vector is borrowed exclusively until the call returns, and the kernel keeps no pointer.
    let count = unsafe { libc::epoll_wait(epoll, events.reported.as_mut_ptr(), room, timeout) };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

fn wait_nanoseconds(epoll: RawFd, events: &mut EpollEvents, nanoseconds: u64) -> io::Result<usize> {
    /// `struct __kernel_timespec`: 64 bits each on every architecture, which libc's is not.
    #[repr(C)]
    struct KernelTimespec {
        seconds: i64,
        nanoseconds: i64,
    }
    let timeout = KernelTimespec {
        seconds: (nanoseconds / 1_000_000_000) as i64,
        nanoseconds: (nanoseconds % 1_000_000_000) as i64,
    };
    let room = events.reported.capacity();
    // The bare system call, since glibc has a wrapper only since 2.35 and linking to it would bind us to that.
    // SAFETY: the events pointer is to `room` writable epoll_events, the vector's allocation.
    // The vector is borrowed exclusively until the call returns, and the kernel keeps no pointer.
    // `timeout` has the layout that the kernel reads, and outlives the call.
    // A null signal mask means "leave the mask alone", whatever its size.
    let count = unsafe {
        libc::syscall(
            libc::SYS_epoll_pwait2,
            epoll,
            events.reported.as_mut_ptr(),
            room as i32,
            &raw const timeout,
            std::ptr::null::<libc::sigset_t>(),
            0_usize,
        )
    };
    usize::try_from(count).map_err(|_| io::Error::last_os_error())
}

fn milliseconds_rounded_up(nanoseconds: u64) -> i32 {
    i32::try_from(nanoseconds.div_ceil(1_000_000)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;

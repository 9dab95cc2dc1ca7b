//! The kernel's calls that `std` lacks: epoll, CPU clocks of other processes, pinning, limits.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// One event of an [`Epoll`]: whose it is.
pub type Event = libc::epoll_event;

/// Readable, writable, both only at a change.
pub const EDGES: u32 = (libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLET) as u32;
/// Readable, for as long as it is.
pub const READABLE: u32 = libc::EPOLLIN as u32;
/// Writable, for as long as it is.
pub const WRITABLE: u32 = libc::EPOLLOUT as u32;

fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

/// An epoll instance, see epoll(7).
#[derive(Debug)]
pub struct Epoll(OwnedFd);

impl Epoll {
    /// A new one.
    ///
    /// # Errors
    /// As epoll_create1(2).
    pub fn new() -> io::Result<Epoll> {
        // SAFETY: no pointer is passed; the descriptor is new and belongs to nobody else.
        unsafe {
            let fd = checked(libc::epoll_create1(libc::EPOLL_CLOEXEC))?;
            Ok(Epoll(OwnedFd::from_raw_fd(fd)))
        }
    }

    fn control(
        &self,
        operation: libc::c_int,
        fd: RawFd,
        interest: u32,
        token: u64,
    ) -> io::Result<()> {
        let mut event = Event {
            events: interest,
            u64: token,
        };
        // SAFETY: the event lives through the call, which only reads it; a bad descriptor is an error.
        checked(unsafe { libc::epoll_ctl(self.0.as_raw_fd(), operation, fd, &mut event) }).map(drop)
    }

    /// Watches a descriptor; its events carry `token`.
    ///
    /// # Errors
    /// As epoll_ctl(2).
    pub fn add(&self, file: &impl AsRawFd, interest: u32, token: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, file.as_raw_fd(), interest, token)
    }

    /// Changes what is asked of a watched descriptor.
    ///
    /// # Errors
    /// As epoll_ctl(2).
    pub fn modify(&self, file: &impl AsRawFd, interest: u32, token: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, file.as_raw_fd(), interest, token)
    }

    /// Waits for events, at most `milliseconds` (-1: without limit); tells how many of `events` are filled.
    ///
    /// # Errors
    /// As epoll_wait(2), but an interruption is no error: no event came.
    pub fn wait(&self, events: &mut [Event], milliseconds: i32) -> io::Result<usize> {
        let room = i32::try_from(events.len()).unwrap_or(i32::MAX);
        // SAFETY: the kernel writes at most `room` events into a slice that has room for them.
        let count = unsafe {
            libc::epoll_wait(self.0.as_raw_fd(), events.as_mut_ptr(), room, milliseconds)
        };
        match checked(count) {
            Ok(count) => Ok(count as usize),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            Err(error) => Err(error),
        }
    }
}

/// Room for events of one wait.
pub fn event_buffer(count: usize) -> Vec<Event> {
    vec![Event { events: 0, u64: 0 }; count]
}

/// The kernel's clock of all CPU time, user and system, that a process has used with all its threads, also those that
/// have ended.
#[derive(Clone, Copy, Debug)]
pub struct CpuClock(libc::clockid_t);

impl CpuClock {
    /// The clock of a process, see clock_getcpuclockid(3).
    ///
    /// # Errors
    /// `ESRCH` if there is no such process.
    pub fn of(process: i32) -> io::Result<CpuClock> {
        let mut clock = 0;
        // SAFETY: the call writes one clock id to a live place.
        match unsafe { libc::clock_getcpuclockid(process, &mut clock) } {
            0 => Ok(CpuClock(clock)),
            number => Err(io::Error::from_raw_os_error(number)),
        }
    }

    /// Nanoseconds of CPU time so far.
    ///
    /// # Errors
    /// `EINVAL` if the process has ended.
    pub fn nanoseconds(self) -> io::Result<u64> {
        read_clock(self.0)
    }
}

fn read_clock(clock: libc::clockid_t) -> io::Result<u64> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the call writes one timespec to a live place.
    checked(unsafe { libc::clock_gettime(clock, &mut time) })?;
    Ok(time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64)
}

/// Pins this process to one core.
///
/// # Errors
/// `EINVAL` if there is no such core for us.
pub fn pin(core: usize) -> io::Result<()> {
    // SAFETY: a zeroed set is an empty set; CPU_SET checks its index; the kernel reads the set of the size given.
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(core, &mut set);
        checked(libc::sched_setaffinity(
            0,
            size_of::<libc::cpu_set_t>(),
            &set,
        ))
        .map(drop)
    }
}

/// Raises the soft limit of open descriptors to the hard one.
///
/// # Errors
/// As setrlimit(2).
pub fn raise_descriptor_limit() -> io::Result<()> {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: both calls take one rlimit at a live place.
    unsafe {
        checked(libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit))?;
        limit.rlim_cur = limit.rlim_max;
        checked(libc::setrlimit(libc::RLIMIT_NOFILE, &limit)).map(drop)
    }
}

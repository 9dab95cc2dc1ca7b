//! The kernel, and the only folder of this crate with `unsafe` in it.
//!
//! # What a backend owes
//!
//! One backend is compiled in, under the names `Selector`, `RawEvents`, `WakeSource` and `monotonic_ns`; epoll today.
//! A port to another kernel provides the same four, and nothing above this folder changes.
//!
//! **`Selector`** owns the kernel object that waits and implements [`Registrar`].
//! - Readiness is *level-triggered*: what is still ready is reported again by the next wait.
//! - The [`Token`] given with `add` or `modify` comes back unchanged with every report.
//! - A refusal is sorted into [`Refusal`] here, because only a backend knows what its error numbers mean.
//! - It is close-on-exec, and dropping it closes it once. Dropping a forked child's copy must not change what the
//!   parent has registered.
//! - A kernel that keeps reading and writing apart (kqueue has one filter for each) merges both into one report per
//!   wait or reports twice; receivers accept either.
//!
//! **`wait`** takes the selector's bare fd, since it must run while nothing is borrowed and other threads register.
//! - It waits at least as long as asked, measured by the clock of `monotonic_ns`, unless something happens.
//!   Where the kernel's clock is coarser the time is rounded up.
//! - It does not retry after a signal: the caller decides, because a Python signal handler may have to run first.
//! - A report of the wake source is consumed: the buffer does not show it and the next wait does not meet it again.
//! - Any error or hang-up is reported as readable and writable.
//!
//! **`WakeSource`** ends a wait from another thread. `signal` may be called by any thread at any time, also while no
//! wait is under way; then the next one returns at once. Many signals may merge into one.
//!
//! **`socket`** receives and sends without ever blocking; it is POSIX but for two flags of Linux and the BSDs.
//! **`pipe`** reads and writes what is no socket; POSIX, but for the capacity of a pipe.
//! **`file`** lets the kernel send files; `sendfile` of this shape is Linux's.
//! **`forks`** notices that the process has forked; POSIX.
//! **`datagram`** does so for datagrams, with a call that Linux, FreeBSD and NetBSD have (`recvmmsg`).
//!
//! **`monotonic_ns`** is the clock of Python's `time.monotonic()` on that platform, in nanoseconds: deadlines of
//! programs are computed with the one and compared with the other.

#[cfg(target_os = "linux")]
mod clock;
mod counter;
#[cfg(target_os = "linux")]
pub mod datagram;
#[cfg(target_os = "linux")]
mod epoll;
#[cfg(target_os = "linux")]
mod eventfd;
#[cfg(target_os = "linux")]
pub mod file;
mod forks;
pub mod pipe;
#[cfg(target_os = "linux")]
mod run_delay;
#[cfg(test)]
pub(crate) mod scripted;
pub mod socket;

use std::io;
use std::os::fd::RawFd;

use crate::event::{Interest, Token};

#[cfg(target_os = "linux")]
pub use clock::monotonic_ns;
pub(crate) use counter::{counts_evenly, ticks};
#[cfg(target_os = "linux")]
pub(crate) use epoll::{Epoll as Selector, EpollEvents as RawEvents, wait};
#[cfg(target_os = "linux")]
pub(crate) use eventfd::EventFd as WakeSource;
pub use forks::forks;
#[cfg(target_os = "linux")]
pub use run_delay::RunDelay;

/// The part of a backend that keeps registrations. A trait, so that a script without a kernel can stand in for it.
pub(crate) trait Registrar {
    /// Registers an fd that is not registered.
    fn add(&self, fd: RawFd, interest: Interest, token: Token) -> Result<(), Refusal>;

    /// Replaces the interest and the token of a registered fd.
    fn modify(&self, fd: RawFd, interest: Interest, token: Token) -> Result<(), Refusal>;

    /// Ends a registration.
    fn remove(&self, fd: RawFd) -> Result<(), Refusal>;
}

/// Why a backend did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The fd is open but not registered: it was closed (which ended its registration) and opened again.
    Absent,
    /// The fd is registered already.
    Present,
    /// Nothing can be registered under this fd: it is closed, or it is open as something that cannot be waited for
    /// (a regular file).
    Gone(io::Error),
    /// Anything else; an earlier registration, if there was one, still stands.
    Failed(io::Error),
}

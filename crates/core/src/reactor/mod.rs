//! Which file descriptor is registered for what, the wait, and who wakes it.

mod poller;
mod registrations;
mod waker;

use std::io;
use std::os::fd::RawFd;
use std::sync::Arc;

use crate::event::{Interest, Token};
use crate::sys::{Selector, WakeSource};

pub use poller::{EventBuffer, Poller};
pub use waker::Waker;

use registrations::Registrations;

/// Owns the kernel object that waits, the table of what is registered with it, and the source that wakes it.
///
/// # Threads
/// One owner at a time changes it. The wait does not borrow it: it goes through a [`Poller`], so that another thread
/// which holds the lock of the owner (Python's GIL, say) may register while the loop's thread waits; the kernel then
/// heeds the new registration at once.
#[derive(Debug)]
pub struct Reactor {
    registrations: Registrations<Selector>,
    waker: Arc<Waker>,
}

impl Reactor {
    /// Opens a reactor: two fds, both close-on-exec.
    ///
    /// # Errors
    /// What the kernel says when it is out of fds or memory: `EMFILE`, `ENFILE`, `ENOMEM`.
    pub fn new() -> io::Result<Reactor> {
        let selector = Selector::new()?;
        let source = WakeSource::new()?;
        selector.add_wake_source(source.fd())?;
        Ok(Reactor {
            registrations: Registrations::new(selector),
            waker: Arc::new(Waker::new(source)),
        })
    }

    /// Says what is to be reported about `fd` from now on: registers, modifies, or with [`Interest::NONE`] deregisters.
    ///
    /// Returns the token that events of this registration will carry. The generation changes with each fresh
    /// registration, and stays when only the interest changes. Deregistering answers a token that is never current.
    ///
    /// Programs close fds without telling the loop. What the kernel then answers is set right here: an fd that was
    /// closed and opened again is registered afresh; an fd that is closed is deregistered without complaint. This is
    /// why a call with the interest that the table already shows still asks the kernel. asyncio does not, and then
    /// waits for ever on the new fd. A caller that owns the fd, and so knows that it was not reopened, can compare with
    /// [`interest`](Reactor::interest) first and spare the system call.
    ///
    /// # Errors
    /// `EBADF` if `fd` is not open or the reactor is closed; `EPERM` if it is a regular file, which is always ready;
    /// `ENOMEM` or `ENOSPC` (`man 2 epoll_ctl`). After `EBADF` and `EPERM` the fd is not registered; after others what
    /// was registered before still is.
    #[inline]
    pub fn set_interest(&mut self, fd: RawFd, interest: Interest) -> io::Result<Token> {
        self.registrations.set_interest(fd, interest)
    }

    /// What `fd` is registered for, as far as the reactor knows; [`Interest::NONE`] if it is not registered.
    #[inline]
    pub fn interest(&self, fd: RawFd) -> Interest {
        self.registrations.interest(fd)
    }

    /// Whether this token names a registration that still stands. An event whose token does not is to be ignored: it
    /// was reported for an fd that has since been deregistered, and perhaps closed, opened and registered again.
    #[inline]
    pub fn is_current(&self, token: Token) -> bool {
        self.registrations.is_current(token)
    }

    /// A handle for waiting. It can be copied and borrows nothing; see [`Poller`] for what that asks of the caller.
    #[inline]
    pub fn poller(&self) -> Poller {
        Poller::new(self.fd())
    }

    /// What other threads end a wait with.
    #[inline]
    pub fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// The fd of the kernel object that waits; -1 once closed.
    #[inline]
    pub fn fd(&self) -> RawFd {
        self.registrations.registrar().map_or(-1, Selector::fd)
    }

    /// Closes both fds and forgets every registration; the registered fds themselves stay open. Closing again does
    /// nothing. Afterwards [`set_interest`](Reactor::set_interest) fails with `EBADF` and a wakeup does nothing.
    pub fn close(&mut self) {
        self.registrations.close();
        self.waker.close();
    }

    /// What a forked child does with the reactor that it got from its parent: closes its copies of both fds.
    ///
    /// Child and parent share one kernel object behind those fds, so a single deregistration here would take the fd
    /// from the parent's loop too. Therefore nothing is deregistered, and no other thread is waited for, as none
    /// survived the fork.
    pub fn forget_after_fork(&mut self) {
        self.registrations.close();
        self.waker.forget_after_fork();
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        self.close();
    }
}

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// A kernel counter whose every increase ends a wait (`man 2 eventfd`).
#[derive(Debug)]
pub(crate) struct EventFd {
    fd: OwnedFd,
}

impl EventFd {
    /// Opens one, close-on-exec and non-blocking.
    ///
    /// # Errors
    /// `EMFILE`, `ENFILE`, `ENOMEM`.
    pub(crate) fn new() -> io::Result<EventFd> {
        // SAFETY: takes no pointers.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just gave us this fd; nobody else knows it, so we are its only owner.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(EventFd { fd })
    }

    /// Its fd, for registering it.
    pub(crate) fn fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }

    /// Gives up ownership: the caller closes it, by [`close`](EventFd::close).
    pub(crate) fn into_fd(self) -> RawFd {
        std::os::fd::IntoRawFd::into_raw_fd(self.fd)
    }

    /// Ends the wait under way, or else the next one.
    ///
    /// # Errors
    /// `EBADF` if `fd` is closed.
    pub(crate) fn signal(fd: RawFd) -> io::Result<()> {
        let one = 1_u64.to_ne_bytes();
        // SAFETY: `one` is 8 readable bytes, as an eventfd demands, for the whole call.
        let written = unsafe { libc::write(fd, one.as_ptr().cast(), one.len()) };
        if written < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// Closes what [`into_fd`](EventFd::into_fd) gave.
    pub(crate) fn close(fd: RawFd) {
        // SAFETY: the caller got this fd from `into_fd`, so it owns it, and passes it here once.
        drop(unsafe { OwnedFd::from_raw_fd(fd) });
    }
}

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::thread;

use crate::sys::WakeSource;

/// Ends the wait of a loop from another thread, with a system call only if the loop sleeps.
#[derive(Debug)]
pub struct Waker {
    /// The loop sleeps or is about to, and nobody has woken it yet.
    sleeping: AtomicBool,
    /// The wake source's fd; -1 once closed.
    fd: AtomicI32,
    /// How many threads may be writing to `fd` at this moment; closing waits for them.
    writing: AtomicUsize,
}

impl Waker {
    pub(super) fn new(source: WakeSource) -> Waker {
        Waker {
            sleeping: AtomicBool::new(false),
            fd: AtomicI32::new(source.into_fd()),
            writing: AtomicUsize::new(0),
        }
    }

    /// The loop's thread announces that it is about to sleep.
    #[inline]
    pub fn prepare_sleep(&self) {
        self.sleeping.swap(true, Ordering::AcqRel);
    }

    /// The loop's thread announces that it is awake.
    #[inline]
    pub fn finish_sleep(&self) {
        self.sleeping.swap(false, Ordering::AcqRel);
    }

    /// Wakes the loop if it sleeps.
    ///
    /// # Errors
    /// What writing to the wake source says.
    #[inline]
    pub fn wake(&self) -> io::Result<()> {
        if self.sleeping.swap(false, Ordering::AcqRel) {
            return self.signal();
        }
        Ok(())
    }

    #[cold]
    fn signal(&self) -> io::Result<()> {
        self.writing.fetch_add(1, Ordering::SeqCst);
        let fd = self.fd.load(Ordering::SeqCst);
        let answer = if fd < 0 {
            Ok(())
        } else {
            WakeSource::signal(fd)
        };
        self.writing.fetch_sub(1, Ordering::SeqCst);
        answer
    }

    pub(super) fn close(&self) {
        let fd = self.fd.swap(-1, Ordering::SeqCst);
        while self.writing.load(Ordering::SeqCst) != 0 {
            thread::yield_now();
        }
        if fd >= 0 {
            WakeSource::close(fd);
        }
        self.sleeping.swap(false, Ordering::AcqRel);
    }

    pub(super) fn forget_after_fork(&self) {
        let fd = self.fd.swap(-1, Ordering::SeqCst);
        if fd >= 0 {
            WakeSource::close(fd);
        }
        self.sleeping.swap(false, Ordering::AcqRel);
    }
}

impl Drop for Waker {
    fn drop(&mut self) {
        self.close();
    }
}

//! The way out of a sleep.
//!
//! # Why no wakeup is lost
//!
//! ```text
//! the loop                                 another thread, with work for the loop
//! L1  prepare_sleep(): swap(true)          T1  puts the work into the queue
//! L2  looks into the queue                 T2  wake(): swap(false); if it was true, writes to the wake source
//! L3  waits, if the queue is empty
//! L4  finish_sleep(): swap(false)
//! ```
//!
//! Every access to `sleeping` is a read-modify-write, so all of them stand in one order in which each reads what the one
//! before it wrote. Take T2 and the last L1 before the sleep in question:
//!
//! - *T2 comes after L1.* The first such T2 reads `true`, since nothing else makes it false before L4, and writes to
//!   the wake source. The source stays signalled until a wait reports it, so L3 returns at once or does not begin.
//! - *T2 comes before L1.* L1 reads from T2, directly or through other read-modify-writes, which carry on T2's release.
//!   With both sides `AcqRel`, T2's work of T1 happens before L2, so L2 sees it and the loop does not wait.
//!   (This is why `finish_sleep` swaps too: a plain store there would cut that chain.)
//!
//! So the queue itself may use any ordering that suits it. The usual alternative, a sequentially consistent fence on
//! both sides, would cost every caller a fence where this costs one exchange (3 ns uncontended).
//!
//! The other way round, a thread that is interrupted within T2, between swap and write, writes after L4. Then the next
//! wait returns early with nothing to show. A loop must bear empty waits anyway.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use std::thread;

use crate::sys::WakeSource;

/// Ends the wait of a loop from another thread, with a system call only if the loop sleeps and nobody woke it yet.
///
/// The loop calls [`prepare_sleep`](Waker::prepare_sleep), *then* looks into its queue once more, and only if that is
/// empty waits (otherwise polls without waiting), and calls [`finish_sleep`](Waker::finish_sleep) in every case. Others
/// put their work into the queue and *then* call [`wake`](Waker::wake). In this order no wakeup is lost, whatever memory
/// order the queue uses.
///
/// # Threads
/// `prepare_sleep` and `finish_sleep` are for the loop's thread; `wake` is for any. It also outlives the reactor: after
/// that has closed, `wake` does nothing.
#[derive(Debug)]
pub struct Waker {
    /// The loop sleeps or is about to, and nobody has woken it yet.
    sleeping: AtomicBool,
    /// The wake source's fd, owned; -1 once closed. Not behind a lock, since a forked child could find that held by a
    /// thread it does not have.
    fd: AtomicI32,
    /// How many threads may be writing to `fd` at this moment. Closing waits for them, lest they write to whatever gets
    /// the same fd number next.
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

    /// The loop announces that it is about to sleep. It must look into its queue after this and before it waits.
    #[inline]
    pub fn prepare_sleep(&self) {
        self.sleeping.swap(true, Ordering::AcqRel);
    }

    /// The loop announces that it is awake: until it sleeps again, wakeups cost no system call.
    #[inline]
    pub fn finish_sleep(&self) {
        self.sleeping.swap(false, Ordering::AcqRel);
    }

    /// Wakes the loop if it sleeps. To be called after the work was put where the loop looks.
    ///
    /// # Errors
    /// What writing to the wake source says. No such error is known: it would take 2^64 wakeups to fill an eventfd.
    #[inline]
    pub fn wake(&self) -> io::Result<()> {
        if self.claim() {
            return self.signal();
        }
        Ok(())
    }

    /// The first half of [`wake`](Waker::wake): whether the loop sleeps and nobody else wakes it. Who is told so has to
    /// call [`signal`](Waker::signal).
    #[inline]
    pub fn claim(&self) -> bool {
        self.sleeping.swap(false, Ordering::AcqRel)
    }

    /// The other half: the system call.
    ///
    /// # Errors
    /// As [`wake`](Waker::wake).
    #[cold]
    pub fn signal(&self) -> io::Result<()> {
        // Sequentially consistent, here and in `close`: either we see its -1, or it sees our count and waits.
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

    /// Closes the wake source, once.
    pub(super) fn close(&self) {
        let fd = self.fd.swap(-1, Ordering::SeqCst);
        // As long as one non-blocking write takes; and no new one begins, since they read -1.
        while self.writing.load(Ordering::SeqCst) != 0 {
            thread::yield_now();
        }
        self.dispose(fd);
    }

    /// Closes a forked child's copy. A thread that was writing when its process forked does not exist here, so its
    /// count is not waited for but forgotten.
    pub(super) fn forget_after_fork(&self) {
        self.writing.store(0, Ordering::SeqCst);
        self.dispose(self.fd.swap(-1, Ordering::SeqCst));
    }

    fn dispose(&self, fd: i32) {
        if fd >= 0 {
            WakeSource::close(fd);
        }
        self.finish_sleep();
    }
}

impl Drop for Waker {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::thread;
    use std::time::Duration;

    use super::Waker;
    use crate::event::{Interest, Timeout, Token};
    use crate::sys::{RawEvents, Registrar, Selector, WakeSource, wait};

    /// A waker, and the selector that it wakes.
    fn waker_and_selector() -> (Waker, Selector) {
        let source = WakeSource::new().unwrap();
        let selector = Selector::new().unwrap();
        selector.add_wake_source(source.fd()).unwrap();
        (Waker::new(source), selector)
    }

    /// Whether a wait of the selector would return at once; makes that wait if so.
    ///
    /// A wait does not show a wakeup, but it makes the selector's own fd readable for another selector.
    fn is_signalled(selector: &Selector) -> bool {
        const TOKEN: Token = Token {
            fd: 0,
            generation: 1,
        };
        let observer = Selector::new().unwrap();
        observer
            .add(selector.fd(), Interest::READABLE, TOKEN)
            .unwrap();
        let mut events = RawEvents::new(4);
        wait(observer.fd(), &mut events, Timeout::Now).unwrap();
        let signalled = events.len() == 1;
        wait(selector.fd(), &mut events, Timeout::Now).unwrap();
        assert_eq!(events.len(), 0, "a wakeup is not shown");
        signalled
    }

    #[test]
    fn signals_only_a_sleeper_and_only_once() {
        let (waker, selector) = waker_and_selector();
        waker.wake().unwrap();
        assert!(!is_signalled(&selector), "nobody slept");
        waker.prepare_sleep();
        waker.wake().unwrap();
        waker.wake().unwrap();
        assert!(is_signalled(&selector));
        assert!(!is_signalled(&selector), "consumed by the first wait");
        waker.prepare_sleep();
        waker.finish_sleep();
        waker.wake().unwrap();
        assert!(!is_signalled(&selector), "awake again");
    }

    #[test]
    fn every_signal_counts_though_none_is_read() {
        let (waker, selector) = waker_and_selector();
        for _ in 0..5 {
            waker.prepare_sleep();
            waker.wake().unwrap();
            assert!(is_signalled(&selector));
        }
    }

    #[test]
    fn waking_after_closing_does_nothing() {
        let (waker, _selector) = waker_and_selector();
        waker.prepare_sleep();
        waker.close();
        waker.wake().unwrap();
        waker.prepare_sleep();
        waker.wake().unwrap();
        waker.close();
    }

    /// How many signals the source behind `fd` has got; Linux tells.
    #[cfg(target_os = "linux")]
    fn signals(fd: std::os::fd::RawFd) -> u32 {
        let about = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap();
        let count = about
            .lines()
            .find_map(|line| line.strip_prefix("eventfd-count:"));
        u32::from_str_radix(count.unwrap().trim(), 16).unwrap()
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn one_system_call_per_sleep_however_many_wake() {
        let (waker, _selector) = waker_and_selector();
        let fd = waker.fd.load(Ordering::SeqCst);
        for sleep in 1..=3 {
            waker.prepare_sleep();
            for _ in 0..10 {
                waker.wake().unwrap();
            }
            waker.finish_sleep();
            assert_eq!(signals(fd), sleep);
        }
    }

    #[test]
    fn closing_waits_for_a_write_under_way() {
        let (waker, _selector) = waker_and_selector();
        let fd = waker.fd.load(Ordering::SeqCst);
        waker.writing.store(1, Ordering::SeqCst);
        thread::scope(|scope| {
            let closing = scope.spawn(|| waker.close());
            while waker.fd.load(Ordering::SeqCst) == fd {
                thread::yield_now();
            }
            thread::sleep(Duration::from_millis(5));
            let closed_early = closing.is_finished();
            waker.writing.store(0, Ordering::SeqCst);
            assert!(!closed_early);
        });
    }

    #[test]
    fn a_child_waits_for_no_thread_of_its_parent() {
        let (waker, _selector) = waker_and_selector();
        waker.writing.store(1, Ordering::SeqCst);
        waker.forget_after_fork();
        // Taken back first: with a count left, dropping the waker would wait for ever.
        assert_eq!(waker.writing.swap(0, Ordering::SeqCst), 0);
        assert_eq!(waker.fd.load(Ordering::SeqCst), -1);
        waker.close();
    }
}

//! Who waits for a step that takes too long: shared by the loop's thread and the watchdog's.
//!
//! | the loop            | `running`  | the watchdog                                             |
//! |---------------------|------------|----------------------------------------------------------|
//! | runs a step         | its start  | sleeps until the step would be too long, then looks again |
//! | waits in the kernel | 0          | sleeps until it is roused                                 |
//! | is closed           | any        | is told so and ends                                       |
//!
//! A step costs the loop one store. Only the first step after a wait in the kernel looks whether the watchdog sleeps.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::sys::monotonic_ns;

/// See the module's table.
#[derive(Default)]
pub struct StepWatch {
    /// When the step that runs began; 0 while none does.
    running: AtomicU64,
    asleep: AtomicBool,
    closed: AtomicBool,
    turn: Mutex<()>,
    roused: Condvar,
}

impl StepWatch {
    /// A watch over a loop that does not run.
    pub fn new() -> StepWatch {
        StepWatch::default()
    }

    /// A step begins at `now` nanoseconds.
    #[inline(always)]
    pub fn step(&self, now: u64) {
        self.running.store(now, Ordering::Relaxed);
    }

    /// When the step that runs began; 0 while none does.
    pub fn running(&self) -> u64 {
        self.running.load(Ordering::Relaxed)
    }

    /// The loop runs steps from now on.
    pub fn awake(&self, now: u64) {
        self.running.store(now, Ordering::SeqCst);
        if self.asleep.load(Ordering::SeqCst) {
            self.rouse();
        }
    }

    /// The loop runs nothing.
    #[inline]
    pub fn idle(&self) {
        self.running.store(0, Ordering::SeqCst);
    }

    /// Ends every [`Self::wait`].
    pub fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.rouse();
    }

    fn rouse(&self) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.roused.notify_all();
    }

    /// Waits for a step that has run for `limit` nanoseconds; gives when it began, or `None` when closed.
    /// A step that began at `known` was told before.
    pub fn wait(&self, limit: u64, known: u64) -> Option<u64> {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if self.closed.load(Ordering::SeqCst) {
                return None;
            }
            let start = self.running.load(Ordering::SeqCst);
            if start == 0 {
                self.asleep.store(true, Ordering::SeqCst);
                // What began before that store saw nobody asleep: look once more.
                if self.running.load(Ordering::SeqCst) == 0 && !self.closed.load(Ordering::SeqCst) {
                    turn = self
                        .roused
                        .wait(turn)
                        .unwrap_or_else(PoisonError::into_inner);
                }
                self.asleep.store(false, Ordering::SeqCst);
                continue;
            }
            let ran = monotonic_ns().saturating_sub(start);
            if ran >= limit && start != known {
                return Some(start);
            }
            let rest = if start == known { limit } else { limit - ran };
            turn = self
                .roused
                .wait_timeout(turn, Duration::from_nanos(rest.max(1)))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;
    use std::time::Duration;

    use super::StepWatch;
    use crate::sys::monotonic_ns;

    #[test]
    fn a_long_step_is_told_once() {
        let watch = Arc::new(StepWatch::new());
        let watcher = Arc::clone(&watch);
        let told = thread::spawn(move || {
            let mut known = 0;
            let mut told = Vec::new();
            while let Some(start) = watcher.wait(20_000_000, known) {
                known = start;
                told.push(start);
            }
            told
        });
        let begin = monotonic_ns();
        watch.awake(begin);
        thread::sleep(Duration::from_millis(120));
        watch.step(monotonic_ns());
        watch.idle();
        thread::sleep(Duration::from_millis(50));
        watch.close();
        assert_eq!(told.join().ok(), Some(vec![begin]));
    }

    #[test]
    fn an_idle_loop_is_left_alone() {
        let watch = Arc::new(StepWatch::new());
        let watcher = Arc::clone(&watch);
        let told = thread::spawn(move || watcher.wait(1_000_000, 0));
        thread::sleep(Duration::from_millis(30));
        watch.close();
        assert_eq!(told.join().ok(), Some(None));
    }
}

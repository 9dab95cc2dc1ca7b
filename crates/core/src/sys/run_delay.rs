use std::fs::File;
use std::os::unix::fs::FileExt;

/// How long a thread was ready to run while the kernel ran others, in all its life.
///
/// The second figure of `/proc/thread-self/schedstat` (Documentation/scheduler/sched-stats.rst), which kernels without
/// `CONFIG_SCHED_INFO` do not have.
pub struct RunDelay(File);

impl RunDelay {
    /// That of the thread that asks.
    pub fn of_this_thread() -> Option<RunDelay> {
        let delay = RunDelay(File::open("/proc/thread-self/schedstat").ok()?);
        delay.nanoseconds().map(|_| delay)
    }

    /// Nanoseconds so far.
    pub fn nanoseconds(&self) -> Option<u64> {
        let mut text = [0; 96];
        let length = self.0.read_at(&mut text, 0).ok()?;
        let text = std::str::from_utf8(text.get(..length)?).ok()?;
        text.split_ascii_whitespace().nth(1)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::RunDelay;

    #[test]
    fn never_goes_back() {
        // A kernel may have none.
        let Some(delay) = RunDelay::of_this_thread() else {
            return;
        };
        let before = delay.nanoseconds();
        std::thread::yield_now();
        assert!(before.is_some() && delay.nanoseconds() >= before);
    }
}

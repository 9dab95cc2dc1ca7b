/// The time now, in nanoseconds since an arbitrary moment; it never goes back.
///
/// `CLOCK_MONOTONIC`, which is what CPython's `time.monotonic()` reads on Linux (`Python/pytime.c`), so that
/// `loop.time()`, `time.monotonic()` and the deadlines of the kernel's waits can be compared with each other.
/// It does not count the time during which the machine is suspended.
#[inline]
pub fn monotonic_ns() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: `time` is a valid, writable timespec for the whole call, and the call keeps no pointer to it.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    // The man page knows two failures: a bad pointer and an unknown clock. Neither can be.
    debug_assert_eq!(status, 0, "clock_gettime(CLOCK_MONOTONIC) failed");
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::monotonic_ns;

    #[test]
    fn never_goes_back() {
        let mut before = monotonic_ns();
        for _ in 0..10_000 {
            let now = monotonic_ns();
            assert!(now >= before);
            before = now;
        }
    }

    #[test]
    fn counts_nanoseconds() {
        let before = monotonic_ns();
        std::thread::sleep(Duration::from_millis(5));
        let elapsed = monotonic_ns() - before;
        assert!(elapsed >= 5_000_000, "{elapsed}");
        assert!(elapsed < 60_000_000_000, "{elapsed}");
    }
}

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

static FORKS: AtomicU32 = AtomicU32::new(0);

extern "C" fn forks_now() {
    FORKS.fetch_add(1, Ordering::Relaxed);
}

/// A number that is another one after each `fork()` of this process, in the parent as in the child.
///
/// A descriptor that was opened when it was what it is now belongs to no other process, unless somebody handed it over. `vfork()`
/// and `posix_spawn()` do not count: what they start executes another program, which closes what is close-on-exec.
pub fn forks() -> u32 {
    static WATCH: Once = Once::new();
    static WATCHED: AtomicU32 = AtomicU32::new(0);

    WATCH.call_once(|| {
        // Before the fork as well: another thread may ask between that and what follows it.
        // SAFETY: the function takes no arguments, never unwinds, does nothing that is forbidden in a forked child, and
        // lives as long as the library, with which the C library forgets it.
        let status =
            unsafe { libc::pthread_atfork(Some(forks_now), Some(forks_now), Some(forks_now)) };
        WATCHED.store(u32::from(status == 0), Ordering::Relaxed);
    });
    if WATCHED.load(Ordering::Relaxed) == 0 {
        // Out of memory: then no two answers are alike.
        forks_now();
    }
    FORKS.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::forks;

    #[test]
    fn a_fork_makes_another_number_of_it() {
        let before = forks();
        assert_eq!(forks(), before);
        // SAFETY: the child does nothing but end.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: ends the child without running anything of the parent's.
            unsafe { libc::_exit(i32::from(forks() == before)) };
        }
        assert!(child > 0);
        let mut status = 0;
        // SAFETY: the pointer is to an int, which outlives the call.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0);
        assert_ne!(forks(), before);
    }
}

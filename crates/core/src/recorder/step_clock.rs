//! A clock that is read once per step, for times on the scale of [`monotonic_ns`].
//!
//! Between two readings of the real clock ([`StepClock::set`]) it goes by the processor's counter, whose tick is measured once
//! per process. Where that does not count evenly, it is the real clock.

use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use crate::sys::{counts_evenly, monotonic_ns, ticks};

/// How long a tick is measured, twice.
const MEASURED: Duration = Duration::from_millis(1);
/// How far the two measurements may lie apart: one in so many.
const TOLERANCE: u64 = 200;

/// See the module's text.
pub struct StepClock {
    set_ticks: u64,
    set_ns: u64,
    /// Nanoseconds of a tick, times 2^32; 0: the real clock is read.
    tick: u64,
}

impl StepClock {
    /// The cheap clock. The first one of a process takes two milliseconds to make.
    pub fn cheap() -> StepClock {
        static TICK: OnceLock<u64> = OnceLock::new();
        let mut clock = StepClock::real();
        clock.tick = *TICK.get_or_init(measured_tick);
        clock.set(monotonic_ns());
        clock
    }

    /// The real clock.
    pub fn real() -> StepClock {
        StepClock {
            set_ticks: 0,
            set_ns: 0,
            tick: 0,
        }
    }

    /// Nanoseconds of the monotonic clock.
    #[inline(always)]
    pub fn now(&self) -> u64 {
        if self.tick == 0 {
            return monotonic_ns();
        }
        let passed = ticks().saturating_sub(self.set_ticks);
        self.set_ns + nanoseconds(passed, self.tick)
    }

    /// The real clock was read right now.
    #[inline]
    pub fn set(&mut self, now: u64) {
        if self.tick != 0 {
            self.set_ticks = ticks();
            self.set_ns = now;
        }
    }
}

#[inline(always)]
fn nanoseconds(passed: u64, tick: u64) -> u64 {
    ((u128::from(passed) * u128::from(tick)) >> 32) as u64
}

/// A reading of both clocks, with little between them.
fn both() -> (u64, u64) {
    const TRIES: usize = 5;
    let reading = || {
        let before = ticks();
        let now = monotonic_ns();
        (ticks().saturating_sub(before), before, now)
    };
    let best = (0..TRIES).map(|_| reading()).min_by_key(|read| read.0);
    best.map_or((0, 0), |(between, before, now)| (before + between / 2, now))
}

/// The length of a tick as [`StepClock`] keeps it; 0 if the counter is not to be trusted.
fn measured_tick() -> u64 {
    if !counts_evenly() {
        return 0;
    }
    let readings = [(), (), ()].map(|()| {
        thread::sleep(MEASURED);
        both()
    });
    let length = |from: (u64, u64), to: (u64, u64)| {
        let ticks = to.0.saturating_sub(from.0);
        let passed = u128::from(to.1.saturating_sub(from.1)) << 32;
        u64::try_from(passed / u128::from(ticks.max(1))).unwrap_or(0)
    };
    let first = length(readings[0], readings[1]);
    let second = length(readings[1], readings[2]);
    if first.abs_diff(second) > first / TOLERANCE {
        return 0;
    }
    length(readings[0], readings[2])
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::{StepClock, nanoseconds};
    use crate::sys::monotonic_ns;

    #[test]
    fn ticks_become_nanoseconds() {
        assert_eq!(nanoseconds(1_000, 1 << 31), 500);
        // A year of a counter of 4 GHz.
        let year = 4_000_000_000 * 86_400 * 365;
        assert_eq!(nanoseconds(year, 1 << 30), year / 4);
    }

    #[test]
    fn agrees_with_the_real_clock() {
        let clock = StepClock::cheap();
        thread::sleep(Duration::from_millis(50));
        // Whoever is interrupted between the two readings tries again.
        let apart = (0..100).map(|_| clock.now().abs_diff(monotonic_ns())).min();
        assert!(apart.is_some_and(|apart| apart < 1_000_000), "{apart:?}");
    }

    #[test]
    fn never_goes_back_on_one_thread() {
        let clock = StepClock::cheap();
        let mut before = clock.now();
        for _ in 0..10_000 {
            let now = clock.now();
            assert!(now >= before);
            before = now;
        }
    }

    #[test]
    fn the_real_clock_needs_no_setting() {
        let clock = StepClock::real();
        let before = monotonic_ns();
        assert!(clock.now() >= before);
    }
}

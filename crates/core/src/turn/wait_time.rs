use crate::constants::MAXIMUM_WAIT_NANOSECONDS;
use crate::event::Timeout;

/// How long the loop may wait in the kernel. Times are nanoseconds of the same clock.
///
/// As `BaseEventLoop._run_once` (CPython `Lib/asyncio/base_events.py`): not at all with work `ready` or when the loop is
/// `stopping`; else until the next deadline, but one day at most; without a deadline until something happens.
#[inline]
pub fn wait_time(ready: bool, stopping: bool, next_deadline: Option<u64>, now: u64) -> Timeout {
    if ready || stopping {
        return Timeout::Now;
    }
    match next_deadline {
        None => Timeout::Forever,
        Some(deadline) if deadline <= now => Timeout::Now,
        Some(deadline) => Timeout::After((deadline - now).min(MAXIMUM_WAIT_NANOSECONDS)),
    }
}

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

#[cfg(test)]
mod tests {
    use super::wait_time;
    use crate::constants::MAXIMUM_WAIT_NANOSECONDS;
    use crate::event::Timeout;

    #[test]
    fn ready_work_and_stopping_forbid_waiting() {
        assert_eq!(wait_time(true, false, None, 5), Timeout::Now);
        assert_eq!(wait_time(false, true, None, 5), Timeout::Now);
        assert_eq!(wait_time(true, true, Some(1_000), 5), Timeout::Now);
    }

    #[test]
    fn waits_until_the_deadline_and_not_a_nanosecond_less() {
        assert_eq!(wait_time(false, false, Some(1_000), 999), Timeout::After(1));
        assert_eq!(wait_time(false, false, Some(1_000), 1_000), Timeout::Now);
        assert_eq!(wait_time(false, false, Some(1_000), 1_001), Timeout::Now);
        assert_eq!(wait_time(false, false, None, 1_000), Timeout::Forever);
    }

    #[test]
    fn a_far_deadline_is_looked_at_again_in_a_day() {
        assert_eq!(
            wait_time(false, false, Some(u64::MAX), 0),
            Timeout::After(MAXIMUM_WAIT_NANOSECONDS)
        );
    }
}

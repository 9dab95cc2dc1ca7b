use crate::constants::DEFAULT_HIGH_WATER;

/// When the one who writes has to pause, and when it may go on.
///
/// The rules are those of `asyncio.transports._FlowControlMixin` (CPython `Lib/asyncio/transports.py`).
///
/// | state | the buffer grew to `size` | the buffer shrank to `size` |
/// |---|---|---|
/// | flowing | `size` > high: → paused, tell the protocol | - |
/// | paused | - | `size` <= low: → flowing, tell the protocol |
///
/// The state changes *before* the protocol is told, so that what the protocol does meanwhile meets the new state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowControl {
    high: usize,
    low: usize,
    paused: bool,
}

/// Limits that contradict each other: `high` must be at least `low`, and `low` at least 0 (bytes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidLimits {
    /// The high limit, given or derived.
    pub high: i64,
    /// The low limit, given or derived.
    pub low: i64,
}

impl Default for FlowControl {
    fn default() -> FlowControl {
        FlowControl {
            high: DEFAULT_HIGH_WATER,
            low: DEFAULT_HIGH_WATER / 4,
            paused: false,
        }
    }
}

impl FlowControl {
    /// Sets the limits (bytes). Without `high` it is four times `low`, or 64 KiB without both; without `low` it is a
    /// quarter of `high`. The state stays: call [`grew`](FlowControl::grew) afterwards.
    ///
    /// # Errors
    /// [`InvalidLimits`]; nothing is changed then.
    pub fn set_limits(&mut self, high: Option<i64>, low: Option<i64>) -> Result<(), InvalidLimits> {
        let high = match (high, low) {
            (Some(high), _) => high,
            (None, Some(low)) => low.saturating_mul(4),
            (None, None) => DEFAULT_HIGH_WATER as i64,
        };
        let low = low.unwrap_or_else(|| high.div_euclid(4));
        match (usize::try_from(high), usize::try_from(low)) {
            (Ok(high), Ok(low)) if high >= low => {
                self.high = high;
                self.low = low;
                Ok(())
            }
            _ => Err(InvalidLimits { high, low }),
        }
    }

    /// The limits (bytes): low, high.
    pub fn limits(&self) -> (usize, usize) {
        (self.low, self.high)
    }

    /// Whether the protocol was told to pause.
    #[inline]
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// The buffer grew to `size` bytes. Answers whether the protocol is to be told to pause now.
    #[inline]
    #[must_use]
    pub fn grew(&mut self, size: usize) -> bool {
        let pause = !self.paused && size > self.high;
        self.paused |= pause;
        pause
    }

    /// The buffer shrank to `size` bytes. Answers whether the protocol is to be told that it may go on.
    #[inline]
    #[must_use]
    pub fn shrank(&mut self, size: usize) -> bool {
        let resume = self.paused && size <= self.low;
        self.paused &= !resume;
        resume
    }
}

#[cfg(test)]
mod tests {
    use super::{FlowControl, InvalidLimits};

    #[test]
    fn limits_are_derived_as_asyncio_derives_them() {
        let mut flow = FlowControl::default();
        assert_eq!(flow.limits(), (16 * 1024, 64 * 1024));
        for (high, low, expected) in [
            (None, None, (16 * 1024, 64 * 1024)),
            (Some(10), None, (2, 10)),
            (None, Some(3), (3, 12)),
            (Some(0), None, (0, 0)),
            (Some(5), Some(5), (5, 5)),
            (None, Some(i64::MAX), (i64::MAX as usize, i64::MAX as usize)),
        ] {
            assert_eq!(flow.set_limits(high, low), Ok(()));
            assert_eq!(flow.limits(), expected);
        }
    }

    #[test]
    fn contradictions_change_nothing() {
        let mut flow = FlowControl::default();
        let wrong = InvalidLimits { high: 1, low: 2 };
        assert_eq!(flow.set_limits(Some(1), Some(2)), Err(wrong));
        let wrong = InvalidLimits { high: -1, low: -1 };
        assert_eq!(flow.set_limits(Some(-1), None), Err(wrong));
        let wrong = InvalidLimits { high: -4, low: -1 };
        assert_eq!(flow.set_limits(None, Some(-1)), Err(wrong));
        assert_eq!(flow, FlowControl::default());
    }

    #[test]
    fn pauses_above_high_and_resumes_at_low() {
        let mut flow = FlowControl::default();
        assert_eq!(flow.set_limits(Some(10), Some(4)), Ok(()));
        assert!(!flow.grew(10));
        assert!(flow.grew(11));
        assert!(flow.is_paused() && !flow.grew(12));
        assert!(!flow.shrank(5));
        assert!(flow.shrank(4));
        assert!(!flow.is_paused() && !flow.shrank(0));
    }
}

//! Latencies in buckets of about 3 % width, so that a percentile costs no sorting of millions of numbers.

/// Buckets for each power of two.
const STEPS: usize = 32;
const STEP_BITS: u32 = STEPS.trailing_zeros();

/// Counts of durations in nanoseconds.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram {
            counts: vec![0; bucket(u64::MAX) + 1],
            total: 0,
        }
    }
}

fn bucket(value: u64) -> usize {
    if value < STEPS as u64 {
        return value as usize;
    }
    let power = u64::BITS - 1 - value.leading_zeros();
    let step = (value >> (power - STEP_BITS)) as usize - STEPS;
    STEPS + (power - STEP_BITS) as usize * STEPS + step
}

/// The smallest value of a bucket.
fn floor(bucket: usize) -> u64 {
    if bucket < STEPS {
        return bucket as u64;
    }
    let power = (bucket - STEPS) / STEPS;
    let step = (bucket - STEPS) % STEPS;
    ((STEPS + step) as u64) << power
}

impl Histogram {
    /// Adds one duration (nanoseconds).
    #[inline]
    pub fn add(&mut self, nanoseconds: u64) {
        self.counts[bucket(nanoseconds)] += 1;
        self.total += 1;
    }

    /// How many durations were added.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The duration (nanoseconds) that this share (0 to 1) of all durations does not exceed; 0 without any.
    pub fn percentile(&self, share: f64) -> u64 {
        let rank = (self.total as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank.max(1) {
                return floor(bucket);
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::{Histogram, bucket, floor};

    #[test]
    fn a_bucket_begins_with_its_floor() {
        for index in 0..bucket(u64::MAX) {
            assert_eq!(bucket(floor(index)), index);
            assert_eq!(bucket(floor(index + 1) - 1), index);
        }
    }

    #[test]
    fn percentiles_are_exact_to_three_per_cent() {
        let mut histogram = Histogram::default();
        for value in 1..=100_000_u64 {
            histogram.add(value);
        }
        assert_eq!(histogram.total(), 100_000);
        for (share, exact) in [(0.5, 50_000.0), (0.99, 99_000.0), (1.0, 100_000.0)] {
            let found = histogram.percentile(share) as f64;
            assert!((found / exact - 1.0).abs() < 0.035, "{share}: {found}");
        }
        assert_eq!(Histogram::default().percentile(0.5), 0);
    }
}

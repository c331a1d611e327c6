//! Latencies, counted in buckets that are at most 3 % wide.

use std::time::Duration;

/// Into how many buckets each doubling of the latency is divided.
const STEPS: usize = 32;
const STEP_BITS: u32 = STEPS.trailing_zeros();

/// How many buckets there are: every number of microseconds in 64 bits has one.
const BUCKETS: usize = (64 - STEP_BITS as usize + 1) * STEPS;

/// Counts of latencies.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    count: u64,
    max: Duration,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram { counts: vec![0; BUCKETS], count: 0, max: Duration::ZERO }
    }
}

impl Histogram {
    /// Counts one.
    pub(crate) fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket_of(micros)] += 1;
        self.count += 1;
        self.max = self.max.max(latency);
    }

    /// Adds what another has counted.
    pub(crate) fn add(&mut self, other: &Histogram) {
        for (ours, theirs) in self.counts.iter_mut().zip(&other.counts) {
            *ours += theirs;
        }
        self.count += other.count;
        self.max = self.max.max(other.max);
    }

    /// Returns how many were counted.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Returns the longest.
    pub(crate) fn max(&self) -> Duration {
        self.max
    }

    /// Returns what a share of them (0 to 1) stayed at or below, rounded up to a bucket's end.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let wanted = (share * self.count as f64).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if 0 < *count && wanted <= seen {
                return Duration::from_micros(last_of(bucket)).min(self.max);
            }
        }
        self.max
    }
}

fn bucket_of(micros: u64) -> usize {
    let doublings = (u64::BITS - micros.leading_zeros()).saturating_sub(STEP_BITS + 1);
    doublings as usize * STEPS + (micros >> doublings) as usize
}

/// Returns the largest number in a bucket.
fn last_of(bucket: usize) -> u64 {
    let doublings = (bucket / STEPS).saturating_sub(1);
    let step = (bucket - doublings * STEPS) as u64;
    (step << doublings) + ((1 << doublings) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_the_bucket_that_holds_it() {
        let mut micros = 0;
        for _ in 0..2_000 {
            let bucket = bucket_of(micros);
            assert!(bucket < BUCKETS);
            assert!(micros <= last_of(bucket), "{micros}");
            assert!(last_of(bucket) <= micros + micros / STEPS as u64, "{micros}");
            micros = micros + micros / 50 + 1;
        }
        assert!(bucket_of(u64::MAX) < BUCKETS);
    }

    #[test]
    fn tells_quantiles() {
        let mut histogram = Histogram::default();
        for micros in 1..=1_000 {
            histogram.record(Duration::from_micros(micros));
        }

        let near = |share: f64, micros: u128| {
            let found = histogram.quantile(share).as_micros();
            assert!(micros <= found && found <= micros + micros / 30 + 1, "{share}: {found}");
        };
        near(0.5, 500);
        near(0.99, 990);
        assert_eq!(histogram.quantile(1.0), Duration::from_millis(1));
        assert_eq!(histogram.max(), Duration::from_millis(1));
    }

    #[test]
    fn adds_up() {
        let (mut one, mut other) = (Histogram::default(), Histogram::default());
        one.record(Duration::from_millis(1));
        other.record(Duration::from_millis(9));

        one.add(&other);

        assert_eq!((one.count(), one.max()), (2, Duration::from_millis(9)));
    }

    #[test]
    fn of_nothing_is_zero() {
        assert_eq!(Histogram::default().quantile(0.99), Duration::ZERO);
    }
}

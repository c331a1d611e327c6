//! The one place of this crate that reads clocks: for measuring, and for times to plan with.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use spacetime::Timestamp;

/// Returns a point in time to measure durations from.
#[expect(clippy::disallowed_methods, reason = "the composition root reads the clock here only")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// Returns the time of day in UTC.
#[expect(clippy::disallowed_methods, reason = "the composition root reads the clock here only")]
pub(crate) fn utc() -> Timestamp {
    let since_epoch =
        SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is set after 1970");
    Timestamp::from_micros(0).expect("the epoch is in range").plus(since_epoch)
}

/// Returns `time` as RFC 3339 writes it, in UTC, to the microsecond where it has any.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    jiff::Timestamp::from_microsecond(time.as_micros())
        .expect("a timestamp lies within years 0000 to 9999")
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_microseconds() {
        let time = Timestamp::from_micros(1_767_323_045_000_006).expect("in range");

        assert_eq!(rfc3339(time), "2026-01-02T03:04:05.000006Z");
    }
}

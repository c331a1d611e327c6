//! A start and an end, compared as they were written and widened to whole microseconds.

use std::cmp::Ordering;

use spacetime::Timestamp;

use crate::rfc3339::Rfc3339;

/// What a period is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PeriodOf {
    /// A search. It may start when it ends, and then asks what there is at that moment.
    Search,
    /// An entity. It must end after it starts, and covers all that was written.
    Entity,
    /// A subscription. It must end after it starts, and is not made longer than it was written: 24
    /// hours are the most, and clients ask for all of them.
    Subscription,
}

/// A period does not end after it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EndsBeforeStart;

/// Returns start and end, the one widened downward and the other upward; a subscription then lasts
/// as long as it was written, in whole microseconds.
pub(crate) fn widen(
    start: Option<Rfc3339>,
    end: Option<Rfc3339>,
    of: PeriodOf,
) -> Result<(Option<Timestamp>, Option<Timestamp>), EndsBeforeStart> {
    if let (Some(start), Some(end)) = (start, end) {
        match end.cmp(&start) {
            Ordering::Less => return Err(EndsBeforeStart),
            Ordering::Equal if of != PeriodOf::Search => return Err(EndsBeforeStart),
            Ordering::Equal | Ordering::Greater => {}
        }
    }
    let widened = match (start, end) {
        (Some(start), Some(end)) if of == PeriodOf::Subscription => Some(end.ceil_from(start)),
        _ => end.map(Rfc3339::ceil),
    };
    Ok((start.map(Rfc3339::floor), widened))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STARTS: &str = "2027-01-15T08:00:00.123456789Z";

    /// Returns how many microseconds a period from [`STARTS`] lasts.
    fn lasts(end: &str, of: PeriodOf) -> i64 {
        let time = |text| Some(Rfc3339::parse(text).expect("a good time"));
        let widened = widen(time(STARTS), time(end), of).expect("it ends after it starts");
        let (Some(start), Some(end)) = widened else { panic!("both are given") };
        end.as_micros() - start.as_micros()
    }

    #[test]
    fn lets_a_subscription_last_as_long_as_it_was_written() {
        const DAY_US: i64 = 86_400_000_000;
        for (end, written, widest) in [
            ("2027-01-16T08:00:00.123456789Z", DAY_US, DAY_US + 1),
            ("2027-01-16T08:00:00.123456788Z", DAY_US, DAY_US + 1),
            ("2027-01-16T08:00:00.123456Z", DAY_US, DAY_US),
            ("2027-01-16T08:00:00.12345679Z", DAY_US + 1, DAY_US + 1),
            ("2027-01-15T08:00:00.12345679Z", 1, 1),
        ] {
            assert_eq!(lasts(end, PeriodOf::Subscription), written, "{end}");
            assert_eq!(lasts(end, PeriodOf::Entity), widest, "{end}");
            assert_eq!(lasts(end, PeriodOf::Search), widest, "{end}");
        }
    }
}

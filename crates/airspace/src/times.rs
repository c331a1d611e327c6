//! The times of what may leave its start to now: subscriptions and identification service areas.

use std::time::Duration;

use spacetime::Timestamp;

use crate::index::Bounds;
use crate::{identification_service_area, remote_id_subscription, subscription};

/// How far in the past a subscription or an identification service area may start.
pub const START_SKEW_MAX: Duration = Duration::from_secs(5 * 60);

/// How long a subscription may last; an implicit one may last longer.
pub const DURATION_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// What is wrong with times; each kind says it in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimesRefusal {
    StartsInPast,
    EndsBeforeStart,
}

/// Returns the start: what is given, else what it had, else now.
pub(crate) fn start(
    at: Timestamp,
    given: Option<Timestamp>,
    had: Option<Bounds>,
) -> Result<Timestamp, TimesRefusal> {
    if given.is_some_and(|starts_at| starts_at < at.minus(START_SKEW_MAX)) {
        return Err(TimesRefusal::StartsInPast);
    }
    Ok(given.or(had.map(|had| had.starts_at)).unwrap_or(at))
}

/// Returns the bounds from `starts_at` to `ends_at`.
///
/// They may have passed: whoever has stopped flying says of what F3411 shares that it ends now, and
/// that is the past when it is decided. Deployed hubs take it.
pub(crate) fn until(starts_at: Timestamp, ends_at: Timestamp) -> Result<Bounds, TimesRefusal> {
    if ends_at <= starts_at {
        return Err(TimesRefusal::EndsBeforeStart);
    }
    Ok(Bounds::of_time(starts_at, ends_at))
}

macro_rules! refusal {
    ($refusal:ty) => {
        impl From<TimesRefusal> for $refusal {
            fn from(refusal: TimesRefusal) -> Self {
                match refusal {
                    TimesRefusal::StartsInPast => Self::StartsInPast,
                    TimesRefusal::EndsBeforeStart => Self::EndsBeforeStart,
                }
            }
        }
    };
}

refusal!(subscription::Refusal);
refusal!(identification_service_area::Refusal);
refusal!(remote_id_subscription::Refusal);

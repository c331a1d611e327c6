//! A start and an end, compared as they were written and widened to whole microseconds.

use std::cmp::Ordering;

use spacetime::Timestamp;

use crate::rfc3339::Rfc3339;

/// What becomes of a period that starts when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// It asks what there is at that moment: searches. Clients send it.
    Accepted,
    /// It is refused: everything that is put.
    Refused,
}

/// A period does not end after it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EndsBeforeStart;

/// Returns start and end, the one widened downward and the other upward.
pub(crate) fn widen(
    start: Option<Rfc3339>,
    end: Option<Rfc3339>,
    moment: Moment,
) -> Result<(Option<Timestamp>, Option<Timestamp>), EndsBeforeStart> {
    if let (Some(start), Some(end)) = (start, end) {
        match end.cmp(&start) {
            Ordering::Less => return Err(EndsBeforeStart),
            Ordering::Equal if moment == Moment::Refused => return Err(EndsBeforeStart),
            Ordering::Equal | Ordering::Greater => {}
        }
    }
    Ok((start.map(Rfc3339::floor), end.map(Rfc3339::ceil)))
}

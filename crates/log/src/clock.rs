//! How long things take, for the observer only; nothing is decided by it.

use std::time::Instant;

/// Returns the present moment of the monotonic clock.
#[expect(clippy::disallowed_methods, reason = "measures durations for the observer; never stored")]
pub(crate) fn monotonic_now() -> Instant {
    Instant::now()
}

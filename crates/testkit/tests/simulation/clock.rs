//! What time it is: how long a run goes on, and what each hub's clock says.

use std::time::Duration;

use spacetime::Timestamp;

/// When every run begins: 2026-01-01.
pub(crate) const BEGAN_US: i64 = 1_767_225_600_000_000;

/// Returns what a clock says that is so far apart from the true time.
pub(crate) fn reading(now: Duration, apart_us: i64) -> Timestamp {
    let passed = i64::try_from(now.as_micros()).expect("a run is short");
    Timestamp::from_micros(BEGAN_US + passed + apart_us).expect("within some years of it")
}

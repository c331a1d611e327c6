//! Versions of subscriptions and availabilities, as deployed hubs make them.

use std::fmt;

use sha2::{Digest, Sha256};
use spacetime::Timestamp;

use crate::base64;

/// Returns the version of what is called `id` and was last changed at `updated_at`.
///
/// It is the SHA-256 of the id's text followed by the time as RFC 3339 with nanoseconds, trailing
/// zeros trimmed, in UTC; in base64 with `+`, `/` and `=` replaced by `-`, `.` and `_`. So versions
/// of entities that were imported from a deployed hub stay what they were.
pub(crate) fn of(id: impl fmt::Display, updated_at: Timestamp) -> String {
    let hash = Sha256::digest(format!("{id}{updated_at}"));
    base64::encode(base64::VERSION, &hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_the_version_that_a_deployed_hub_makes() {
        // printf '%s' 'uss12023-11-14T22:13:20.5Z' | openssl dgst -sha256 -binary | base64
        let time = Timestamp::from_micros(1_700_000_000_500_000).expect("in range");

        assert_eq!(of("uss1", time), "eJ.Nig5nbclRi6sPRsiSf-pRPviJH9sJIsPFBlzSd9k_");
    }
}

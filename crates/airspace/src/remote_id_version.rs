//! Versions of what F3411 shares (`Version`), as deployed hubs make them.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use spacetime::Timestamp;

/// A text is no version that anything of F3411 could have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no number in base 32 with the digits 0 to 9 and a to v")]
pub struct RemoteIdVersionError;

/// When something of F3411 was last put, in nanoseconds since 1970; written in base 32.
///
/// So versions of what was imported from a deployed hub stay what they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct RemoteIdVersion(u64);

impl RemoteIdVersion {
    /// Returns the version that `text` writes; upper and lower case are the same.
    pub fn parse(text: &str) -> Result<Self, RemoteIdVersionError> {
        // `from_str_radix` takes a sign.
        if text.starts_with(['+', '-']) {
            return Err(RemoteIdVersionError);
        }
        u64::from_str_radix(text, 32).map(RemoteIdVersion).map_err(|_| RemoteIdVersionError)
    }

    /// Returns the version of what was last put at `updated_at`; before 1970 it is that of 1970.
    pub(crate) fn of(updated_at: Timestamp) -> Self {
        let micros = u64::try_from(updated_at.as_micros()).unwrap_or(0);
        RemoteIdVersion(micros.saturating_mul(1_000))
    }
}

impl fmt::Display for RemoteIdVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
        // 64 bits are 13 digits of 5 bits each.
        let mut text = [b'0'; 13];
        let mut rest = self.0;
        let mut at = text.len();
        loop {
            at -= 1;
            text[at] = DIGITS[(rest % 32) as usize];
            rest /= 32;
            if rest == 0 {
                break;
            }
        }
        f.write_str(std::str::from_utf8(&text[at..]).expect("digits are ASCII"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_deployed_hubs_write_it() {
        // python3: 1763971200123456000 in base 32, digits 0-9a-v.
        let time = Timestamp::from_micros(1_763_971_200_123_456).expect("in range");

        assert_eq!(RemoteIdVersion::of(time).to_string(), "1gun2enkm1ig0");
        assert_eq!(RemoteIdVersion::parse("1gun2enkm1ig0"), Ok(RemoteIdVersion::of(time)));
        assert_eq!(RemoteIdVersion(0).to_string(), "0");
        assert_eq!(RemoteIdVersion(u64::MAX).to_string(), "fvvvvvvvvvvvv");
    }

    #[test]
    fn refuses_what_is_no_number_in_base_32() {
        for text in ["", "w", "1guo-", "+1", "-1", " 1", "1 ", "g000000000000", "1_0"] {
            assert_eq!(RemoteIdVersion::parse(text), Err(RemoteIdVersionError), "{text}");
        }
    }
}

//! Versions of what F3411 shares (`Version`), as deployed hubs make them.

use std::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use spacetime::Timestamp;

/// A text is no version that anything of F3411 could have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is no number below 2^63 in base 32 with the digits 0 to 9 and a to v")]
pub struct RemoteIdVersionError;

/// When something of F3411 was last put, in nanoseconds since 1970; written in base 32.
///
/// So versions of what was imported from a deployed hub stay what they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, BorshSerialize, BorshDeserialize)]
pub struct RemoteIdVersion(u64);

impl RemoteIdVersion {
    /// The version of nothing: every other one is of whole microseconds, or [`Self::MAX`].
    const OF_NOTHING: Self = RemoteIdVersion(1);

    /// The last version, of whatever was put later than 64 bits with a sign can tell (2262-04-11).
    const MAX: Self = RemoteIdVersion(i64::MAX as u64);

    /// Returns the version that `text` names.
    ///
    /// Only the text that `Display` writes names the version of something. The same number with
    /// upper case letters or leading zeros is well-formed, but the version of nothing: deployed hubs
    /// compare texts.
    pub fn parse(text: &str) -> Result<Self, RemoteIdVersionError> {
        // `from_str_radix` takes a sign.
        if text.starts_with(['+', '-']) {
            return Err(RemoteIdVersionError);
        }
        let number = u64::from_str_radix(text, 32).map_err(|_| RemoteIdVersionError)?;
        if Self::MAX.0 < number {
            return Err(RemoteIdVersionError);
        }
        let version = RemoteIdVersion(number);
        Ok(if version.to_string() == text { version } else { Self::OF_NOTHING })
    }

    /// Returns the version of what was last put at `updated_at`; before 1970 it is that of 1970.
    pub(crate) fn of(updated_at: Timestamp) -> Self {
        let micros = u64::try_from(updated_at.as_micros()).unwrap_or(0);
        RemoteIdVersion(micros.saturating_mul(1_000).min(Self::MAX.0))
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
    fn is_named_by_the_text_that_is_written_alone() {
        let time = Timestamp::from_micros(1_763_971_200_123_456).expect("in range");

        for text in ["1GUN2ENKM1IG0", "1gun2enkm1iG0", "01gun2enkm1ig0", "0001gun2enkm1ig0"] {
            assert_eq!(RemoteIdVersion::parse(text), Ok(RemoteIdVersion::OF_NOTHING), "{text}");
        }
        assert_eq!(RemoteIdVersion::parse("00"), Ok(RemoteIdVersion::OF_NOTHING));
        assert_ne!(RemoteIdVersion::of(time), RemoteIdVersion::OF_NOTHING);
    }

    #[test]
    fn is_read_whatever_it_was_made_of() {
        for time in [Timestamp::MIN, Timestamp::from_micros(1).expect("in range"), Timestamp::MAX] {
            let version = RemoteIdVersion::of(time);

            assert_eq!(RemoteIdVersion::parse(&version.to_string()), Ok(version));
            assert_ne!(version, RemoteIdVersion::OF_NOTHING);
        }
    }

    #[test]
    fn refuses_what_is_no_number_in_base_32() {
        for text in ["", "w", "1guo-", "+1", "-1", " 1", "1 ", "1_0"] {
            assert_eq!(RemoteIdVersion::parse(text), Err(RemoteIdVersionError), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_beyond_64_bits_with_a_sign() {
        assert_eq!(RemoteIdVersion::parse("7vvvvvvvvvvvv"), Ok(RemoteIdVersion::MAX));
        for text in ["8000000000000", "fvvvvvvvvvvvv", "g000000000000"] {
            assert_eq!(RemoteIdVersion::parse(text), Err(RemoteIdVersionError), "{text}");
        }
    }
}

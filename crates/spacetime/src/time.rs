//! Points in time.

use std::time::Duration;

use borsh::{BorshDeserialize, BorshSerialize};

/// A point in time, in microseconds since 1970-01-01T00:00:00Z (POSIX time, no leap seconds).
///
/// The range is that of RFC 3339: years 0000 to 9999.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, BorshSerialize)]
pub struct Timestamp(i64);

/// A number of microseconds lies outside years 0000 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time is outside years 0000 to 9999")]
pub struct TimestampError;

impl Timestamp {
    /// 0000-01-01T00:00:00Z.
    pub const MIN: Timestamp = Timestamp(-62_167_219_200_000_000);
    /// 9999-12-31T23:59:59.999999Z.
    pub const MAX: Timestamp = Timestamp(253_402_300_799_999_999);

    /// Returns the point `micros` microseconds after the epoch.
    pub fn from_micros(micros: i64) -> Result<Self, TimestampError> {
        let time = Timestamp(micros);
        if time < Self::MIN || Self::MAX < time {
            return Err(TimestampError);
        }
        Ok(time)
    }

    /// Returns microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Returns the point `duration` later, at most [`Timestamp::MAX`].
    pub fn plus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Timestamp(self.0.saturating_add(micros)).min(Self::MAX)
    }

    /// Returns the point `duration` earlier, at least [`Timestamp::MIN`].
    pub fn minus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Timestamp(self.0.saturating_sub(micros)).max(Self::MIN)
    }

    /// Returns how long after `earlier` this is, zero when it is not after.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_micros(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }
}

impl BorshDeserialize for Timestamp {
    fn deserialize_reader<R: std::io::Read>(reader: &mut R) -> std::io::Result<Self> {
        Self::from_micros(i64::deserialize_reader(reader)?)
            .map_err(|error| std::io::Error::new(std::io::ErrorKind::InvalidData, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_inside_the_years_of_rfc_3339() {
        assert_eq!(Timestamp::from_micros(Timestamp::MAX.0 + 1), Err(TimestampError));
        assert_eq!(Timestamp::from_micros(Timestamp::MIN.0 - 1), Err(TimestampError));
        assert_eq!(Timestamp::MAX.plus(Duration::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.minus(Duration::MAX), Timestamp::MIN);
    }

    #[test]
    fn counts_no_time_since_what_is_later() {
        let early = Timestamp::from_micros(5).expect("in range");
        let late = early.plus(Duration::from_micros(7));

        assert_eq!(late.since(early), Duration::from_micros(7));
        assert_eq!(early.since(late), Duration::ZERO);
    }
}

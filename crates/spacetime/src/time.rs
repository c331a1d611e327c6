//! Points in time.

use std::fmt;
use std::time::Duration;

use borsh::{BorshDeserialize, BorshSerialize};

use crate::calendar::Date;

/// Microseconds in a second.
const MICROS_PER_S: i64 = 1_000_000;

/// Seconds in a day; POSIX time has no leap seconds.
const SECONDS_PER_DAY: i64 = 86_400;

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

    /// Returns the start in UTC of a day of the Gregorian calendar, if there is one in years 0000
    /// to 9999; months and days are counted from 1.
    pub fn of_date(year: i64, month: i64, day: i64) -> Option<Self> {
        let days = Date { year, month, day }.to_days()?;
        Some(Timestamp(days * SECONDS_PER_DAY * MICROS_PER_S))
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

impl fmt::Display for Timestamp {
    /// Writes it as RFC 3339 has it, in UTC, a fraction of a second without trailing zeros.
    ///
    /// Versions are made of this text: it never changes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(MICROS_PER_S);
        let Date { year, month, day } = Date::of_days(seconds.div_euclid(SECONDS_PER_DAY));
        let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        let mut fraction = self.0.rem_euclid(MICROS_PER_S);
        if fraction != 0 {
            let mut width = 6;
            while fraction % 10 == 0 {
                fraction /= 10;
                width -= 1;
            }
            write!(f, ".{fraction:0width$}")?;
        }
        f.write_str("Z")
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
    fn is_written_as_rfc_3339_has_it() {
        let check = |micros: i64, expected: &str| {
            assert_eq!(Timestamp::from_micros(micros).expect("in range").to_string(), expected);
        };

        check(0, "1970-01-01T00:00:00Z");
        check(-1, "1969-12-31T23:59:59.999999Z");
        check(951_782_400_500_000, "2000-02-29T00:00:00.5Z");
        check(1_700_000_000_000_010, "2023-11-14T22:13:20.00001Z");
        check(Timestamp::MIN.as_micros(), "0000-01-01T00:00:00Z");
        check(Timestamp::MAX.as_micros(), "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn begins_a_day_at_midnight() {
        assert_eq!(Timestamp::of_date(0, 1, 1), Some(Timestamp::MIN));
        assert_eq!(Timestamp::of_date(1970, 1, 2), Some(Timestamp(86_400_000_000)));
        let last = Timestamp::of_date(9_999, 12, 31).expect("a day");
        assert_eq!(last.plus(Duration::from_hours(24)), Timestamp::MAX);
        assert_eq!(Timestamp::of_date(2023, 2, 29), None);
    }

    #[test]
    fn counts_no_time_since_what_is_later() {
        let early = Timestamp::from_micros(5).expect("in range");
        let late = early.plus(Duration::from_micros(7));

        assert_eq!(late.since(early), Duration::from_micros(7));
        assert_eq!(early.since(late), Duration::ZERO);
    }
}

//! Times as RFC 3339 writes them.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use spacetime::Timestamp;

/// How many decimals of a second are read: femtoseconds. More are refused.
const DECIMALS_MAX: usize = 15;

/// Femtoseconds in a microsecond.
const FEMTOS_PER_MICRO: i64 = 1_000_000_000;

/// Seconds in a day; POSIX time has no leap seconds.
const SECONDS_PER_DAY: i64 = 86_400;

/// Days from 0000-03-01, with which the years of the computation begin, to 1970-01-01.
const DAYS_TO_EPOCH: i64 = 719_468;

/// Days in 400 years, after which the calendar repeats.
const DAYS_PER_ERA: i64 = 146_097;

/// A point in time as RFC 3339 writes it, kept finer than a [`Timestamp`] so that a start can be
/// widened downward and an end upward, and so that equal times are seen as equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rfc3339 {
    floor: Timestamp,
    /// Femtoseconds after `floor`, less than a microsecond.
    rest_fs: u32,
}

/// A text is no RFC 3339 time, or one outside years 0000 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not an RFC 3339 time such as 1985-04-12T23:20:50.52Z")]
pub struct Rfc3339Error;

impl Rfc3339 {
    /// Returns the time that `text` writes, in any time zone offset.
    pub fn parse(text: &str) -> Result<Self, Rfc3339Error> {
        Self::read(text).ok_or(Rfc3339Error)
    }

    /// Returns the last microsecond not after this time, for starts.
    pub fn floor(self) -> Timestamp {
        self.floor
    }

    /// Returns the first microsecond not before this time, for ends.
    pub fn ceil(self) -> Timestamp {
        if self.rest_fs == 0 {
            return self.floor;
        }
        Timestamp::from_micros(self.floor.as_micros() + 1)
            .expect("a time is read only where its next microsecond is in range")
    }

    /// Returns the time as long after the floor of `start` as this time is after `start`, rounded up
    /// to whole microseconds; `start` is before it.
    pub(crate) fn ceil_from(self, start: Rfc3339) -> Timestamp {
        if start.rest_fs < self.rest_fs { self.ceil() } else { self.floor }
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let digits = |from: usize, to: usize| number(bytes.get(from..to)?);
        let is =
            |at: usize, wanted: u8| bytes.get(at).is_some_and(|b| b.eq_ignore_ascii_case(&wanted));
        if !(is(4, b'-') && is(7, b'-') && is(10, b'T') && is(13, b':') && is(16, b':')) {
            return None;
        }
        let days = days_of(digits(0, 4)?, digits(5, 7)?, digits(8, 10)?)?;
        let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
        if 23 < hour || 59 < minute || 59 < second {
            return None;
        }
        let local_s = days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
        let (fraction_fs, zone) = fraction(bytes.get(19..)?)?;
        let micros = (local_s - offset_s(zone)?) * 1_000_000 + fraction_fs / FEMTOS_PER_MICRO;
        let floor = Timestamp::from_micros(micros).ok()?;
        let rest_fs = u32::try_from(fraction_fs % FEMTOS_PER_MICRO).ok()?;
        if rest_fs != 0 && floor == Timestamp::MAX {
            return None;
        }
        Some(Rfc3339 { floor, rest_fs })
    }
}

/// Returns how many days after 1970-01-01 a date of the Gregorian calendar is, if there is one.
///
/// Years begin with March here, so that the day that may be missing is the last one.
fn days_of(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        _ => return None,
    };
    if day < 1 || days_in_month < day {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH)
}

/// Returns year, month and day of a date given in days after 1970-01-01.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + DAYS_TO_EPOCH;
    let (era, day_of_era) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
    let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_after_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_after_march + 2) / 5 + 1;
    let month = (months_after_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

/// Returns the number that ASCII digits write.
fn number(digits: &[u8]) -> Option<i64> {
    let mut number = 0_i64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i64::from(digit - b'0');
    }
    Some(number)
}

/// Returns the femtoseconds after the decimal point, if there is one, and what follows.
fn fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let Some(decimals) = text.strip_prefix(b".") else {
        return Some((0, text));
    };
    let count = decimals.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 || DECIMALS_MAX < count {
        return None;
    }
    let missing = u32::try_from(DECIMALS_MAX - count).ok()?;
    Some((number(&decimals[..count])? * 10_i64.pow(missing), &decimals[count..]))
}

/// Returns how many seconds ahead of UTC a zone (`Z`, `+hh:mm`, `-hh:mm`) is.
fn offset_s(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match zone {
        [b'Z' | b'z'] => return Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            (*sign, number(&[*h1, *h2])?, number(&[*m1, *m2])?)
        }
        _ => return None,
    };
    if 23 < hours || 59 < minutes {
        return None;
    }
    let ahead_s = hours * 3600 + minutes * 60;
    Some(if sign == b'+' { ahead_s } else { -ahead_s })
}

impl From<Timestamp> for Rfc3339 {
    fn from(floor: Timestamp) -> Self {
        Rfc3339 { floor, rest_fs: 0 }
    }
}

impl fmt::Display for Rfc3339 {
    /// Writes it in UTC, without trailing zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.floor.as_micros();
        let seconds = micros.div_euclid(1_000_000);
        let (year, month, day) = date_of(seconds.div_euclid(SECONDS_PER_DAY));
        let of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        let mut fraction =
            micros.rem_euclid(1_000_000) * FEMTOS_PER_MICRO + i64::from(self.rest_fs);
        let mut width = DECIMALS_MAX;
        if fraction != 0 {
            while fraction % 10 == 0 {
                fraction /= 10;
                width -= 1;
            }
            write!(f, ".{fraction:0width$}")?;
        }
        f.write_str("Z")
    }
}

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rfc3339 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rfc3339Visitor;

        impl Visitor<'_> for Rfc3339Visitor {
            type Value = Rfc3339;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an RFC 3339 time")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Rfc3339, E> {
                Rfc3339::parse(text).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(Rfc3339Visitor)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_rfc_3339_writes_and_nothing_else() {
        let check = |text: &str, expected: Option<(i64, i64)>| {
            let read = Rfc3339::parse(text).ok();
            let bounds = read.map(|time| (time.floor().as_micros(), time.ceil().as_micros()));
            assert_eq!(bounds, expected, "{text}");
        };

        check("1970-01-01T00:00:00Z", Some((0, 0)));
        check("1970-01-01t00:00:00z", Some((0, 0)));
        check("1970-01-01T00:00:01.5Z", Some((1_500_000, 1_500_000)));
        check("1970-01-01T00:00:00.000001Z", Some((1, 1)));
        check("1970-01-01T00:00:00.000000001Z", Some((0, 1)));
        check("1969-12-31T23:59:59.9999995Z", Some((-1, 0)));
        check("1970-01-01T01:00:00+01:00", Some((0, 0)));
        check("1969-12-31T18:30:00-05:30", Some((0, 0)));
        check("2024-02-29T00:00:00Z", Some((1_709_164_800_000_000, 1_709_164_800_000_000)));
        check("0000-01-01T00:00:00Z", Some((-62_167_219_200_000_000, -62_167_219_200_000_000)));
        check(
            "9999-12-31T23:59:59.999999Z",
            Some((253_402_300_799_999_999, 253_402_300_799_999_999)),
        );
        check("9999-12-31T23:59:59.9999991Z", None);
        check("0000-01-01T00:00:00+00:01", None);
        check("9999-12-31T23:59:59.9999990001Z", None);
        check("2023-02-29T00:00:00Z", None);
        check("1900-02-29T00:00:00Z", None);
        check("2023-04-31T00:00:00Z", None);
        check("2023-00-01T00:00:00Z", None);
        check("2023-01-00T00:00:00Z", None);
        check("2023-13-01T00:00:00Z", None);
        check("2023-01-01T24:00:00Z", None);
        check("2023-01-01T00:60:00Z", None);
        check("2023-01-01T00:00:60Z", None);
        check("2023-01-01T00:00:00", None);
        check("2023-01-01 00:00:00Z", None);
        check("2023-01-01T00:00Z", None);
        check("2023-01-01T00:00:00.Z", None);
        check("2023-01-01T00:00:00,5Z", None);
        check("2023-01-01T00:00:00.0000000000000001Z", None);
        check("2023-01-01T00:00:00+24:00", None);
        check("2023-01-01T00:00:00+0100", None);
        check("2023-01-01T00:00:00Z ", None);
        check("+023-01-01T00:00:00Z", None);
        check("something-invalid", None);
        check("", None);
    }

    #[test]
    fn writes_no_trailing_zeros() {
        let written = |text: &str| Rfc3339::parse(text).expect("a valid time").to_string();

        assert_eq!(written("2023-01-01T00:00:00.500Z"), "2023-01-01T00:00:00.5Z");
        assert_eq!(written("2023-01-01T00:00:00.000Z"), "2023-01-01T00:00:00Z");
        assert_eq!(written("2023-01-01T02:00:00.000010+02:00"), "2023-01-01T00:00:00.00001Z");
        assert_eq!(written("1969-12-31T23:59:59.25Z"), "1969-12-31T23:59:59.25Z");
    }

    #[test]
    fn agrees_with_itself_on_every_day_of_the_calendar() {
        let first = Timestamp::MIN.as_micros() / 1_000_000 / SECONDS_PER_DAY;
        let last = Timestamp::MAX.as_micros() / 1_000_000 / SECONDS_PER_DAY;
        let mut before = None;

        for days in first..=last {
            let date = date_of(days);

            assert_eq!(days_of(date.0, date.1, date.2), Some(days));
            assert!(before < Some(date), "{date:?} does not follow {before:?}");
            before = Some(date);
        }
        assert_eq!(date_of(first), (0, 1, 1));
        assert_eq!(date_of(0), (1970, 1, 1));
        assert_eq!(date_of(last), (9999, 12, 31));
    }

    proptest! {
        #[test]
        fn reads_back_what_it_wrote(
            micros in Timestamp::MIN.as_micros()..=Timestamp::MAX.as_micros() - 1,
            rest_fs in 0_u32..1_000_000_000,
        ) {
            let floor = Timestamp::from_micros(micros).expect("in range");
            let time = Rfc3339 { floor, rest_fs };

            prop_assert_eq!(Rfc3339::parse(&time.to_string()), Ok(time));
        }
    }
}

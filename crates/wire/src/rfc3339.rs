//! Times as RFC 3339 writes them.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use spacetime::Timestamp;

/// How many decimals of a second are read: femtoseconds. More are refused.
const DECIMALS_MAX: usize = 15;

/// Femtoseconds in a microsecond.
const FEMTOS_PER_MICRO: i64 = 1_000_000_000;

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
        let midnight = Timestamp::of_date(digits(0, 4)?, digits(5, 7)?, digits(8, 10)?)?;
        let (hour, minute, second) = (digits(11, 13)?, digits(14, 16)?, digits(17, 19)?);
        if 23 < hour || 59 < minute || 59 < second {
            return None;
        }
        let (fraction_fs, zone) = fraction(bytes.get(19..)?)?;
        let after_midnight_s = hour * 3600 + minute * 60 + second - offset_s(zone)?;
        let after_midnight_us = after_midnight_s * 1_000_000 + fraction_fs / FEMTOS_PER_MICRO;
        let floor = Timestamp::from_micros(midnight.as_micros() + after_midnight_us).ok()?;
        let rest_fs = u32::try_from(fraction_fs % FEMTOS_PER_MICRO).ok()?;
        if rest_fs != 0 && floor == Timestamp::MAX {
            return None;
        }
        Some(Rfc3339 { floor, rest_fs })
    }
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
        if self.rest_fs == 0 {
            return self.floor.fmt(f);
        }
        let after_second_us = self.floor.as_micros().rem_euclid(1_000_000);
        let second = Timestamp::from_micros(self.floor.as_micros() - after_second_us)
            .expect("the range begins with a whole second")
            .to_string();
        let fraction_fs = after_second_us * FEMTOS_PER_MICRO + i64::from(self.rest_fs);
        let decimals = format!("{fraction_fs:0DECIMALS_MAX$}");
        write!(f, "{}.{}Z", second.trim_end_matches('Z'), decimals.trim_end_matches('0'))
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
        assert_eq!(written("1969-12-31T23:59:59.9999999990Z"), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(written("2023-01-01T00:00:00.00000001Z"), "2023-01-01T00:00:00.00000001Z");
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

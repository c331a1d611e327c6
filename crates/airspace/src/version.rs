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
    let hash = Sha256::digest(format!("{id}{}", Rfc3339(updated_at)));
    base64::encode(base64::VERSION, &hash)
}

struct Rfc3339(Timestamp);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DAY_S: i64 = 24 * 60 * 60;
        let seconds = self.0.as_micros().div_euclid(1_000_000);
        let micros = self.0.as_micros().rem_euclid(1_000_000);
        let (year, month, day) = date_of(seconds.div_euclid(DAY_S));
        let second = seconds.rem_euclid(DAY_S);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if micros != 0 {
            write!(f, ".{}", format!("{micros:06}").trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

/// Returns year, month and day of a day counted from 1970-01-01, in the Gregorian calendar.
fn date_of(day: i64) -> (i64, i64, i64) {
    // Years begin on the first of March here, so that the odd day comes last; an era is the 400
    // years after which the calendar repeats, and day 0 is 0000-03-01.
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(micros: i64) -> String {
        Rfc3339(Timestamp::from_micros(micros).expect("in range")).to_string()
    }

    #[test]
    fn writes_times_as_go_does() {
        assert_eq!(written(0), "1970-01-01T00:00:00Z");
        assert_eq!(written(-1), "1969-12-31T23:59:59.999999Z");
        assert_eq!(written(951_782_400_500_000), "2000-02-29T00:00:00.5Z");
        assert_eq!(written(1_700_000_000_000_010), "2023-11-14T22:13:20.00001Z");
        assert_eq!(written(Timestamp::MIN.as_micros()), "0000-01-01T00:00:00Z");
        assert_eq!(written(Timestamp::MAX.as_micros()), "9999-12-31T23:59:59.999999Z");
    }

    #[test]
    fn follows_the_calendar_day_by_day() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for count in 0..60_000 {
            assert_eq!(date_of(count), (year, month, day));
            day += 1;
            if days_of(year, month) < day {
                (month, day) = (month + 1, 1);
            }
            if 12 < month {
                (year, month) = (year + 1, 1);
            }
        }
    }

    fn days_of(year: i64, month: i64) -> i64 {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        match month {
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => 31,
        }
    }

    #[test]
    fn makes_the_version_that_a_deployed_hub_makes() {
        // printf '%s' 'uss12023-11-14T22:13:20.5Z' | openssl dgst -sha256 -binary | base64
        let time = Timestamp::from_micros(1_700_000_000_500_000).expect("in range");

        assert_eq!(of("uss1", time), "eJ.Nig5nbclRi6sPRsiSf-pRPviJH9sJIsPFBlzSd9k_");
    }
}

//! The Gregorian calendar, before its time too (RFC 3339).
//!
//! Years begin on the first of March here, so that the day that may be missing is the last one.

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date {
    pub(crate) year: i64,
    /// 1 to 12.
    pub(crate) month: i64,
    /// 1 to 31.
    pub(crate) day: i64,
}

/// Days from 0000-03-01, with which the years of the computation begin, to 1970-01-01.
const DAYS_TO_EPOCH: i64 = 719_468;

/// Days in 400 years, after which the calendar repeats.
const DAYS_PER_ERA: i64 = 146_097;

impl Date {
    /// Returns how many days after 1970-01-01 it is, if it is a day of years 0 to 9999.
    pub(crate) fn to_days(self) -> Option<i64> {
        let Date { year, month, day } = self;
        let is_day =
            (0..=9_999).contains(&year) && (1..=days_in_month(year, month)?).contains(&day);
        if !is_day {
            return None;
        }
        let year = if month <= 2 { year - 1 } else { year };
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        Some(era * DAYS_PER_ERA + day_of_era - DAYS_TO_EPOCH)
    }

    /// Returns the date so many days after 1970-01-01.
    pub(crate) fn of_days(days: i64) -> Self {
        let days = days + DAYS_TO_EPOCH;
        let (era, day_of_era) = (days.div_euclid(DAYS_PER_ERA), days.rem_euclid(DAYS_PER_ERA));
        let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
        let year_of_era = (day_of_era - leap_days) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let months_after_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * months_after_march + 2) / 5 + 1;
        let month = (months_after_march + 2) % 12 + 1;
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Date { year, month, day }
    }
}

fn days_in_month(year: i64, month: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 if is_leap => Some(29),
        2 => Some(28),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Date = Date { year: 0, month: 1, day: 1 };

    /// The day after, counted as one does by hand.
    fn next(date: Date) -> Date {
        let Date { year, month, day } = date;
        if day < days_in_month(year, month).expect("a month") {
            return Date { day: day + 1, ..date };
        }
        if month < 12 {
            return Date { year, month: month + 1, day: 1 };
        }
        Date { year: year + 1, month: 1, day: 1 }
    }

    #[test]
    fn counts_every_day_of_ten_thousand_years() {
        // python3: date(9999, 12, 31).toordinal() - date(1970, 1, 1).toordinal(); year 0 is a leap year.
        let (first, last) = (-719_162 - 366, 2_932_896);
        let mut date = FIRST;

        for days in first..=last {
            assert_eq!(Date::of_days(days), date);
            assert_eq!(date.to_days(), Some(days));
            date = next(date);
        }
        assert_eq!(date, Date { year: 10_000, month: 1, day: 1 });
        assert_eq!(Date { year: 1970, month: 1, day: 1 }.to_days(), Some(0));
        assert_eq!(Date { year: 2024, month: 2, day: 29 }.to_days(), Some(19_782));
    }

    #[test]
    fn knows_no_day_that_is_none() {
        for (year, month, day) in [
            (2023, 2, 29),
            (1900, 2, 29),
            (2023, 4, 31),
            (2023, 1, 0),
            (2023, 1, 32),
            (2023, 0, 1),
            (2023, 13, 1),
            (-1, 12, 31),
            (10_000, 1, 1),
            (i64::MAX, 1, 1),
            (2023, i64::MIN, i64::MAX),
        ] {
            assert_eq!(Date { year, month, day }.to_days(), None, "{year}-{month}-{day}");
        }
    }
}

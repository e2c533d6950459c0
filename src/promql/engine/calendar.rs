//! Dates of seconds since 1970, in UTC.

use super::function::DatePart;

const DAY: i64 = 86_400;

/// A time of a day, by the calendar.
#[derive(Debug, Clone, Copy)]
pub(super) struct Date {
    seconds: i64,
    /// Days since 1970.
    days: i64,
    year: i64,
    month: i64,
    day: i64,
}

impl Date {
    /// Returns the date of a number of seconds since 1970, cut off to whole ones.
    ///
    /// What is no number of 64 bits is 2^63, as it is to Prometheus on the processors that most use.
    pub(super) fn of_number(seconds: f64) -> Self {
        const MOST: f64 = 9_223_372_036_854_775_808.0;
        let is_whole = (-MOST..MOST).contains(&seconds);
        Self::of_seconds(if is_whole { i128::from(seconds as i64) } else { 1 << 63 })
    }

    /// Returns the date of seconds since 1970, of which there are at most 2^63.
    pub(super) fn of_seconds(seconds: i128) -> Self {
        let day = i128::from(DAY);
        // Days of 2^63 seconds fit well.
        let days = i64::try_from(seconds.div_euclid(day)).unwrap_or_default();
        let seconds = i64::try_from(seconds.rem_euclid(day)).unwrap_or_default();
        // Years that begin in March, so that the day in doubt is the last; 400 of them are 146,097 days.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self { seconds, days, year, month, day }
    }

    pub(super) fn part(&self, part: DatePart) -> f64 {
        let part = match part {
            DatePart::DayOfMonth => self.day,
            // 1970 began on a Thursday; Sunday is 0.
            DatePart::DayOfWeek => (self.days + 4).rem_euclid(7),
            DatePart::DayOfYear => (1..self.month).map(|month| days_in(month, self.year)).sum::<i64>() + self.day,
            DatePart::DaysInMonth => days_in(self.month, self.year),
            DatePart::Hour => self.seconds / 3600,
            DatePart::Minute => self.seconds / 60 % 60,
            DatePart::Month => self.month,
            DatePart::Year => self.year,
        };
        part as f64
    }
}

fn days_in(month: i64, year: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_that_of_the_calendar() {
        let parts = |seconds| {
            let date = Date::of_seconds(seconds);
            [DatePart::Year, DatePart::Month, DatePart::DayOfMonth, DatePart::DayOfWeek, DatePart::DayOfYear]
                .map(|part| date.part(part))
        };
        assert_eq!(parts(0), [1970.0, 1.0, 1.0, 4.0, 1.0]);
        assert_eq!(parts(-1), [1969.0, 12.0, 31.0, 3.0, 365.0]);
        // 29 February 2024, 23:59:59.
        assert_eq!(parts(1_709_251_199), [2024.0, 2.0, 29.0, 4.0, 60.0]);
        assert_eq!(Date::of_seconds(1_709_251_199).part(DatePart::DaysInMonth), 29.0);
        assert_eq!(Date::of_seconds(1_709_251_199).part(DatePart::Minute), 59.0);
        // Whatever a float may be cut off to.
        assert_eq!(Date::of_number(-0.5).part(DatePart::Year), 1970.0);
        for far in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
            assert_eq!(Date::of_number(far).part(DatePart::DayOfWeek), 0.0);
            assert_eq!(Date::of_number(far).part(DatePart::Year), 292_277_026_596.0);
        }
        assert_eq!(Date::of_number(-1e18).part(DatePart::Hour), 22.0);
    }
}

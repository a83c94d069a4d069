//! Days since 1970 and dates of the proleptic Gregorian calendar.
//!
//! The arithmetic counts years from March, so that the leap day is the last one of its year, and in
//! eras of 400 years, which all have the same length. See Howard Hinnant, "chrono-compatible
//! low-level date algorithms".

const DAYS_OF_ERA: i64 = 146_097;
/// From March 1 of the year 0 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;

/// Year, month (from 1) and day (from 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
}

impl Date {
    /// The date so many days after 1970-01-01.
    pub(super) fn from_days(days: i64) -> Self {
        let days = days + DAYS_TO_1970;
        let era = days.div_euclid(DAYS_OF_ERA);
        let day_of_era = days.rem_euclid(DAYS_OF_ERA);
        let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
        let year_of_era = (day_of_era - leap_days) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        Self { year: year_of_era + era * 400 + i64::from(month <= 2), month, day }
    }

    /// How many days it is after 1970-01-01.
    pub(super) fn days(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month_from_march = (self.month + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + self.day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        era * DAYS_OF_ERA + day_of_era - DAYS_TO_1970
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_from_year_one_to_9999_is_its_own_date() {
        let first = Date { year: 1, month: 1, day: 1 };
        let last = Date { year: 9999, month: 12, day: 31 };
        assert_eq!(Date::from_days(0), Date { year: 1970, month: 1, day: 1 });
        assert_eq!(Date::from_days(11_016), Date { year: 2000, month: 2, day: 29 });
        for days in first.days()..=last.days() {
            assert_eq!(Date::from_days(days).days(), days);
        }
        assert_eq!(last.days() - first.days(), 3_652_058);
    }
}

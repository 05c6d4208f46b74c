//! Seconds since 1970 in, the date and the time of day out, in UTC.

/// A point in time, broken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    /// Year, of four digits until 9999.
    pub year: u64,
    /// Month, 1 to 12.
    pub month: u64,
    /// Day of the month, from 1.
    pub day: u64,
    /// Day of the week; 0 is Sunday.
    pub weekday: u64,
    /// Seconds of the day.
    pub second: u64,
}

impl Date {
    /// Breaks seconds since 1970-01-01 00:00 UTC down. Years run from March here, so that a leap day is their last.
    pub fn new(seconds: u64) -> Self {
        let days = seconds / 86_400;
        // Days since 0000-03-01; 400 years have 146,097.
        let shifted = days + 719_468;
        let (era, of_era) = (shifted / 146_097, shifted % 146_097);
        let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year + year / 4 - year / 100);
        let from_march = (5 * of_year + 2) / 153;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        Date {
            year: year + era * 400 + u64::from(month <= 2),
            month,
            day: of_year - (153 * from_march + 2) / 5 + 1,
            weekday: (days + 4) % 7,
            second: seconds % 86_400,
        }
    }

    /// Time of day, `16:50:28`.
    pub fn clock(&self) -> String {
        [&two(self.second / 3600), ":", &two(self.second / 60 % 60), ":", &two(self.second % 60)].concat()
    }

    /// `2026-11-25T16:50:28`.
    pub fn iso(&self) -> String {
        [&self.year.to_string(), "-", &two(self.month), "-", &two(self.day), "T", &self.clock()].concat()
    }

    /// `Wed Nov 25 16:50:28 2026`, as asctime(3).
    pub fn long(&self) -> String {
        let name = |names: &'static str, at: u64| names.split(' ').nth(usize::try_from(at).unwrap_or(0)).unwrap_or("?");
        let weekday = name("Sun Mon Tue Wed Thu Fri Sat", self.weekday);
        let month = name("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", self.month - 1);
        let day = if self.day < 10 { "  " } else { " " };
        [weekday, " ", month, day, &self.day.to_string(), " ", &self.clock(), " ", &self.year.to_string()].concat()
    }
}

fn two(number: u64) -> String {
    [if number < 10 { "0" } else { "" }, &number.to_string()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, iso, long) in [
            (0, "1970-01-01T00:00:00", "Thu Jan  1 00:00:00 1970"),
            (951_782_399, "2000-02-28T23:59:59", "Mon Feb 28 23:59:59 2000"),
            (951_782_400, "2000-02-29T00:00:00", "Tue Feb 29 00:00:00 2000"),
            (1_795_625_428, "2026-11-25T16:50:28", "Wed Nov 25 16:50:28 2026"),
            (4_107_542_400, "2100-03-01T00:00:00", "Mon Mar  1 00:00:00 2100"),
        ] {
            let date = Date::new(seconds);
            assert_eq!((date.iso().as_str(), date.long().as_str()), (iso, long));
        }
    }
}

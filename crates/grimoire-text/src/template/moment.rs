//! A moment of the calendar, for templates that write today's date. The clock is the caller's:
//! nothing here asks what time it is, so that the same run renders the same text on any day.
//! Proleptic Gregorian calendar, no time zones; days from a date after Howard Hinnant,
//! "chrono-compatible low-level date algorithms".

/// A second of civil time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Days since 1970-01-01.
    days: i64,
    /// Seconds since midnight.
    second_of_day: u32,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

impl Moment {
    /// The moment so many seconds after 1970-01-01 00:00:00; add a zone's offset for local time.
    pub fn from_unix_seconds(seconds: i64) -> Self {
        let second_of_day = u32::try_from(seconds.rem_euclid(86_400)).unwrap_or(0);
        Self { days: seconds.div_euclid(86_400), second_of_day }
    }

    /// Year, month from 1, day from 1.
    fn date(self) -> (i64, usize, u32) {
        // Years that begin in March put the leap day last; eras of 400 years repeat.
        let shifted = self.days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        (year, usize::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
    }

    /// Day of the year from 1.
    fn day_of_year(self) -> u32 {
        let (year, month, day) = self.date();
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let before = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334][month - 1];
        before + day + u32::from(leap && month > 2)
    }

    /// The moment by a `strftime` pattern, in English; `None` for a letter not known here.
    pub fn format(self, pattern: &str) -> Option<String> {
        let mut out = String::with_capacity(pattern.len() + 16);
        let mut letters = pattern.chars();
        while let Some(letter) = letters.next() {
            if letter != '%' {
                out.push(letter);
                continue;
            }
            let mut code = letters.next()?;
            let bare = code == '-';
            if bare {
                code = letters.next()?;
            }
            let field = self.field(code)?;
            out.push_str(if bare { bare_number(&field) } else { &field });
        }
        Some(out)
    }

    fn field(self, code: char) -> Option<String> {
        let (year, month, day) = self.date();
        let seconds = self.second_of_day;
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        let hour_of_12 = (hour + 11) % 12 + 1;
        let weekday = WEEKDAYS[usize::try_from((self.days + 4).rem_euclid(7)).unwrap_or(0)];
        Some(match code {
            'Y' => year.to_string(),
            'y' => format!("{:02}", year.rem_euclid(100)),
            'm' => format!("{month:02}"),
            'd' => format!("{day:02}"),
            'e' => format!("{day:2}"),
            'j' => format!("{:03}", self.day_of_year()),
            'B' => MONTHS[month - 1].into(),
            'b' | 'h' => MONTHS[month - 1][..3].into(),
            'A' => weekday.into(),
            'a' => weekday[..3].into(),
            'w' => (self.days + 4).rem_euclid(7).to_string(),
            'H' => format!("{hour:02}"),
            'I' => format!("{hour_of_12:02}"),
            'M' => format!("{minute:02}"),
            'S' => format!("{second:02}"),
            'f' => "000000".into(),
            'p' => if hour < 12 { "AM" } else { "PM" }.into(),
            'F' => self.format("%Y-%m-%d")?,
            'T' | 'X' => self.format("%H:%M:%S")?,
            'D' | 'x' => self.format("%m/%d/%y")?,
            'R' => self.format("%H:%M")?,
            'c' => self.format("%a %b %e %H:%M:%S %Y")?,
            'z' | 'Z' => String::new(), // a naive datetime has no zone
            'n' => "\n".into(),
            't' => "\t".into(),
            '%' => "%".into(),
            _ => return None,
        })
    }
}

/// A number without the zeros or spaces before it.
fn bare_number(field: &str) -> &str {
    let bare = field.trim_start_matches(['0', ' ']);
    if bare.is_empty() && !field.is_empty() { "0" } else { bare }
}

#[cfg(test)]
mod tests {
    use super::Moment;

    /// Expected texts by `date --utc --date=@SECONDS`.
    #[test]
    fn dates_are_those_of_the_calendar() {
        let cases = [
            (0, "1970-01-01 00:00:00 Thu 001"),
            (-1, "1969-12-31 23:59:59 Wed 365"),
            (951_782_400, "2000-02-29 00:00:00 Tue 060"),
            (1_709_251_199, "2024-02-29 23:59:59 Thu 060"),
            (1_735_603_200, "2024-12-31 00:00:00 Tue 366"),
            (4_107_542_400, "2100-03-01 00:00:00 Mon 060"),
        ];
        for (seconds, expected) in cases {
            let text = Moment::from_unix_seconds(seconds).format("%F %T %a %j");
            assert_eq!(text.as_deref(), Some(expected));
        }
    }

    #[test]
    fn patterns_end_well() {
        let moment = Moment::from_unix_seconds(951_782_400);
        assert_eq!(moment.format("%-d.%-m.%Y %-H"), Some("29.2.2000 0".into()));
        for pattern in ["%", "%-", "%Q", "%-Q", "ends in %"] {
            assert_eq!(moment.format(pattern), None, "{pattern}");
        }
    }
}

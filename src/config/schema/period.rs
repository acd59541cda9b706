//! Lengths of time as LiteLLM writes them (`30s`, `30m`, `30h`, `30d`, `1w`, `1mo`), and the windows they make.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::file::lenient;

/// A length of time, at least one second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    count: u32,
    unit: PeriodUnit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PeriodUnit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
}

/// A text that is no length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found {0:?}, expected a time such as 30s, 30m, 30h, 30d, 1w or 1mo")]
pub struct NotAPeriod(String);

/// From `start` on and before `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its first instant.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
}

const SECONDS_PER_DAY: i64 = 24 * 60 * 60;
/// The first Monday of Unix time.
const FIRST_MONDAY: i64 = 4 * SECONDS_PER_DAY;

impl Period {
    /// The instant that lies this much later; the calendar's end at the latest.
    pub fn after(self, at: Timestamp) -> Timestamp {
        let later = match self.unit {
            PeriodUnit::Month => {
                let date = TimeZone::UTC.to_datetime(at);
                let months = Span::new().try_months(i64::from(self.count));
                months
                    .and_then(|months| date.checked_add(months))
                    .and_then(|date| TimeZone::UTC.to_timestamp(date))
            }
            _ => Span::new()
                .try_seconds(self.seconds())
                .and_then(|seconds| at.checked_add(seconds)),
        };
        later.unwrap_or(Timestamp::MAX)
    }

    /// The window in which an instant lies. Windows are the same for everybody and every instance: `1d` begins at
    /// midnight UTC, `7d` and `1w` on Monday, `30d` and `1mo` on the first of the month, as in the reference system;
    /// any other length counts from 1970-01-01.
    pub fn window(self, at: Timestamp) -> Window {
        match (self.unit, self.count) {
            (PeriodUnit::Day, 30) => months(1, at),
            (PeriodUnit::Month, count) => months(count, at),
            (PeriodUnit::Week, _) | (PeriodUnit::Day, 7) => self.seconds_from(FIRST_MONDAY, at),
            _ => self.seconds_from(0, at),
        }
    }

    fn seconds_from(self, origin: i64, at: Timestamp) -> Window {
        let length = self.seconds();
        let number = (at.as_second() - origin).div_euclid(length);
        let start = origin + number * length;
        Window {
            start: Timestamp::from_second(start).unwrap_or(Timestamp::MIN),
            end: Timestamp::from_second(start + length).unwrap_or(Timestamp::MAX),
        }
    }

    /// A month counts as 30 days.
    fn seconds(self) -> i64 {
        let unit = match self.unit {
            PeriodUnit::Second => 1,
            PeriodUnit::Minute => 60,
            PeriodUnit::Hour => 60 * 60,
            PeriodUnit::Day => SECONDS_PER_DAY,
            PeriodUnit::Week => 7 * SECONDS_PER_DAY,
            PeriodUnit::Month => 30 * SECONDS_PER_DAY,
        };
        i64::from(self.count) * unit
    }
}

fn months(count: u32, at: Timestamp) -> Window {
    let date = TimeZone::UTC.to_datetime(at).date();
    let month = i64::from(date.year()) * 12 + i64::from(date.month()) - 1;
    let first = month - month.rem_euclid(i64::from(count));
    Window {
        start: first_of(first).unwrap_or(Timestamp::MIN),
        end: first_of(first + i64::from(count)).unwrap_or(Timestamp::MAX),
    }
}

/// The first instant of a month, counted from the year 0.
fn first_of(month: i64) -> Option<Timestamp> {
    let year = i16::try_from(month.div_euclid(12)).ok()?;
    let month = i8::try_from(month.rem_euclid(12) + 1).ok()?;
    let first = Date::new(year, month, 1).ok()?;
    TimeZone::UTC.to_timestamp(first.into()).ok()
}

impl FromStr for Period {
    type Err = NotAPeriod;

    fn from_str(text: &str) -> Result<Self, NotAPeriod> {
        let wrong = || NotAPeriod(text.to_owned());
        let text = text.trim();
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = text.split_at_checked(digits).ok_or_else(wrong)?;
        let unit = match unit {
            "s" => PeriodUnit::Second,
            "m" => PeriodUnit::Minute,
            "h" => PeriodUnit::Hour,
            "d" => PeriodUnit::Day,
            "w" => PeriodUnit::Week,
            "mo" => PeriodUnit::Month,
            _ => return Err(wrong()),
        };
        let count: u32 = count.parse().map_err(|_| wrong())?;
        if count == 0 {
            return Err(wrong());
        }
        Ok(Period { count, unit })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            PeriodUnit::Second => "s",
            PeriodUnit::Minute => "m",
            PeriodUnit::Hour => "h",
            PeriodUnit::Day => "d",
            PeriodUnit::Week => "w",
            PeriodUnit::Month => "mo",
        };
        write!(f, "{}{unit}", self.count)
    }
}

impl Serialize for Period {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A period of the file; `None` where there is nothing.
pub(super) fn optional<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Period>, D::Error> {
    let expected = "a time such as 30s, 30m, 30h, 30d, 1w or 1mo";
    lenient::scalar(d, expected, |text| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn windows_are_snapped_as_the_reference_system_does() {
        // A Wednesday.
        let now = at("2026-11-25T13:14:15Z");
        for (period, start, end) in [
            ("30s", "2026-11-25T13:14:00Z", "2026-11-25T13:14:30Z"),
            ("30m", "2026-11-25T13:00:00Z", "2026-11-25T13:30:00Z"),
            ("1h", "2026-11-25T13:00:00Z", "2026-11-25T14:00:00Z"),
            ("1d", "2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z"),
            ("24h", "2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z"),
            ("7d", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"),
            ("1w", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"),
            ("30d", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
            ("1mo", "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
            ("3mo", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"),
        ] {
            let window = period.parse::<Period>().unwrap().window(now);
            assert_eq!((window.start, window.end), (at(start), at(end)), "{period}");
        }
    }

    #[test]
    fn a_length_is_added_to_an_instant() {
        let now = at("2026-01-31T00:00:00Z");
        for (period, later) in [
            ("30s", "2026-01-31T00:00:30Z"),
            ("30d", "2026-03-02T00:00:00Z"),
            ("1w", "2026-02-07T00:00:00Z"),
            ("1mo", "2026-02-28T00:00:00Z"),
        ] {
            let period: Period = period.parse().unwrap();
            assert_eq!(period.after(now), at(later), "{period}");
        }
    }

    #[test]
    fn what_is_no_length_is_told() {
        for text in ["", "30", "d", "0d", "-1d", "1y", "1.5h", "99999999999s"] {
            let error = text.parse::<Period>().unwrap_err();
            assert!(error.to_string().contains("expected"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn every_instant_lies_in_its_window_and_the_next_window_follows(
            second in 0i64..253_402_207_200,
            count in 1u32..=u32::MAX,
            unit in prop::sample::select(vec!["s", "m", "h", "d", "w", "mo"]),
        ) {
            let period: Period = format!("{count}{unit}").parse().unwrap();
            prop_assert_eq!(period.to_string().parse::<Period>().unwrap(), period);
            let now = Timestamp::from_second(second).unwrap();
            let window = period.window(now);
            prop_assert!(window.start <= now && now < window.end, "{:?}", window);
            prop_assert_eq!(period.window(window.start), window);
            if window.end < Timestamp::MAX {
                prop_assert_eq!(period.window(window.end).start, window.end);
            }
            prop_assert!(period.after(now) > now);
        }
    }
}

//! The days that a page shows.

use http::StatusCode;
use jiff::civil::Date;
use jiff::{Span, Timestamp};
use url::form_urlencoded;

use super::error::PageError;
use super::texts::texts;
use crate::spend::MOST_DAYS;
use crate::store::time::beginning;

/// Query of the page: a period by its name, a day, or from a day to a day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PeriodQuery {
    period: String,
    from: String,
    to: String,
}

/// Days, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PagePeriod {
    pub(super) first: Date,
    pub(super) last: Date,
    pub(super) name: Name,
}

/// How a period was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Today,
    Week,
    Days30,
    Month,
    Days,
}

/// Why a period is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WrongPeriod {
    /// This is no day.
    NotADay(String),
    /// It ends before it begins.
    Backwards,
    /// It has more days than are read at once.
    TooLong,
}

impl WrongPeriod {
    /// In words.
    pub(super) fn text(&self) -> String {
        let t = &texts().period;
        match self {
            WrongPeriod::NotADay(text) => format!("{} {text:?}", t.not_a_day),
            WrongPeriod::Backwards => t.backwards.to_owned(),
            WrongPeriod::TooLong => format!("{} {MOST_DAYS}.", t.too_long),
        }
    }
}

impl From<WrongPeriod> for PageError {
    fn from(wrong: WrongPeriod) -> Self {
        Self::new(StatusCode::BAD_REQUEST, wrong.text())
    }
}

impl PeriodQuery {
    pub(super) fn read(query: &str) -> Self {
        let mut wanted = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "period" => wanted.period = value.into_owned(),
                "day" => {
                    wanted.from = value.clone().into_owned();
                    wanted.to = value.into_owned();
                }
                "from" => wanted.from = value.into_owned(),
                "to" => wanted.to = value.into_owned(),
                _ => {}
            }
        }
        wanted
    }
}

impl Name {
    pub(super) const ALL: [Name; 4] = [Name::Today, Name::Week, Name::Days30, Name::Month];

    /// As the address says it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Name::Today => "today",
            Name::Week => "7",
            Name::Days30 => "30",
            Name::Month => "month",
            Name::Days => "days",
        }
    }
}

impl PagePeriod {
    /// What is wanted, seen from `today`; without anything, the last 30 days.
    pub(super) fn of(wanted: &PeriodQuery, today: Date) -> Result<Self, WrongPeriod> {
        let day = |text: &str| match text {
            "" => Ok(None),
            text => match text.parse() {
                Ok(day) => Ok(Some(day)),
                Err(_) => Err(WrongPeriod::NotADay(text.to_owned())),
            },
        };
        let (from, to) = (day(&wanted.from)?, day(&wanted.to)?);
        let mut names = Name::ALL.into_iter();
        let named = names.find(|name| name.as_str() == wanted.period);
        let name = match named {
            Some(name) => name,
            None if from.is_some() || to.is_some() => Name::Days,
            None => Name::Days30,
        };
        let back = |days: i64| today.saturating_sub(Span::new().days(days));
        let (first, last) = match name {
            Name::Today => (today, today),
            Name::Week => (back(6), today),
            Name::Days30 => (back(29), today),
            Name::Month => (today.first_of_month(), today),
            Name::Days => {
                let last = to.unwrap_or(today);
                (from.unwrap_or(last), last)
            }
        };
        let period = Self { first, last, name };
        match period.days().take(MOST_DAYS + 1).count() {
            0 => Err(WrongPeriod::Backwards),
            days if days > MOST_DAYS => Err(WrongPeriod::TooLong),
            _ => Ok(period),
        }
    }

    /// The same; what is none becomes the last 30 days and a note that says so.
    pub(super) fn or_usual(wanted: &PeriodQuery, today: Date) -> (Self, Option<String>) {
        match Self::of(wanted, today) {
            Ok(period) => (period, None),
            Err(wrong) => (Self::last_days(30, today), Some(wrong.text())),
        }
    }

    /// So many days up to today.
    pub(super) fn last_days(days: i64, today: Date) -> Self {
        Self {
            first: today.saturating_sub(Span::new().days(days - 1)),
            last: today,
            name: Name::Days30,
        }
    }

    /// The days before it, as many as it has.
    pub(super) fn before(&self) -> Self {
        let days = i64::try_from(self.days().count()).unwrap_or(1);
        let last = self.first.yesterday().unwrap_or(self.first);
        Self {
            first: last.saturating_sub(Span::new().days(days - 1)),
            last,
            name: Name::Days,
        }
    }

    /// Every day of it.
    pub(super) fn days(&self) -> impl Iterator<Item = Date> + use<> {
        let last = self.last;
        let days = self.first.series(Span::new().days(1));
        days.take_while(move |day| *day <= last)
    }

    /// Its first instant.
    pub(super) fn start(&self) -> Timestamp {
        beginning(self.first)
    }

    /// The first instant after it.
    pub(super) fn end(&self) -> Timestamp {
        self.last.tomorrow().map_or(Timestamp::MAX, beginning)
    }

    /// As the query of an address.
    pub(super) fn query(&self) -> String {
        match self.name {
            Name::Days if self.first == self.last => format!("day={}", self.first),
            Name::Days => format!("from={}&to={}", self.first, self.last),
            name => format!("period={}", name.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(period: &str, from: &str, to: &str) -> PeriodQuery {
        PeriodQuery::read(&format!("period={period}&from={from}&to={to}"))
    }

    #[test]
    fn periods_are_counted_back_from_today() {
        let today: Date = "2026-03-03".parse().unwrap();
        let table = [
            (wanted("today", "", ""), "2026-03-03", "2026-03-03", 1),
            (wanted("7", "", ""), "2026-02-25", "2026-03-03", 7),
            (wanted("30", "", ""), "2026-02-02", "2026-03-03", 30),
            (wanted("month", "", ""), "2026-03-01", "2026-03-03", 3),
            (wanted("nonsense", "", ""), "2026-02-02", "2026-03-03", 30),
            (PeriodQuery::default(), "2026-02-02", "2026-03-03", 30),
            (
                wanted("", "2026-01-30", "2026-02-01"),
                "2026-01-30",
                "2026-02-01",
                3,
            ),
            (wanted("", "2026-03-01", ""), "2026-03-01", "2026-03-03", 3),
            (
                PeriodQuery::read("day=2026-03-01"),
                "2026-03-01",
                "2026-03-01",
                1,
            ),
            (wanted("", "", "2026-02-01"), "2026-02-01", "2026-02-01", 1),
        ];
        for (wanted, first, last, days) in table {
            let period = PagePeriod::of(&wanted, today).unwrap();
            assert_eq!(period.first.to_string(), first, "{wanted:?}");
            assert_eq!(period.last.to_string(), last, "{wanted:?}");
            assert_eq!(period.days().count(), days, "{wanted:?}");
        }
        for (from, to, wrong) in [
            ("<b>", "", WrongPeriod::NotADay("<b>".to_owned())),
            ("2026-02-02", "2026-02-01", WrongPeriod::Backwards),
            ("2020-01-01", "2026-02-01", WrongPeriod::TooLong),
        ] {
            let error = PagePeriod::of(&wanted("", from, to), today);
            assert_eq!(error, Err(wrong.clone()));
            let (usual, note) = PagePeriod::or_usual(&wanted("", from, to), today);
            assert_eq!((usual.days().count(), note), (30, Some(wrong.text())));
        }
    }

    #[test]
    fn the_period_before_has_as_many_days_and_ends_where_this_begins() {
        let today: Date = "2026-03-03".parse().unwrap();
        for (period, first, last) in [
            ("today", "2026-03-02", "2026-03-02"),
            ("7", "2026-02-18", "2026-02-24"),
            ("month", "2026-02-26", "2026-02-28"),
        ] {
            let before = PagePeriod::of(&wanted(period, "", ""), today)
                .unwrap()
                .before();
            let days = (before.first.to_string(), before.last.to_string());
            assert_eq!(days, (first.to_owned(), last.to_owned()), "{period}");
        }
    }
}

//! Numbers, amounts and times as people read them.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::{Decimal, RoundingStrategy};

use super::texts::texts;

/// An instant: as a machine reads it, and as a reader without a script does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TimeText {
    pub(super) machine: String,
    pub(super) text: String,
}

impl From<Timestamp> for TimeText {
    fn from(at: Timestamp) -> Self {
        Self {
            machine: at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            text: at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        }
    }
}

/// The UTC day of now.
pub(super) fn today() -> Date {
    TimeZone::UTC.to_datetime(Timestamp::now()).date()
}

/// `1,234,567`.
pub(super) fn count(n: u64) -> String {
    grouped(&n.to_string())
}

/// Tokens in short: `950`, `12.3k`, `200k`, `1.5M`, `2.1B`.
pub(super) fn tokens(n: u64) -> String {
    let billion = texts().units.billion;
    let short = |unit: u64| {
        let value = (Decimal::from(n) / Decimal::from(unit)).round_dp(1);
        value.normalize().to_string()
    };
    match n {
        0..1_000 => n.to_string(),
        1_000..999_950 => format!("{}k", short(1_000)),
        999_950..999_950_000 => format!("{}M", short(1_000_000)),
        _ if billion.is_empty() => format!("{}M", count(n / 1_000_000)),
        _ => format!("{}{billion}", short(1_000_000_000)),
    }
}

/// US dollars: two places from a dollar on, below that what can be told apart.
pub(super) fn dollars(amount: Decimal) -> String {
    let size = amount.abs();
    let places = if size >= Decimal::ONE || size.is_zero() {
        2
    } else if size >= Decimal::new(1, 2) {
        4
    } else {
        6
    };
    let rounded = size.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    let text = format!("{rounded:.prec$}", prec = places as usize);
    let (integer, fraction) = text.split_once('.').unwrap_or((&text, "00"));
    let sign = if amount.is_sign_negative() && !rounded.is_zero() {
        "−"
    } else {
        ""
    };
    format!("{sign}${}.{fraction}", grouped(integer))
}

/// US dollars with no more places than they need, for the lines of a chart: `$0.05`, `$1,000`.
pub(super) fn round_dollars(amount: Decimal) -> String {
    let text = amount.normalize().to_string();
    match text.split_once('.') {
        Some((integer, fraction)) => format!("${}.{fraction}", grouped(integer)),
        None => format!("${}", grouped(&text)),
    }
}

/// A price per million tokens: `$3.30`, `$0.0375`.
pub(super) fn price(per_million: Decimal) -> String {
    let exact = per_million.normalize();
    if exact.scale() <= 2 {
        format!("${exact:.2}")
    } else {
        format!("${exact}")
    }
}

/// A share: `82.4 %`; nothing of nothing is none.
pub(super) fn percent(part: u64, total: u64) -> Option<String> {
    let share = Decimal::from(part)
        .checked_mul(Decimal::ONE_HUNDRED)?
        .checked_div(Decimal::from(total))?;
    Some(format!("{:.1} %", share.round_dp(1)))
}

/// A number with no more places than it needs, in short from a thousand on: the lines of a chart.
pub(super) fn short(amount: Decimal) -> String {
    let amount = amount.normalize();
    match u64::try_from(amount) {
        Ok(n) if amount.scale() == 0 => tokens(n),
        _ => amount.to_string(),
    }
}

/// By how much an amount differs from an earlier one: `+12 %`; from nothing, nothing can be said.
pub(super) fn change(before: Decimal, now: Decimal) -> Option<String> {
    let percent = (now - before)
        .checked_mul(Decimal::ONE_HUNDRED)?
        .checked_div(before)?
        .round();
    let sign = match percent {
        percent if percent.is_zero() => "±",
        percent if percent.is_sign_negative() => "−",
        _ => "+",
    };
    let size = u64::try_from(percent.abs()).unwrap_or(u64::MAX);
    Some(format!("{sign}{} %", count(size)))
}

/// A time in milliseconds: `350 ms`, `1.2 s`, `2 min`.
pub(super) fn milliseconds(ms: u64) -> String {
    let unit = &texts().units;
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..120_000 => {
            let seconds = (Decimal::from(ms) / Decimal::ONE_THOUSAND).round_dp(1);
            format!("{seconds:.1} {}", unit.second)
        }
        _ => format!("{} {}", ms / 60_000, unit.minute),
    }
}

/// A longer time: `8 s`, `12 min`, `3 h 20 min`, `2 d 4 h`.
pub(super) fn lasting(duration: std::time::Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let unit = &texts().units;
    let hours_of_day = hours % 24;
    match seconds {
        0..60 => format!("{seconds} {}", unit.second),
        60..3_600 => format!("{minutes} {}", unit.minute),
        3_600..86_400 => format!("{hours} {} {} {}", unit.hour, minutes % 60, unit.minute),
        _ => format!("{days} {} {hours_of_day} {}", unit.day, unit.hour),
    }
}

/// `0.84 s`.
pub(super) fn seconds(duration: std::time::Duration) -> String {
    format!("{:.2} {}", duration.as_secs_f64(), texts().units.second)
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_show_what_can_be_told_apart() {
        for (amount, text) in [
            ("0", "$0.00"),
            ("1234567.891", "$1,234,567.89"),
            ("1", "$1.00"),
            ("0.5", "$0.5000"),
            ("0.01234", "$0.0123"),
            ("0.0000424", "$0.000042"),
            ("-0.25", "−$0.2500"),
            ("-12", "−$12.00"),
            ("0.999999", "$1.0000"),
        ] {
            assert_eq!(dollars(amount.parse().unwrap()), text, "{amount}");
        }
    }

    #[test]
    fn lines_have_no_places_that_say_nothing() {
        for (amount, text) in [("0.0500", "$0.05"), ("1000.0", "$1,000"), ("0", "$0")] {
            assert_eq!(round_dollars(amount.parse().unwrap()), text);
        }
    }

    #[test]
    fn prices_are_exact() {
        for (rate, text) in [("3.3", "$3.30"), ("15", "$15.00"), ("0.0375", "$0.0375")] {
            assert_eq!(price(rate.parse().unwrap()), text);
        }
    }

    #[test]
    fn counts_are_grouped_and_tokens_are_short() {
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(count(999), "999");
        for (n, text) in [
            (950, "950"),
            (1_000, "1k"),
            (12_345, "12.3k"),
            (999_949, "999.9k"),
            (999_950, "1M"),
            (1_048_576, "1M"),
            (1_500_000, "1.5M"),
            (999_950_000, "1B"),
            (2_149_000_000, "2.1B"),
        ] {
            assert_eq!(tokens(n), text);
        }
    }

    #[test]
    fn a_change_has_a_sign() {
        for (before, now, text) in [
            ("100", "112", Some("+12 %")),
            ("2", "1", Some("−50 %")),
            ("1", "1.001", Some("±0 %")),
            ("0.01", "55", Some("+549,900 %")),
            ("0", "1", None),
        ] {
            let change = change(before.parse().unwrap(), now.parse().unwrap());
            assert_eq!(change.as_deref(), text, "{before} {now}");
        }
    }

    #[test]
    fn times_and_lines_are_short() {
        for (ms, text) in [
            (350, "350 ms"),
            (1_240, "1.2 s"),
            (15_000, "15.0 s"),
            (119_999, "120.0 s"),
            (150_000, "2 min"),
        ] {
            assert_eq!(milliseconds(ms), text);
        }
        for (amount, text) in [
            ("0", "0"),
            ("2000000", "2M"),
            ("0.5", "0.5"),
            ("20.0", "20"),
        ] {
            assert_eq!(short(amount.parse().unwrap()), text);
        }
    }

    #[test]
    fn a_share_of_nothing_is_none() {
        assert_eq!(percent(0, 0), None);
        assert_eq!(percent(824, 1000).unwrap(), "82.4 %");
        assert_eq!(percent(1, 1).unwrap(), "100.0 %");
    }
}

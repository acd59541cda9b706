//! What is kept of the answers of the Responses API: `off`, `items`, or a time such as `30d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::config::file::lenient;

/// What is kept of the answers of the Responses API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StoreResponses {
    /// Nothing.
    Off,
    /// The items of an answer, for [`StoreResponses::ITEMS_FOR`], so that later requests can refer to them.
    #[default]
    Items,
    /// For so many days the request's new items too, so that a response can be continued and read.
    Whole(u32),
}

/// A text that says nothing about storing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("found {0:?}, expected off, items, or a time such as 30d, 4w or 48h")]
pub struct NotStoreResponses(String);

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Ten years.
const MOST_DAYS: u32 = 3_650;

impl StoreResponses {
    /// How long items are kept where nothing else is.
    pub const ITEMS_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

    /// How long it is kept; `None`: it is not.
    pub fn retention(self) -> Option<Duration> {
        match self {
            Self::Off => None,
            Self::Items => Some(Self::ITEMS_FOR),
            Self::Whole(days) => Some(DAY * days),
        }
    }
}

impl FromStr for StoreResponses {
    type Err = NotStoreResponses;

    fn from_str(text: &str) -> Result<Self, NotStoreResponses> {
        let days = || {
            let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
            let number: u32 = number.parse().ok()?;
            let days = match unit {
                "d" => number,
                "w" => number.checked_mul(7)?,
                "h" => number.div_ceil(24),
                _ => return None,
            };
            (1..=MOST_DAYS).contains(&days).then_some(Self::Whole(days))
        };
        match text {
            // YAML 1.2 reads `off` as a text, and people write what its older readers make of it.
            "off" | "false" => Ok(Self::Off),
            "items" => Ok(Self::Items),
            _ => days().ok_or_else(|| NotStoreResponses(text.to_owned())),
        }
    }
}

impl fmt::Display for StoreResponses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Items => f.write_str("items"),
            Self::Whole(days) => write!(f, "{days}d"),
        }
    }
}

impl Serialize for StoreResponses {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StoreResponses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// What the file says; `None` where it says nothing.
pub(super) fn optional<'de, D: Deserializer<'de>>(
    d: D,
) -> Result<Option<StoreResponses>, D::Error> {
    let expected = "off, items, or a time such as 30d, 4w or 48h";
    lenient::scalar(d, expected, |text| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_written_back() {
        for (text, meant, written) in [
            ("off", StoreResponses::Off, "off"),
            ("false", StoreResponses::Off, "off"),
            ("items", StoreResponses::Items, "items"),
            ("30d", StoreResponses::Whole(30), "30d"),
            ("4w", StoreResponses::Whole(28), "28d"),
            ("36h", StoreResponses::Whole(2), "2d"),
        ] {
            assert_eq!(text.parse(), Ok(meant), "{text}");
            assert_eq!(meant.to_string(), written);
        }
        for text in ["", "on", "true", "0d", "30", "d", "-1d", "4000d", "é"] {
            let read: Result<StoreResponses, _> = text.parse();
            assert!(read.is_err(), "{text}");
        }
    }
}

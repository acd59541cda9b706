//! What a setting may be: what could not be kept or would mean nothing is refused.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use super::{InvalidSetting, Requirement};

/// Longest text that goes into records, log lines and keys of items, in bytes.
pub(super) const LONGEST_TEXT: usize = 200;
/// An item stays far below what it may hold.
const MOST_METADATA: usize = 16 * 1024;
const MOST_NAMES: usize = 1_000;
const MOST_TAGS: usize = 20;
/// In bytes.
const LONGEST_TAG: usize = 100;

type Checked = Result<(), InvalidSetting>;

pub(crate) fn check_text(param: &'static str, text: Option<&str>) -> Checked {
    let is_wrong = |text: &str| text.trim().is_empty() || text.len() > LONGEST_TEXT;
    if text.is_some_and(is_wrong) {
        let wanted = Requirement::Text {
            longest: LONGEST_TEXT,
        };
        return Err(InvalidSetting::new(param, wanted));
    }
    Ok(())
}

pub(crate) fn check_amount(param: &'static str, amount: Option<Decimal>) -> Checked {
    if amount.is_some_and(|amount| amount.is_sign_negative() && !amount.is_zero()) {
        return Err(InvalidSetting::new(param, Requirement::Amount));
    }
    Ok(())
}

/// An increase of a budget lasts until a date: one without the other would mean nothing.
pub(crate) fn check_increase(increase: Option<Decimal>, until: Option<Timestamp>) -> Checked {
    check_amount("temp_budget_increase", increase)?;
    if increase.is_some() == until.is_some() {
        return Ok(());
    }
    let (param, other) = match increase {
        Some(_) => ("temp_budget_expiry", "temp_budget_increase"),
        None => ("temp_budget_increase", "temp_budget_expiry"),
    };
    Err(InvalidSetting::new(param, Requirement::TogetherWith(other)))
}

pub(crate) fn check_names<'a>(
    param: &'static str,
    names: impl Iterator<Item = &'a String>,
) -> Checked {
    let mut count = 0;
    for name in names {
        count += 1;
        if count > MOST_NAMES || name.trim().is_empty() || name.len() > LONGEST_TEXT {
            let wanted = Requirement::Names {
                most: MOST_NAMES,
                longest: LONGEST_TEXT,
            };
            return Err(InvalidSetting::new(param, wanted));
        }
    }
    Ok(())
}

pub(crate) fn check_tags(tags: &[String]) -> Checked {
    if tags.len() > MOST_TAGS || tags.iter().any(|tag| tag.len() > LONGEST_TAG) {
        let wanted = Requirement::Tags {
            most: MOST_TAGS,
            longest: LONGEST_TAG,
        };
        return Err(InvalidSetting::new("tags", wanted));
    }
    Ok(())
}

pub(crate) fn check_metadata(metadata: &Map<String, Value>) -> Checked {
    let metadata = serde_json::to_string(metadata).unwrap_or_default();
    if metadata.len() > MOST_METADATA {
        let wanted = Requirement::Metadata {
            most: MOST_METADATA,
        };
        return Err(InvalidSetting::new("metadata", wanted));
    }
    Ok(())
}

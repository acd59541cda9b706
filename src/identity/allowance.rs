//! What a team, a member or a user may use: models, regions, budgets, limits.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};

use super::change::set;
use super::{Change, InvalidSetting, check_amount, check_increase, check_names, dollars, given};
use crate::config::Period;
use crate::spend::money;

/// What may be used. The reference system's names.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Allowance {
    /// Models: groups, aliases, Bedrock ids, or patterns with a `*`. Empty: all.
    pub models: Vec<String>,
    /// Regions that may answer, or patterns such as `eu-*`. Empty: all.
    pub allowed_regions: Vec<String>,
    /// US dollars in a window of `budget_duration`.
    #[serde(with = "money::option")]
    pub max_budget: Option<Decimal>,
    /// US dollars above which every request leaves a warning in the log.
    #[serde(with = "money::option")]
    pub soft_budget: Option<Decimal>,
    /// The budget's window; `None`: the budget is for ever.
    pub budget_duration: Option<Period>,
    /// US dollars by which `max_budget` is more until `temp_budget_expiry`.
    #[serde(with = "money::option")]
    pub temp_budget_increase: Option<Decimal>,
    /// The first instant at which the increase counts no more.
    pub temp_budget_expiry: Option<Timestamp>,
    /// Requests a minute.
    pub rpm_limit: Option<u64>,
    /// Tokens a minute.
    pub tpm_limit: Option<u64>,
    /// Requests at the same time.
    pub max_parallel_requests: Option<u64>,
    /// Requests a minute to single models.
    pub model_rpm_limit: BTreeMap<String, u64>,
    /// Tokens a minute of single models.
    pub model_tpm_limit: BTreeMap<String, u64>,
}

/// Changes of an [`Allowance`]. A field of JSON that is missing changes nothing, `null` unsets.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs)] // The fields of `Allowance`.
pub struct AllowanceChanges {
    #[serde(deserialize_with = "given")]
    pub models: Change<Vec<String>>,
    #[serde(deserialize_with = "given")]
    pub allowed_regions: Change<Vec<String>>,
    #[serde(deserialize_with = "dollars")]
    pub max_budget: Change<Decimal>,
    #[serde(deserialize_with = "dollars")]
    pub soft_budget: Change<Decimal>,
    #[serde(deserialize_with = "given")]
    pub budget_duration: Change<Period>,
    #[serde(deserialize_with = "dollars")]
    pub temp_budget_increase: Change<Decimal>,
    #[serde(deserialize_with = "instant")]
    pub temp_budget_expiry: Change<Timestamp>,
    #[serde(deserialize_with = "given")]
    pub rpm_limit: Change<u64>,
    #[serde(deserialize_with = "given")]
    pub tpm_limit: Change<u64>,
    #[serde(deserialize_with = "given")]
    pub max_parallel_requests: Change<u64>,
    #[serde(deserialize_with = "given")]
    pub model_rpm_limit: Change<BTreeMap<String, u64>>,
    #[serde(deserialize_with = "given")]
    pub model_tpm_limit: Change<BTreeMap<String, u64>>,
}

impl AllowanceChanges {
    /// The fields' names in JSON.
    pub const FIELDS: [&'static str; 12] = [
        "models",
        "allowed_regions",
        "max_budget",
        "soft_budget",
        "budget_duration",
        "temp_budget_increase",
        "temp_budget_expiry",
        "rpm_limit",
        "tpm_limit",
        "max_parallel_requests",
        "model_rpm_limit",
        "model_tpm_limit",
    ];
}

impl Allowance {
    pub(super) fn apply(&mut self, changes: &AllowanceChanges) {
        set(&mut self.models, &changes.models);
        set(&mut self.allowed_regions, &changes.allowed_regions);
        put(&mut self.max_budget, changes.max_budget);
        put(&mut self.soft_budget, changes.soft_budget);
        put(&mut self.budget_duration, changes.budget_duration);
        put(&mut self.temp_budget_increase, changes.temp_budget_increase);
        put(&mut self.temp_budget_expiry, changes.temp_budget_expiry);
        put(&mut self.rpm_limit, changes.rpm_limit);
        put(&mut self.tpm_limit, changes.tpm_limit);
        put(
            &mut self.max_parallel_requests,
            changes.max_parallel_requests,
        );
        set(&mut self.model_rpm_limit, &changes.model_rpm_limit);
        set(&mut self.model_tpm_limit, &changes.model_tpm_limit);
    }

    pub(super) fn check(&self) -> Result<(), InvalidSetting> {
        check_names("models", self.models.iter())?;
        check_names("allowed_regions", self.allowed_regions.iter())?;
        check_amount("max_budget", self.max_budget)?;
        check_amount("soft_budget", self.soft_budget)?;
        check_increase(self.temp_budget_increase, self.temp_budget_expiry)?;
        check_names("model_rpm_limit", self.model_rpm_limit.keys())?;
        check_names("model_tpm_limit", self.model_tpm_limit.keys())
    }

    /// The budget at an instant, an increase included.
    pub fn max_at(&self, now: Timestamp) -> Option<Decimal> {
        increased(
            self.max_budget,
            self.temp_budget_increase,
            self.temp_budget_expiry,
            now,
        )
    }
}

/// A budget with its increase, as long as that lasts.
pub fn increased(
    max: Option<Decimal>,
    increase: Option<Decimal>,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Option<Decimal> {
    let lasts = until.is_some_and(|until| now < until);
    let more = increase.filter(|_| lasts).unwrap_or_default();
    max?.checked_add(more)
}

fn put<T: Copy>(field: &mut Option<T>, change: Change<T>) {
    if let Some(value) = change {
        *field = value;
    }
}

/// An instant as people and the reference system write it: without an offset it is UTC, without a time midnight.
pub(crate) fn instant<'de, D: Deserializer<'de>>(d: D) -> Result<Change<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(d)? else {
        return Ok(Some(None));
    };
    match parse_instant(&text) {
        Some(at) => Ok(Some(Some(at))),
        None => Err(serde::de::Error::custom(format!(
            "found {text:?}, expected a date such as 2026-12-31 or 2026-12-31T18:00:00Z"
        ))),
    }
}

/// The instant that a text names as [`instant`] reads it.
pub(crate) fn parse_instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let utc = || {
        let local: jiff::civil::DateTime = text.parse().ok()?;
        jiff::tz::TimeZone::UTC.to_timestamp(local).ok()
    };
    text.parse().ok().or_else(utc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_increase_lasts_until_its_date() {
        let changes = r#"{"max_budget": 10, "temp_budget_increase": 2.5, "temp_budget_expiry": "2026-12-01"}"#;
        let mut allowance = Allowance::default();
        allowance.apply(&serde_json::from_str(changes).unwrap());
        allowance.check().unwrap();
        for (at, max) in [
            ("2026-11-30T23:59:59Z", "12.5"),
            ("2026-12-01T00:00:00Z", "10"),
        ] {
            assert_eq!(
                allowance.max_at(at.parse().unwrap()),
                max.parse().ok(),
                "{at}"
            );
        }
    }

    #[test]
    fn half_an_increase_is_refused() {
        for (field, value) in [
            ("temp_budget_increase", "1"),
            ("temp_budget_expiry", "\"2026-12-01T10:00:00\""),
        ] {
            let mut allowance = Allowance::default();
            let changes = format!("{{\"{field}\": {value}}}");
            allowance.apply(&serde_json::from_str(&changes).unwrap());
            assert!(allowance.check().unwrap_err().to_string().contains(field));
        }
        let wrong = r#"{"temp_budget_expiry": "soon"}"#;
        assert!(serde_json::from_str::<AllowanceChanges>(wrong).is_err());
    }
}

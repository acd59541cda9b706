//! What may be set of a key, and changed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::{Period, StoreResponses};
use crate::identity::{
    Change, as_text, check_amount, check_increase, check_metadata, check_names, check_tags,
    check_text, dollars, given, increased, instant,
};
use crate::spend::money;

use super::KeyError;

/// What a key may do. The reference system's names.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct KeySettings {
    /// Its name in logs and reports, unique among the keys.
    pub key_alias: Option<String>,
    /// Models it may ask for: groups, aliases, Bedrock ids, or patterns with a `*`. Empty: all.
    pub models: Vec<String>,
    /// Other names for models: what its requests ask for, and what they get.
    pub aliases: BTreeMap<String, String>,
    /// US dollars that it may spend in a window of `budget_duration`.
    #[serde(with = "money::option")]
    pub max_budget: Option<Decimal>,
    /// US dollars above which every request leaves a warning in the log.
    #[serde(with = "money::option")]
    pub soft_budget: Option<Decimal>,
    /// The budget's window; `None`: the budget is for ever.
    pub budget_duration: Option<Period>,
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
    /// Free notes. Kept as text: the table's numbers and nesting have limits that JSON's do not.
    #[serde(with = "as_text")]
    pub metadata: Map<String, Value>,
    /// Labels that its requests carry beside their own.
    pub tags: Vec<String>,
    /// Whose key it is: what the user of this id may do, if there is one, binds it.
    pub user_id: Option<String>,
    /// Which team's key it is: what the team may do binds it.
    pub team_id: Option<String>,
    /// Regions that may answer, or patterns such as `eu-*`. Empty: all.
    pub allowed_regions: Vec<String>,
    /// US dollars by which `max_budget` is more until `temp_budget_expiry`.
    #[serde(with = "money::option")]
    pub temp_budget_increase: Option<Decimal>,
    /// The first instant at which the increase counts no more.
    pub temp_budget_expiry: Option<Timestamp>,
    /// It is refused until it is unblocked.
    pub blocked: bool,
    /// Whether its prompts and replies are stored; `None`: as configured.
    pub store_prompts_in_spend_logs: Option<bool>,
    /// How long they are kept, where they are stored; `None`: as configured. Never longer than their record.
    pub maximum_spend_logs_content_retention_period: Option<Period>,
    /// What is kept of its answers of the Responses API; `None`: as configured.
    pub store_responses: Option<StoreResponses>,
    /// Searches of the web that it may make on a day; 0: none, `None`: as configured.
    pub web_searches_per_day: Option<u32>,
}

/// Changes of a key's settings, or all of a new key's. A field of JSON that is missing changes nothing, `null` unsets.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs)] // The fields of `KeySettings`.
pub struct KeyChanges {
    #[serde(deserialize_with = "given")]
    pub key_alias: Change<String>,
    #[serde(deserialize_with = "given")]
    pub models: Change<Vec<String>>,
    #[serde(deserialize_with = "given")]
    pub aliases: Change<BTreeMap<String, String>>,
    #[serde(deserialize_with = "dollars")]
    pub max_budget: Change<Decimal>,
    #[serde(deserialize_with = "dollars")]
    pub soft_budget: Change<Decimal>,
    #[serde(deserialize_with = "given")]
    pub budget_duration: Change<Period>,
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
    #[serde(deserialize_with = "given")]
    pub metadata: Change<Map<String, Value>>,
    #[serde(deserialize_with = "given")]
    pub tags: Change<Vec<String>>,
    #[serde(deserialize_with = "given")]
    pub user_id: Change<String>,
    #[serde(deserialize_with = "given")]
    pub team_id: Change<String>,
    #[serde(deserialize_with = "given")]
    pub allowed_regions: Change<Vec<String>>,
    #[serde(deserialize_with = "dollars")]
    pub temp_budget_increase: Change<Decimal>,
    #[serde(deserialize_with = "instant")]
    pub temp_budget_expiry: Change<Timestamp>,
    #[serde(deserialize_with = "given")]
    pub blocked: Change<bool>,
    #[serde(deserialize_with = "given")]
    pub store_prompts_in_spend_logs: Change<bool>,
    #[serde(deserialize_with = "given")]
    pub maximum_spend_logs_content_retention_period: Change<Period>,
    #[serde(deserialize_with = "given")]
    pub store_responses: Change<StoreResponses>,
    #[serde(deserialize_with = "given")]
    pub web_searches_per_day: Change<u32>,
    /// How long it lives from now on; unset: for ever.
    #[serde(deserialize_with = "given")]
    pub duration: Change<Period>,
}

impl KeyChanges {
    /// The fields' names in JSON.
    pub const FIELDS: [&'static str; 24] = [
        "key_alias",
        "models",
        "aliases",
        "max_budget",
        "soft_budget",
        "budget_duration",
        "rpm_limit",
        "tpm_limit",
        "max_parallel_requests",
        "model_rpm_limit",
        "model_tpm_limit",
        "metadata",
        "tags",
        "user_id",
        "team_id",
        "allowed_regions",
        "temp_budget_increase",
        "temp_budget_expiry",
        "blocked",
        "store_prompts_in_spend_logs",
        "maximum_spend_logs_content_retention_period",
        "store_responses",
        "web_searches_per_day",
        "duration",
    ];
}

impl KeySettings {
    pub(super) fn apply(&mut self, changes: &KeyChanges) {
        fn set<T: Clone + Default>(field: &mut T, change: &Change<T>) {
            if let Some(value) = change {
                *field = value.clone().unwrap_or_default();
            }
        }
        fn put<T: Clone>(field: &mut Option<T>, change: &Change<T>) {
            if let Some(value) = change {
                field.clone_from(value);
            }
        }
        put(&mut self.key_alias, &changes.key_alias);
        set(&mut self.models, &changes.models);
        set(&mut self.aliases, &changes.aliases);
        put(&mut self.max_budget, &changes.max_budget);
        put(&mut self.soft_budget, &changes.soft_budget);
        put(&mut self.budget_duration, &changes.budget_duration);
        put(&mut self.rpm_limit, &changes.rpm_limit);
        put(&mut self.tpm_limit, &changes.tpm_limit);
        put(
            &mut self.max_parallel_requests,
            &changes.max_parallel_requests,
        );
        set(&mut self.model_rpm_limit, &changes.model_rpm_limit);
        set(&mut self.model_tpm_limit, &changes.model_tpm_limit);
        set(&mut self.metadata, &changes.metadata);
        set(&mut self.tags, &changes.tags);
        put(&mut self.user_id, &changes.user_id);
        put(&mut self.team_id, &changes.team_id);
        set(&mut self.allowed_regions, &changes.allowed_regions);
        put(
            &mut self.temp_budget_increase,
            &changes.temp_budget_increase,
        );
        put(&mut self.temp_budget_expiry, &changes.temp_budget_expiry);
        set(&mut self.blocked, &changes.blocked);
        put(
            &mut self.store_prompts_in_spend_logs,
            &changes.store_prompts_in_spend_logs,
        );
        put(
            &mut self.maximum_spend_logs_content_retention_period,
            &changes.maximum_spend_logs_content_retention_period,
        );
        put(&mut self.store_responses, &changes.store_responses);
        put(
            &mut self.web_searches_per_day,
            &changes.web_searches_per_day,
        );
    }

    /// Refuses what could not be kept or would mean nothing.
    pub(super) fn check(&self) -> Result<(), KeyError> {
        let texts = [
            ("key_alias", &self.key_alias),
            ("user_id", &self.user_id),
            ("team_id", &self.team_id),
        ];
        for (param, text) in texts {
            check_text(param, text.as_deref())?;
        }
        check_amount("max_budget", self.max_budget)?;
        check_amount("soft_budget", self.soft_budget)?;
        check_increase(self.temp_budget_increase, self.temp_budget_expiry)?;
        check_names("allowed_regions", self.allowed_regions.iter())?;
        let aliases = self
            .aliases
            .iter()
            .flat_map(|(alias, model)| [alias, model]);
        check_names("models", self.models.iter())?;
        check_names("aliases", aliases)?;
        check_names("model_rpm_limit", self.model_rpm_limit.keys())?;
        check_names("model_tpm_limit", self.model_tpm_limit.keys())?;
        check_tags(&self.tags)?;
        check_metadata(&self.metadata)?;
        Ok(())
    }

    /// The budget at an instant, an increase included.
    pub(super) fn max_at(&self, now: Timestamp) -> Option<Decimal> {
        increased(
            self.max_budget,
            self.temp_budget_increase,
            self.temp_budget_expiry,
            now,
        )
    }
}

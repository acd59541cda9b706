//! What may be set of a key, and changed.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::config::Period;
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
    /// Whose key it is.
    pub user_id: Option<String>,
    /// A label: which team's key it is.
    pub team_id: Option<String>,
    /// It is refused until it is unblocked.
    pub blocked: bool,
    /// Whether its prompts and replies are stored; `None`: as configured.
    pub store_prompts_in_spend_logs: Option<bool>,
}

/// A change of one setting: `None` leaves it, `Some(None)` unsets it.
pub type Change<T> = Option<Option<T>>;

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
    pub blocked: Change<bool>,
    #[serde(deserialize_with = "given")]
    pub store_prompts_in_spend_logs: Change<bool>,
    /// How long it lives from now on; unset: for ever.
    #[serde(deserialize_with = "given")]
    pub duration: Change<Period>,
}

impl KeyChanges {
    /// The fields' names in JSON.
    pub const FIELDS: [&'static str; 18] = [
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
        "blocked",
        "store_prompts_in_spend_logs",
        "duration",
    ];
}

fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<Change<T>, D::Error> {
    Option::<T>::deserialize(d).map(Some)
}

fn dollars<'de, D: Deserializer<'de>>(d: D) -> Result<Change<Decimal>, D::Error> {
    money::option::deserialize(d).map(Some)
}

/// A JSON object as one text.
mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de, ser};
    use serde_json::{Map, Value};

    pub fn serialize<S: Serializer>(map: &Map<String, Value>, s: S) -> Result<S::Ok, S::Error> {
        let text = serde_json::to_string(map).map_err(ser::Error::custom)?;
        s.serialize_str(&text)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Map<String, Value>, D::Error> {
        serde_json::from_str(&String::deserialize(d)?).map_err(de::Error::custom)
    }
}

/// Longest text that goes into records and log lines, in bytes.
const LONGEST_TEXT: usize = 200;
/// A key's item stays far below what an item may hold.
const MOST_METADATA: usize = 16 * 1024;
const MOST_NAMES: usize = 1_000;

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
        set(&mut self.blocked, &changes.blocked);
        put(
            &mut self.store_prompts_in_spend_logs,
            &changes.store_prompts_in_spend_logs,
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
            if let Some(text) = text
                && (text.trim().is_empty() || text.len() > LONGEST_TEXT)
            {
                let wanted = format!("must be a text of 1 to {LONGEST_TEXT} bytes.");
                return Err(KeyError::invalid(param, wanted));
            }
        }
        for (param, amount) in [
            ("max_budget", self.max_budget),
            ("soft_budget", self.soft_budget),
        ] {
            if amount.is_some_and(|amount| amount.is_sign_negative() && !amount.is_zero()) {
                let wanted = "must be an amount of dollars, 0 or more.";
                return Err(KeyError::invalid(param, wanted));
            }
        }
        let aliases = self
            .aliases
            .iter()
            .flat_map(|(alias, model)| [alias, model]);
        check_names("models", self.models.iter())?;
        check_names("aliases", aliases)?;
        check_names("model_rpm_limit", self.model_rpm_limit.keys())?;
        check_names("model_tpm_limit", self.model_tpm_limit.keys())?;
        if self.tags.len() > 20 || self.tags.iter().any(|tag| tag.len() > 100) {
            let wanted = "may hold 20 tags at most, each of 100 bytes at most.";
            return Err(KeyError::invalid("tags", wanted));
        }
        let metadata = serde_json::to_string(&self.metadata).unwrap_or_default();
        if metadata.len() > MOST_METADATA {
            let wanted = format!("may take {MOST_METADATA} bytes of JSON at most.");
            return Err(KeyError::invalid("metadata", wanted));
        }
        Ok(())
    }
}

fn check_names<'a>(
    param: &'static str,
    names: impl Iterator<Item = &'a String>,
) -> Result<(), KeyError> {
    let mut count = 0;
    for name in names {
        count += 1;
        if count > MOST_NAMES || name.trim().is_empty() || name.len() > LONGEST_TEXT {
            let wanted =
                format!("may hold {MOST_NAMES} names at most, each of 1 to {LONGEST_TEXT} bytes.");
            return Err(KeyError::invalid(param, wanted));
        }
    }
    Ok(())
}

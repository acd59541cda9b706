//! A key as LiteLLM's list has it, and the same key as it would be here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::{Map, Value};

use crate::config::{Config, Period};
use crate::keys::KeySettings;
use crate::keys::import::ImportedKey;

use super::fields::{FieldFate, of_key, of_metadata};

/// A key as it would be here.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ListedKey {
    pub imported: ImportedKey,
    pub lost: Vec<LostField>,
    pub balance: Balance,
}

/// A field of a key that does nothing here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LostField {
    pub name: String,
    pub protects: bool,
    /// What it means that it does nothing.
    pub what: String,
}

/// How the budget's window of LiteLLM and the one here meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Balance {
    /// There is one window, both end together, or nothing was spent.
    Same,
    /// LiteLLM's was over at this instant: nothing of what was spent in it counts any more.
    Over(Timestamp),
    /// What was spent counts until this window's end here, which is not LiteLLM's.
    Until { here: Timestamp, there: Timestamp },
}

/// A key that cannot be read: which field, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnreadableKey(String);

impl std::fmt::Display for UnreadableKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key's hash, if the list has it.
pub(super) fn hash_of(key: &Map<String, Value>) -> Option<String> {
    let token = key.get("token")?.as_str()?;
    let is_hash = token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| token.to_ascii_lowercase())
}

impl ListedKey {
    /// Reads a key of the list as it stands at an instant. Models are looked up in `config`.
    pub(super) fn read(
        key: &Map<String, Value>,
        hash: &str,
        config: &Config,
        now: Timestamp,
    ) -> Result<Self, UnreadableKey> {
        let fields = KeyFields::of(key);
        let metadata = fields.object("metadata")?;
        let in_metadata = KeyFields {
            own: &metadata,
            budget: None,
        };
        let mut lost = lost_fields(key, &fields, &metadata);
        let budget_duration = fields.period("budget_duration", &mut lost)?;
        let mut tags = fields.names("tags")?;
        tags.extend(in_metadata.names("tags")?);
        let settings = KeySettings {
            key_alias: fields.text("key_alias")?,
            models: fields.names("models")?,
            aliases: fields.map("aliases", "a text", |value| {
                value.as_str().map(str::to_owned)
            })?,
            max_budget: fields.dollars("max_budget")?,
            soft_budget: fields.dollars("soft_budget")?,
            budget_duration,
            rpm_limit: fields.whole("rpm_limit")?,
            tpm_limit: fields.whole("tpm_limit")?,
            max_parallel_requests: fields.whole("max_parallel_requests")?,
            model_rpm_limit: in_metadata.map("model_rpm_limit", WHOLE, Value::as_u64)?,
            model_tpm_limit: in_metadata.map("model_tpm_limit", WHOLE, Value::as_u64)?,
            metadata: free_notes(&metadata),
            tags,
            user_id: fields.text("user_id")?,
            team_id: fields.text("team_id")?,
            blocked: fields.boolean("blocked")?,
            store_prompts_in_spend_logs: None,
            store_responses: None,
            ..KeySettings::default()
        };
        let increase = in_metadata.dollars("temp_budget_increase")?;
        let expiry = in_metadata.instant("temp_budget_expiry")?;
        // LiteLLM heeds both or none.
        let (increase, expiry) = increase.zip(expiry).unzip();
        let settings = KeySettings {
            temp_budget_increase: increase,
            temp_budget_expiry: expiry,
            ..settings
        };
        lost.extend(lost_models(&settings, config));
        let spent = fields.dollars("spend")?.unwrap_or_default();
        let resets_at = fields.instant("budget_reset_at")?;
        let balance = Balance::of(spent, budget_duration, resets_at, now);
        let begins = &hash[..8];
        Ok(Self {
            imported: ImportedKey {
                hash: hash.to_owned(),
                name: fields
                    .text("key_name")?
                    .unwrap_or_else(|| format!("{begins}...")),
                created_at: fields.instant("created_at")?,
                expires: fields.instant("expires")?,
                settings,
                spent: match balance {
                    Balance::Over(_) => Decimal::ZERO,
                    Balance::Same | Balance::Until { .. } => spent.max(Decimal::ZERO),
                },
            },
            lost,
            balance,
        })
    }
}

impl Balance {
    fn of(
        spent: Decimal,
        period: Option<Period>,
        resets_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        let (Some(period), Some(there)) = (period, resets_at) else {
            return Self::Same;
        };
        let here = period.window(now).end;
        if spent <= Decimal::ZERO || here == there {
            Self::Same
        } else if there <= now {
            Self::Over(there)
        } else {
            Self::Until { here, there }
        }
    }
}

fn lost_fields(
    key: &Map<String, Value>,
    fields: &KeyFields<'_>,
    metadata: &Map<String, Value>,
) -> Vec<LostField> {
    let mut lost = Vec::new();
    let mut add = |name: &str, fate: FieldFate| {
        let (what, protects) = match fate {
            FieldFate::Silent => return,
            FieldFate::Noted(what) => (what, false),
            FieldFate::Protects(what) => (what, true),
        };
        lost.push(LostField {
            name: name.to_owned(),
            protects,
            what: what.to_owned(),
        });
    };
    for (name, value) in key {
        add(name, of_key(name, value));
    }
    // What a budget of LiteLLM's says where the key itself says nothing.
    for name in ["model_max_budget", "tpd_limit"] {
        if let Some(value) = fields.of_budget(name) {
            add(name, of_key(name, value));
        }
    }
    for (name, value) in metadata {
        add(name, of_metadata(name, value).unwrap_or(FieldFate::Silent));
    }
    lost
}

fn free_notes(metadata: &Map<String, Value>) -> Map<String, Value> {
    let notes = metadata.iter();
    let notes = notes.filter(|(name, value)| of_metadata(name, value).is_none());
    notes
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// What LiteLLM's words for models mean that is not kept here.
fn lost_models(settings: &KeySettings, config: &Config) -> Vec<LostField> {
    const OF_TEAM: &str = "all-team-models";
    const WORDS: [&str; 3] = [OF_TEAM, "all-proxy-models", "no-default-models"];
    let mut lost = Vec::new();
    let models = &settings.models;
    let has_own = !models.is_empty() && models.iter().all(|model| model != OF_TEAM);
    let is_of_team = settings.team_id.is_some() && !has_own;
    if is_of_team || models.iter().any(|model| model == OF_TEAM) {
        lost.push(LostField {
            name: "team_models".to_owned(),
            protects: true,
            what: "such a key may ask for the models of its team there, and for every model here"
                .to_owned(),
        });
    }
    for model in models {
        let is_word = WORDS.contains(&model.as_str()) || model.contains('*');
        if !is_word && config.resolve_name(model).is_none() {
            lost.push(LostField {
                name: format!("models: {model}"),
                protects: false,
                what: "not a model of this configuration".to_owned(),
            });
        }
    }
    lost
}

const WHOLE: &str = "a whole number";

/// The fields of a key, with those of the budget that it names behind them.
struct KeyFields<'a> {
    own: &'a Map<String, Value>,
    budget: Option<&'a Map<String, Value>>,
}

impl<'a> KeyFields<'a> {
    fn of(key: &'a Map<String, Value>) -> Self {
        Self {
            own: key,
            budget: key.get("litellm_budget_table").and_then(Value::as_object),
        }
    }

    /// The key's own value, else the budget's.
    fn get(&self, name: &str) -> Option<&'a Value> {
        let own = self.own.get(name).filter(|value| !value.is_null());
        own.or_else(|| self.of_budget(name))
    }

    /// The budget's value, where the key has none.
    fn of_budget(&self, name: &str) -> Option<&'a Value> {
        let says_nothing =
            |value: &Value| value.is_null() || value.as_object().is_some_and(Map::is_empty);
        let own = self.own.get(name).is_some_and(|value| !says_nothing(value));
        let of_budget = self.budget?.get(name)?;
        (!own && !says_nothing(of_budget)).then_some(of_budget)
    }

    fn read<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, UnreadableKey> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let wrong = || UnreadableKey(format!("{name} is not {expected}"));
        read(value).map(Some).ok_or_else(wrong)
    }

    fn text(&self, name: &str) -> Result<Option<String>, UnreadableKey> {
        let text = self.read(name, "a text", Value::as_str)?;
        Ok(text.filter(|text| !text.is_empty()).map(str::to_owned))
    }

    fn boolean(&self, name: &str) -> Result<bool, UnreadableKey> {
        let boolean = self.read(name, "true or false", Value::as_bool)?;
        Ok(boolean.unwrap_or_default())
    }

    fn whole(&self, name: &str) -> Result<Option<u64>, UnreadableKey> {
        self.read(name, WHOLE, Value::as_u64)
    }

    fn dollars(&self, name: &str) -> Result<Option<Decimal>, UnreadableKey> {
        self.read(name, "an amount of dollars", |value| {
            let digits = value.as_number()?.to_string();
            let plain = digits.parse().ok();
            plain.or_else(|| Decimal::from_scientific(&digits).ok())
        })
    }

    fn names(&self, name: &str) -> Result<Vec<String>, UnreadableKey> {
        let names = self.read(name, "a list of texts", |value| {
            let names = value.as_array()?.iter();
            names.map(|name| name.as_str().map(str::to_owned)).collect()
        })?;
        Ok(names.unwrap_or_default())
    }

    fn map<T>(
        &self,
        name: &str,
        of: &str,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Result<BTreeMap<String, T>, UnreadableKey> {
        let map = self.read(
            name,
            &format!("an object in which each value is {of}"),
            |value| {
                let entries = value.as_object()?.iter();
                let entries = entries.map(|(name, value)| Some((name.clone(), read(value)?)));
                entries.collect()
            },
        )?;
        Ok(map.unwrap_or_default())
    }

    fn object(&self, name: &str) -> Result<Map<String, Value>, UnreadableKey> {
        let object = self.read(name, "an object", Value::as_object)?;
        Ok(object.cloned().unwrap_or_default())
    }

    /// LiteLLM writes an instant with an offset, or without one in UTC.
    fn instant(&self, name: &str) -> Result<Option<Timestamp>, UnreadableKey> {
        self.read(name, "a date with a time", |value| {
            let text = value.as_str()?;
            let in_utc = || {
                let at: DateTime = text.parse().ok()?;
                TimeZone::UTC.to_timestamp(at).ok()
            };
            text.parse().ok().or_else(in_utc)
        })
    }

    /// A length of time; one that is none here is lost, and with it the budget's window.
    fn period(
        &self,
        name: &str,
        lost: &mut Vec<LostField>,
    ) -> Result<Option<Period>, UnreadableKey> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let period = text.parse().ok();
        if period.is_none() {
            lost.push(LostField {
                name: name.to_owned(),
                protects: true,
                what: "such a length of time is unknown here; without it the budget is for ever"
                    .to_owned(),
            });
        }
        Ok(period)
    }
}

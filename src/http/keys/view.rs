//! Keys as LiteLLM's answers show them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::config::StoreResponses;
use crate::keys::{BudgetUsage, KeyStatus, NewKey, Period, VirtualKey};
use crate::spend::money;

/// A new key, in full this once.
#[derive(Debug, Serialize)]
pub(in crate::http) struct CreatedKey<'a> {
    key: &'a str,
    token_id: &'a str,
    litellm_budget_table: Option<()>,
    #[serde(flatten)]
    stored: KeyDetails<'a>,
}

impl<'a> CreatedKey<'a> {
    pub(in crate::http) fn of(made: &'a NewKey) -> Self {
        Self {
            key: &made.key,
            token_id: &made.stored.hash,
            litellm_budget_table: None,
            stored: KeyDetails::of(&made.stored, made.stored.updated_at),
        }
    }
}

/// `/key/info`.
#[derive(Debug, Serialize)]
pub(super) struct KeyView<'a> {
    /// The key's hash.
    pub(super) key: &'a str,
    pub(super) info: KeyDetails<'a>,
}

/// All that is known of a key, except the key.
#[derive(Debug, Serialize)]
pub(in crate::http) struct KeyDetails<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    key_name: &'a str,
    key_alias: Option<&'a str>,
    status: KeyStatus,
    models: &'a [String],
    aliases: &'a BTreeMap<String, String>,
    #[serde(with = "money::option")]
    max_budget: Option<Decimal>,
    #[serde(with = "money::option")]
    soft_budget: Option<Decimal>,
    budget_duration: Option<Period>,
    /// In the budget's window; `null` for a key without a budget: the totals know what it has spent.
    #[serde(with = "money::option")]
    spend: Option<Decimal>,
    budget_reset_at: Option<Timestamp>,
    rpm_limit: Option<u64>,
    tpm_limit: Option<u64>,
    max_parallel_requests: Option<u64>,
    model_rpm_limit: &'a BTreeMap<String, u64>,
    model_tpm_limit: &'a BTreeMap<String, u64>,
    metadata: &'a Map<String, Value>,
    tags: &'a [String],
    user_id: Option<&'a str>,
    team_id: Option<&'a str>,
    allowed_regions: &'a [String],
    #[serde(with = "money::option")]
    temp_budget_increase: Option<Decimal>,
    temp_budget_expiry: Option<Timestamp>,
    blocked: bool,
    store_prompts_in_spend_logs: Option<bool>,
    maximum_spend_logs_content_retention_period: Option<Period>,
    store_responses: Option<StoreResponses>,
    web_searches_per_day: Option<u32>,
    expires: Option<Timestamp>,
    created_at: Timestamp,
    created_by: &'a str,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

impl<'a> KeyDetails<'a> {
    /// The key as it stands at an instant.
    pub(in crate::http) fn of(key: &'a VirtualKey, now: Timestamp) -> Self {
        let settings = &key.settings;
        Self {
            token: Some(&key.hash),
            key_name: &key.name,
            key_alias: settings.key_alias.as_deref(),
            status: key.status(now),
            models: &settings.models,
            aliases: &settings.aliases,
            max_budget: settings.max_budget,
            soft_budget: settings.soft_budget,
            budget_duration: settings.budget_duration,
            spend: None,
            budget_reset_at: None,
            rpm_limit: settings.rpm_limit,
            tpm_limit: settings.tpm_limit,
            max_parallel_requests: settings.max_parallel_requests,
            model_rpm_limit: &settings.model_rpm_limit,
            model_tpm_limit: &settings.model_tpm_limit,
            metadata: &settings.metadata,
            tags: &settings.tags,
            user_id: settings.user_id.as_deref(),
            team_id: settings.team_id.as_deref(),
            allowed_regions: &settings.allowed_regions,
            temp_budget_increase: settings.temp_budget_increase,
            temp_budget_expiry: settings.temp_budget_expiry,
            blocked: settings.blocked,
            store_prompts_in_spend_logs: settings.store_prompts_in_spend_logs,
            maximum_spend_logs_content_retention_period: settings
                .maximum_spend_logs_content_retention_period,
            store_responses: settings.store_responses,
            web_searches_per_day: settings.web_searches_per_day,
            expires: key.expires,
            created_at: key.created_at,
            created_by: &key.created_by,
            updated_at: key.updated_at,
            note: None,
        }
    }

    pub(in crate::http) fn with_budget(self, budget_usage: Option<BudgetUsage>) -> Self {
        Self {
            spend: budget_usage.map(|budget| budget.spent),
            budget_reset_at: budget_usage.and_then(|budget| budget.resets_at),
            ..self
        }
    }

    /// Without the hash, by which the key can be changed.
    pub(in crate::http) fn without_hash(self) -> Self {
        let token = None;
        Self { token, ..self }
    }

    pub(super) fn with_note(self, note: &'static str) -> Self {
        let note = Some(note);
        Self { note, ..self }
    }
}

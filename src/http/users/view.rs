//! Users as LiteLLM's answers show them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::identity::User;
use crate::keys::{BudgetUsage, Period};
use crate::spend::money;

/// A user: LiteLLM_UserTable.
#[derive(Debug, Serialize)]
pub(in crate::http) struct UserView<'a> {
    user_id: &'a str,
    user_email: Option<&'a str>,
    user_alias: Option<&'a str>,
    user_role: &'static str,
    metadata: &'a Map<String, Value>,
    models: &'a [String],
    allowed_regions: &'a [String],
    #[serde(with = "money::option")]
    max_budget: Option<Decimal>,
    #[serde(with = "money::option")]
    soft_budget: Option<Decimal>,
    budget_duration: Option<Period>,
    budget_reset_at: Option<Timestamp>,
    #[serde(with = "money::option")]
    temp_budget_increase: Option<Decimal>,
    temp_budget_expiry: Option<Timestamp>,
    /// In the budget's window; `null` for a user without a budget: the totals know what was spent.
    #[serde(with = "money::option")]
    spend: Option<Decimal>,
    rpm_limit: Option<u64>,
    tpm_limit: Option<u64>,
    max_parallel_requests: Option<u64>,
    model_rpm_limit: &'a BTreeMap<String, u64>,
    model_tpm_limit: &'a BTreeMap<String, u64>,
    blocked: bool,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) teams: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key_count: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<&'static str>,
}

/// What every user is here: whoever may do more has the master key.
pub(super) const ROLE: &str = "internal_user";

impl<'a> UserView<'a> {
    pub(in crate::http) fn of(user: &'a User, budget_usage: Option<BudgetUsage>) -> Self {
        let settings = &user.settings;
        let allowance = &settings.allowance;
        Self {
            user_id: &user.user_id,
            user_email: settings.user_email.as_deref(),
            user_alias: settings.user_alias.as_deref(),
            user_role: ROLE,
            metadata: &settings.metadata,
            models: &allowance.models,
            allowed_regions: &allowance.allowed_regions,
            max_budget: allowance.max_budget,
            soft_budget: allowance.soft_budget,
            budget_duration: allowance.budget_duration,
            budget_reset_at: budget_usage.and_then(|budget| budget.resets_at),
            temp_budget_increase: allowance.temp_budget_increase,
            temp_budget_expiry: allowance.temp_budget_expiry,
            spend: budget_usage.map(|budget| budget.spent),
            rpm_limit: allowance.rpm_limit,
            tpm_limit: allowance.tpm_limit,
            max_parallel_requests: allowance.max_parallel_requests,
            model_rpm_limit: &allowance.model_rpm_limit,
            model_tpm_limit: &allowance.model_tpm_limit,
            blocked: settings.blocked,
            created_at: user.created_at,
            updated_at: user.updated_at,
            teams: None,
            key_count: None,
            note: None,
        }
    }
}

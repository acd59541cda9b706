//! Teams and memberships as LiteLLM's answers show them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::http::keys::view::KeyDetails;
use crate::identity::{Member, MemberRole, Team};
use crate::keys::{BudgetUsage, Period};
use crate::spend::money;

/// A team: LiteLLM_TeamTable.
#[derive(Debug, Serialize)]
pub(super) struct TeamView<'a> {
    team_id: &'a str,
    team_alias: Option<&'a str>,
    organization_id: Option<()>,
    admins: Vec<&'a str>,
    members: Vec<&'a str>,
    members_with_roles: Vec<MemberWithRole<'a>>,
    metadata: &'a Map<String, Value>,
    models: &'a [String],
    allowed_regions: &'a [String],
    model_aliases: &'a BTreeMap<String, String>,
    tags: &'a [String],
    blocked: bool,
    #[serde(with = "money::option")]
    max_budget: Option<Decimal>,
    #[serde(with = "money::option")]
    soft_budget: Option<Decimal>,
    budget_duration: Option<Period>,
    budget_reset_at: Option<Timestamp>,
    #[serde(with = "money::option")]
    temp_budget_increase: Option<Decimal>,
    temp_budget_expiry: Option<Timestamp>,
    /// In the budget's window; `null` for a team without a budget: the totals know what it has spent.
    #[serde(with = "money::option")]
    spend: Option<Decimal>,
    model_spend: BTreeMap<(), ()>,
    model_max_budget: BTreeMap<(), ()>,
    rpm_limit: Option<u64>,
    tpm_limit: Option<u64>,
    max_parallel_requests: Option<u64>,
    model_rpm_limit: &'a BTreeMap<String, u64>,
    model_tpm_limit: &'a BTreeMap<String, u64>,
    #[serde(with = "money::option")]
    team_member_budget: Option<Decimal>,
    team_member_budget_duration: Option<Period>,
    team_member_rpm_limit: Option<u64>,
    team_member_tpm_limit: Option<u64>,
    created_at: Timestamp,
    created_by: &'a str,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Timestamp>,
    /// What each member may spend, where the team says so for all of them.
    team_member_budget_table: Option<BudgetTable<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) team_memberships: Option<Vec<MembershipView<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) keys: Option<Vec<KeyDetails<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
}

#[derive(Debug, Serialize)]
struct MemberWithRole<'a> {
    user_id: &'a str,
    user_email: Option<&'a str>,
    role: MemberRole,
}

/// A membership: LiteLLM_TeamMembership.
#[derive(Debug, Serialize)]
pub(super) struct MembershipView<'a> {
    user_id: &'a str,
    team_id: &'a str,
    user_email: Option<&'a str>,
    role: MemberRole,
    budget_id: Option<()>,
    /// In the budget's window; `null` for a member without a budget.
    #[serde(with = "money::option")]
    spend: Option<Decimal>,
    budget_reset_at: Option<Timestamp>,
    litellm_budget_table: BudgetTable<'a>,
}

#[derive(Debug, Serialize)]
struct BudgetTable<'a> {
    #[serde(with = "money::option")]
    max_budget: Option<Decimal>,
    budget_duration: Option<Period>,
    rpm_limit: Option<u64>,
    tpm_limit: Option<u64>,
    allowed_models: &'a [String],
    #[serde(with = "money::option")]
    temp_budget_increase: Option<Decimal>,
    temp_budget_expiry: Option<Timestamp>,
}

impl<'a> TeamView<'a> {
    pub(super) fn of(
        team: &'a Team,
        members: &'a [Member],
        budget_usage: Option<BudgetUsage>,
    ) -> Self {
        let settings = &team.settings;
        let allowance = &settings.allowance;
        let ids = |role: Option<MemberRole>| {
            let members = members.iter();
            let members = members.filter(move |member| role.is_none_or(|role| member.role == role));
            members.map(|member| member.user_id.as_str()).collect()
        };
        let members_with_roles = members.iter().map(|member| MemberWithRole {
            user_id: &member.user_id,
            user_email: member.user_email.as_deref(),
            role: member.role,
        });
        let each = team.settings.team_member_budget;
        Self {
            team_id: &team.team_id,
            team_alias: settings.team_alias.as_deref(),
            organization_id: None,
            admins: ids(Some(MemberRole::Admin)),
            members: ids(None),
            members_with_roles: members_with_roles.collect(),
            metadata: &settings.metadata,
            models: &allowance.models,
            allowed_regions: &allowance.allowed_regions,
            model_aliases: &settings.model_aliases,
            tags: &settings.tags,
            blocked: settings.blocked,
            max_budget: allowance.max_budget,
            soft_budget: allowance.soft_budget,
            budget_duration: allowance.budget_duration,
            budget_reset_at: budget_usage.and_then(|budget| budget.resets_at),
            temp_budget_increase: allowance.temp_budget_increase,
            temp_budget_expiry: allowance.temp_budget_expiry,
            spend: budget_usage.map(|budget| budget.spent),
            model_spend: BTreeMap::new(),
            model_max_budget: BTreeMap::new(),
            rpm_limit: allowance.rpm_limit,
            tpm_limit: allowance.tpm_limit,
            max_parallel_requests: allowance.max_parallel_requests,
            model_rpm_limit: &allowance.model_rpm_limit,
            model_tpm_limit: &allowance.model_tpm_limit,
            team_member_budget: settings.team_member_budget,
            team_member_budget_duration: settings.team_member_budget_duration,
            team_member_rpm_limit: settings.team_member_rpm_limit,
            team_member_tpm_limit: settings.team_member_tpm_limit,
            created_at: team.created_at,
            created_by: &team.created_by,
            updated_at: team.updated_at,
            deleted_at: team.deleted_at,
            team_member_budget_table: each.map(|each| BudgetTable {
                max_budget: Some(each),
                budget_duration: settings.team_member_budget_duration,
                rpm_limit: settings.team_member_rpm_limit,
                tpm_limit: settings.team_member_tpm_limit,
                allowed_models: &[],
                temp_budget_increase: None,
                temp_budget_expiry: None,
            }),
            team_memberships: None,
            keys: None,
            note: None,
        }
    }

    pub(super) fn with_note(self, note: impl Into<String>) -> Self {
        let note = Some(note.into());
        Self { note, ..self }
    }
}

impl<'a> MembershipView<'a> {
    pub(super) fn of(member: &'a Member, budget_usage: Option<BudgetUsage>) -> Self {
        let allowance = &member.allowance;
        Self {
            user_id: &member.user_id,
            team_id: &member.team_id,
            user_email: member.user_email.as_deref(),
            role: member.role,
            budget_id: None,
            spend: budget_usage.map(|budget| budget.spent),
            budget_reset_at: budget_usage.and_then(|budget| budget.resets_at),
            litellm_budget_table: BudgetTable {
                max_budget: allowance.max_budget,
                budget_duration: allowance.budget_duration,
                rpm_limit: allowance.rpm_limit,
                tpm_limit: allowance.tpm_limit,
                allowed_models: &allowance.models,
                temp_budget_increase: allowance.temp_budget_increase,
                temp_budget_expiry: allowance.temp_budget_expiry,
            },
        }
    }
}

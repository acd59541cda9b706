//! A user's membership in a team, and what the user may do with the team's keys.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::row::Row;
use super::{
    Allowance, AllowanceChanges, Change, InvalidSetting, Team, check_text, dollars, given, instant,
};
use crate::config::Period;
use crate::store::{Key, keys};

/// A membership as the table keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// The team.
    pub team_id: String,
    /// The user.
    pub user_id: String,
    /// The user's address, as the membership was made with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_email: Option<String>,
    /// The role in the team: a label, for only the master key manages teams.
    #[serde(default)]
    pub role: MemberRole,
    /// Counts up by one with every change.
    pub version: u64,
    /// What the member may use of the team's: its `models` are the reference system's `allowed_models`, its `max_budget`
    /// is `max_budget_in_team`.
    #[serde(default)]
    pub allowance: Allowance,
}

/// A role in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberRole {
    /// Shown as an admin of the team.
    Admin,
    /// One of its users.
    #[default]
    User,
}

/// Changes of a membership. The reference system's names.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs)] // As `Member` says.
pub struct MemberChanges {
    pub role: Option<MemberRole>,
    #[serde(deserialize_with = "dollars")]
    pub max_budget_in_team: Change<Decimal>,
    #[serde(deserialize_with = "given")]
    pub budget_duration: Change<Period>,
    #[serde(deserialize_with = "given")]
    pub allowed_models: Change<Vec<String>>,
    #[serde(deserialize_with = "given")]
    pub rpm_limit: Change<u64>,
    #[serde(deserialize_with = "given")]
    pub tpm_limit: Change<u64>,
    #[serde(deserialize_with = "dollars")]
    pub temp_budget_increase: Change<Decimal>,
    #[serde(deserialize_with = "instant")]
    pub temp_budget_expiry: Change<Timestamp>,
}

impl MemberChanges {
    /// The fields' names in JSON.
    pub const FIELDS: [&'static str; 8] = [
        "role",
        "max_budget_in_team",
        "budget_duration",
        "allowed_models",
        "rpm_limit",
        "tpm_limit",
        "temp_budget_increase",
        "temp_budget_expiry",
    ];

    fn allowance(&self) -> AllowanceChanges {
        AllowanceChanges {
            models: self.allowed_models.clone(),
            max_budget: self.max_budget_in_team,
            budget_duration: self.budget_duration,
            rpm_limit: self.rpm_limit,
            tpm_limit: self.tpm_limit,
            temp_budget_increase: self.temp_budget_increase,
            temp_budget_expiry: self.temp_budget_expiry,
            ..AllowanceChanges::default()
        }
    }
}

impl Member {
    pub(super) fn new(
        team_id: &str,
        user_id: &str,
        user_email: Option<String>,
        now: Timestamp,
    ) -> Member {
        Member {
            team_id: team_id.to_owned(),
            user_id: user_id.to_owned(),
            user_email,
            role: MemberRole::default(),
            // A later membership has a later version.
            version: now.as_second().unsigned_abs(),
            allowance: Allowance::default(),
        }
    }

    pub(super) fn changed(&self, changes: &MemberChanges) -> Result<Member, InvalidSetting> {
        let mut changed = self.clone();
        changed.allowance.apply(&changes.allowance());
        changed.role = changes.role.unwrap_or(changed.role);
        check_text("user_id", Some(&changed.user_id))?;
        check_text("user_email", changed.user_email.as_deref())?;
        changed.allowance.check().map_err(|invalid| {
            let param = match invalid.param {
                "models" => "allowed_models",
                "max_budget" => "max_budget_in_team",
                other => other,
            };
            InvalidSetting { param, ..invalid }
        })?;
        changed.version += 1;
        Ok(changed)
    }
}

impl Team {
    /// What a user may use of the team's: what the membership says, else the team for each of its members. A budget of 0
    /// for each member is none; one in a membership is nothing to spend.
    pub fn allowance_of(&self, member: Option<&Member>) -> Allowance {
        let settings = &self.settings;
        let mut allowance = member
            .map(|member| member.allowance.clone())
            .unwrap_or_default();
        if allowance.max_budget.is_none() {
            let each = settings.team_member_budget;
            allowance.max_budget = each.filter(|each| !each.is_zero());
            allowance.budget_duration = allowance
                .budget_duration
                .or(settings.team_member_budget_duration);
        }
        allowance.rpm_limit = allowance.rpm_limit.or(settings.team_member_rpm_limit);
        allowance.tpm_limit = allowance.tpm_limit.or(settings.team_member_tpm_limit);
        allowance
    }
}

impl Row for Member {
    fn key(&self) -> Key {
        keys::member(&self.team_id, &self.user_id)
    }
    fn version(&self) -> u64 {
        self.version
    }
    fn listed_under(&self) -> String {
        keys::memberships(&self.user_id)
    }
}

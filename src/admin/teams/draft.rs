//! The fields of the forms of teams, members and users, and what they change.

use std::collections::BTreeMap;

use super::super::draft::{Draft, Problem, amount, number};
use super::super::texts::texts;
use crate::config::Period;
use crate::identity::{
    Allowance, AllowanceChanges, Member, MemberChanges, MemberRole, Team, TeamChanges, User,
    UserChanges, parse_instant,
};

/// What a team and a user have of an allowance.
const ALLOWANCE: [&str; 10] = [
    "models",
    "allowed_regions",
    "max_budget",
    "budget_duration",
    "soft_budget",
    "temp_budget_increase",
    "temp_budget_expiry",
    "rpm_limit",
    "tpm_limit",
    "max_parallel_requests",
];

const OF_TEAM: [&str; 7] = [
    "team_id",
    "team_alias",
    "tags",
    "team_member_budget",
    "team_member_budget_duration",
    "team_member_rpm_limit",
    "team_member_tpm_limit",
];

const OF_USER: [&str; 3] = ["user_id", "user_alias", "user_email"];

/// The fields of a member's form.
pub(super) const OF_MEMBER: [&str; 9] = [
    "user_id",
    "role",
    "max_budget_in_team",
    "budget_duration",
    "temp_budget_increase",
    "temp_budget_expiry",
    "allowed_models",
    "rpm_limit",
    "tpm_limit",
];

/// The fields of a team's form.
pub(super) fn team_fields() -> Vec<&'static str> {
    [&OF_TEAM[..], &ALLOWANCE].concat()
}

/// The fields of a user's form.
pub(super) fn user_fields() -> Vec<&'static str> {
    [&OF_USER[..], &ALLOWANCE].concat()
}

/// A team as it is.
pub(super) fn of_team(team: &Team) -> Draft {
    let settings = &team.settings;
    let mut typed = of_allowance(&settings.allowance);
    typed.extend([
        (
            "team_alias",
            settings.team_alias.clone().unwrap_or_default(),
        ),
        ("tags", settings.tags.join(", ")),
        ("team_member_budget", amount(settings.team_member_budget)),
        (
            "team_member_budget_duration",
            window(settings.team_member_budget_duration),
        ),
        (
            "team_member_rpm_limit",
            number(settings.team_member_rpm_limit),
        ),
        (
            "team_member_tpm_limit",
            number(settings.team_member_tpm_limit),
        ),
    ]);
    Draft::of(typed)
}

/// A user as it is.
pub(super) fn of_user(user: &User) -> Draft {
    let settings = &user.settings;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut typed = of_allowance(&settings.allowance);
    typed.extend([
        ("user_alias", text(&settings.user_alias)),
        ("user_email", text(&settings.user_email)),
    ]);
    Draft::of(typed)
}

/// A member as it is.
pub(super) fn of_member(member: &Member) -> Draft {
    let role = match member.role {
        MemberRole::Admin => "admin",
        MemberRole::User => "user",
    };
    let allowance = &member.allowance;
    let mut typed = of_allowance(allowance);
    typed.extend([
        ("user_id", member.user_id.clone()),
        ("role", role.to_owned()),
        ("max_budget_in_team", amount(allowance.max_budget)),
        ("allowed_models", allowance.models.join(", ")),
    ]);
    Draft::of(typed)
}

fn of_allowance(allowance: &Allowance) -> BTreeMap<&'static str, String> {
    let expiry = allowance.temp_budget_expiry.map(|at| at.to_string());
    BTreeMap::from([
        ("models", allowance.models.join(", ")),
        ("allowed_regions", allowance.allowed_regions.join(", ")),
        ("max_budget", amount(allowance.max_budget)),
        ("budget_duration", window(allowance.budget_duration)),
        ("soft_budget", amount(allowance.soft_budget)),
        (
            "temp_budget_increase",
            amount(allowance.temp_budget_increase),
        ),
        ("temp_budget_expiry", expiry.unwrap_or_default()),
        ("rpm_limit", number(allowance.rpm_limit)),
        ("tpm_limit", number(allowance.tpm_limit)),
        (
            "max_parallel_requests",
            number(allowance.max_parallel_requests),
        ),
    ])
}

fn window(period: Option<Period>) -> String {
    period.map(|period| period.to_string()).unwrap_or_default()
}

/// What a team's form changes, or everything that is wrong with it.
pub(super) fn team_changes(draft: &Draft) -> Result<TeamChanges, Vec<Problem>> {
    let t = &texts().key_form;
    let mut wrong = Vec::new();
    let changes = TeamChanges {
        allowance: allowance_changes(draft, &mut wrong),
        team_alias: draft.text("team_alias"),
        tags: draft.names("tags"),
        team_member_budget: draft.parsed("team_member_budget", t.wants_amount, &mut wrong),
        team_member_budget_duration: draft.parsed(
            "team_member_budget_duration",
            t.wants_period,
            &mut wrong,
        ),
        team_member_rpm_limit: draft.parsed("team_member_rpm_limit", t.wants_number, &mut wrong),
        team_member_tpm_limit: draft.parsed("team_member_tpm_limit", t.wants_number, &mut wrong),
        ..TeamChanges::default()
    };
    if wrong.is_empty() {
        Ok(changes)
    } else {
        Err(wrong)
    }
}

/// What a user's form changes, or everything that is wrong with it.
pub(super) fn user_changes(draft: &Draft) -> Result<UserChanges, Vec<Problem>> {
    let mut wrong = Vec::new();
    let changes = UserChanges {
        allowance: allowance_changes(draft, &mut wrong),
        user_alias: draft.text("user_alias"),
        user_email: draft.text("user_email"),
        ..UserChanges::default()
    };
    if wrong.is_empty() {
        Ok(changes)
    } else {
        Err(wrong)
    }
}

/// What a member's form changes, or everything that is wrong with it.
pub(super) fn member_changes(draft: &Draft) -> Result<MemberChanges, Vec<Problem>> {
    let t = &texts().key_form;
    let mut wrong = Vec::new();
    let roles = [("admin", MemberRole::Admin), ("user", MemberRole::User)];
    let changes = MemberChanges {
        role: draft.choice("role", &roles, &mut wrong).flatten(),
        max_budget_in_team: draft.parsed("max_budget_in_team", t.wants_amount, &mut wrong),
        budget_duration: draft.parsed("budget_duration", t.wants_period, &mut wrong),
        allowed_models: draft.names("allowed_models"),
        rpm_limit: draft.parsed("rpm_limit", t.wants_number, &mut wrong),
        tpm_limit: draft.parsed("tpm_limit", t.wants_number, &mut wrong),
        temp_budget_increase: draft.parsed("temp_budget_increase", t.wants_amount, &mut wrong),
        temp_budget_expiry: draft.parsed_by(
            parse_instant,
            "temp_budget_expiry",
            texts().teams.wants_date,
            &mut wrong,
        ),
    };
    if wrong.is_empty() {
        Ok(changes)
    } else {
        Err(wrong)
    }
}

fn allowance_changes(draft: &Draft, wrong: &mut Vec<Problem>) -> AllowanceChanges {
    let t = &texts().key_form;
    AllowanceChanges {
        models: draft.names("models"),
        allowed_regions: draft.names("allowed_regions"),
        max_budget: draft.parsed("max_budget", t.wants_amount, wrong),
        soft_budget: draft.parsed("soft_budget", t.wants_amount, wrong),
        budget_duration: draft.parsed("budget_duration", t.wants_period, wrong),
        temp_budget_increase: draft.parsed("temp_budget_increase", t.wants_amount, wrong),
        temp_budget_expiry: draft.parsed_by(
            parse_instant,
            "temp_budget_expiry",
            texts().teams.wants_date,
            wrong,
        ),
        rpm_limit: draft.parsed("rpm_limit", t.wants_number, wrong),
        tpm_limit: draft.parsed("tpm_limit", t.wants_number, wrong),
        max_parallel_requests: draft.parsed("max_parallel_requests", t.wants_number, wrong),
        ..AllowanceChanges::default()
    }
}

//! What the bodies of `/team/…` say.

use serde::{Deserialize, Deserializer};

use crate::http::fields::refuse_unknown;
use crate::identity::{AllowanceChanges, MemberChanges, TeamChanges};
use crate::wire::{ApiError, read};

/// Which team.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TeamName {
    pub(super) team_id: Option<String>,
}

/// Which teams.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TeamNames {
    pub(super) team_ids: Vec<String>,
}

/// Fields of these bodies beside a team's settings.
const OTHERS: [&str; 2] = ["team_id", "members_with_roles"];
/// What the answers add; a client may send one back as it came.
const SHOWN: [&str; 13] = [
    "admins",
    "members",
    "spend",
    "model_spend",
    "budget_reset_at",
    "created_at",
    "created_by",
    "updated_at",
    "team_member_budget_table",
    "team_memberships",
    "keys",
    "note",
    "litellm_model_table",
];

/// The settings in a body, and whose they are.
pub(super) fn changes(body: &[u8]) -> Result<(TeamName, TeamChanges), ApiError> {
    let shown = [&OTHERS[..], &SHOWN[..]].concat();
    let known: [&[&str]; 2] = [&TeamChanges::FIELDS, &AllowanceChanges::FIELDS];
    refuse_unknown(body, &known, &shown, "A team")?;
    let changes = TeamChanges {
        allowance: read(body)?,
        ..read(body)?
    };
    Ok((read(body)?, changes))
}

/// A user who is to be a member, or is one.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct MemberName {
    pub(super) user_id: Option<String>,
    pub(super) user_email: Option<String>,
    pub(super) role: Option<crate::identity::MemberRole>,
}

/// The members that a new team begins with.
pub(super) struct NewTeamMembers(pub(super) Vec<MemberName>);

pub(super) fn new_members(body: &[u8]) -> Result<NewTeamMembers, ApiError> {
    #[derive(Deserialize)]
    struct NamedMembers {
        members_with_roles: Option<Vec<MemberName>>,
    }
    let named: NamedMembers = read(body)?;
    Ok(NewTeamMembers(named.members_with_roles.unwrap_or_default()))
}

/// The body of `/team/member_add`.
#[derive(Debug, Deserialize)]
pub(super) struct AddedMembers {
    pub(super) team_id: String,
    #[serde(deserialize_with = "one_or_many")]
    pub(super) member: Vec<MemberName>,
}

fn one_or_many<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<MemberName>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Members {
        Many(Vec<MemberName>),
        One(MemberName),
    }
    Ok(match Members::deserialize(d)? {
        Members::Many(members) => members,
        Members::One(member) => vec![member],
    })
}

/// The settings of a membership in a body.
pub(super) fn member_changes(body: &[u8]) -> Result<MemberChanges, ApiError> {
    let names = ["team_id", "member", "user_id", "user_email", "note"];
    refuse_unknown(
        body,
        &[&MemberChanges::FIELDS],
        &names,
        "A member of a team",
    )?;
    read(body)
}

/// Whose membership, in the bodies of `/team/member_update` and `/team/member_delete`.
#[derive(Debug, Deserialize)]
pub(super) struct NamedMember {
    pub(super) team_id: String,
    #[serde(default)]
    pub(super) user_id: Option<String>,
    #[serde(default)]
    pub(super) user_email: Option<String>,
}

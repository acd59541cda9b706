//! A team: what its keys may do together.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::change::set;
use super::row::Row;
use super::{
    Allowance, AllowanceChanges, Change, InvalidSetting, as_text, check_amount, check_metadata,
    check_names, check_tags, check_text, dollars, given,
};
use crate::config::Period;
use crate::spend::money;
use crate::store::{Key, keys};

/// A team as the table keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Team {
    /// What keys name it by.
    pub team_id: String,
    /// Counts up by one with every change.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// The alias of the key that made it.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it was deleted. The item stays for ever: without it the team's keys would be bound by nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// It is the configuration's, and the API cannot change it.
    #[serde(skip)]
    pub in_file: bool,
    /// What may be changed.
    #[serde(default)]
    pub settings: TeamSettings,
}

/// What may be set of a team. The reference system's names.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TeamSettings {
    /// Its name for people.
    pub team_alias: Option<String>,
    /// What its keys may use together.
    pub allowance: Allowance,
    /// Other names for models, for all of its keys.
    pub model_aliases: BTreeMap<String, String>,
    /// Free notes.
    #[serde(with = "as_text")]
    pub metadata: Map<String, Value>,
    /// Labels that its keys' requests carry beside their own.
    pub tags: Vec<String>,
    /// Its keys are refused until it is unblocked.
    pub blocked: bool,
    /// US dollars that each member may spend, where the membership says nothing; 0: any.
    #[serde(with = "money::option")]
    pub team_member_budget: Option<Decimal>,
    /// The window of that.
    pub team_member_budget_duration: Option<Period>,
    /// Requests a minute of each member, where the membership says nothing.
    pub team_member_rpm_limit: Option<u64>,
    /// Tokens a minute of each member, where the membership says nothing.
    pub team_member_tpm_limit: Option<u64>,
}

/// Changes of a team's settings beside its [`Allowance`]. A field that is missing changes nothing, `null` unsets.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default)]
#[allow(missing_docs)] // The fields of `TeamSettings`.
pub struct TeamChanges {
    #[serde(skip)]
    pub allowance: AllowanceChanges,
    #[serde(deserialize_with = "given")]
    pub team_alias: Change<String>,
    #[serde(deserialize_with = "given")]
    pub model_aliases: Change<BTreeMap<String, String>>,
    #[serde(deserialize_with = "given")]
    pub metadata: Change<Map<String, Value>>,
    #[serde(deserialize_with = "given")]
    pub tags: Change<Vec<String>>,
    #[serde(deserialize_with = "given")]
    pub blocked: Change<bool>,
    #[serde(deserialize_with = "dollars")]
    pub team_member_budget: Change<Decimal>,
    #[serde(deserialize_with = "given")]
    pub team_member_budget_duration: Change<Period>,
    #[serde(deserialize_with = "given")]
    pub team_member_rpm_limit: Change<u64>,
    #[serde(deserialize_with = "given")]
    pub team_member_tpm_limit: Change<u64>,
}

impl TeamChanges {
    /// The fields' names in JSON, beside those of [`AllowanceChanges`].
    pub const FIELDS: [&'static str; 9] = [
        "team_alias",
        "model_aliases",
        "metadata",
        "tags",
        "blocked",
        "team_member_budget",
        "team_member_budget_duration",
        "team_member_rpm_limit",
        "team_member_tpm_limit",
    ];
}

impl Team {
    /// A team without settings.
    pub(super) fn new(team_id: String, by: &str, now: Timestamp) -> Team {
        Team {
            team_id,
            version: 0,
            created_at: now,
            created_by: by.to_owned(),
            updated_at: now,
            deleted_at: None,
            in_file: false,
            settings: TeamSettings::default(),
        }
    }

    /// Its alias, or else its id.
    pub fn label(&self) -> &str {
        self.settings.team_alias.as_deref().unwrap_or(&self.team_id)
    }

    pub(super) fn changed(
        &self,
        changes: &TeamChanges,
        now: Timestamp,
    ) -> Result<Team, InvalidSetting> {
        let mut changed = self.clone();
        changed.settings.apply(changes);
        check_text("team_id", Some(&changed.team_id))?;
        changed.settings.check()?;
        changed.version += 1;
        changed.updated_at = now;
        Ok(changed)
    }

    pub(super) fn deleted(&self, now: Timestamp) -> Team {
        Team {
            deleted_at: Some(now),
            updated_at: now,
            version: self.version + 1,
            ..self.clone()
        }
    }
}

impl TeamSettings {
    fn apply(&mut self, changes: &TeamChanges) {
        self.allowance.apply(&changes.allowance);
        if let Some(alias) = &changes.team_alias {
            self.team_alias.clone_from(alias);
        }
        set(&mut self.model_aliases, &changes.model_aliases);
        set(&mut self.metadata, &changes.metadata);
        set(&mut self.tags, &changes.tags);
        set(&mut self.blocked, &changes.blocked);
        if let Some(budget) = changes.team_member_budget {
            self.team_member_budget = budget;
        }
        if let Some(duration) = changes.team_member_budget_duration {
            self.team_member_budget_duration = duration;
        }
        if let Some(limit) = changes.team_member_rpm_limit {
            self.team_member_rpm_limit = limit;
        }
        if let Some(limit) = changes.team_member_tpm_limit {
            self.team_member_tpm_limit = limit;
        }
    }

    fn check(&self) -> Result<(), InvalidSetting> {
        self.allowance.check()?;
        check_text("team_alias", self.team_alias.as_deref())?;
        let aliases = self.model_aliases.iter();
        check_names(
            "model_aliases",
            aliases.flat_map(|(alias, model)| [alias, model]),
        )?;
        check_tags(&self.tags)?;
        check_amount("team_member_budget", self.team_member_budget)?;
        check_metadata(&self.metadata)
    }
}

impl Row for Team {
    fn key(&self) -> Key {
        keys::team(&self.team_id)
    }
    fn version(&self) -> u64 {
        self.version
    }
    fn listed_under(&self) -> String {
        keys::TEAMS.to_owned()
    }
}

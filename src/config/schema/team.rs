//! `general_settings.teams`: teams that the file has, and that the API reads only.

use std::collections::{BTreeMap, HashSet};

use rust_decimal::Decimal;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::period;
use crate::config::Period;
use crate::config::file::lenient;

/// A team of the file, with the fields of `/team/new`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs)] // The fields of `TeamSettings` and `Allowance` in `identity`.
pub struct ConfiguredTeam {
    #[serde(deserialize_with = "lenient::text")]
    pub team_id: Option<String>,
    #[serde(deserialize_with = "lenient::text")]
    pub team_alias: Option<String>,
    pub models: Vec<String>,
    pub allowed_regions: Vec<String>,
    #[serde(deserialize_with = "lenient::dollars")]
    pub max_budget: Option<Decimal>,
    #[serde(deserialize_with = "lenient::dollars")]
    pub soft_budget: Option<Decimal>,
    #[serde(deserialize_with = "period::optional")]
    pub budget_duration: Option<Period>,
    #[serde(deserialize_with = "lenient::whole")]
    pub rpm_limit: Option<u64>,
    #[serde(deserialize_with = "lenient::whole")]
    pub tpm_limit: Option<u64>,
    #[serde(deserialize_with = "lenient::whole")]
    pub max_parallel_requests: Option<u64>,
    pub model_rpm_limit: BTreeMap<String, u64>,
    pub model_tpm_limit: BTreeMap<String, u64>,
    pub model_aliases: BTreeMap<String, String>,
    pub tags: Vec<String>,
    pub blocked: bool,
    #[serde(deserialize_with = "lenient::dollars")]
    pub team_member_budget: Option<Decimal>,
    #[serde(deserialize_with = "period::optional")]
    pub team_member_budget_duration: Option<Period>,
    #[serde(deserialize_with = "lenient::whole")]
    pub team_member_rpm_limit: Option<u64>,
    #[serde(deserialize_with = "lenient::whole")]
    pub team_member_tpm_limit: Option<u64>,
}

/// The teams, each with an id of its own.
pub(super) fn list<'de, D: Deserializer<'de>>(
    d: D,
) -> Result<Option<Vec<ConfiguredTeam>>, D::Error> {
    let teams = Option::<Vec<ConfiguredTeam>>::deserialize(d)?;
    let mut known = HashSet::new();
    for team in teams.iter().flatten() {
        let id = team.team_id.as_deref().unwrap_or_default();
        if id.trim().is_empty() || id.len() > 200 {
            return Err(D::Error::custom(
                "expected a team_id of 1 to 200 bytes in each team",
            ));
        }
        if !known.insert(id) {
            return Err(D::Error::custom(format!(
                "found two teams with the team_id {id:?}"
            )));
        }
    }
    Ok(teams)
}

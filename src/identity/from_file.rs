//! Teams of the configuration's file.

use jiff::Timestamp;

use super::{Allowance, Team, TeamSettings};
use crate::config::ConfiguredTeam;

impl From<&ConfiguredTeam> for Team {
    fn from(written: &ConfiguredTeam) -> Team {
        let written = written.clone();
        Team {
            team_id: written.team_id.unwrap_or_default(),
            version: 1,
            created_at: Timestamp::UNIX_EPOCH,
            created_by: "general_settings.teams".to_owned(),
            updated_at: Timestamp::UNIX_EPOCH,
            deleted_at: None,
            in_file: true,
            settings: TeamSettings {
                team_alias: written.team_alias,
                allowance: Allowance {
                    models: written.models,
                    allowed_regions: written.allowed_regions,
                    max_budget: written.max_budget,
                    soft_budget: written.soft_budget,
                    budget_duration: written.budget_duration,
                    rpm_limit: written.rpm_limit,
                    tpm_limit: written.tpm_limit,
                    max_parallel_requests: written.max_parallel_requests,
                    model_rpm_limit: written.model_rpm_limit,
                    model_tpm_limit: written.model_tpm_limit,
                    ..Allowance::default()
                },
                model_aliases: written.model_aliases,
                tags: written.tags,
                blocked: written.blocked,
                team_member_budget: written.team_member_budget,
                team_member_budget_duration: written.team_member_budget_duration,
                team_member_rpm_limit: written.team_member_rpm_limit,
                team_member_tpm_limit: written.team_member_tpm_limit,
                ..TeamSettings::default()
            },
        }
    }
}

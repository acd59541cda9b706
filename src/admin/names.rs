//! What people call keys, teams and programs: pages show names, addresses carry ids.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::error::PageError;
use super::texts::texts;
use crate::app::AppState;
use crate::identity::Team;
use crate::keys::VirtualKey;
use crate::spend::FailureCause;
use crate::wire::ClientApp;

/// The names of keys and teams, by hash and by id.
#[derive(Debug, Default)]
pub(super) struct Names {
    keys: HashMap<String, String>,
    teams: HashMap<String, String>,
}

/// The keys and teams of the table, in one reading with their names.
#[derive(Debug)]
pub(super) struct KeysAndTeams {
    pub(super) names: Names,
    /// Those that were not deleted, the newest first.
    pub(super) keys: Vec<VirtualKey>,
    /// Every one, by name.
    pub(super) teams: Vec<Arc<Team>>,
}

impl KeysAndTeams {
    /// As the table has them now.
    pub(super) async fn read(app: &AppState) -> Result<Self, PageError> {
        let (keys, teams) = tokio::join!(app.keys.list_with_labels(), app.keys.directory.teams());
        let ((keys, labels), teams) = (keys?, teams?);
        let of_teams = teams.iter();
        let names = Names {
            keys: labels,
            teams: of_teams
                .map(|team| (team.team_id.clone(), team.label().to_owned()))
                .collect(),
        };
        Ok(Self { names, keys, teams })
    }
}

impl Names {
    /// As the table has them now.
    pub(super) async fn read(app: &AppState) -> Result<Self, PageError> {
        Ok(KeysAndTeams::read(app).await?.names)
    }

    /// By their hashes.
    pub(super) fn keys(&self) -> &HashMap<String, String> {
        &self.keys
    }

    /// What a key is called; one that is gone, by the beginning of its hash.
    pub(super) fn key(&self, app: &AppState, hash: &str) -> String {
        let t = &texts().usage;
        if hash.is_empty() {
            t.no_key.to_owned()
        } else if app.master_key.has_hash(hash) {
            t.master_key.to_owned()
        } else if let Some(label) = self.keys.get(hash) {
            label.clone()
        } else {
            let short: String = hash.chars().take(12).collect();
            format!("{short}…")
        }
    }

    /// The names of all keys.
    pub(super) fn sorted_keys(&self) -> Vec<String> {
        let names: BTreeSet<&String> = self.keys.values().collect();
        names.into_iter().cloned().collect()
    }

    /// The ids of all teams.
    pub(super) fn team_ids(&self) -> Vec<String> {
        self.teams.keys().cloned().collect()
    }

    /// What a team is called.
    pub(super) fn team(&self, id: &str) -> String {
        self.teams
            .get(id)
            .map_or_else(|| id.to_owned(), Clone::clone)
    }
}

/// What a program is called, by its word in records.
pub(super) fn client(word: &str) -> String {
    let t = &texts().clients;
    let known = ClientApp::ALL.into_iter().find(|app| app.as_str() == word);
    let name = match known {
        Some(ClientApp::ClaudeCode) => "Claude Code",
        Some(ClientApp::Cline) => "Cline",
        Some(ClientApp::Codex) => "Codex",
        Some(ClientApp::Opencode) => "opencode",
        Some(ClientApp::Aider) => "aider",
        Some(ClientApp::OpenAiSdk) => "OpenAI SDK",
        Some(ClientApp::AnthropicSdk) => "Anthropic SDK",
        Some(ClientApp::VercelAiSdk) => "Vercel AI SDK",
        Some(ClientApp::LiteLlm) => "LiteLLM",
        Some(ClientApp::Browser) => t.browser,
        Some(ClientApp::Other) => t.other,
        None => word,
    };
    name.to_owned()
}

/// What became of an attempt, by its word in records.
pub(super) fn outcome(word: &str) -> &'static str {
    let t = &texts().log;
    match word {
        "ok" => t.answered_well,
        "cooling_down" => t.rested,
        "mocked" => t.made_to_fail,
        other => cause(FailureCause::of_outcome(other)),
    }
}

/// Why a request failed, or was refused.
pub(super) fn cause(cause: FailureCause) -> &'static str {
    let t = &texts().causes;
    match cause {
        FailureCause::Throttled => t.throttled,
        FailureCause::Unavailable => t.unavailable,
        FailureCause::Timeout => t.timeout,
        FailureCause::Cut => t.cut,
        FailureCause::Credentials => t.credentials,
        FailureCause::ContextWindow => t.context_window,
        FailureCause::ContentFiltered => t.content_filtered,
        FailureCause::Rejected => t.rejected,
        FailureCause::Internal => t.internal,
        FailureCause::Lost => t.lost,
        FailureCause::Other => t.other,
        FailureCause::Budget => t.budget,
        FailureCause::RateLimit => t.rate_limit,
        FailureCause::ModelAccess => t.model_access,
        FailureCause::UnknownModel => t.unknown_model,
        FailureCause::BadRequest => t.bad_request,
        FailureCause::Gateway => t.gateway,
    }
}

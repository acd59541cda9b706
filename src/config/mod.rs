//! The configuration: LiteLLM's YAML, checked and resolved into deployments, groups and settings.
//!
//! Nothing here calls anything: the environment is handed in, the file is read once, and what comes out is plain data.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

mod access;
mod bundled;
mod check;
mod defaults;
mod deployment;
mod document;
mod entry;
mod error;
mod keys;
mod lenient;
mod load;
mod locate;
mod overrides;
mod path;
mod read;
mod retry;
mod routes;
mod routing;
mod schema;
mod secret;
mod section;
mod settings;
mod target;

pub use bundled::{BUNDLED, load};
pub use check::{Report, check};
pub use deployment::{
    CachePolicy, Credentials, Defaults, Deployment, Group, InjectionLocation, InjectionPoint, Share,
};
pub use error::{ConfigError, Place, Warning};
pub use retry::{RetryKind, RetryPolicy};
pub use routing::{Alias, FallbackKind, Fallbacks, Routing};
pub use secret::Secret;
pub use settings::{General, Settings, StreamRecovery};

/// Looks a variable of the environment up.
pub type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// A configuration that was found sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The file's name as it was asked for.
    pub name: String,
    /// Which group follows which, and other names for groups.
    pub routing: Routing,
    /// Tries, time limits and rests.
    pub settings: Settings,
    /// The gateway's own switches.
    pub general: General,
    groups: Vec<Arc<Group>>,
    names: BTreeMap<String, usize>,
}

impl Config {
    /// All groups, in the file's order.
    pub fn groups(&self) -> &[Arc<Group>] {
        &self.groups
    }

    /// The group of this `model_name`.
    pub fn group(&self, name: &str) -> Option<&Arc<Group>> {
        self.groups.iter().find(|group| group.name == name)
    }

    /// All deployments, in the file's order.
    pub fn deployments(&self) -> impl Iterator<Item = &Arc<Deployment>> {
        self.groups.iter().flat_map(|group| &group.deployments)
    }

    /// The group that a request means: by `model_name`, by alias, by a deployment's model with or without its
    /// `bedrock/` and `converse/` prefixes, or by an alias with a `*` in it.
    pub fn resolve_name(&self, requested: &str) -> Option<&str> {
        let named = |name: &str| {
            let index = self.names.get(name)?;
            Some(self.groups.get(*index)?.name.as_str())
        };
        match self.routing.aliases.get(requested) {
            Some(alias) => named(&alias.group),
            None => named(requested).or_else(|| named(&self.routing.pattern(requested)?.group)),
        }
    }

    /// The names that are listed: groups in the file's order, then the aliases that are not hidden.
    pub fn public_names(&self) -> Vec<&str> {
        let groups = self.groups.iter().map(|group| group.name.as_str());
        let aliases = self.routing.aliases.iter();
        let shown = aliases
            .filter(|(_, alias)| !alias.hidden)
            .map(|(name, _)| name.as_str());
        groups.chain(shown).collect()
    }

    /// The groups that follow a group that failed, in order.
    pub fn fallbacks_of(&self, group: &str, kind: FallbackKind) -> Vec<&str> {
        self.routing.fallbacks.of(group, kind)
    }

    /// The same configuration with other fallbacks, as the settings page saves them. Fails with the reason, in words
    /// for the page.
    pub fn with_fallbacks(&self, fallbacks: Fallbacks) -> Result<Self, String> {
        let lists = [
            &fallbacks.general,
            &fallbacks.context_window,
            &fallbacks.content_policy,
        ];
        let default = ("*", &fallbacks.default);
        let entries = lists
            .into_iter()
            .flatten()
            .map(|(group, targets)| (group.as_str(), targets));
        for (group, targets) in entries.chain([default]) {
            for name in targets.iter().map(String::as_str).chain([group]) {
                if name != "*" && self.group(name).is_none() {
                    return Err(format!("there is no model {name:?}"));
                }
            }
            if targets.iter().any(|target| target == group) {
                return Err(format!("{group:?} falls back to itself"));
            }
        }
        let routing = Routing {
            fallbacks,
            ..self.routing.clone()
        };
        Ok(Self {
            routing,
            ..self.clone()
        })
    }

    /// How long a deployment may take for its first event.
    pub fn first_event_limit(&self, deployment: &Deployment) -> Duration {
        self.stream_timeout(deployment)
            .or(deployment.timeout)
            .unwrap_or(self.settings.request_timeout)
    }

    /// How long a deployment may be silent between two events.
    pub fn idle_limit(&self, deployment: &Deployment) -> Duration {
        self.stream_timeout(deployment)
            .unwrap_or(self.settings.idle_timeout)
    }

    /// Further tries on a deployment after its first.
    pub fn retries(&self, deployment: &Deployment) -> u32 {
        deployment.num_retries.unwrap_or(self.settings.num_retries)
    }

    /// What happens to a stream of a deployment that is cut after text has gone out.
    pub fn recovery(&self, deployment: &Deployment) -> StreamRecovery {
        deployment
            .stream_recovery
            .unwrap_or(self.settings.stream_recovery)
    }

    fn stream_timeout(&self, deployment: &Deployment) -> Option<Duration> {
        deployment.stream_timeout.or(self.settings.stream_timeout)
    }
}

#[cfg(test)]
mod tests;

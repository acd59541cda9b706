//! The configuration as the gateway asks it: which group a name means, what follows a group, and how long a deployment
//! may take.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::groups::Groups;
use super::routes::left_out_model;
use crate::config::{
    Deployment, FallbackKind, FirstEventLimit, General, Group, Routing, Settings, StreamRecovery,
    Warning,
};

/// A configuration that was found sound.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The file's name as it was asked for.
    pub name: String,
    /// Which group follows which, and other names for groups.
    pub routing: Routing,
    /// Retries, time limits and cooldowns.
    pub settings: Settings,
    /// The gateway's own switches.
    pub general: General,
    pub(super) groups: Groups,
    /// Names of the file that are not served, for their models are other providers': with the model of each.
    pub(super) left_out: BTreeMap<String, String>,
    /// What the file asks for to protect somebody, and is not done here; without what `general_settings.accept_missing`
    /// accepts.
    pub missing_protections: Vec<Warning>,
}

impl Config {
    /// All groups, in the file's order, those with a star in their name included.
    pub fn groups(&self) -> &[Arc<Group>] {
        self.groups.all()
    }

    /// The group of this name, as [`Config::resolve_name`] gives it. Where only a pattern serves the name, the
    /// group is expanded for it.
    pub fn group(&self, name: &str) -> Option<Arc<Group>> {
        self.groups.find(name)
    }

    /// All deployments, in the file's order, entries with stars included.
    pub fn deployments(&self) -> impl Iterator<Item = &Arc<Deployment>> {
        self.groups().iter().flat_map(|group| &group.deployments)
    }

    /// The model of another provider that the file has for a name, and that is not served: `azure/gpt-5.2`.
    pub fn left_out_model(&self, name: &str) -> Option<&str> {
        left_out_model(&self.left_out, name)
    }

    /// All such names that nothing else serves.
    pub fn left_out_names(&self) -> impl Iterator<Item = &str> {
        let names = self.left_out.keys().map(String::as_str);
        names.filter(|name| self.resolve_name(name).is_none())
    }

    /// Whether a deployment asks its model to think where a request says nothing of it.
    pub fn asks_for_thinking(&self) -> bool {
        self.groups.think()
    }

    /// The group that a request means: by `model_name`, by alias, or by a deployment's model with or without its
    /// `bedrock/` and `converse/` prefixes; else by an alias with a `*` that the name fits; else by the most specific
    /// pattern of `model_list`, and then the group is called as it was asked for.
    pub fn resolve_name<'n>(&'n self, requested: &'n str) -> Option<&'n str> {
        let aliases = &self.routing.aliases;
        let alias = match aliases.get(requested) {
            Some(alias) => Some(alias),
            None if self.groups.is_named(requested) => None,
            None => self.routing.pattern(requested),
        };
        self.groups
            .resolve(alias.map_or(requested, |alias| &alias.group))
    }

    /// The groups that follow a group that failed, in order.
    pub fn fallbacks_of(&self, group: &str, kind: FallbackKind) -> Vec<&str> {
        let pattern = self.groups.pattern_of(group);
        self.routing.fallbacks.of(group, pattern, kind)
    }

    /// How long a deployment may take for its first event.
    pub fn first_event_limit(&self, deployment: &Deployment) -> FirstEventLimit {
        let set = self.stream_timeout(deployment).or(deployment.timeout);
        FirstEventLimit {
            base: set.unwrap_or(self.settings.request_timeout),
            grows: set.is_none() && self.settings.request_timeout_grows,
        }
    }

    /// How long a deployment may be silent between two events.
    pub fn idle_limit(&self, deployment: &Deployment) -> Duration {
        self.stream_timeout(deployment)
            .unwrap_or(self.settings.idle_timeout)
    }

    /// How long a deployment may be silent inside a tool call: models hold arguments back until they are whole, and
    /// 36,000 tokens of them took 329 s.
    pub fn tool_call_idle_limit(&self, deployment: &Deployment) -> Duration {
        const LONGEST_TOOL_CALL: Duration = Duration::from_secs(600);
        self.stream_timeout(deployment).unwrap_or(LONGEST_TOOL_CALL)
    }

    /// Retries on a deployment after the first try.
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

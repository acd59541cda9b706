//! From the file as written to a [`Config`].

use super::entry::EntryContext;
use super::groups::Groups;
use super::merge;
use super::routes::{RoutingReader, UnreadNames};
use crate::config::file::{FieldPath, Findings, YamlDocument};
use crate::config::schema::WrittenFile;
use crate::config::{Config, Environment, General};

impl Config {
    /// Makes deployments of the entries, groups of the deployments, and checks the routing against the groups. `name` is
    /// the file's. What is wrong is noted: then the configuration must not be used.
    pub(in crate::config) fn resolve(
        name: &str,
        written: WrittenFile,
        document: &YamlDocument<'_>,
        environment: &Environment<'_>,
        findings: &mut Findings,
    ) -> Self {
        let (litellm, router) = (written.litellm_settings, written.router_settings);
        let settings = merge::settings(&router, &litellm);
        let (in_general, in_litellm) = (written.general_settings, litellm.general);
        let entries = EntryContext {
            document,
            environment,
            access: litellm.access,
            prompt_caching: (router.retry_and_timeouts.prompt_caching)
                .or(litellm.retry_and_timeouts.prompt_caching),
            client_guardrails: (in_general.allow_client_guardrails)
                .or(in_litellm.allow_client_guardrails)
                .unwrap_or_default(),
        };
        let general = merge::general(in_general, in_litellm, environment);

        let mut unread = if written.model_list.is_empty() {
            UnreadNames::any()
        } else {
            UnreadNames::default()
        };
        let mut deployments = Vec::new();
        for entry in written.model_list {
            let names = UnreadNames::of_entry(&entry);
            match entries.deployment(entry, findings) {
                Some(deployment) => deployments.push(deployment),
                None => unread.add(names),
            }
        }
        let groups = Groups::new(deployments);
        let routing = RoutingReader {
            document,
            groups: &groups,
            unread,
            findings,
        };
        let routing = routing.routing([
            (FieldPath::of(&["litellm_settings"]), litellm.routing),
            (FieldPath::of(&["router_settings"]), router.routing),
        ]);
        Self {
            name: name.to_owned(),
            routing,
            settings,
            general: General {
                environment: written.environment_variables,
                ..general
            },
            groups,
        }
    }
}

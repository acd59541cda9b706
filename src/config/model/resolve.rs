//! From the file as written to a [`Config`].

use super::entry::EntryContext;
use super::groups::Groups;
use super::identity;
use super::merge;
use super::routes::{AbsentNames, RoutingReader};
use crate::config::file::{FieldPath, Findings, Stake, YamlDocument};
use crate::config::schema::{LeftOutEntry, WrittenEntry, WrittenFile};
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
        let tokens = identity::of_litellm(&in_general, document, environment, findings);
        let mut general = merge::general(in_general, in_litellm, environment);
        general.identity.issuers.extend(tokens);
        identity::tell_shared_names(&general.identity, document, findings);
        identity::tell_closed_pages(&general.identity, document, findings);

        let mut absent = if written.model_list.is_empty() {
            AbsentNames::any()
        } else {
            AbsentNames::default()
        };
        let mut deployments = Vec::new();
        let mut left_out = Vec::new();
        for entry in written.model_list {
            match entry {
                WrittenEntry::LeftOut(entry) => left_out.push(entry),
                WrittenEntry::Served(entry) => {
                    let (name, others) = entries.names(&entry);
                    match entries.deployment(*entry, findings) {
                        Some(deployment) => deployments.push(deployment),
                        None => absent.add_unread(name, others),
                    }
                }
            }
        }
        tell_left_out(&left_out, deployments.is_empty(), document, findings);
        let groups = Groups::new(deployments);
        for entry in &left_out {
            absent.add_left_out(&entry.model_name, &entry.model);
        }
        let routing = RoutingReader {
            document,
            groups: &groups,
            absent,
            findings,
        };
        let (routing, left_out) = routing.routing([
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
            left_out,
            missing_protections: Vec::new(),
        }
    }
}

/// Names the entries of other providers; where the file has no other entries, that is an error.
fn tell_left_out(
    left_out: &[LeftOutEntry],
    nothing_else: bool,
    document: &YamlDocument<'_>,
    findings: &mut Findings,
) {
    let subjects = left_out.iter().map(|entry| {
        let subject = if entry.model_name == entry.model {
            entry.model.clone()
        } else {
            format!("{} ({})", entry.model_name, entry.model)
        };
        (entry, subject)
    });
    if nothing_else && !left_out.is_empty() && !findings.has_errors() {
        let models: Vec<String> = subjects.map(|(_, subject)| subject).collect();
        let message = format!(
            "found no model of Amazon Bedrock, which is all that this gateway calls, but models of other providers: {}",
            models.join(", ")
        );
        findings.error(document.error(&FieldPath::of(&["model_list"]), message));
        return;
    }
    for (entry, subject) in subjects {
        let model_at = entry.at.key("litellm_params").key("model");
        let message = if entry.model.starts_with("bedrock/") {
            "left out, for this route of Bedrock is not served here"
        } else {
            "left out, for this gateway calls Amazon Bedrock alone"
        };
        findings.remove(&entry.at, message);
        findings.warn(document.warning_about(subject, Stake::LeftOut, &model_at, message));
    }
}

//! What Claude refuses in its own format, as a list of rules in the order in which they are tried.
//!
//! Each rule says where it and its words are from: "Anthropic" is the wording of Claude's own API, "reported" a public
//! issue that quotes Bedrock, "own" a documented refusal whose words are not known. What the generations refuse in
//! other words, or only one of them refuses, is told apart by `Claude::is_new`.

use std::fmt;

use serde_json::Value;

use super::{
    super::{
        ErrorReply,
        json::{at, list},
    },
    MessagesCall,
};

mod betas;
mod blocks;
mod caching;
mod context;
mod fields;
mod headers;
mod inference;
mod output;
mod thinking;
mod tools;
mod turns;

/// One reason to refuse a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct MessagesRule {
    /// A short name.
    name: &'static str,
    /// Where the rule and its words are from.
    source: &'static str,
    check: fn(&MessagesCall<'_>) -> Result<(), MessagesRefusal>,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MessagesRefusal {
    /// By the model, in the shape of its generation.
    Model(String),
    /// By the service before it, which has one shape for all.
    SimulatorService(String),
}

/// All rules: form first, then what is said, then what the model can do.
fn rules() -> impl Iterator<Item = &'static MessagesRule> {
    let groups = [
        headers::RULES,
        fields::RULES,
        betas::RULES,
        turns::RULES,
        blocks::RULES,
        tools::RULES,
        caching::RULES,
        thinking::RULES,
        context::RULES,
        output::RULES,
        inference::RULES,
    ];
    groups.into_iter().flatten()
}

/// Refuses what the real service refuses.
pub(in crate::simulator) fn validate(request: &MessagesCall<'_>) -> Result<(), ErrorReply> {
    let refused = rules().try_for_each(|rule| {
        (rule.check)(request).inspect_err(|_| {
            tracing::debug!(
                rule = rule.name,
                source = rule.source,
                "the simulated Claude refuses"
            );
        })
    });
    refused.map_err(|refusal| match refusal {
        MessagesRefusal::Model(message) if request.claude().is_new() => {
            ErrorReply::anthropic("invalid_request_error", message)
        }
        MessagesRefusal::Model(message) | MessagesRefusal::SimulatorService(message) => {
            ErrorReply::validation(message)
        }
    })
}

fn refuse<T>(message: impl Into<String>) -> Result<T, MessagesRefusal> {
    Err(MessagesRefusal::Model(message.into()))
}

/// A member that does not belong where it stands.
fn extra<T>(place: impl fmt::Display) -> Result<T, MessagesRefusal> {
    refuse(format!("{place}: Extra inputs are not permitted"))
}

/// A member that is missing.
fn required<T>(place: impl fmt::Display) -> Result<T, MessagesRefusal> {
    refuse(format!("{place}: Field required"))
}

/// A type that is not one of those that may stand here.
fn unknown_tag<T>(
    place: impl fmt::Display,
    kind: &str,
    expected: &[&str],
) -> Result<T, MessagesRefusal> {
    let expected: Vec<String> = expected.iter().map(|kind| format!("'{kind}'")).collect();
    refuse(format!(
        "{place}: Input tag '{kind}' found using 'type' does not match any of the expected tags: {}",
        expected.join(", ")
    ))
}

/// Refuses the first member of an object that is none of these.
fn only(value: &Value, known: &[&str], place: impl fmt::Display) -> Result<(), MessagesRefusal> {
    let mut names = value
        .as_object()
        .into_iter()
        .flat_map(|fields| fields.keys());
    match names.find(|name| !known.contains(&name.as_str())) {
        Some(name) => extra(format!("{place}.{name}")),
        None => Ok(()),
    }
}

/// A block of a message and where it stands.
#[derive(Debug, Clone, Copy)]
struct Placed<'a> {
    message: usize,
    block: usize,
    role: &'a str,
    value: &'a Value,
}

impl fmt::Display for Placed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "messages.{}.content.{}", self.message, self.block)
    }
}

impl<'a> Placed<'a> {
    fn kind(&self) -> &'a str {
        kind(self.value)
    }
}

impl<'a> MessagesCall<'a> {
    /// Every block of every message that has a list of them.
    fn blocks(&self) -> impl Iterator<Item = Placed<'a>> {
        let messages = self.messages().iter().enumerate();
        messages.flat_map(|(message, said)| {
            let blocks = list(at(said, "/content")).iter().enumerate();
            blocks.map(move |(block, value)| Placed {
                message,
                block,
                role: role(said),
                value,
            })
        })
    }

    fn tools(&self) -> &'a [Value] {
        list(at(self.body, "/tools"))
    }

    fn has_beta(&self, beta: &str) -> bool {
        let asked_for = list(at(self.body, "/anthropic_beta"));
        asked_for.iter().any(|known| known == beta)
    }

    /// The version of Anthropic's API in which sampling is gone.
    fn is_2026_10_21(&self) -> bool {
        at(self.body, "/anthropic_version") == fields::NEW_VERSION
    }
}

fn kind(value: &Value) -> &str {
    at(value, "/type").as_str().unwrap_or_default()
}

fn role(message: &Value) -> &str {
    at(message, "/role").as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_says_where_it_is_from() {
        assert!(rules().all(|rule| !rule.name.is_empty() && !rule.source.is_empty()));
    }
}

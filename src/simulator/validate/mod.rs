//! What Bedrock refuses, as a list of rules in the order in which they are tried.
//!
//! Each rule has its wording and says where the wording is from. "Recorded" means the answer of the real service;
//! "reported" means a public issue that quotes it; "Anthropic" means the wording of Claude's own API, which Bedrock
//! passes on behind "The model returned the following errors: "; "own" means that the refusal is documented but its
//! words are not known, so no client should read them. Rules look at the request alone; nothing here keeps state.

use serde_json::{Value, json};

use super::{
    ErrorReply,
    json::{at, list},
};
use crate::catalog::{Family, Model};

mod caching;
pub(super) mod documents;
mod inference;
mod messages;
pub(super) mod schemas;
mod thinking;
mod tools;

pub(super) use thinking::refusal as thinking_refusal;

/// A request and what is known of its model.
#[derive(Debug, Clone, Copy)]
pub struct CheckedRequest<'a> {
    /// The model, abilities and all.
    pub model: &'a Model,
    /// ConverseStream, not Converse.
    pub streaming: bool,
    /// The body of the request.
    pub body: &'a Value,
    /// Thinking blocks count only with a signature that this service issued.
    pub check_signatures: bool,
}

/// One reason to refuse a request.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// A short name.
    pub name: &'static str,
    /// Where the rule and its words are from.
    pub source: &'static str,
    check: fn(&CheckedRequest<'_>) -> Result<(), ErrorReply>,
}

/// All rules: form first, then the conversation, then what the model can do.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    let groups = [
        inference::FORM,
        messages::RULES,
        tools::RULES,
        schemas::RULES,
        documents::RULES,
        caching::RULES,
        thinking::RULES,
        inference::RULES,
    ];
    groups.into_iter().flatten()
}

/// Refuses what the real service refuses.
///
/// # Errors
///
/// The refusal of the first rule that the request breaks.
pub fn validate(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    rules().try_for_each(|rule| (rule.check)(asked))
}

impl<'a> CheckedRequest<'a> {
    fn is_claude(&self) -> bool {
        self.model.family == Family::Claude
    }

    /// `additionalModelRequestFields.<name>`; `Null` when absent.
    fn field(&self, name: &str) -> &'a Value {
        at(self.body, &format!("/additionalModelRequestFields/{name}"))
    }

    fn messages(&self) -> &'a [Value] {
        list(at(self.body, "/messages"))
    }

    /// Every block of every message with both positions.
    fn blocks(&self) -> impl Iterator<Item = (usize, usize, &'a Value)> {
        self.messages().iter().enumerate().flat_map(|(m, message)| {
            let blocks = list(at(message, "/content")).iter().enumerate();
            blocks.map(move |(b, block)| (m, b, block))
        })
    }

    /// The tools' specs, with their positions in the list.
    fn tools(&self) -> impl Iterator<Item = (usize, &'a Value)> {
        let tools = list(at(self.body, "/toolConfig/tools")).iter().enumerate();
        tools.filter_map(|(at, tool)| Some((at, tool.get("toolSpec")?)))
    }

    /// `thinking.type`, where thinking is asked for.
    fn thinking(&self) -> Option<&'a str> {
        at(self.field("thinking"), "/type").as_str()
    }
}

/// The role of a message.
fn role(message: &Value) -> &str {
    at(message, "/role").as_str().unwrap_or_default()
}

fn refuse<T>(message: impl Into<String>) -> Result<T, ErrorReply> {
    Err(ErrorReply::validation(message))
}

/// A refusal by the model itself, which Bedrock passes on.
fn model_refuses<T>(message: impl AsRef<str>) -> Result<T, ErrorReply> {
    let message = message.as_ref();
    refuse(format!(
        "The model returned the following errors: {message}"
    ))
}

/// A refusal by one of OpenAI's models, whose errors are JSON.
fn openai_refuses<T>(message: &str) -> Result<T, ErrorReply> {
    let error = json!({"error": {"message": message, "type": "invalid_request_error"}});
    model_refuses(error.to_string())
}

/// A member that breaks a constraint of the API's own model.
fn breaks_constraint<T>(value: &str, at: &str, constraint: &str) -> Result<T, ErrorReply> {
    refuse(format!(
        "1 validation error detected: Value '{value}' at '{at}' failed to satisfy constraint: Member must {constraint}"
    ))
}

/// Names and ids: letters, digits and some signs, at most 64.
fn check_name(value: &str, signs: &str, pattern: &str, at: &str) -> Result<(), ErrorReply> {
    let fits = |c: char| c.is_ascii_alphanumeric() || signs.contains(c);
    if value.is_empty() {
        return breaks_constraint(value, at, "have length greater than or equal to 1");
    }
    if !value.chars().all(fits) {
        let constraint = format!("satisfy regular expression pattern: {pattern}");
        return breaks_constraint(value, at, &constraint);
    }
    if value.len() > 64 {
        return breaks_constraint(value, at, "have length less than or equal to 64");
    }
    Ok(())
}

#[cfg(test)]
mod recordings;
#[cfg(test)]
mod tests;

//! OpenAI's `tool_choice`, in the forms of the chat wire and of the Responses wire.

use serde_json::Value;

use crate::conversation::ToolChoice;

use super::tools::{ToolOffer, joined, parted};
use super::{ApiError, DroppedFields};

const PARAM: &str = "tool_choice";

impl ToolOffer {
    /// The choice in the domain's terms, and the refusal of one that needs a tool that only its service runs: the choice
    /// is `Auto` then. Where it allows some of the tools alone, the others are no longer on offer: a model has no other
    /// way to keep to that. What it allows of tools that only their service runs is named in `dropped`.
    pub(super) fn choose(
        &mut self,
        choice: Option<&Value>,
        dropped: &mut DroppedFields,
    ) -> Result<(ToolChoice, Option<ApiError>), ApiError> {
        let fields = match choice {
            None | Some(Value::Null) => return Ok((ToolChoice::Auto, None)),
            Some(Value::String(word)) => return Ok((by_word(word)?, None)),
            Some(fields @ Value::Object(_)) => fields,
            Some(_) => {
                let message =
                    format!("'{PARAM}': expected a word or an object that names a function.");
                return Err(ApiError::bad_request(message, PARAM));
            }
        };
        let kind = fields.get("type").and_then(Value::as_str).unwrap_or("");
        match (kind, named(fields)) {
            ("allowed_tools", _) => {
                // The chat wire has them in an object of their own.
                let (allowed, path) = match fields.get("allowed_tools") {
                    Some(own) => (own, "tool_choice.allowed_tools"),
                    None => (fields, PARAM),
                };
                self.only(allowed, path, dropped)
            }
            ("auto" | "none" | "required" | "any", _) => Ok((by_word(kind)?, None)),
            ("function" | "tool" | "custom", Some(name)) => {
                // Without any tool there is nothing that could be forced.
                if self.tools.is_empty() {
                    return Ok((ToolChoice::Named(name), None));
                }
                let known = self.known(&name).ok_or_else(|| unknown(&name))?;
                Ok((ToolChoice::Named(known.to_owned()), None))
            }
            ("" | "function" | "tool" | "custom", None) => Err(refusal(kind)),
            (_, name) => {
                if let Some(known) = name.and_then(|name| self.known(&name)) {
                    return Ok((ToolChoice::Named(known.to_owned()), None));
                }
                dropped.add(PARAM);
                let message = format!(
                    "'{PARAM}' asks for a tool of type '{kind}', which is not run here: this gateway takes 'function' \
                     and 'custom' tools."
                );
                let refusal = ApiError::bad_request(message, PARAM);
                Ok((ToolChoice::Auto, Some(refusal)))
            }
        }
    }

    /// The tool's name in the domain: as it is, or by itself where only one namespace has it.
    fn known(&self, name: &str) -> Option<&str> {
        let names = || self.tools.iter().map(|tool| tool.name.as_str());
        let mut inside = names().filter(|known| parted(known).1 == name);
        names()
            .find(|known| *known == name)
            .or_else(|| inside.next().filter(|_| inside.next().is_none()))
    }

    /// Leaves only the tools that `allowed` names on offer.
    fn only(
        &mut self,
        allowed: &Value,
        path: &str,
        dropped: &mut DroppedFields,
    ) -> Result<(ToolChoice, Option<ApiError>), ApiError> {
        let choice = match allowed.get("mode") {
            None | Some(Value::Null) => ToolChoice::Auto,
            Some(mode) if mode == "auto" => ToolChoice::Auto,
            Some(mode) if mode == "required" => ToolChoice::Required,
            Some(_) => {
                let param = format!("{path}.mode");
                let message = format!("'{param}' must be 'auto' or 'required'.");
                return Err(ApiError::bad_request(message, param));
            }
        };
        let path = format!("{path}.tools");
        let Some(tools) = allowed.get("tools").and_then(Value::as_array) else {
            let message = format!("'{path}' must be a list of tools.");
            return Err(ApiError::bad_request(message, path));
        };
        let mut kept: Vec<String> = Vec::new();
        for (at, tool) in tools.iter().enumerate() {
            let kind = tool.get("type").and_then(Value::as_str);
            match (kind, named(tool)) {
                (Some("namespace"), Some(name)) => {
                    let names = self.tools.iter().map(|tool| tool.name.as_str());
                    let within = names.filter(|known| parted(known).0 == Some(name.as_str()));
                    let before = kept.len();
                    kept.extend(within.map(str::to_owned));
                    if kept.len() == before {
                        return Err(unknown(&name));
                    }
                }
                (Some("function" | "custom" | "tool") | None, Some(name)) => {
                    let known = self.known(&name).ok_or_else(|| unknown(&name))?;
                    kept.push(known.to_owned());
                }
                (Some(kind), name)
                    if !matches!(kind, "function" | "custom" | "tool" | "namespace") =>
                {
                    match name.and_then(|name| self.known(&name)) {
                        Some(known) => kept.push(known.to_owned()),
                        None => dropped.add(kind),
                    }
                }
                _ => {
                    let param = format!("{path}[{at}].name");
                    return Err(ApiError::missing(param));
                }
            }
        }
        self.tools.retain(|tool| kept.contains(&tool.name));
        if kept.is_empty() && choice == ToolChoice::Required {
            let message = format!("'{path}' names no tool that could be called.");
            let refusal = ApiError::bad_request(message, path);
            dropped.add(PARAM);
            return Ok((ToolChoice::Auto, Some(refusal)));
        }
        Ok((choice, None))
    }
}

fn by_word(word: &str) -> Result<ToolChoice, ApiError> {
    match word {
        "auto" => Ok(ToolChoice::Auto),
        "none" => Ok(ToolChoice::None),
        "required" | "any" => Ok(ToolChoice::Required),
        other => Err(refusal(other)),
    }
}

/// The name that an object gives: beside its type, or in an object that is called as the type.
fn named(object: &Value) -> Option<String> {
    let kind = object.get("type").and_then(Value::as_str);
    let inner = kind.into_iter().chain(["function", "custom"]);
    let mut inner = inner.filter_map(|field| object.get(field));
    let fields = inner.find(|inner| inner.is_object()).unwrap_or(object);
    let name = fields.get("name")?.as_str()?;
    let namespace = fields.get("namespace").and_then(Value::as_str);
    Some(joined(namespace, name))
}

fn unknown(name: &str) -> ApiError {
    let message = format!("'{PARAM}' names '{name}', which is not among 'tools'.");
    ApiError::bad_request(message, PARAM)
}

fn refusal(found: &str) -> ApiError {
    let message = format!(
        "'{PARAM}' is '{found}'; it must be 'auto', 'none', 'required', or an object that names a tool or the allowed tools."
    );
    ApiError::bad_request(message, PARAM)
}

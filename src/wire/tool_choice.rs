//! OpenAI's `tool_choice`, in the forms of the chat wire and of the Responses wire.

use serde_json::Value;

use crate::conversation::ToolChoice;

use super::tools::{Offer, joined, parted};
use super::{ApiError, LeftOut};

const PARAM: &str = "tool_choice";

impl Offer {
    /// The choice in the domain's terms. Where it allows some of the tools alone, the others are no longer on offer: a
    /// model has no other way to keep to that. What it allows of tools that only their service runs is named in
    /// `left_out`.
    pub(crate) fn choose(
        &mut self,
        choice: Option<&Value>,
        left_out: &mut LeftOut,
    ) -> Result<ToolChoice, ApiError> {
        match choice {
            None | Some(Value::Null) => Ok(ToolChoice::Auto),
            Some(Value::String(word)) => self.by_word(word, None),
            Some(Value::Object(fields)) => {
                let kind = fields.get("type").and_then(Value::as_str).unwrap_or("");
                match kind {
                    "allowed_tools" => {
                        // The chat wire has them in an object of their own.
                        let own = choice.and_then(|choice| choice.get("allowed_tools"));
                        let path = if own.is_some() {
                            "tool_choice.allowed_tools"
                        } else {
                            PARAM
                        };
                        self.only(own.or(choice).unwrap_or(&Value::Null), path, left_out)
                    }
                    _ => self.by_word(kind, choice.and_then(named)),
                }
            }
            Some(_) => {
                let message =
                    format!("'{PARAM}': expected a word or an object that names a function.");
                Err(ApiError::bad_request(message, PARAM))
            }
        }
    }

    fn by_word(&self, word: &str, named: Option<String>) -> Result<ToolChoice, ApiError> {
        match (word, named) {
            ("auto", _) => Ok(ToolChoice::Auto),
            ("none", _) => Ok(ToolChoice::None),
            ("required" | "any", _) => Ok(ToolChoice::Required),
            ("function" | "tool" | "custom", Some(name)) => {
                // Without any tool there is nothing that could be forced.
                if self.tools.is_empty() {
                    return Ok(ToolChoice::Named(name));
                }
                let known = self.known(&name).ok_or_else(|| unknown(&name))?;
                Ok(ToolChoice::Named(known.to_owned()))
            }
            (other, _) => refuse(&format!("'{other}'")),
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
        left_out: &mut LeftOut,
    ) -> Result<ToolChoice, ApiError> {
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
                (Some(kind), _)
                    if !matches!(kind, "function" | "custom" | "tool" | "namespace") =>
                {
                    left_out.add(kind);
                }
                _ => {
                    let param = format!("{path}[{at}].name");
                    let message = format!("Missing required parameter: '{param}'.");
                    return Err(ApiError::bad_request(message, param));
                }
            }
        }
        if kept.is_empty() && choice == ToolChoice::Required {
            let message = format!("'{path}' names no tool that could be called.");
            return Err(ApiError::bad_request(message, path));
        }
        self.tools.retain(|tool| kept.contains(&tool.name));
        Ok(choice)
    }
}

/// The name that an object gives: beside its type, or in an object that is called as the type.
fn named(object: &Value) -> Option<String> {
    let inner = ["function", "custom"]
        .into_iter()
        .find_map(|field| object.get(field));
    let fields = inner.filter(|inner| inner.is_object()).unwrap_or(object);
    let name = fields.get("name")?.as_str()?;
    let namespace = fields.get("namespace").and_then(Value::as_str);
    Some(joined(namespace, name))
}

fn unknown(name: &str) -> ApiError {
    let message = format!("'{PARAM}' names '{name}', which is not among 'tools'.");
    ApiError::bad_request(message, PARAM)
}

fn refuse(found: &str) -> Result<ToolChoice, ApiError> {
    let message = format!(
        "'{PARAM}' is {found}; it must be 'auto', 'none', 'required', or an object that names a tool or the allowed tools."
    );
    Err(ApiError::bad_request(message, PARAM))
}

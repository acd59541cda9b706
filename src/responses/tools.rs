//! `tools` and `tool_choice`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::conversation::{Tool, ToolChoice};
use crate::wire::limits::{self, MOST_TOOLS};
use crate::wire::{ApiError, List};

/// Stands between a namespace and a name: no name of OpenAI's may hold it.
const SEPARATOR: &str = "::";

/// What a free-form tool's one argument is called.
pub(super) const FREE_FORM: &str = "input";

/// A tool of any type.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a tool (an object)")]
pub(super) struct WireTool {
    r#type: String,
    #[serde(default)]
    name: String,
    description: Option<String>,
    parameters: Option<Value>,
    strict: Option<bool>,
    /// What a free-form tool's text must look like.
    format: Option<Value>,
    /// A namespace's own.
    tools: Option<List<WireTool, MOST_TOOLS>>,
}

/// `tool_choice`: a word or an object.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a word or an object that names a tool")]
pub(super) enum WireChoice {
    Word(String),
    Object {
        r#type: String,
        name: Option<String>,
    },
}

/// What the model may call.
#[derive(Debug, Default)]
pub(super) struct Offer {
    pub(super) tools: Vec<Tool>,
    /// The names of those that take free text.
    pub(super) free_form: Vec<String>,
}

/// A name as the domain has it.
pub(super) fn joined(namespace: Option<&str>, name: &str) -> String {
    match namespace.filter(|namespace| !namespace.is_empty()) {
        Some(namespace) => format!("{namespace}{SEPARATOR}{name}"),
        None => name.to_owned(),
    }
}

/// The namespace and the name in a name of the domain's.
pub(super) fn parted(name: &str) -> (Option<&str>, &str) {
    match name.split_once(SEPARATOR) {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, name),
    }
}

impl Offer {
    /// The tools in the client's order, without those that only OpenAI's service runs.
    pub(super) fn of(tools: Vec<WireTool>) -> Result<Self, ApiError> {
        let mut offer = Self::default();
        for (at, tool) in tools.into_iter().enumerate() {
            offer.add(tool, None, &format!("tools[{at}]"))?;
        }
        // Namespaces have more of them than the list itself.
        let count = offer.tools.len();
        if count > MOST_TOOLS {
            return Err(limits::refusal("tools", "tools", count, MOST_TOOLS));
        }
        Ok(offer)
    }

    fn add(&mut self, tool: WireTool, namespace: Option<&str>, path: &str) -> Result<(), ApiError> {
        let kind = tool.r#type.as_str();
        if !matches!(kind, "function" | "custom" | "namespace") {
            tracing::info!(kind, "a tool that Bedrock cannot run was left out");
            return Ok(());
        }
        if tool.name.is_empty() {
            let param = format!("{path}.name");
            let message = format!("Missing required parameter: '{param}'.");
            return Err(ApiError::bad_request(message, param));
        }
        if kind == "namespace" {
            for (at, inner) in tool.tools.unwrap_or_default().0.into_iter().enumerate() {
                self.add(inner, Some(&tool.name), &format!("{path}.tools[{at}]"))?;
            }
            return Ok(());
        }
        let name = joined(namespace, &tool.name);
        let mut description = tool.description.unwrap_or_default();
        let schema = if kind == "custom" {
            self.free_form.push(name.clone());
            // A grammar cannot be enforced on Bedrock, so the model is told of it.
            if let Some(grammar) = tool
                .format
                .as_ref()
                .and_then(|format| format.get("definition"))
            {
                description.push_str("\nThe input must follow this grammar:\n");
                description.push_str(grammar.as_str().unwrap_or_default());
            }
            json!({"type": "object", "properties": {FREE_FORM: {"type": "string"}}, "required": [FREE_FORM]})
        } else {
            let schema = tool.parameters.filter(|schema| !schema.is_null());
            schema.unwrap_or_else(|| json!({"type": "object", "properties": {}}))
        };
        self.tools.push(Tool {
            name,
            description,
            schema: Arc::new(schema),
            strict: tool.strict.unwrap_or(false),
            cache: None,
        });
        Ok(())
    }

    /// The choice in the domain's terms.
    pub(super) fn choice(&self, choice: Option<WireChoice>) -> Result<ToolChoice, ApiError> {
        let (word, name) = match choice {
            None => return Ok(ToolChoice::Auto),
            Some(WireChoice::Word(word)) => (word, None),
            Some(WireChoice::Object { r#type, name }) => (r#type, name),
        };
        match (word.as_str(), name) {
            ("auto" | "allowed_tools", _) => Ok(ToolChoice::Auto),
            ("none", _) => Ok(ToolChoice::None),
            ("required", _) => Ok(ToolChoice::Required),
            ("function" | "custom", Some(name)) => {
                if self.tools.iter().any(|tool| tool.name == name) {
                    return Ok(ToolChoice::Named(name));
                }
                let message = format!("'tool_choice' names '{name}', which is not among 'tools'.");
                Err(ApiError::bad_request(message, "tool_choice"))
            }
            (other, _) => {
                let message = format!(
                    "'tool_choice' is '{other}'; it must be 'auto', 'none', 'required' or \
                     {{\"type\": \"function\", \"name\": …}}."
                );
                Err(ApiError::bad_request(message, "tool_choice"))
            }
        }
    }
}

//! `tools` and `tool_choice`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::conversation::{Tool, ToolChoice};
use crate::wire::{ApiError, CacheControl};

/// A tool, in OpenAI's form (`{"type": "function", "function": {…}}`) or in Anthropic's (`{"name", "input_schema"}`).
#[derive(Debug, Deserialize)]
#[serde(expecting = "a tool (an object)")]
pub(super) struct WireTool {
    r#type: Option<String>,
    function: Option<Function>,
    name: Option<String>,
    description: Option<String>,
    input_schema: Option<Value>,
    strict: Option<bool>,
    cache_control: Option<CacheControl>,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "a function (an object)")]
struct Function {
    name: String,
    description: Option<String>,
    parameters: Option<Value>,
    strict: Option<bool>,
    cache_control: Option<CacheControl>,
}

/// `tool_choice`: a word or an object.
#[derive(Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a word or an object that names a function"
)]
pub(super) enum WireChoice {
    Word(String),
    Object {
        r#type: Option<String>,
        function: Option<Named>,
        name: Option<String>,
    },
}

#[derive(Debug, Deserialize)]
pub(super) struct Named {
    name: String,
}

/// The tools in the domain's terms, in the client's order.
pub(super) fn offered(tools: Vec<WireTool>) -> Result<Vec<Tool>, ApiError> {
    tools
        .into_iter()
        .enumerate()
        .map(|(index, tool)| tool.into_tool(&format!("tools[{index}]")))
        .collect()
}

impl WireTool {
    fn into_tool(self, path: &str) -> Result<Tool, ApiError> {
        let mark = self.cache_control.as_ref().map(CacheControl::ttl);
        let inner = self.function.as_ref().and_then(|function| function.strict);
        let strict = inner.or(self.strict).unwrap_or(false);
        let (name, description, schema, mark) = match (self.function, self.name) {
            (Some(function), _) => {
                let inner = function.cache_control.as_ref().map(CacheControl::ttl);
                (
                    function.name,
                    function.description,
                    function.parameters,
                    mark.or(inner),
                )
            }
            (None, Some(name)) if self.input_schema.is_some() => {
                (name, self.description, self.input_schema, mark)
            }
            _ => {
                let kind = self.r#type.unwrap_or_default();
                let message = format!(
                    "'{path}' is a tool of type '{kind}'; this gateway takes 'function' tools."
                );
                return Err(ApiError::bad_request(message, path));
            }
        };
        if name.is_empty() {
            let param = format!("{path}.function.name");
            return Err(ApiError::bad_request(format!("'{param}' is empty."), param));
        }
        let schema = schema.filter(|schema| !schema.is_null());
        let schema = schema.unwrap_or_else(|| json!({"type": "object", "properties": {}}));
        Ok(Tool {
            name,
            description: description.unwrap_or_default(),
            schema: Arc::new(schema),
            strict,
            cache: mark,
        })
    }
}

/// The choice in the domain's terms.
pub(super) fn choice(choice: WireChoice) -> Result<ToolChoice, ApiError> {
    let refuse = |found: &str| {
        let message = format!(
            "'tool_choice' is {found}; it must be 'auto', 'none', 'required' or \
             {{\"type\": \"function\", \"function\": {{\"name\": …}}}}."
        );
        Err(ApiError::bad_request(message, "tool_choice"))
    };
    let (word, name) = match choice {
        WireChoice::Word(word) => (word, None),
        WireChoice::Object {
            r#type,
            function,
            name,
        } => (
            r#type.unwrap_or_default(),
            function.map(|function| function.name).or(name),
        ),
    };
    match (word.as_str(), name) {
        ("function" | "tool", Some(name)) => Ok(ToolChoice::Named(name)),
        ("auto", _) => Ok(ToolChoice::Auto),
        ("none", _) => Ok(ToolChoice::None),
        ("required" | "any", _) => Ok(ToolChoice::Required),
        (other, _) => refuse(&format!("'{other}'")),
    }
}

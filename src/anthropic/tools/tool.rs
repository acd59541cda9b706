//! One tool as it came.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::MapAccess;
use serde_json::{Map, Value, json};

use crate::conversation::Tool;
use crate::wire::loose::{Form, object};
use crate::wire::{ApiError, CacheControl, Loose, SettingsObject};

use super::super::content::native;

/// A tool: the client's own, or one that Anthropic's service defines or runs.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a tool (an object)")]
pub(in crate::anthropic) struct AnthropicTool {
    // A tool of an unknown kind may have these in any form.
    #[serde(default)]
    pub(super) r#type: Loose<String>,
    #[serde(default)]
    pub(super) name: Loose<String>,
    #[serde(default)]
    description: Loose<String>,
    /// Other APIs' names for it are read as well.
    input_schema: Option<Value>,
    parameters: Option<Value>,
    #[serde(rename = "inputSchema")]
    mcp_schema: Option<Value>,
    /// What OpenAI's chat API wraps a tool in.
    #[serde(default)]
    function: Loose<WireFunction>,
    #[serde(default)]
    strict: Loose<bool>,
    /// Whether the arguments are to come while they are written, unchecked.
    #[serde(default)]
    eager_input_streaming: Loose<bool>,
    #[serde(default)]
    cache_control: Loose<CacheControl>,
}

/// A tool with the fields that only Claude's own format has.
pub(in crate::anthropic) type WrittenTool = SettingsObject<AnthropicTool>;

/// A tool in the form of OpenAI's chat API.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WireFunction {
    name: Loose<String>,
    description: Loose<String>,
    parameters: Option<Value>,
    strict: Loose<bool>,
}

impl Form for WireFunction {
    const EXPECTED: &'static str = "a function (an object)";

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        object(fields)
    }
}

impl AnthropicTool {
    /// The tool in Anthropic's own form.
    pub(super) fn unwrapped(self) -> Self {
        let function = self.function.given().unwrap_or_default();
        let or = |own: Loose<String>, inner| match own {
            Loose::Missing => inner,
            own => own,
        };
        let schemas = [
            self.input_schema,
            self.parameters,
            self.mcp_schema,
            function.parameters,
        ];
        Self {
            name: or(self.name, function.name),
            description: or(self.description, function.description),
            input_schema: schemas
                .into_iter()
                .flatten()
                .find(|schema| !schema.is_null()),
            parameters: None,
            mcp_schema: None,
            function: Loose::Missing,
            strict: match self.strict {
                Loose::Missing => function.strict,
                own => own,
            },
            ..self
        }
    }

    /// Whether its arguments are to come in one checked piece.
    pub(super) fn is_buffered(&self) -> bool {
        self.eager_input_streaming.as_given() == Some(&false)
    }

    /// Whether it says all that a tool which the client runs has to say.
    pub(super) fn is_client_s(&self) -> bool {
        let name = self.name.as_given();
        let has_schema = self.input_schema.as_ref().is_some_and(Value::is_object);
        has_schema && name.is_some_and(|name| !name.is_empty())
    }

    /// A tool of a type by which Claude, or the service behind it, knows what it is.
    pub(super) fn into_native(
        self,
        kind: String,
        fields: Map<String, Value>,
        path: &str,
    ) -> Result<Tool, ApiError> {
        let mut fields = fields;
        let description = self.description.given();
        fields.extend(description.map(|text| ("description".to_owned(), text.into())));
        let schema = self.input_schema;
        fields.extend(schema.map(|schema| ("input_schema".to_owned(), schema)));
        Ok(Tool {
            name: named(self.name, path)?,
            description: String::new(),
            schema: Arc::new(json!({"type": "object"})),
            strict: false,
            cache: self.cache_control.given().map(|control| control.ttl()),
            kind: Some(kind),
            native: native(fields),
        })
    }

    /// A tool that the client runs.
    pub(super) fn into_tool(
        self,
        mut fields: Map<String, Value>,
        path: &str,
    ) -> Result<Tool, ApiError> {
        // Builds of Claude Code wrote what is deferred so.
        if let Some(Value::Object(wrapper)) = fields.shift_remove("custom")
            && let Some(deferred) = wrapper.get("defer_loading")
        {
            fields.insert("defer_loading".to_owned(), deferred.clone());
        }
        let name = named(self.name, path)?;
        let schema = self
            .input_schema
            .unwrap_or_else(|| json!({"type": "object", "properties": {}}));
        Ok(Tool {
            name,
            description: self
                .description
                .optional(path, "description")?
                .unwrap_or_default(),
            schema: Arc::new(schema),
            strict: self.strict.optional(path, "strict")?.unwrap_or(false),
            cache: self
                .cache_control
                .optional(path, "cache_control")?
                .map(|control| control.ttl()),
            kind: None,
            native: native(fields),
        })
    }
}

/// The name of the tool at `path`, which it must have.
fn named(name: Loose<String>, path: &str) -> Result<String, ApiError> {
    let name = name.required(path, "name")?;
    if name.is_empty() {
        return Loose::Missing.required(path, "name");
    }
    Ok(name)
}

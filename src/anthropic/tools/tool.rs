//! One tool as it came.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::MapAccess;
use serde_json::{Map, Value, json};

use crate::conversation::Tool;
use crate::wire::loose::{Form, object};
use crate::wire::{ApiError, CacheControl, Loose};

/// A tool: the client's own, or one that Anthropic's service defines or runs.
#[derive(Debug, Deserialize)]
#[serde(expecting = "a tool (an object)")]
pub(in crate::anthropic) struct WireTool {
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
    pub(super) eager_input_streaming: Loose<bool>,
    #[serde(default)]
    cache_control: Loose<CacheControl>,
    // What the definitions take that Claude has learned.
    display_width_px: Option<Value>,
    display_height_px: Option<Value>,
    display_number: Option<Value>,
    enable_zoom: Option<Value>,
    max_characters: Option<Value>,
}

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

impl WireTool {
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

    /// Whether it says all that a tool which the client runs has to say.
    pub(super) fn is_client_s(&self) -> bool {
        let name = self.name.as_given();
        let has_schema = self.input_schema.as_ref().is_some_and(Value::is_object);
        has_schema && name.is_some_and(|name| !name.is_empty())
    }

    /// The definition in Claude's own form. Its mark for the cache is left out: the planner's stand after all tools.
    pub(super) fn into_definition(self, path: &str) -> Result<Value, ApiError> {
        let name = named(self.name, path)?;
        let mut fields = Map::new();
        fields.insert("type".to_owned(), self.r#type.given().into());
        fields.insert("name".to_owned(), name.into());
        let further = [
            ("display_width_px", self.display_width_px),
            ("display_height_px", self.display_height_px),
            ("display_number", self.display_number),
            ("enable_zoom", self.enable_zoom),
            ("max_characters", self.max_characters),
        ];
        for (name, value) in further {
            fields.extend(value.map(|value| (name.to_owned(), value)));
        }
        Ok(Value::Object(fields))
    }

    pub(super) fn into_tool(self, path: &str) -> Result<Tool, ApiError> {
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

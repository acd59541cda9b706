//! One of OpenAI's tools as it came. The chat wire and the Responses wire write it in forms that clients mix: with the
//! tool's fields in an object of their own or beside its type, and with Anthropic's name for the schema.

use std::sync::Arc;

use serde::de::MapAccess;
use serde_json::{Value, json};

use crate::conversation::Tool;

use super::limits::MOST_TOOLS;
use super::loose::{Form, misread};
use super::{ApiError, CacheControl, List, Loose, free_form};

/// A tool of any type. What an unknown type has under one of these names is read whatever it is.
#[derive(Debug, Default)]
pub(crate) struct WireTool {
    r#type: Loose<String>,
    /// A function's fields, where they do not stand beside its type.
    function: Loose<Box<WireTool>>,
    /// A custom tool's.
    custom: Loose<Box<WireTool>>,
    pub(super) name: Loose<String>,
    description: Loose<String>,
    parameters: Option<Value>,
    input_schema: Option<Value>,
    strict: Loose<bool>,
    /// What a custom tool's text must look like.
    format: Option<Value>,
    cache_control: Loose<CacheControl>,
    /// A namespace's own.
    pub(super) tools: Loose<List<Loose<WireTool>, MOST_TOOLS>>,
}

impl Form for WireTool {
    const EXPECTED: &'static str = "a tool (an object)";

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        let mut tool = Self::default();
        // Functions under the names that are not the gateway's: the tool's type may be among them, and follow later.
        let mut others: Vec<(String, Box<Self>)> = Vec::new();
        while let Some(field) = fields.next_key::<String>()? {
            match field.as_str() {
                "type" => tool.r#type = fields.next_value()?,
                "function" => tool.function = fields.next_value()?,
                "custom" => tool.custom = fields.next_value()?,
                "name" => tool.name = fields.next_value()?,
                "description" => tool.description = fields.next_value()?,
                "parameters" => tool.parameters = fields.next_value()?,
                "input_schema" => tool.input_schema = fields.next_value()?,
                "strict" => tool.strict = fields.next_value()?,
                "format" => tool.format = fields.next_value()?,
                "cache_control" => tool.cache_control = fields.next_value()?,
                "tools" => tool.tools = fields.next_value()?,
                _ => {
                    let inner: Loose<Box<Self>> = fields.next_value()?;
                    let inner = inner.given().filter(|inner| inner.is_function());
                    others.extend(inner.map(|inner| (field, inner)));
                }
            }
        }
        if let (Loose::Given(kind), Loose::Missing) = (&tool.r#type, &tool.function) {
            let own = others.into_iter().find(|(field, _)| field == kind);
            tool.function = own.map_or(Loose::Missing, |(_, inner)| Loose::Given(inner));
        }
        Ok(Some(tool))
    }
}

impl Form for Box<WireTool> {
    const EXPECTED: &'static str = "a tool's fields (an object)";

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        let tool = WireTool::of_object(fields)?;
        Ok(tool.map(Box::new))
    }
}

impl WireTool {
    /// Whether this is what a client's own function has: a name and a schema.
    fn is_function(&self) -> bool {
        let schemas = [&self.parameters, &self.input_schema];
        let has_schema = schemas
            .iter()
            .any(|schema| schema.as_ref().is_some_and(Value::is_object));
        has_schema && self.name.as_given().is_some_and(|name| !name.is_empty())
    }

    /// `function`, `custom`, `namespace`, or what only its service knows. An unknown type is `function`
    /// where the tool has all that a function has.
    pub(super) fn kind(&self, path: &str) -> Result<String, ApiError> {
        let has_schema = self.parameters.is_some() || self.input_schema.is_some();
        Ok(match &self.r#type {
            // Anthropic calls a client's own tools so.
            Loose::Given(kind) if kind == "custom" && has_schema => "function".to_owned(),
            Loose::Given(kind) if matches!(kind.as_str(), "function" | "custom" | "namespace") => {
                kind.clone()
            }
            Loose::Given(kind) => {
                let inner = self.function.as_given();
                let is_function =
                    self.is_function() || inner.is_some_and(|inner| inner.is_function());
                if is_function { "function" } else { kind }.to_owned()
            }
            Loose::Missing if has_schema || self.function.as_given().is_some() => {
                "function".to_owned()
            }
            Loose::Missing if self.custom.as_given().is_some() => "custom".to_owned(),
            Loose::Missing => return Err(missing(path, "type")),
            Loose::Other(found) => {
                return Err(misread::<String>(found, format!("{path}.type")));
            }
        })
    }

    pub(super) fn into_tool(mut self, is_custom: bool, path: &str) -> Result<Tool, ApiError> {
        let (field, inner) = if is_custom {
            ("custom", std::mem::take(&mut self.custom))
        } else {
            ("function", std::mem::take(&mut self.function))
        };
        let (own, outer, path) = match inner.optional(path, field)? {
            Some(inner) => (*inner, self, format!("{path}.{field}")),
            None => (self, Self::default(), path.to_owned()),
        };
        let description = own.description.optional(&path, "description")?;
        let description = description.or(outer.description.given());
        let description = description.unwrap_or_default();
        let schema = [
            own.parameters,
            own.input_schema,
            outer.parameters,
            outer.input_schema,
        ];
        let schema = schema
            .into_iter()
            .flatten()
            .find(|schema| !schema.is_null());
        let strict = own.strict.optional(&path, "strict")?;
        let control = own.cache_control.optional(&path, "cache_control")?;
        let control = outer.cache_control.given().or(control);
        let name = own.name.required(&path, "name")?;
        if name.is_empty() {
            let param = format!("{path}.name");
            return Err(ApiError::bad_request(format!("'{param}' is empty."), param));
        }
        Ok(Tool {
            name,
            description: if is_custom {
                free_form::described(description, own.format.or(outer.format).as_ref())
            } else {
                description
            },
            schema: Arc::new(if is_custom {
                free_form::schema()
            } else {
                schema.unwrap_or_else(|| json!({"type": "object", "properties": {}}))
            }),
            strict: strict.or(outer.strict.given()).unwrap_or(false),
            cache: control.as_ref().map(CacheControl::ttl),
            kind: None,
            native: None,
        })
    }
}

fn missing(path: &str, field: &str) -> ApiError {
    let param = format!("{path}.{field}");
    ApiError::missing(param)
}

//! `response_format`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::conversation::{AnswerFormat, AnswerSchema};
use crate::wire::ApiError;

/// `{"type": "json_schema", "json_schema": {"name", "schema"}}`, `{"type": "json_object"}` or `{"type": "text"}`.
/// LiteLLM's older form with `response_schema` beside the type is taken too.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object such as {\"type\": \"json_object\"}")]
pub(crate) struct ResponseFormat {
    r#type: String,
    json_schema: Option<JsonSchema>,
    response_schema: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "an object with `schema`")]
struct JsonSchema {
    name: Option<String>,
    description: Option<String>,
    schema: Option<Value>,
}

impl ResponseFormat {
    /// The form by its pieces: the Responses wire has them side by side.
    pub(crate) fn new(
        r#type: String,
        name: Option<String>,
        description: Option<String>,
        schema: Option<Value>,
    ) -> Self {
        Self {
            r#type,
            json_schema: Some(JsonSchema {
                name,
                description,
                schema,
            }),
            response_schema: None,
        }
    }
}

/// The form in the domain's terms.
pub(crate) fn wanted(format: Option<ResponseFormat>) -> Result<AnswerFormat, ApiError> {
    let Some(format) = format else {
        return Ok(AnswerFormat::Text);
    };
    let schema = |schema: Value, name: Option<String>, description: Option<String>, param: &str| {
        if !schema.is_object() {
            let message = format!("'{param}' must be a JSON schema (an object).");
            return Err(ApiError::bad_request(message, param));
        }
        Ok(AnswerFormat::Schema(AnswerSchema {
            name: name.unwrap_or_default(),
            description: description.unwrap_or_default(),
            schema: Arc::new(schema),
        }))
    };
    match (
        format.r#type.as_str(),
        format.json_schema,
        format.response_schema,
    ) {
        ("text", ..) => Ok(AnswerFormat::Text),
        (
            "json_schema",
            Some(JsonSchema {
                name,
                description,
                schema: Some(value),
            }),
            _,
        ) => schema(
            value,
            name,
            description,
            "response_format.json_schema.schema",
        ),
        ("json_object" | "json_schema", _, Some(value)) => {
            schema(value, None, None, "response_format.response_schema")
        }
        ("json_object", ..) => Ok(AnswerFormat::Json),
        ("json_schema", ..) => {
            let param = "response_format.json_schema.schema";
            Err(ApiError::missing(param))
        }
        (other, ..) => {
            let message = format!(
                "'response_format.type' is '{other}'; it must be 'text', 'json_object' or 'json_schema'."
            );
            Err(ApiError::bad_request(message, "response_format.type"))
        }
    }
}

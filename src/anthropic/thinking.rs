//! `thinking`, and what `output_config` says of effort and form.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::conversation::{AnswerFormat, AnswerSchema, Effort, Thinking};
use crate::wire::{ApiError, DroppedFields, Loose, SettingsObject, effort, numbers};

/// `thinking`.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object such as {\"type\": \"adaptive\"}")]
pub(super) struct MessagesThinking {
    r#type: String,
    #[serde(default, deserialize_with = "numbers::count")]
    budget_tokens: Option<u32>,
    /// `summarized` is what the gateway asks for; another wish is left out.
    #[serde(default)]
    display: Loose<String>,
}

/// `output_config`.
#[derive(Debug, Default, Deserialize)]
#[serde(expecting = "an object")]
pub(super) struct MessagesOutputConfig {
    effort: Option<String>,
    format: Option<SettingsObject<WireFormat>>,
}

/// `output_config.format`, or `output_format` as the beta had it.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object such as {\"type\": \"json_schema\", \"schema\": …}")]
pub(super) struct WireFormat {
    r#type: String,
    schema: Option<Value>,
}

/// Whether and how to think, and the effort that the whole answer is worth. What only Claude's own format has of it is
/// added to `fields`, and named in `lost` where that is lost elsewhere.
pub(super) fn wish(
    thinking: Option<SettingsObject<MessagesThinking>>,
    output: &MessagesOutputConfig,
    fields: &mut Map<String, Value>,
    lost: &mut DroppedFields,
) -> Result<(Option<Thinking>, Option<Effort>), ApiError> {
    let effort = match output.effort.as_deref() {
        Some(word) => effort(word, "output_config.effort")?,
        None => None,
    };
    let Some(thinking) = thinking else {
        return Ok((None, effort));
    };
    let (thinking, mut written) = thinking.parted("thinking", lost);
    written.insert("type".to_owned(), thinking.r#type.clone().into());
    let display = thinking.display.as_given().cloned();
    written.extend(display.map(|display| ("display".to_owned(), display.into())));
    fields.insert("thinking".to_owned(), written.into());
    let is_what_happens = match &thinking.display {
        Loose::Missing => true,
        Loose::Given(display) => display == "summarized",
        Loose::Other(_) => false,
    };
    if !is_what_happens {
        lost.add("thinking.display");
    }
    match (thinking.r#type.as_str(), thinking.budget_tokens) {
        ("enabled", Some(budget)) => Ok((Some(Thinking::Budget(budget)), effort)),
        ("adaptive", _) => Ok((Some(Thinking::Adaptive(effort)), None)),
        ("disabled", _) => Ok((Some(Thinking::Off), effort)),
        ("enabled", None) => {
            let param = "thinking.budget_tokens";
            Err(ApiError::missing(param))
        }
        (other, _) => {
            let message = format!(
                "'thinking.type' is '{other}'; it must be 'enabled', 'adaptive' or 'disabled'."
            );
            Err(ApiError::bad_request(message, "thinking.type"))
        }
    }
}

/// What the answer must look like.
pub(super) fn format(
    output: MessagesOutputConfig,
    beta: Option<SettingsObject<WireFormat>>,
    dropped: &mut DroppedFields,
) -> Result<AnswerFormat, ApiError> {
    let (format, path) = match (output.format, beta) {
        (Some(format), _) => (format, "output_config.format"),
        (None, Some(format)) => (format, "output_format"),
        (None, None) => return Ok(AnswerFormat::Text),
    };
    let format = format.known(path, dropped);
    if format.r#type != "json_schema" {
        let param = format!("{path}.type");
        let message = format!(
            "'{param}' is '{}'; it must be 'json_schema'.",
            format.r#type
        );
        return Err(ApiError::bad_request(message, param));
    }
    match format.schema {
        Some(schema @ Value::Object(_)) => Ok(AnswerFormat::Schema(AnswerSchema {
            name: String::new(),
            description: String::new(),
            schema: Arc::new(schema),
        })),
        _ => {
            let param = format!("{path}.schema");
            let message = format!("'{param}' must be a JSON schema (an object).");
            Err(ApiError::bad_request(message, param))
        }
    }
}

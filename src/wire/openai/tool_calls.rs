//! Calls of tools as both of OpenAI's wires write them in a conversation.

use serde::Deserialize;
use serde::de::MapAccess;
use serde_json::Value;

use crate::conversation::{Part, ToolCall};
use crate::wire::limits::MOST_PARTS;
use crate::wire::loose::{Form, object};
use crate::wire::{ApiError, Arguments, CacheControl, DroppedFields, List, Loose, free_form};

/// A call of a function or of a custom tool; what an unknown type has is read whatever it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default, expecting = "a tool call (an object)")]
pub(crate) struct WireToolCall {
    id: Loose<String>,
    r#type: Loose<String>,
    function: Loose<CalledFunction>,
    custom: Loose<CalledFunction>,
    cache_control: Loose<CacheControl>,
}

impl Form for WireToolCall {
    const EXPECTED: &'static str = "a tool call (an object)";

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        object(fields)
    }
}

/// What is called: a function with arguments, or a custom tool with its text.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct CalledFunction {
    pub(crate) name: Loose<String>,
    pub(crate) arguments: Value,
    input: Value,
}

impl Form for CalledFunction {
    const EXPECTED: &'static str = "a call (an object)";

    fn of_object<'de, A: MapAccess<'de>>(fields: &mut A) -> Result<Option<Self>, A::Error> {
        object(fields)
    }
}

/// The parts that `tool_calls` of the message at `path` are. What is no call is left out.
pub(crate) fn all_calls(
    calls: Loose<List<Loose<WireToolCall>, MOST_PARTS>>,
    path: &str,
    arguments: &mut Arguments,
    dropped: &mut DroppedFields,
) -> Result<Vec<Part>, ApiError> {
    const FIELD: &str = "tool_calls";
    let calls = calls.or_dropped(FIELD, dropped).unwrap_or_default();
    let mut parts = Vec::new();
    for (index, call) in calls.0.into_iter().enumerate() {
        let path = format!("{path}.{FIELD}[{index}]");
        match call {
            Loose::Given(call) => parts.extend(call.into_parts(&path, arguments, dropped)?),
            Loose::Missing | Loose::Other(_) => dropped.add(FIELD),
        }
    }
    Ok(parts)
}

impl WireToolCall {
    /// The calls that this one is, with its cache mark behind them; for an unknown type, a note.
    pub(crate) fn into_parts(
        self,
        path: &str,
        arguments: &mut Arguments,
        dropped: &mut DroppedFields,
    ) -> Result<Vec<Part>, ApiError> {
        let is_custom = self.function.as_given().is_none()
            && (self.custom.as_given().is_some()
                || self.r#type.as_given().is_some_and(|kind| kind == "custom"));
        let mut parts = match &self.r#type {
            Loose::Given(kind)
                if !is_custom && kind != "function" && self.function.as_given().is_none() =>
            {
                vec![dropped.note(kind)]
            }
            _ => {
                let id = self.id.filled(path, "id")?;
                let (field, called) = if is_custom {
                    ("custom", self.custom)
                } else {
                    ("function", self.function)
                };
                let called = called.optional(path, field)?.unwrap_or_default();
                let path = format!("{path}.{field}");
                let name = called.name.filled(&path, "name")?;
                let inputs = if is_custom {
                    vec![free_form::arguments(&free_form::written(called.input))]
                } else {
                    arguments.read(called.arguments, &format!("{path}.arguments"))?
                };
                calls(&id, &name, inputs)
            }
        };
        let mark = self.cache_control.optional(path, "cache_control")?;
        parts.extend(mark.map(|control| Part::CacheMark(control.ttl())));
        Ok(parts)
    }
}

/// Calls of one name under one id.
pub(crate) fn calls(id: &str, name: &str, inputs: Vec<Value>) -> Vec<Part> {
    let calls = inputs.into_iter().map(|input| {
        Part::ToolCall(ToolCall {
            id: id.to_owned(),
            name: name.to_owned(),
            input,
            native: None,
        })
    });
    calls.collect()
}

//! The arguments of a tool call that a client sends back.

use serde_json::{Map, Value};

use crate::json;

use super::limits::{self, MOST_FREE_VALUES};
use super::{ApiError, surrogates};

/// Most calls that one text becomes. Each has the call's id and name, whatever their length.
const MOST_CALLS_OF_ONE: usize = 8;

/// Reads the arguments of all calls of a request, which together may hold so much.
#[derive(Debug, Default)]
pub(crate) struct Arguments {
    /// JSON values so far.
    values: usize,
}

impl Arguments {
    /// The arguments as the objects that Bedrock wants, a call for each: a model that writes `{"a":1}{"b":2}` meant two
    /// calls. The client knows one and answers one; the planner says of the others that they were not carried out.
    /// Broken JSON comes back to the model as `{}`: it wrote that itself, and refusing would end the conversation.
    /// `path` names the call in errors.
    pub(crate) fn read(&mut self, arguments: Value, path: &str) -> Result<Vec<Value>, ApiError> {
        let mut objects = match arguments {
            Value::String(text) => {
                self.count(&text, path)?;
                surrogates::objects(text.as_bytes(), MOST_CALLS_OF_ONE)
            }
            // Counted with the body.
            object @ Value::Object(_) => vec![object],
            _ => Vec::new(),
        };
        if objects.is_empty() {
            objects.push(Value::Object(Map::new()));
        }
        Ok(objects)
    }

    fn count(&mut self, text: &str, path: &str) -> Result<(), ApiError> {
        self.values += json::count_values(text.as_bytes());
        if self.values <= MOST_FREE_VALUES {
            return Ok(());
        }
        let what = "JSON values in the arguments up to here";
        Err(limits::refusal(path, what, self.values, MOST_FREE_VALUES))
    }
}

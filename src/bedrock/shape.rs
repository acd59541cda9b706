//! The way back from a [`Shape`]: an answer given as a tool's arguments becomes text again, code fences go, and what
//! cannot be enforced is checked at the end.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::Value;

use crate::conversation::{Event, StopReason};

use super::class::Class;
use super::failure::Failure;
use super::plan::Shape;

mod check;
mod fence;

use fence::Fence;

/// Turns a model's events into those of an answer in the form that the client wants.
#[derive(Debug)]
pub(super) enum FormatRestorer {
    /// Nothing to do.
    Free,
    Tool(Box<ByTool>),
    Text(Box<ByText>),
}

/// The answer is a tool's arguments.
#[derive(Debug)]
pub(super) struct ByTool {
    name: String,
    schema: Arc<Value>,
    /// The answer's own call, once it has begun, by its place among the calls.
    call: Option<usize>,
    /// Text that is the answer only if the tool is never called.
    held: String,
    json: String,
    /// The client's tools that were called.
    others: Vec<usize>,
}

/// The answer is text that should be JSON.
#[derive(Debug)]
pub(super) struct ByText {
    schema: Option<Arc<Value>>,
    fence: Fence,
    json: String,
    calls: bool,
}

impl FormatRestorer {
    pub(super) fn new(shape: Shape) -> Self {
        match shape {
            Shape::Free | Shape::Native { .. } => Self::Free,
            Shape::Tool { name, schema } => Self::Tool(Box::new(ByTool {
                name,
                schema,
                call: None,
                held: String::new(),
                json: String::new(),
                others: Vec::new(),
            })),
            Shape::Text { schema } => Self::Text(Box::new(ByText {
                schema,
                fence: Fence::default(),
                json: String::new(),
                calls: false,
            })),
        }
    }

    /// Adds to `out` what the client sees of `event`. A failure says that the answer is not what was asked for.
    pub(super) fn push(&mut self, event: Event, out: &mut VecDeque<Event>) -> Result<(), Failure> {
        match self {
            Self::Free => {
                out.push_back(event);
                Ok(())
            }
            Self::Tool(shape) => shape.push(event, out),
            Self::Text(shape) => shape.push(event, out),
        }
    }
}

impl ByTool {
    fn push(&mut self, event: Event, out: &mut VecDeque<Event>) -> Result<(), Failure> {
        match event {
            Event::Text(text) => self.held.push_str(&text),
            Event::ToolCall { index, name, .. } if name == self.name => {
                self.call.get_or_insert(index);
            }
            Event::ToolInput { index, json } if self.call == Some(index) => {
                self.json.push_str(&json);
                out.push_back(Event::Text(json));
            }
            Event::ToolCall {
                index, id, name, ..
            } => {
                if !self.held.is_empty() {
                    out.push_back(Event::Text(std::mem::take(&mut self.held)));
                }
                let position = self.others.len();
                self.others.push(index);
                out.push_back(Event::ToolCall {
                    index: position,
                    id,
                    name,
                    native: None,
                });
            }
            Event::ToolInput { index, json } => {
                if let Some(index) = self.others.iter().position(|known| *known == index) {
                    out.push_back(Event::ToolInput { index, json });
                }
            }
            Event::Stop(reason) => return self.stop(reason, out),
            other => out.push_back(other),
        }
        Ok(())
    }

    fn stop(&mut self, reason: StopReason, out: &mut VecDeque<Event>) -> Result<(), Failure> {
        if self.call.is_some() {
            if self.json.is_empty() && is_complete(&reason) {
                self.json.push_str("{}");
                out.push_back(Event::Text("{}".into()));
            }
            if is_complete(&reason) {
                check_json(&self.json, Some(&self.schema))?;
            }
        } else if self.others.is_empty() {
            // The model answered in text all the same. That is well where the text is the JSON.
            let mut fence = Fence::default();
            let mut text = fence.push(&self.held);
            text.push_str(&fence.end());
            if is_complete(&reason) {
                check_json(&text, Some(&self.schema))?;
            }
            out.push_back(Event::Text(text));
        }
        out.push_back(Event::Stop(reason));
        Ok(())
    }
}

impl ByText {
    fn push(&mut self, event: Event, out: &mut VecDeque<Event>) -> Result<(), Failure> {
        match event {
            Event::Text(text) => {
                let text = self.fence.push(&text);
                self.say(text, out);
            }
            Event::Stop(reason) => {
                let rest = self.fence.end();
                self.say(rest, out);
                if is_complete(&reason) && !self.calls {
                    check_json(&self.json, self.schema.as_deref())?;
                }
                out.push_back(Event::Stop(reason));
            }
            other => {
                self.calls |= matches!(other, Event::ToolCall { .. });
                out.push_back(other);
            }
        }
        Ok(())
    }

    fn say(&mut self, text: String, out: &mut VecDeque<Event>) {
        if !text.is_empty() {
            self.json.push_str(&text);
            out.push_back(Event::Text(text));
        }
    }
}

/// Whether the model said all that it wanted: a cut answer cannot be JSON, and its reason says that.
fn is_complete(reason: &StopReason) -> bool {
    matches!(
        reason,
        StopReason::EndTurn | StopReason::StopSequence(_) | StopReason::ToolUse
    )
}

fn check_json(text: &str, schema: Option<&Value>) -> Result<(), Failure> {
    let refuse = |why: String| {
        let message =
            format!("the model's answer is not the JSON that 'response_format' asks for: {why}");
        Err(Failure::quoting(Class::Rejected, message))
    };
    match serde_json::from_str::<Value>(text) {
        Err(error) => refuse(error.to_string()),
        Ok(value) => match schema {
            None if !value.is_object() => refuse("it is no object".to_owned()),
            None => Ok(()),
            Some(schema) => check::matches(&value, schema).or_else(refuse),
        },
    }
}

#[cfg(test)]
mod tests;

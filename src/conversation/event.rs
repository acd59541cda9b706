//! The events of a model's answer.

use bytes::Bytes;
use serde_json::Value;

use super::{NativeEvent, NativeFields, Usage};

/// One step of an answer. Blocks come one after the other: everything between two changes of kind belongs to one
/// block, and a thinking block ends with its [`Event::Signature`].
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A piece of the answer's text.
    Text(String),
    /// What a stretch of the text so far rests on.
    Citation(Citation),
    /// A piece of readable thinking.
    Thinking(String),
    /// The signature that closes the thinking block just streamed.
    Signature(String),
    /// A whole block of encrypted thinking.
    RedactedThinking(Bytes),
    /// A tool call begins. `index` counts the answer's tool calls from 0.
    ToolCall {
        /// Position among the tool calls of this answer.
        index: usize,
        /// The call's id.
        id: String,
        /// The tool's name as the client knows it.
        name: String,
        /// Fields of the call beside these.
        native: NativeFields,
    },
    /// A piece of a tool call's arguments, as JSON text.
    ToolInput {
        /// Which tool call it belongs to.
        index: usize,
        /// The piece.
        json: String,
    },
    /// The answer is complete, for this reason. An answer without it was cut.
    Stop(StopReason),
    /// What the answer cost in tokens; comes after [`Event::Stop`].
    Usage(Usage),
    /// What only Claude's own format has.
    Native(NativeEvent),
}

/// What a stretch of an answer's text rests on.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Citation {
    /// The stretch of the whole answer's text, in characters, its end excluded.
    pub range: (usize, usize),
    /// The document's name or the page's title.
    pub title: String,
    /// The page's address, where it is one of the web.
    pub url: Option<String>,
    /// The words that are cited; may be empty.
    pub quote: String,
    /// Where in which document they stand, if it is one of the request's.
    pub place: Option<Place>,
    /// The citation as Claude's own format has it.
    pub native: Option<Value>,
}

/// A stretch of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// What `start` and `end` count.
    pub unit: Unit,
    /// Position among the request's documents, from 0.
    pub document: u32,
    /// Where the stretch begins.
    pub start: u32,
    /// Where it ends.
    pub end: u32,
}

/// What a [`Place`] counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Unit {
    Character,
    Page,
    Block,
}

impl Event {
    /// Whether a client sees anything of this event before the answer ends.
    pub fn is_visible(&self) -> bool {
        match self {
            Event::Text(text) | Event::Thinking(text) => !text.is_empty(),
            Event::ToolInput { json, .. } => !json.is_empty(),
            Event::Signature(_)
            | Event::RedactedThinking(_)
            | Event::ToolCall { .. }
            | Event::Citation(_) => true,
            Event::Native(native) => native.is_visible(),
            Event::Stop(_) | Event::Usage(_) => false,
        }
    }
}

/// Why a model stopped
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_MessageStopEvent.html>).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// It had said everything.
    EndTurn,
    /// It met one of the client's stop sequences: this one, where the model says which.
    StopSequence(Option<String>),
    /// The answer reached `max_tokens`.
    MaxTokens,
    /// It waits for the results of its tool calls.
    ToolUse,
    /// A guardrail stepped in.
    GuardrailIntervened,
    /// The provider's own filter stepped in, or the model refused.
    ContentFiltered,
    /// Prompt and answer together filled the context window.
    ContextWindowExceeded,
    /// The model wrote something that Bedrock could not parse.
    Malformed,
    /// A reason that this program does not know yet.
    Other(String),
}

impl StopReason {
    /// The reason of this name, on Bedrock or in Claude's own format. `sequence` is the one that was met, where that is
    /// said.
    pub fn named(name: String, sequence: Option<String>) -> Self {
        match &*name {
            "end_turn" => Self::EndTurn,
            "stop_sequence" => Self::StopSequence(sequence),
            "max_tokens" => Self::MaxTokens,
            "tool_use" => Self::ToolUse,
            "guardrail_intervened" => Self::GuardrailIntervened,
            "content_filtered" | "refusal" => Self::ContentFiltered,
            "model_context_window_exceeded" => Self::ContextWindowExceeded,
            "malformed_model_output" | "malformed_tool_use" => Self::Malformed,
            _ => Self::Other(name),
        }
    }

    /// The reason as it agrees with the answer it ends. Clients carry out the calls of an answer that stops for them,
    /// and those of no other; and models say `end_turn` beside calls, or `tool_use` without one. An answer whose calls
    /// could not all be parsed still waits for the others, and so do calls beside a reason that nobody here knows. What
    /// says that the answer is cut or was kept back stays as it is.
    #[must_use]
    pub fn agreeing(self, has_tool_calls: bool) -> Self {
        match (self, has_tool_calls) {
            (
                StopReason::EndTurn
                | StopReason::ToolUse
                | StopReason::Malformed
                | StopReason::StopSequence(_)
                | StopReason::Other(_),
                true,
            ) => StopReason::ToolUse,
            (StopReason::ToolUse, false) => StopReason::EndTurn,
            (reason, _) => reason,
        }
    }

    /// Bedrock's own word for it, as logged and stored.
    pub fn as_str(&self) -> &str {
        match self {
            StopReason::EndTurn => "end_turn",
            StopReason::StopSequence(_) => "stop_sequence",
            StopReason::MaxTokens => "max_tokens",
            StopReason::ToolUse => "tool_use",
            StopReason::GuardrailIntervened => "guardrail_intervened",
            StopReason::ContentFiltered => "content_filtered",
            StopReason::ContextWindowExceeded => "model_context_window_exceeded",
            StopReason::Malformed => "malformed_model_output",
            StopReason::Other(reason) => reason,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_agrees_with_the_answer() {
        use StopReason as R;
        let other = R::Other("pause_turn".into());
        let sequence = R::StopSequence(Some("END".into()));
        let rows = [
            (other.clone(), other, R::ToolUse),
            (sequence.clone(), sequence, R::ToolUse),
            (R::EndTurn, R::EndTurn, R::ToolUse),
            (R::ToolUse, R::EndTurn, R::ToolUse),
            (R::Malformed, R::Malformed, R::ToolUse),
        ];
        for (said, without, with) in rows {
            assert_eq!(said.clone().agreeing(false), without, "{said:?}");
            assert_eq!(said.clone().agreeing(true), with, "{said:?}");
        }
        for cut in [
            R::MaxTokens,
            R::GuardrailIntervened,
            R::ContentFiltered,
            R::ContextWindowExceeded,
        ] {
            for has_tool_calls in [false, true] {
                assert_eq!(cut.clone().agreeing(has_tool_calls), cut);
            }
        }
    }
}

//! `include`: the optional pieces of a response that its client wants.

use crate::wire::{DroppedFields, List, Loose};

/// More parts of a response than this are not asked for.
pub(super) const MOST_INCLUDED: usize = 1_000;

/// What asks in `include` for the signed thinking.
const THINKING: &str = "reasoning.encrypted_content";

/// What asks in `include` for the model's own certainty, which Bedrock does not tell.
const LOGPROBS: &str = "message.output_text.logprobs";

/// What else may stand in `include`: pieces of items that are sent in any case, and of items that no answer here has.
const WITHOUT_EFFECT: [&str; 6] = [
    "code_interpreter_call.outputs",
    "computer_call_output.output.image_url",
    "file_search_call.results",
    "message.input_image.image_url",
    "web_search_call.action.sources",
    "web_search_call.results",
];

/// What is wanted.
#[derive(Debug, Default)]
pub(super) struct Included {
    /// The signed thinking.
    pub(super) thinking: bool,
    /// By its name for the client, what cannot be had.
    pub(super) unsupported: Option<String>,
}

impl Included {
    /// Reads the field. What is unknown here is named in `dropped`.
    pub(super) fn read(
        field: Loose<List<Loose<String>, MOST_INCLUDED>>,
        dropped: &mut DroppedFields,
    ) -> Self {
        let wanted = field.or_dropped("include", dropped).unwrap_or_default();
        let mut included = Self::default();
        for what in wanted.0.into_iter().filter_map(Loose::given) {
            let name = format!("include.{what}");
            match what.as_str() {
                THINKING => included.thinking = true,
                LOGPROBS => included.unsupported = Some(name),
                known if WITHOUT_EFFECT.contains(&known) => {}
                _ => dropped.add(&name),
            }
        }
        included
    }
}

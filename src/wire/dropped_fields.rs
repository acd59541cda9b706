//! What of a request goes no further, and what stands in its place.

use crate::conversation::Part;

use super::loose::Form;
use super::{ApiError, Loose};

/// Names that are kept: a header holds no more, and each kind is looked for among them.
const MOST_NAMES: usize = 100;

/// Most characters of a kind's or a tool's name in a note.
const LONGEST_NAME: usize = 128;

/// What of a request goes no further, by the names that its client knows, each once. It is handed to whatever converts
/// content and becomes [`RequestOptions::dropped`](super::RequestOptions::dropped).
#[derive(Debug, Default)]
pub(crate) struct DroppedFields {
    names: Vec<String>,
    heals: bool,
}

impl DroppedFields {
    /// Begins with the fields of a body that the gateway does not know.
    pub(crate) fn fields(names: Vec<String>) -> Self {
        Self {
            names,
            heals: false,
        }
    }

    /// Converts with `convert` what its client sends with every request from now on, or has from a tool: a refusal of it
    /// would end the conversation for good. So what of it cannot be read is a note.
    pub(crate) fn healing<T>(&mut self, convert: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.heals, true);
        let converted = convert(self);
        self.heals = before;
        converted
    }

    /// Whether what cannot be read is a note now and no refusal.
    pub(crate) fn heals(&self) -> bool {
        self.heals
    }

    /// The field `name` of content at `path`. In another form it is refused, or left out where that heals.
    pub(crate) fn field<T: Form>(
        &mut self,
        field: Loose<T>,
        path: &str,
        name: &str,
    ) -> Result<Option<T>, ApiError> {
        if self.heals {
            return Ok(field.or_dropped(name, self));
        }
        field.optional(path, name)
    }

    /// Notes that content of this kind goes no further.
    pub(crate) fn add(&mut self, kind: &str) {
        let kind = printable(kind);
        if self.names.len() < MOST_NAMES && !self.names.contains(&kind) {
            self.names.push(kind);
        }
    }

    /// What stands in the place of content of an unknown kind, which is named as left out.
    pub(crate) fn note(&mut self, kind: &str) -> Part {
        self.add(kind);
        Part::Text(format!("[a {} stood here]", printable(kind)))
    }

    pub(crate) fn into_names(self) -> Vec<String> {
        self.names
    }
}

/// Whether content of this kind is known and no model here takes it: to leave it out would change what was asked.
pub(crate) fn is_sound_or_video(kind: &str) -> bool {
    matches!(
        kind,
        "input_audio" | "audio" | "input_video" | "video_url" | "video"
    )
}

/// What a reference to a tool says to a model that is sent all tools.
pub(crate) fn tool_reference(name: &str) -> Part {
    Part::Text(format!("[the tool {} is available]", printable(name)))
}

/// A client's name for something as far as a note may hold it: short, and on one line.
fn printable(name: &str) -> String {
    let visible = |c: char| match c {
        '[' | ']' => '_',
        ' '..='~' => c,
        _ => '_',
    };
    name.chars().take(LONGEST_NAME).map(visible).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_named_once_and_its_note_holds_few_words_of_the_client() {
        let mut dropped = DroppedFields::fields(vec!["thread".to_owned()]);
        let notes = ["fallback", "a]\n\u{7}\u{1f600}[b", "fallback", "thread"];
        let notes: Vec<Part> = notes.iter().map(|kind| dropped.note(kind)).collect();
        let text = |text: &str| Part::Text(text.to_owned());
        assert_eq!(notes[0], text("[a fallback stood here]"));
        assert_eq!(notes[1], text("[a a_____b stood here]"));
        assert_eq!(notes[2], notes[0]);
        let Part::Text(long) = dropped.note(&"x".repeat(100_000)) else {
            panic!("a text");
        };
        assert!(long.len() < 200, "{long}");
        for n in 0..100_000 {
            dropped.add(&n.to_string());
        }
        let names = dropped.into_names();
        assert_eq!(names.len(), MOST_NAMES);
        assert_eq!(names[..3], ["thread", "fallback", "a_____b"]);
    }
}

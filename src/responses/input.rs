//! `input`: a text, or items one after the other.

use serde::{Deserialize, Deserializer};

use crate::conversation::{Part, Role, Turn};
use crate::wire::tools::ToolOffer;
use crate::wire::{ApiError, Arguments, Content, DroppedFields, Loose};

use super::content::{InputItem, WireItem};

/// A string, or items.
#[derive(Debug, Default)]
pub(super) enum ResponsesInput {
    #[default]
    Missing,
    Text(String),
    Items(Vec<Loose<WireItem>>),
}

impl<'de> Deserialize<'de> for ResponsesInput {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(
            match Content::<Loose<WireItem>>::deserialize(deserializer)? {
                Content::Empty => Self::Missing,
                Content::Text(text) => Self::Text(text),
                Content::Parts(items) => Self::Items(items),
            },
        )
    }
}

/// The system prompt and the turns: leading system messages are the prompt, later ones keep their place. Tools among the
/// items join `offer`. `history` is what is stored of the conversation before.
pub(super) fn conversation(
    instructions: Option<String>,
    history: Vec<WireItem>,
    input: ResponsesInput,
    offer: &mut ToolOffer,
    dropped: &mut DroppedFields,
) -> Result<(Vec<Part>, Vec<Turn>), ApiError> {
    let mut system: Vec<Part> = Vec::new();
    let instructions = instructions.filter(|text| !text.is_empty());
    system.extend(instructions.map(Part::Text));
    let mut turns = Vec::new();
    let mut arguments = Arguments::default();
    // Notes whose role depends on what follows them.
    let mut notes: Vec<Part> = Vec::new();
    let stored = history
        .into_iter()
        .map(|item| ("previous_response_id".to_owned(), Loose::Given(item)));
    let (text, items) = match input {
        ResponsesInput::Missing => return Err(ApiError::missing("input")),
        ResponsesInput::Text(text) => (Some(text), Vec::new()),
        ResponsesInput::Items(items) => (None, items),
    };
    let items = items.into_iter().enumerate();
    let items = items.map(|(at, item)| (format!("input[{at}]"), item));
    for (path, item) in stored.chain(items) {
        let Loose::Given(item) = item else {
            dropped.add("input");
            continue;
        };
        let turn = match item.read(&path, &mut arguments, offer, dropped)? {
            InputItem::Turn(turn) => turn,
            InputItem::Note(note) => {
                notes.push(note);
                continue;
            }
            InputItem::Nothing => continue,
        };
        push_notes(&mut notes, Some(turn.role), &mut system, &mut turns);
        if turn.role == Role::System && turns.is_empty() {
            system.extend(turn.parts);
        } else {
            turns.push(turn);
        }
    }
    push_notes(&mut notes, None, &mut system, &mut turns);
    turns.extend(text.map(|text| Turn::new(Role::User, vec![Part::Text(text)])));
    if turns.is_empty() {
        let message = "'input' holds nothing that a model could answer.";
        return Err(ApiError::bad_request(message, "input"));
    }
    Ok((system, turns))
}

/// Puts notes where they stood: in the assistant's turn only between two pieces of it, so that none parts its thinking
/// from its calls and none looks like the beginning of an answer.
fn push_notes(
    notes: &mut Vec<Part>,
    next: Option<Role>,
    system: &mut Vec<Part>,
    turns: &mut Vec<Turn>,
) {
    let parts = std::mem::take(notes);
    if parts.is_empty() {
        return;
    }
    let before = turns.last().map(|turn| turn.role);
    match (before, next) {
        (None, Some(Role::System)) => system.extend(parts),
        (Some(Role::Assistant), Some(role @ Role::Assistant)) => turns.push(Turn::new(role, parts)),
        _ => {
            let role = Role::User;
            turns.push(Turn::new(role, parts));
        }
    }
}

//! Turns in Bedrock's grammar: roles alternate and begin with the user, no text is blank, every tool call is answered
//! in the next turn and nothing else is.
//!
//! Nothing that the client said is dropped: what has no place in the grammar becomes text.

use crate::conversation::{NativeFields, Part, Role, ToolCall, ToolResult, Turn};

use super::ToolNames;
use super::call_ids;
use super::calls::Calls;
use super::documents;
use super::names::{legal_id, legal_id_with_signs};
use super::results;
use super::thinking::is_encrypted;

/// Stands where Bedrock wants text and the client gave none.
pub(super) const PLACEHOLDER: &str = ".";

/// What the target's grammar has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grammar {
    /// Tool calls and results may appear; otherwise they become text.
    pub(super) tools: bool,
    /// Pictures may appear; otherwise a note says that one was left out.
    pub(super) vision: bool,
    /// Pictures may appear inside a tool's result; otherwise they stand below, where there is vision.
    pub(super) tool_result_images: bool,
    /// Documents may appear inside a tool's result; otherwise they stand below, where documents may appear.
    pub(super) tool_result_documents: bool,
    /// Text and pictures may appear beside a tool's result; otherwise they get a turn of their own.
    pub(super) text_beside_results: bool,
    /// Documents may appear beside a tool's result; otherwise their turn's words get a turn of their own.
    pub(super) documents_beside_results: bool,
    /// Documents may appear; otherwise their text stands in for them, or a note.
    pub(super) documents: bool,
    /// Ids of tool calls may hold dots and colons.
    pub(super) signs_in_ids: bool,
    /// Signed thinking may be sent back; otherwise it is left out.
    pub(super) thinking_blocks: bool,
    /// Encrypted thinking may be sent back, but for so many blocks at the conversation's beginning; `None`: it is left
    /// out.
    pub(super) encrypted_thinking_after: Option<usize>,
    /// The last turn may be the assistant's; otherwise the user asks to continue.
    pub(super) prefill: bool,
    /// It is Claude's own: what stands in a turn keeps its order.
    pub(super) native: bool,
    /// Blocks and fields that only Claude's own format has may appear; otherwise something else stands in their place.
    pub(super) extras: bool,
    /// System messages may stand between turns; otherwise they speak in the user's.
    pub(super) system_turns: bool,
}

/// A system prompt without blank texts; empty when nothing is left. `native`: blocks of Claude's own format may appear.
pub(super) fn normalise_system(parts: &[Part], native: bool) -> Vec<Part> {
    drop_stray_marks(
        spoken(parts, native)
            .filter(|part| !is_blank(part))
            .cloned()
            .collect(),
    )
}

/// Moves the system prompt into the first user turn, for models that take none.
pub(super) fn prepend_system(turns: &mut [Turn], system: &mut Vec<Part>) {
    if let Some(first) = turns.first_mut() {
        let texts: Vec<Part> = system
            .drain(..)
            .filter(|part| matches!(part, Part::Text(_)))
            .collect();
        first.parts.splice(0..0, texts);
    }
}

/// The conversation in Bedrock's grammar.
pub(super) fn normalise(turns: &[Turn], grammar: Grammar, names: &ToolNames) -> Vec<Turn> {
    let mut encrypted = 0;
    let turns = turns
        .iter()
        .map(|turn| clean(turn, grammar, names, &mut encrypted));
    let mut joined = join(turns);
    if joined
        .first()
        .is_none_or(|turn| turn.role == Role::Assistant)
    {
        joined.insert(0, user(vec![Part::Text(PLACEHOLDER.into())]));
    }
    let mut answered = results::set_apart(answer_calls(joined, grammar), grammar);
    finish(&mut answered, grammar);
    if !grammar.native {
        documents::name(&mut answered);
    }
    answered
}

/// The parts, with what stands in the place of blocks that only Claude's own format has, where the target's is another.
pub(super) fn spoken(parts: &[Part], native: bool) -> impl Iterator<Item = &Part> {
    parts.iter().flat_map(move |part| match part {
        Part::Native(block) if !native => block.instead.as_slice(),
        Part::Native(block) if block.part.is_none() && block.fields.is_empty() => &[],
        part => std::slice::from_ref(part),
    })
}

pub(super) fn user(parts: Vec<Part>) -> Turn {
    Turn::new(Role::User, parts)
}

pub(super) fn is_blank(part: &Part) -> bool {
    matches!(part, Part::Text(text) if text.trim().is_empty())
}

/// One turn by itself: late system messages speak in the user's turn, blank text goes, what the target cannot take
/// becomes text. `encrypted` counts the blocks of encrypted thinking so far.
fn clean(turn: &Turn, grammar: Grammar, names: &ToolNames, encrypted: &mut usize) -> Turn {
    let role = match turn.role {
        Role::System if !grammar.system_turns => Role::User,
        role => role,
    };
    let native = |fields: &NativeFields| fields.clone().filter(|_| grammar.extras);
    let mut parts: Vec<Part> = Vec::with_capacity(turn.parts.len());
    for part in spoken(&turn.parts, grammar.extras).filter(|part| !is_blank(part)) {
        match part {
            Part::Text(text) if turn.role == Role::System && role == Role::User => {
                parts.push(Part::Text(format!("System message: {text}")))
            }
            Part::ToolCall(call) if grammar.tools && role == Role::Assistant => {
                parts.push(Part::ToolCall(ToolCall {
                    id: grammar.id(&call.id),
                    name: names.to_bedrock(&call.name),
                    input: names.input(&call.name, &call.input),
                    native: native(&call.native),
                }))
            }
            Part::ToolCall(call) => parts.push(called(call)),
            Part::ToolResult(result) if grammar.tools && role == Role::User => {
                let (content, below) = results::inside(result, grammar);
                parts.push(Part::ToolResult(ToolResult {
                    id: grammar.id(&result.id),
                    content,
                    is_error: result.is_error,
                    native: native(&result.native),
                }));
                parts.extend(below);
            }
            Part::ToolResult(result) => parts.extend(results::as_text(result, grammar, role)),
            // Bedrock takes thinking from the assistant only and pictures from the user only.
            Part::Thinking(_) if role == Role::User => {}
            Part::Thinking(block) => {
                let is_taken = if is_encrypted(block) {
                    *encrypted += 1;
                    (grammar.encrypted_thinking_after).is_some_and(|refused| *encrypted > refused)
                } else {
                    grammar.thinking_blocks
                };
                parts.extend(is_taken.then(|| part.clone()));
            }
            Part::Image(_) if role == Role::Assistant => {
                parts.push(Part::Text("[a picture stood here]".into()));
            }
            Part::Image(_) if !grammar.vision => parts.push(left_out_picture()),
            Part::Document(document) if !grammar.documents || role == Role::Assistant => {
                parts.push(documents::as_text(document));
            }
            other => parts.push(other.clone()),
        }
    }
    let has = |kind: fn(&Part) -> bool| parts.iter().any(kind);
    let is_document = |part: &Part| matches!(part, Part::Document(_));
    let blank =
        turn.role == Role::User && parts.iter().all(|part| matches!(part, Part::CacheMark(_)));
    // "A message with a document must also have a text block."
    let needs_text = has(is_document) && !grammar.native;
    if blank || needs_text && !has(|part| matches!(part, Part::Text(_))) {
        parts.insert(0, Part::Text(PLACEHOLDER.into()));
    }
    Turn {
        role,
        parts,
        // What a system message says of what follows it has no place in a user's.
        native: native(&turn.native).filter(|_| role == turn.role),
    }
}

/// A call in words, where it has no place.
pub(super) fn called(call: &ToolCall) -> Part {
    let ToolCall {
        id, name, input, ..
    } = call;
    Part::Text(format!("[tool call {id}: {name}({input})]"))
}

pub(super) fn left_out_picture() -> Part {
    Part::Text("[a picture stood here; this model cannot see pictures]".into())
}

impl Grammar {
    /// The id as it may stand there, still with the suffix that tells it from others: see [`Calls`].
    fn id(self, id: &str) -> String {
        let (written, suffix) = call_ids::parted(id);
        let legal = if self.signs_in_ids {
            legal_id_with_signs(written)
        } else {
            legal_id(written)
        };
        legal + suffix
    }
}

/// Joins neighbours of one role and drops turns that say nothing. Thinking alone says nothing: Bedrock refuses an
/// assistant turn that ends with it, which is what an answer cut off while thinking looks like.
fn join(turns: impl Iterator<Item = Turn>) -> Vec<Turn> {
    let mut joined: Vec<Turn> = Vec::new();
    for turn in turns {
        if turn
            .parts
            .iter()
            .all(|part| matches!(part, Part::CacheMark(_)))
        {
            continue;
        }
        if joined
            .last()
            .is_some_and(|last| last.role != turn.role && says_nothing(last))
        {
            joined.pop();
        }
        match joined.last_mut() {
            Some(last)
                if last.role == turn.role && last.native.is_none() && turn.native.is_none() =>
            {
                last.parts.extend(turn.parts);
            }
            _ => joined.push(turn),
        }
    }
    if joined.last().is_some_and(says_nothing) {
        joined.pop();
    }
    joined
}

fn says_nothing(turn: &Turn) -> bool {
    let silent = |part: &Part| matches!(part, Part::Thinking(_) | Part::CacheMark(_));
    turn.parts.iter().all(silent)
}

/// Pairs calls and results: each call is answered exactly once, in the turn that follows, before anything else.
fn answer_calls(turns: Vec<Turn>, grammar: Grammar) -> Vec<Turn> {
    let mut answered: Vec<Turn> = Vec::with_capacity(turns.len());
    let mut calls = Calls::default();
    for mut turn in turns {
        match turn.role {
            Role::Assistant if grammar.native => turn.parts = calls.add_calls(turn.parts),
            Role::Assistant => {
                turn.parts = order(calls.add_calls(turn.parts), |part| match part {
                    Part::Thinking(_) => 0,
                    Part::ToolCall(_) => 2,
                    _ => 1,
                });
            }
            Role::System => {}
            Role::User => {
                turn.parts = order(calls.pair_results(turn.parts), |part| match part {
                    Part::ToolResult(_) => 0,
                    _ => 1,
                });
            }
        }
        turn.parts = drop_stray_marks(turn.parts);
        answered.push(turn);
    }
    let left = calls.pair_results(Vec::new());
    if !left.is_empty() {
        answered.push(user(left));
    }
    answered
}

/// A stable sort in which a cache mark stays behind the part that it marks.
fn order(parts: Vec<Part>, rank: fn(&Part) -> u8) -> Vec<Part> {
    let mut last = 0;
    let ranks = parts.iter().map(|part| {
        if !matches!(part, Part::CacheMark(_)) {
            last = rank(part);
        }
        last
    });
    let ranks: Vec<u8> = ranks.collect();
    if ranks.is_sorted() {
        return parts;
    }
    let mut ranked: Vec<(u8, Part)> = ranks.into_iter().zip(parts).collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, part)| part).collect()
}

/// A mark needs something before it in its own turn that can be marked, which thinking cannot; and two marks in a row
/// say nothing more than the longer-lived one.
pub(super) fn drop_stray_marks(parts: Vec<Part>) -> Vec<Part> {
    if !parts.iter().any(|part| matches!(part, Part::CacheMark(_))) {
        return parts;
    }
    let mut kept: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        match (&part, kept.last_mut()) {
            (Part::CacheMark(_), None | Some(Part::Thinking(_))) => {}
            (Part::CacheMark(ttl), Some(Part::CacheMark(before))) => *before = (*before).max(*ttl),
            _ => kept.push(part),
        }
    }
    kept
}

/// The end of the conversation: the model can speak next.
fn finish(turns: &mut Vec<Turn>, grammar: Grammar) {
    let Some(last) = turns.last_mut().filter(|turn| turn.role == Role::Assistant) else {
        return;
    };
    let only_text = last
        .parts
        .iter()
        .all(|part| matches!(part, Part::Text(_) | Part::CacheMark(_)));
    if !grammar.prefill || !only_text {
        turns.push(user(vec![Part::Text("Please continue.".into())]));
        return;
    }
    // "final assistant content cannot end with trailing whitespace"
    if let Some(Part::Text(text)) = last
        .parts
        .iter_mut()
        .rfind(|part| matches!(part, Part::Text(_)))
    {
        text.truncate(text.trim_end().len());
    }
}

/// Whether the turn that the model is to go on with would have to begin with signed thinking and does not: in a tool
/// loop, or where the model is to continue its own words. With thinking `enabled`, Bedrock refuses that.
///
/// A tool loop is one turn of the assistant, however many calls it makes: Claude thinks at its beginning and then "will
/// not output another thinking block until after the next non-tool_result user turn"
/// (<https://platform.claude.com/cookbook/extended-thinking-extended-thinking-with-tool-use>).
pub(super) fn lacks_thinking(turns: &[Turn]) -> bool {
    let mut backwards = turns.iter().rev().peekable();
    if backwards
        .peek()
        .is_some_and(|turn| turn.role == Role::Assistant)
    {
        // Only text is left at the end for the model to continue: see `finish`.
        return true;
    }
    let is_result = |part: &Part| matches!(part, Part::ToolResult(_));
    let mut first = None;
    while backwards
        .next()
        .is_some_and(|turn| turn.parts.iter().any(is_result))
    {
        first = backwards.next().or(first);
    }
    first.is_some_and(|turn| !matches!(turn.parts.first(), Some(Part::Thinking(_))))
}

//! What stands inside tool results and what may stand beside them.
//!
//! Most models take pictures from the user but not inside a result
//! (<https://github.com/anomalyco/opencode/issues/49443>), some take nothing beside a result, and Claude takes no
//! document there (<https://github.com/pydantic/pydantic-ai/pull/6098>: all seen on the real service).

use crate::conversation::{Part, Role, ToolResult, Turn};

use super::documents;
use super::turns::{Grammar, PLACEHOLDER, called, is_blank, left_out_picture, spoken, user};

/// Where a picture or a document of a result goes.
#[derive(Debug, Clone, Copy)]
enum ResultPlace {
    Inside,
    /// Behind the results of the turn, with a note in its place.
    Below,
    Nowhere,
}

impl ResultPlace {
    fn of(inside: bool, beside: bool) -> Self {
        match (inside, beside) {
            (true, _) => Self::Inside,
            (false, true) => Self::Below,
            (false, false) => Self::Nowhere,
        }
    }
}

/// The content of a result as the target takes it, and what goes below the results of its turn.
pub(super) fn inside(result: &ToolResult, grammar: Grammar) -> (Vec<Part>, Vec<Part>) {
    let (vision, documents) = (grammar.vision, grammar.documents);
    let pictures = ResultPlace::of(vision && grammar.tool_result_images, vision);
    let documents = ResultPlace::of(documents && grammar.tool_result_documents, documents);
    clean(result, pictures, documents, grammar.extras)
}

/// The result in words, for targets without tools and for turns where it has no place.
pub(super) fn as_text(result: &ToolResult, grammar: Grammar, role: Role) -> Vec<Part> {
    let pictures = ResultPlace::of(grammar.vision && role == Role::User, false);
    let documents = ResultPlace::of(grammar.documents && role == Role::User, false);
    let (content, _) = clean(result, pictures, documents, false);
    let title = Part::Text(format!("[tool result for {}]", result.id));
    std::iter::once(title).chain(content).collect()
}

/// The content with what stands in results inside of it: Bedrock takes no result in a result.
fn flatten<'a>(content: &'a [Part], native: bool, flat: &mut Vec<&'a Part>) {
    for part in spoken(content, native) {
        match part {
            Part::ToolResult(inner) => flatten(&inner.content, native, flat),
            other => flat.push(other),
        }
    }
}

fn clean(
    result: &ToolResult,
    pictures: ResultPlace,
    documents: ResultPlace,
    native: bool,
) -> (Vec<Part>, Vec<Part>) {
    let mut kept: Vec<Part> = Vec::with_capacity(result.content.len());
    let mut below = Vec::new();
    let mut flat = Vec::with_capacity(result.content.len());
    flatten(&result.content, native, &mut flat);
    for part in flat.into_iter().filter(|part| !is_blank(part)) {
        let (place, kind, instead) = match part {
            Part::Image(_) => (pictures, "picture", left_out_picture()),
            Part::Document(document) => (documents, "document", documents::as_text(document)),
            Part::Text(_) | Part::Native(_) => {
                kept.push(part.clone());
                continue;
            }
            Part::ToolCall(call) => {
                kept.push(called(call));
                continue;
            }
            Part::Thinking(_) => {
                kept.push(Part::Text("[thinking stood here]".into()));
                continue;
            }
            // A mark is no content, and results in it are flat by now.
            Part::CacheMark(_) | Part::ToolResult(_) => continue,
        };
        match place {
            ResultPlace::Inside => kept.push(part.clone()),
            ResultPlace::Nowhere => kept.push(instead),
            ResultPlace::Below => {
                let n = below.len() / 2 + 1;
                kept.push(Part::Text(format!("[{kind} {n} stands below]")));
                let title = format!("[{kind} {n} of the tool result for {}]", result.id);
                below.extend([Part::Text(title), part.clone()]);
            }
        }
    }
    if kept.is_empty() {
        kept.push(Part::Text("(no output)".into()));
    }
    (kept, below)
}

/// Gives what may not stand beside results a turn of its own, behind one of the assistant's that says nothing.
pub(super) fn set_apart(turns: Vec<Turn>, grammar: Grammar) -> Vec<Turn> {
    let mut apart = Vec::with_capacity(turns.len());
    for mut turn in turns {
        // Results stand first, each with the mark behind it.
        let of_results = |part: &Part| matches!(part, Part::ToolResult(_) | Part::CacheMark(_));
        let results = turn.parts.iter().take_while(|part| of_results(part));
        let rest = turn.parts.split_off(results.count());
        let is_document = |part: &Part| matches!(part, Part::Document(_));
        let fits = grammar.documents_beside_results || !rest.iter().any(is_document);
        let fits = fits && grammar.text_beside_results;
        if turn.parts.is_empty() || rest.is_empty() || fits {
            turn.parts.extend(rest);
            apart.push(turn);
        } else {
            let nothing = vec![Part::Text(PLACEHOLDER.into())];
            apart.push(turn);
            apart.push(Turn::new(Role::Assistant, nothing));
            apart.push(user(rest));
        }
    }
    apart
}

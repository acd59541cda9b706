//! The blocks of messages: which types there are, what they may hold, and what belongs together.

use std::collections::HashSet;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::{
    super::{
        super::{
            json::{at, list},
            validate::documents::other_picture,
        },
        MessagesCall,
    },
    MessagesRefusal, MessagesRule, Placed, extra, kind, only, refuse, required, role, unknown_tag,
};

pub(super) const RULES: &[MessagesRule] = &[
    MessagesRule {
        name: "types of blocks",
        source: "Anthropic",
        check: types,
    },
    MessagesRule {
        name: "members of blocks",
        source: "Anthropic",
        check: members,
    },
    MessagesRule {
        name: "calls and results",
        source: "Anthropic",
        check: calls,
    },
    MessagesRule {
        name: "what the version of 2026-10-21 no longer takes",
        source: "Anthropic's page on versions; own words",
        check: by_version,
    },
];

/// A type of block.
struct BlockType {
    kind: &'static str,
    /// Its members beside `type` and `cache_control`.
    members: &'static [&'static str],
    /// What the request needs for it to be known.
    needs: Needs,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    ToolSearch,
    Compaction,
}

const fn block(kind: &'static str, members: &'static [&'static str], needs: Needs) -> BlockType {
    BlockType {
        kind,
        members,
        needs,
    }
}

const TYPES: &[BlockType] = &[
    block(
        "document",
        &["source", "title", "context", "citations"],
        Needs::Nothing,
    ),
    block("image", &["source"], Needs::Nothing),
    block("redacted_thinking", &["data"], Needs::Nothing),
    block(
        "search_result",
        &["source", "title", "content", "citations"],
        Needs::Nothing,
    ),
    block("text", &["text", "citations"], Needs::Nothing),
    block("thinking", &["thinking", "signature"], Needs::Nothing),
    block(
        "tool_result",
        &["tool_use_id", "content", "is_error"],
        Needs::Nothing,
    ),
    block(
        "tool_use",
        &["id", "name", "input", "caller", "toolset_name"],
        Needs::Nothing,
    ),
    block(
        "server_tool_use",
        &["id", "name", "input", "caller"],
        Needs::ToolSearch,
    ),
    block(
        "tool_search_tool_result",
        &["tool_use_id", "content"],
        Needs::ToolSearch,
    ),
    block(
        "compaction",
        &["content", "encrypted_content", "signature"],
        Needs::Compaction,
    ),
];

const IN_RESULTS: [&str; 5] = [
    "document",
    "image",
    "search_result",
    "text",
    "tool_reference",
];

fn is_known(block: &BlockType, request: &MessagesCall<'_>) -> bool {
    match block.needs {
        Needs::Nothing => true,
        Needs::ToolSearch => request.knows_tool_search(),
        Needs::Compaction => request.knows_compaction(),
    }
}

impl MessagesCall<'_> {
    /// Whether deferred tools and references to them are known: on newer models always, on older ones by their beta.
    pub(super) fn knows_tool_search(&self) -> bool {
        let claude = self.claude();
        let is_asked_for = self.has_beta("tool-search-tool-2025-10-19");
        claude.is_new() || claude.since_4_5() && is_asked_for
    }

    /// Whether summaries of a conversation are known: by a beta, from 4.6 on.
    pub(super) fn knows_compaction(&self) -> bool {
        let by_edit = self.has_beta("compact-2026-01-12");
        let by_member = self.has_beta("compact-2026-09-04") && self.claude().is_new();
        self.claude().since_4_6() && by_edit || by_member
    }
}

fn types(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    for placed in request.blocks() {
        let known = TYPES.iter().filter(|block| is_known(block, request));
        let known: Vec<&str> = known.map(|block| block.kind).collect();
        if placed.value.get("type").is_none() {
            return required(format!("{placed}.type"));
        }
        if !known.contains(&placed.kind()) {
            return unknown_tag(placed, placed.kind(), &known);
        }
        if placed.kind() == "tool_result" {
            let known = IN_RESULTS.iter().copied();
            let known = known
                .filter(|kind| *kind != "tool_reference" || request.knows_tool_search())
                .collect::<Vec<_>>();
            for (n, part) in list(at(placed.value, "/content")).iter().enumerate() {
                if !known.contains(&kind(part)) {
                    let place = format!("{placed}.tool_result.content.{n}");
                    return unknown_tag(place, kind(part), &known);
                }
            }
        }
    }
    Ok(())
}

fn members(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    for placed in request.blocks() {
        members_of(request, placed.value, &placed.to_string())?;
        for (n, part) in list(at(placed.value, "/content")).iter().enumerate() {
            if placed.kind() == "tool_result" {
                members_of(request, part, &format!("{placed}.tool_result.content.{n}"))?;
            }
        }
    }
    for (n, block) in list(at(request.body, "/system")).iter().enumerate() {
        members_of(request, block, &format!("system.{n}"))?;
    }
    Ok(())
}

fn members_of(
    request: &MessagesCall<'_>,
    block: &Value,
    place: &str,
) -> Result<(), MessagesRefusal> {
    let kind = kind(block);
    let place = format!("{place}.{kind}");
    let found = TYPES.iter().find(|known| known.kind == kind);
    let mut known = vec!["type", "cache_control"];
    match found {
        Some(found) => known.extend(found.members),
        None => known.push("tool_name"),
    }
    if !request.claude().is_new() {
        known.retain(|name| *name != "caller" && *name != "toolset_name");
    }
    only(block, &known, &place)?;
    let wanted: &[&str] = match kind {
        "text" => &["text"],
        "thinking" => &["thinking", "signature"],
        "redacted_thinking" => &["data"],
        "tool_use" | "server_tool_use" => &["id", "name", "input"],
        "tool_result" => &["tool_use_id"],
        "tool_search_tool_result" => &["tool_use_id", "content"],
        "image" | "document" => &["source"],
        _ => &[],
    };
    for name in wanted {
        if block.get(*name).is_none() {
            return required(format!("{place}.{name}"));
        }
    }
    if matches!(kind, "image" | "document") {
        source(at(block, "/source"), kind, &place)?;
    }
    Ok(())
}

/// Pictures and documents by their address or a file's id are for Anthropic's own API. A picture is what it says it is.
fn source(source: &Value, owner: &str, place: &str) -> Result<(), MessagesRefusal> {
    let known: &[&str] = match owner {
        "image" => &["base64"],
        _ => &["base64", "content", "text"],
    };
    if !known.contains(&kind(source)) {
        return unknown_tag(format!("{place}.source"), kind(source), known);
    }
    let place = format!("{place}.source.{}", kind(source));
    if kind(source) == "base64" {
        let data = at(source, "/data").as_str().unwrap_or_default();
        let Ok(bytes) = BASE64_STANDARD.decode(data) else {
            return refuse(format!("{place}.data: Invalid base64 data"));
        };
        let media_type = at(source, "/media_type").as_str().unwrap_or_default();
        if owner == "image"
            && let Some(words) = other_picture(&bytes, media_type)
        {
            return refuse(format!("{place}.data: {words}"));
        }
    }
    Ok(())
}

fn id_of<'a>(placed: &Placed<'a>, name: &str) -> &'a str {
    at(placed.value, name).as_str().unwrap_or_default()
}

fn calls(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let mut ids = HashSet::new();
    for placed in request.blocks() {
        let (name, member) = match placed.kind() {
            "tool_use" => ("id", "/id"),
            "tool_result" => ("tool_use_id", "/tool_use_id"),
            _ => continue,
        };
        let id = id_of(&placed, member);
        let is_legal = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        if id.is_empty() || !id.chars().all(is_legal) {
            return refuse(format!(
                "{placed}.{}.{name}: String should match pattern '^[a-zA-Z0-9_-]+$'",
                placed.kind()
            ));
        }
        match (placed.kind(), placed.role) {
            ("tool_use", "user") => {
                return refuse(format!(
                    "messages.{}: `tool_use` blocks can only be in `assistant` messages",
                    placed.message
                ));
            }
            ("tool_result", "assistant") => {
                return refuse(format!(
                    "messages.{}: `tool_result` blocks can only be in `user` messages",
                    placed.message
                ));
            }
            ("tool_use", _) if !at(placed.value, "/input").is_object() => {
                return refuse(format!(
                    "{placed}.tool_use.input: Input should be a valid dictionary"
                ));
            }
            ("tool_use", _) if !ids.insert(id) => {
                return refuse("messages: `tool_use` ids must be unique");
            }
            _ => {}
        }
    }
    answered(request)
}

/// The blocks of the messages of one side in a row.
struct SideInARow<'a> {
    role: &'a str,
    /// The last of its messages.
    message: usize,
    blocks: Vec<Placed<'a>>,
}

impl SideInARow<'_> {
    fn ids(&self, kind: &str, member: &str) -> Vec<&str> {
        let blocks = self.blocks.iter().filter(|placed| placed.kind() == kind);
        blocks.map(|placed| id_of(placed, member)).collect()
    }
}

/// Messages of one side in a row are one turn; instructions between them are none.
fn turns<'a>(request: &MessagesCall<'a>) -> Vec<SideInARow<'a>> {
    let mut turns: Vec<SideInARow<'a>> = Vec::new();
    let messages = request.messages().iter().enumerate();
    for (message, said) in messages.filter(|(_, said)| role(said) != "system") {
        let blocks = request.blocks().filter(|placed| placed.message == message);
        match turns.last_mut() {
            Some(last) if last.role == role(said) => {
                last.blocks.extend(blocks);
                last.message = message;
            }
            _ => turns.push(SideInARow {
                role: role(said),
                message,
                blocks: blocks.collect(),
            }),
        }
    }
    turns
}

fn answered(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let turns = turns(request);
    for (n, turn) in turns.iter().enumerate() {
        let answers = turns.get(n + 1);
        let answers = answers.map(|turn| turn.ids("tool_result", "/tool_use_id"));
        let answers = answers.unwrap_or_default();
        let mut missing = turn.ids("tool_use", "/id");
        missing.retain(|id| !answers.contains(id));
        if !missing.is_empty() {
            return refuse(format!(
                "messages.{}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
                turn.message,
                missing.join(", ")
            ));
        }
        let before = n.checked_sub(1).and_then(|n| turns.get(n));
        let calls = before.map(|turn| turn.ids("tool_use", "/id"));
        let calls = calls.unwrap_or_default();
        let mut results = turn.blocks.iter();
        let stray = results.find(|placed| {
            placed.kind() == "tool_result" && !calls.contains(&id_of(placed, "/tool_use_id"))
        });
        if let Some(placed) = stray {
            return refuse(format!(
                "{placed}: unexpected `tool_use_id` found in `tool_result` blocks: {}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.",
                id_of(placed, "/tool_use_id")
            ));
        }
    }
    Ok(())
}

fn by_version(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    if !request.is_2026_10_21() {
        return Ok(());
    }
    for placed in request.blocks() {
        if placed.kind() == "document" && placed.role == "assistant" {
            return refuse(format!(
                "{placed}: `document` blocks can only be in `user` messages"
            ));
        }
        let citations = list(at(placed.value, "/citations"));
        if placed.kind() == "text" && placed.role == "user" && !citations.is_empty() {
            return extra(format!("{placed}.text.citations"));
        }
    }
    Ok(())
}

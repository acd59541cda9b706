//! What a request says of its own context: edits of it, and summaries.

use super::{
    super::{
        super::json::{at, list},
        MessagesCall,
    },
    MessagesRefusal, MessagesRule, extra, kind, only, refuse, unknown_tag,
};

pub(super) const RULES: &[MessagesRule] = &[
    MessagesRule {
        name: "edits of the context",
        source: "Anthropic's page on context editing; own words for clear_thinking without thinking",
        check: edits,
    },
    MessagesRule {
        name: "summaries",
        source: "AWS's guide to compaction; own words",
        check: compaction,
    },
];

const COMPACT: &str = "compact_20260112";
const CLEAR_TOOLS: &str = "clear_tool_uses_20250919";
const CLEAR_THINKING: &str = "clear_thinking_20251015";

fn edits(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let management = at(request.body, "/context_management");
    if management.is_null() {
        return Ok(());
    }
    only(management, &["edits"], "context_management")?;
    let mut known = Vec::new();
    if request.has_beta("context-management-2025-06-27") {
        known.extend([CLEAR_THINKING, CLEAR_TOOLS]);
    }
    if request.has_beta("compact-2026-01-12") && request.claude().since_4_6() {
        known.push(COMPACT);
    }
    for (n, edit) in list(at(management, "/edits")).iter().enumerate() {
        let place = format!("context_management.edits.{n}");
        let kind = kind(edit);
        if !known.contains(&kind) {
            return unknown_tag(place, kind, &known);
        }
        let members: &[&str] = match kind {
            COMPACT => &["type", "trigger", "pause_after_compaction", "instructions"],
            CLEAR_THINKING => &["type", "keep"],
            _ => &[
                "type",
                "trigger",
                "keep",
                "clear_at_least",
                "exclude_tools",
                "clear_tool_inputs",
            ],
        };
        let place = format!("{place}.{kind}");
        only(edit, members, &place)?;
        let trigger = at(edit, "/trigger/value").as_u64();
        if kind == COMPACT && trigger.is_some_and(|tokens| tokens < 50_000) {
            return refuse(format!(
                "{place}.trigger.value: Input should be greater than or equal to 50000"
            ));
        }
        let thinks = matches!(request.thinking(), Some("enabled" | "adaptive"))
            || request.thinking().is_none() && request.claude().thinks_unasked();
        if kind == CLEAR_THINKING && !thinks {
            return refuse(format!(
                "`{CLEAR_THINKING}` strategy requires `thinking` to be enabled or adaptive"
            ));
        }
    }
    Ok(())
}

fn compaction(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let compaction = at(request.body, "/compaction");
    if compaction.is_null() {
        return Ok(());
    }
    if !request.claude().is_new() {
        return extra("compaction");
    }
    if kind(compaction) != "summarize" {
        return unknown_tag("compaction", kind(compaction), &["summarize"]);
    }
    only(
        compaction,
        &["type", "instructions"],
        "compaction.summarize",
    )?;
    if !at(request.body, "/context_management").is_null() {
        return refuse("`compaction` cannot be used together with `context_management`");
    }
    Ok(())
}

//! What the service does to a conversation that has grown long, where the request asks for it: it clears old results and
//! old thinking, or sums the conversation up.

use serde_json::{Value, json};

use super::{
    super::{
        Block, ScriptedReply, Tokens, cache,
        json::{at, list},
        signature::{self, SignedFor},
    },
    MessagesCall, blocks,
};

/// What is cleared or summed up by default once the prompt has so many tokens.
const CLEARS_AT: u64 = 100_000;
const SUMS_UP_AT: u64 = 150_000;
/// How many results of tools, and turns with thinking, are kept by default.
const KEPT_RESULTS: u64 = 3;
const KEPT_TURNS: u64 = 1;

/// The reply to a request whose context is managed, and what it then costs.
pub(super) fn manage(
    request: &MessagesCall<'_>,
    reply: ScriptedReply,
    tokens: Tokens,
) -> (ScriptedReply, Tokens) {
    if at(request.body, "/compaction/type") == "summarize" {
        return summary_alone(request, tokens);
    }
    let management = at(request.body, "/context_management");
    if management.is_null() {
        return (reply, tokens);
    }
    let mut tokens = tokens;
    let mut reply = reply;
    let mut applied = Vec::new();
    let prompt = tokens.input + tokens.cached();
    for edit in list(at(management, "/edits")) {
        let cleared = match at(edit, "/type").as_str() {
            Some("clear_tool_uses_20250919") => cleared_results(request, edit, prompt),
            Some("clear_thinking_20251015") => cleared_thinking(request, edit),
            Some("compact_20260112") => {
                let at_tokens = at(edit, "/trigger/value").as_u64();
                if prompt > at_tokens.unwrap_or(SUMS_UP_AT) {
                    let pauses = at(edit, "/pause_after_compaction") == true;
                    reply = summed_up(request, reply, tokens, pauses);
                }
                None
            }
            _ => None,
        };
        if let Some((edit, fewer)) = cleared {
            tokens.input = tokens.input.saturating_sub(fewer).max(1);
            applied.push(edit);
        }
    }
    let applied = json!({"applied_edits": applied});
    (reply.with_field("context_management", applied), tokens)
}

/// Blocks of this type in all messages, turn by turn.
fn of_type<'a>(request: &MessagesCall<'a>, kind: &str) -> Vec<Vec<&'a Value>> {
    let messages = request.messages().iter();
    let turns = messages.map(|message| {
        let blocks = list(at(message, "/content")).iter();
        blocks.filter(|block| at(block, "/type") == kind).collect()
    });
    turns.filter(|turn: &Vec<_>| !turn.is_empty()).collect()
}

fn size_of(blocks: &[&Value]) -> u64 {
    let sizes = blocks.iter().map(|block| block.to_string().len() as u64);
    sizes.sum::<u64>().div_ceil(4)
}

/// The oldest of a list, all but so many.
fn oldest<T>(all: &[T], kept: u64) -> &[T] {
    let kept = usize::try_from(kept).unwrap_or(usize::MAX);
    all.get(..all.len().saturating_sub(kept))
        .unwrap_or_default()
}

/// The edit as the answer tells of it, and how many tokens fewer the prompt has.
fn cleared_results(request: &MessagesCall<'_>, edit: &Value, prompt: u64) -> Option<(Value, u64)> {
    let results: Vec<&Value> = of_type(request, "tool_result").concat();
    let trigger = at(edit, "/trigger/value").as_u64();
    let is_due = match at(edit, "/trigger/type").as_str() {
        Some("tool_uses") => results.len() as u64 > trigger.unwrap_or(u64::MAX),
        _ => prompt > trigger.unwrap_or(CLEARS_AT),
    };
    let kept = at(edit, "/keep/value").as_u64().unwrap_or(KEPT_RESULTS);
    let cleared = oldest(&results, kept);
    if !is_due || cleared.is_empty() {
        return None;
    }
    let fewer = size_of(cleared);
    let edit = json!({
        "type": "clear_tool_uses_20250919",
        "cleared_tool_uses": cleared.len(),
        "cleared_input_tokens": fewer,
    });
    Some((edit, fewer))
}

fn cleared_thinking(request: &MessagesCall<'_>, edit: &Value) -> Option<(Value, u64)> {
    let turns = of_type(request, "thinking");
    if at(edit, "/keep") == "all" {
        return None;
    }
    let kept = at(edit, "/keep/value").as_u64().unwrap_or(KEPT_TURNS);
    let cleared = oldest(&turns, kept);
    if cleared.is_empty() {
        return None;
    }
    let fewer = size_of(&cleared.concat());
    let edit = json!({
        "type": "clear_thinking_20251015",
        "cleared_thinking_turns": cleared.len(),
        "cleared_input_tokens": fewer,
    });
    Some((edit, fewer))
}

/// What stands for the conversation from here on.
fn summary(request: &MessagesCall<'_>) -> String {
    format!(
        "A simulated summary of {} messages. No model has read them.",
        request.messages().len()
    )
}

/// A call of the model in `usage.iterations`, which the other members of `usage` do not count.
fn iteration(kind: &str, tokens: Tokens) -> Value {
    json!({
        "type": kind,
        "input_tokens": tokens.input,
        "output_tokens": tokens.output,
        "cache_read_input_tokens": tokens.cache_read,
        "cache_creation_input_tokens": tokens.cache_write_5m + tokens.cache_write_1h,
        "cache_creation": {
            "ephemeral_5m_input_tokens": tokens.cache_write_5m,
            "ephemeral_1h_input_tokens": tokens.cache_write_1h,
        },
    })
}

/// A summary before the answer, or in its place.
fn summed_up(
    request: &MessagesCall<'_>,
    mut reply: ScriptedReply,
    tokens: Tokens,
    pauses: bool,
) -> ScriptedReply {
    let summary = summary(request);
    let block = json!({"type": "compaction", "content": summary});
    let whole = cache::size(&blocks::prompt_blocks(request.body));
    let summing = Tokens {
        input: whole,
        output: (summary.len() as u64).div_ceil(4),
        ..Tokens::default()
    };
    let mut iterations = vec![iteration("compaction", summing)];
    if pauses {
        reply.blocks.clear();
        reply.stop = Some("compaction".to_owned());
    } else {
        iterations.push(iteration("message", tokens));
    }
    reply.blocks.insert(0, Block::Native(block));
    reply.with_field("usage", json!({"iterations": iterations}))
}

/// A signed summary and nothing else. It counts as nothing but for its iteration.
fn summary_alone(request: &MessagesCall<'_>, tokens: Tokens) -> (ScriptedReply, Tokens) {
    let summary = summary(request);
    let signature = signature::sign(&summary, SignedFor::default());
    let block = json!({"type": "compaction", "content": summary, "signature": signature});
    let tokens = Tokens {
        output: (summary.len() as u64).div_ceil(4),
        ..tokens
    };
    let iterations = json!({"iterations": [iteration("compaction", tokens)]});
    let reply = ScriptedReply::default()
        .with_block(block)
        .with_stop("compaction")
        .with_field("usage", iterations);
    (reply, Tokens::default())
}

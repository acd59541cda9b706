//! The service's own search among deferred tools: a regular expression, or words.

use regex_lite::Regex;
use serde_json::{Map, Value, json};

use super::{
    super::{
        Block, ScriptedReply,
        json::{at, list},
        wire,
    },
    MessagesCall,
    prefix::referred_to,
};

/// The most references that a search finds.
const MOST_FOUND: usize = 5;
/// The longest regular expression, and the longest question in words.
const LONGEST_PATTERN: usize = 200;
const LONGEST_WORDS: usize = 500;

/// What a user says to have the echo search for something of its own.
const ASKED: &str = "search for tools matching `";

/// Whether a tool searches the others.
fn is_search(tool: &Value) -> bool {
    let kind = at(tool, "/type").as_str().unwrap_or_default();
    kind.starts_with("tool_search_tool_")
}

/// Whether a tool stays out of the prompt until it is found.
pub(super) fn is_deferred(tool: &Value) -> bool {
    at(tool, "/defer_loading") == true
}

/// The tools that the model can call: those that are not deferred or found already, and where there is a search all.
pub(super) fn within_reach(body: &Value) -> Vec<&Value> {
    let tools = list(at(body, "/tools"));
    let found = found_already(body);
    let can_search = tools.iter().any(is_search);
    let is_within_reach = |tool: &&Value| {
        let is_loaded = !is_deferred(tool) || found.contains(&at(tool, "/name"));
        can_search || is_loaded
    };
    tools.iter().filter(is_within_reach).collect()
}

/// The names of the tools that the conversation refers to.
fn found_already(body: &Value) -> Vec<&Value> {
    let messages = list(at(body, "/messages")).iter();
    let blocks = messages.flat_map(|message| list(at(message, "/content")));
    let tools = blocks.flat_map(|block| referred_to(body, block));
    tools.map(|tool| at(tool, "/name")).collect()
}

/// Puts a search before a reply that calls a deferred tool for the first time, or that was asked to search.
pub(super) fn search_first(
    request: &MessagesCall<'_>,
    last_words: &str,
    reply: ScriptedReply,
) -> ScriptedReply {
    let tools = list(at(request.body, "/tools"));
    let Some(search) = tools.iter().find(|tool| is_search(tool)) else {
        return reply;
    };
    let asked = last_words.split_once(ASKED);
    let asked = asked.and_then(|(_, rest)| Some(rest.split_once('`')?.0));
    let deferred: Vec<&Value> = tools.iter().filter(|tool| is_deferred(tool)).collect();
    let found_before = found_already(request.body);
    let called = reply.blocks.iter().find_map(|block| match block {
        Block::ToolUse { name, .. } => Some(name.as_str()),
        _ => None,
    });
    let is_new = |name: &&str| {
        let mut names = deferred.iter().map(|tool| at(tool, "/name"));
        names.any(|known| known == name) && !found_before.iter().any(|known| *known == name)
    };
    let Some(query) = asked.or(called.filter(is_new)) else {
        return reply;
    };
    let found = find(search, query, &deferred);
    let mut searched = blocks(search, query, &found);
    let reply = match (&found, asked) {
        (_, None) => reply,
        (Ok(found), Some(_)) => match found.first() {
            Some(name) => ScriptedReply::tool(*name, &json!({})),
            None => ScriptedReply::text("The simulated model found no such tool."),
        },
        (Err(error), Some(_)) => {
            ScriptedReply::text(format!("The simulated model could not search: {error}."))
        }
    };
    let thinking = reply
        .blocks
        .iter()
        .take_while(|block| matches!(block, Block::Thinking(_) | Block::Redacted(_)));
    let at = thinking.count();
    let mut reply = reply.with_field(
        "usage",
        json!({"server_tool_use": {"tool_search_requests": 1}}),
    );
    let after = reply.blocks.split_off(at);
    reply.blocks.append(&mut searched);
    reply.blocks.extend(after);
    reply
}

/// The names of the deferred tools that are found, or the code of an error.
fn find<'a>(
    search: &Value,
    query: &str,
    deferred: &[&'a Value],
) -> Result<Vec<&'a str>, &'static str> {
    let name = |tool: &'a Value| at(tool, "/name").as_str().unwrap_or_default();
    let is_regex = at(search, "/name") == "tool_search_tool_regex";
    let longest = if is_regex {
        LONGEST_PATTERN
    } else {
        LONGEST_WORDS
    };
    if query.chars().count() > longest {
        return Err("invalid_tool_input");
    }
    let mut found: Vec<(usize, &str)> = if is_regex {
        let pattern = Regex::new(query).map_err(|_| "invalid_tool_input")?;
        let tools = deferred
            .iter()
            .filter(|tool| pattern.is_match(&text_of(tool)));
        tools.map(|tool| (1, name(tool))).collect()
    } else {
        let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
        let tools = deferred.iter().map(|tool| {
            let text = text_of(tool).to_lowercase();
            (
                words.iter().filter(|word| text.contains(*word)).count(),
                name(tool),
            )
        });
        tools.filter(|(score, _)| *score > 0).collect()
    };
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    Ok(found
        .into_iter()
        .map(|(_, name)| name)
        .take(MOST_FOUND)
        .collect())
}

/// What of a tool is searched: its name and description, and those of its arguments.
fn text_of(tool: &Value) -> String {
    let text = |value: &Value, path: &str| at(value, path).as_str().unwrap_or_default().to_owned();
    let properties = at(tool, "/input_schema/properties").as_object();
    let arguments = properties.into_iter().flat_map(Map::iter);
    let arguments =
        arguments.map(|(name, schema)| format!("{name} {}", text(schema, "/description")));
    let arguments: Vec<String> = arguments.collect();
    format!(
        "{}\n{}\n{}",
        text(tool, "/name"),
        text(tool, "/description"),
        arguments.join("\n")
    )
}

fn blocks(search: &Value, query: &str, found: &Result<Vec<&str>, &str>) -> Vec<Block> {
    let id = format!("srvtoolu_bdrk_01{}", wire::random_id(22));
    let call = json!({
        "type": "server_tool_use",
        "id": id,
        "name": at(search, "/name"),
        "input": {"query": query},
    });
    let content = match found {
        Ok(names) => {
            let references = names.iter();
            let references =
                references.map(|name| json!({"type": "tool_reference", "tool_name": name}));
            json!({
                "type": "tool_search_tool_search_result",
                "tool_references": references.collect::<Vec<_>>(),
            })
        }
        Err(code) => json!({"type": "tool_search_tool_result_error", "error_code": code}),
    };
    let result = json!({"type": "tool_search_tool_result", "tool_use_id": id, "content": content});
    vec![Block::Native(call), Block::Native(result)]
}

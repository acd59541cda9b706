//! What the service says when no script speaks: a small, honest echo of a model.
//!
//! It says that it is simulated. It calls a tool when it is made to or asked to, answers in JSON where a schema
//! asks for it, and does the one job that coding agents are tried with: "create a file named …, its content …,
//! finish with …", through whichever tool, markup or edit format the agent brought. It understands nothing else.

use serde_json::{Value, json};

use super::{
    Block, Reply,
    json::{at, list},
    validate::Asked,
};
use crate::catalog::{Family, ThinkingSupport};

mod formats;
mod schema;
mod task;
mod tools;

use task::Task;

/// The answer to a request that has passed the rules.
pub fn answer(model: &str, asked: &Asked<'_>) -> Reply {
    let prompt = Prompt::read(asked.body);
    let mut reply = decide(model, &prompt);
    if let Some(begun) = &prompt.prefill {
        go_on(&mut reply, begun);
    }
    if let Some(thought) = thought(asked, &prompt) {
        reply.blocks.insert(0, thought);
    }
    let config = at(asked.body, "/inferenceConfig");
    let stops: Vec<&str> = texts_of(at(config, "/stopSequences"));
    stop_at(&mut reply, &stops);
    if let Some(most) = at(config, "/maxTokens").as_u64() {
        shorten(&mut reply, most);
    }
    reply
}

/// What of a request matters here.
struct Prompt<'a> {
    /// System prompts, joined.
    system: String,
    /// What users typed, message by message; a message of tool results alone is not among them.
    typed: Vec<String>,
    /// The latest job, as long as the assistant has not said that it is done.
    task: Option<Task>,
    /// The beginning of the answer, where the request gives it.
    prefill: Option<String>,
    /// The last message brings results of tools.
    results: Vec<String>,
    /// Name and schema of each tool.
    tools: Vec<(&'a str, &'a Value)>,
    /// `toolChoice`.
    choice: &'a Value,
    /// The schema that the answer must have, as JSON text.
    format: Option<&'a str>,
}

impl<'a> Prompt<'a> {
    fn read(body: &'a Value) -> Self {
        let messages = list(at(body, "/messages"));
        let user = |message: &&Value| at(message, "/role") == "user";
        let text = |blocks: &Value| {
            let texts = list(blocks)
                .iter()
                .filter_map(|block| at(block, "/text").as_str());
            texts.collect::<Vec<_>>().join("\n")
        };
        let mut task: Option<Task> = None;
        for message in messages {
            let text = text(at(message, "/content"));
            let done = task.as_ref().and_then(|task| task.done.as_deref());
            if user(&message) {
                task = Task::parse(&text).or(task);
            } else if done.is_some_and(|done| text.contains(done)) {
                task = None;
            }
        }
        let prefill = messages.last().filter(|message| !user(message));
        let typed = messages.iter().filter(user);
        let typed = typed.map(|message| text(at(message, "/content")));
        let last = messages
            .last()
            .map_or(&Value::Null, |last| at(last, "/content"));
        let results = list(last)
            .iter()
            .filter_map(|block| block.get("toolResult"));
        let tools = list(at(body, "/toolConfig/tools")).iter();
        let tools = tools.filter_map(|tool| tool.get("toolSpec"));
        Self {
            system: text(at(body, "/system")),
            task,
            prefill: prefill.map(|message| text(at(message, "/content"))),
            typed: typed.filter(|text| !text.trim().is_empty()).collect(),
            results: results.map(|result| text(at(result, "/content"))).collect(),
            tools: tools
                .map(|spec| {
                    (
                        at(spec, "/name").as_str().unwrap_or_default(),
                        at(spec, "/inputSchema/json"),
                    )
                })
                .collect(),
            choice: at(body, "/toolConfig/toolChoice"),
            format: at(body, "/outputConfig/textFormat/structure/jsonSchema/schema").as_str(),
        }
    }

    fn last(&self) -> &str {
        self.typed.last().map_or("", String::as_str)
    }

    /// Everything there is to read, for the few facts that a client hides anywhere.
    fn everything(&self) -> String {
        format!("{}\n{}", self.system, self.typed.join("\n"))
    }
}

fn decide(model: &str, prompt: &Prompt<'_>) -> Reply {
    let task = &prompt.task;
    if let Some(reply) = tools::forced(prompt, task.as_ref()) {
        return reply;
    }
    if !prompt.results.is_empty() {
        return Reply::text(after_tools(prompt, task.as_ref()));
    }
    if let Some(text) = formats::answer(prompt, task.as_ref()) {
        return Reply::text(text);
    }
    if let Some(reply) = task
        .as_ref()
        .and_then(|task| tools::write_file(prompt, task))
    {
        return reply;
    }
    if let Some(schema) = prompt.format {
        let schema = serde_json::from_str(schema).unwrap_or_default();
        return Reply::text(schema::fill(&schema, "answer").to_string());
    }
    if let Some(words) = task::exact_reply(prompt.last()) {
        return Reply::text(words);
    }
    if let Some(reply) = tools::mentioned(prompt) {
        return reply;
    }
    let said = excerpt(prompt.last(), 200);
    Reply::text(format!(
        "This is a simulated Amazon Bedrock answering in the place of {model}; no model has read your message. You said: {said}"
    ))
}

fn after_tools(prompt: &Prompt<'_>, task: Option<&Task>) -> String {
    if let Some(done) = task.and_then(|task| task.done.as_deref()) {
        return format!("The file was written. {done}");
    }
    let results = prompt.results.join(" ");
    format!(
        "The simulated model was told by the tool: {}",
        excerpt(&results, 400)
    )
}

/// A block of thinking where the request asks for it. Claude signs, others do not; an adaptive model does not think
/// about the result of a tool.
fn thought(asked: &Asked<'_>, prompt: &Prompt<'_>) -> Option<Block> {
    let fields = at(asked.body, "/additionalModelRequestFields");
    let always = asked.model.abilities.thinking == ThinkingSupport::Adaptive { always_on: true };
    let fresh = prompt.results.is_empty();
    let text = format!(
        "The user wrote {} characters. I am simulated, so there is little to think about.",
        prompt.last().chars().count()
    );
    match at(fields, "/thinking/type").as_str() {
        Some("enabled") => return Some(Block::Thinking(text)),
        Some("adaptive") if fresh => return Some(Block::Thinking(text)),
        None if always && fresh => return Some(Block::Thinking(text)),
        _ => {}
    }
    let effort = ["reasoning_effort", "reasoning_config", "reasoningConfig"];
    let asked_for = effort
        .iter()
        .any(|name| fields.get(*name).is_some_and(|value| !value.is_null()));
    let speaks = matches!(asked.model.family, Family::Claude);
    (asked_for && !speaks).then_some(Block::Reasoning(text))
}

/// Leaves out what the answer's given beginning says already.
fn go_on(reply: &mut Reply, begun: &str) {
    if let Some(Block::Text(text)) = reply.blocks.first_mut()
        && let Some(rest) = text.strip_prefix(begun)
    {
        *text = rest.to_owned();
    }
}

/// Ends the answer's text before the first stop sequence.
fn stop_at(reply: &mut Reply, stops: &[&str]) {
    for (at, block) in reply.blocks.iter_mut().enumerate() {
        let Block::Text(text) = block else { continue };
        let found = stops
            .iter()
            .filter_map(|stop| Some((text.find(stop)?, *stop)));
        if let Some((end, stop)) = found.min() {
            reply.stop_sequence = Some(stop.to_owned());
            text.truncate(end);
            reply.blocks.truncate(at + 1);
            reply
                .blocks
                .retain(|block| !matches!(block, Block::Text(text) if text.is_empty()));
            reply.stop = Some("stop_sequence".to_owned());
            return;
        }
    }
}

/// Ends the answer after so many tokens of four bytes.
fn shorten(reply: &mut Reply, most: u64) {
    if reply.estimated_output() <= most {
        return;
    }
    let mut left = usize::try_from(most.saturating_mul(4)).unwrap_or(usize::MAX);
    for block in &mut reply.blocks {
        let text = match block {
            Block::Text(text) | Block::Thinking(text) | Block::Reasoning(text) => text,
            Block::ToolUse { input, .. } => input,
            Block::Redacted(_) => continue,
        };
        let end = (0..=left.min(text.len()))
            .rev()
            .find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        left = left.saturating_sub(text.len());
    }
    reply
        .blocks
        .retain(|block| !matches!(block, Block::Text(text) if text.is_empty()));
    reply.stop = Some("max_tokens".to_owned());
}

fn excerpt(text: &str, most: usize) -> String {
    let text = text.trim();
    let short: String = text.chars().take(most).collect();
    if short.len() < text.len() {
        return format!("{short}…");
    }
    short
}

fn texts_of(value: &Value) -> Vec<&str> {
    list(value).iter().filter_map(Value::as_str).collect()
}

/// A tool call as a reply.
fn call(name: &str, input: Value) -> Reply {
    let input = if input.is_object() { input } else { json!({}) };
    Reply::tool(name, &input)
}

#[cfg(test)]
mod tests;

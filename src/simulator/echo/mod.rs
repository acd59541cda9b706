//! What the service says when no script speaks: a small, honest echo of a model.
//!
//! It says that it is simulated. It calls a tool when it is made to or asked to, answers in JSON where a schema
//! asks for it, and does the one job that coding agents are tried with: "create a file named …, its content …,
//! finish with …", through whichever tool, markup or edit format the agent brought. It understands nothing else.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{
    Block, ScriptedReply,
    json::{at, list},
    validate::CheckedRequest,
};
use crate::catalog::{Family, ThinkingSupport};

mod formats;
mod schema;
mod task;
mod tools;

use task::Task;

/// The answer to a Converse request that has passed the rules.
pub fn answer(model: &str, asked: &CheckedRequest<'_>) -> ScriptedReply {
    reply(model, &Prompt::of_converse(asked))
}

/// The answer to a prompt, in whatever format it came.
pub(super) fn reply(model: &str, prompt: &Prompt<'_>) -> ScriptedReply {
    let mut reply = decide(model, prompt);
    if let Some(begun) = &prompt.prefill {
        go_on(&mut reply, begun);
    }
    let text = || {
        format!(
            "The user wrote {} characters. I am simulated, so there is little to think about.",
            prompt.last().chars().count()
        )
    };
    match prompt.thinking {
        EchoedThinking::None => {}
        EchoedThinking::Signed => reply.blocks.insert(0, Block::Thinking(text())),
        EchoedThinking::Unsigned => reply.blocks.insert(0, Block::Reasoning(text())),
    }
    stop_at(&mut reply, &prompt.stops);
    if let Some(most) = prompt.most {
        shorten(&mut reply, most);
    }
    reply
}

/// What of a request matters here.
pub(super) struct Prompt<'a> {
    /// System prompts, joined.
    pub(super) system: String,
    /// What users typed, message by message; a message of tool results alone is not among them.
    typed: Vec<String>,
    /// The latest job, as long as the assistant has not said that it is done.
    task: Option<Task>,
    /// The beginning of the answer, where the request gives it.
    prefill: Option<String>,
    /// The last message brings results of tools.
    results: Vec<String>,
    /// Name and schema of each tool.
    pub(super) tools: Vec<(&'a str, Cow<'a, Value>)>,
    /// Which call is forced.
    pub(super) choice: EchoChoice<'a>,
    /// The schema that the answer must have.
    pub(super) format: Option<Cow<'a, Value>>,
    /// How the answer begins.
    pub(super) thinking: EchoedThinking,
    /// The answer ends before one of these.
    pub(super) stops: Vec<&'a str>,
    /// The most tokens of the answer.
    pub(super) most: Option<u64>,
}

/// One message, in the words that matter.
pub(super) struct EchoTurn {
    pub(super) is_user: bool,
    pub(super) text: String,
    /// What tools answered.
    pub(super) results: Vec<String>,
}

/// Which call is forced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EchoChoice<'a> {
    Free,
    Any,
    Tool(&'a str),
}

/// How an answer begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EchoedThinking {
    None,
    /// With thinking as Claude signs it.
    Signed,
    /// With thinking as the others send it.
    Unsigned,
}

impl<'a> Prompt<'a> {
    /// What the turns say; everything else is as in the plainest request.
    pub(super) fn of_turns(turns: Vec<EchoTurn>) -> Self {
        let mut task: Option<Task> = None;
        for turn in &turns {
            let done = task.as_ref().and_then(|task| task.done.as_deref());
            if turn.is_user {
                task = Task::parse(&turn.text).or(task);
            } else if done.is_some_and(|done| turn.text.contains(done)) {
                task = None;
            }
        }
        let prefill = turns.last().filter(|turn| !turn.is_user);
        let prefill = prefill.map(|turn| turn.text.clone());
        let results = turns.last().map(|turn| turn.results.clone());
        let typed = turns.into_iter().filter(|turn| turn.is_user);
        let typed = typed.map(|turn| turn.text);
        Self {
            system: String::new(),
            typed: typed.filter(|text| !text.trim().is_empty()).collect(),
            task,
            prefill,
            results: results.unwrap_or_default(),
            tools: Vec::new(),
            choice: EchoChoice::Free,
            format: None,
            thinking: EchoedThinking::None,
            stops: Vec::new(),
            most: None,
        }
    }

    fn of_converse(asked: &CheckedRequest<'a>) -> Self {
        let body = asked.body;
        let turns = list(at(body, "/messages")).iter().map(|message| {
            let content = at(message, "/content");
            let results = list(content).iter();
            let results = results.filter_map(|block| block.get("toolResult"));
            EchoTurn {
                is_user: at(message, "/role") == "user",
                text: text_of(content),
                results: results
                    .map(|result| text_of(at(result, "/content")))
                    .collect(),
            }
        });
        let tools = list(at(body, "/toolConfig/tools")).iter();
        let tools = tools.filter_map(|tool| tool.get("toolSpec"));
        let choice = at(body, "/toolConfig/toolChoice");
        let format = at(body, "/outputConfig/textFormat/structure/jsonSchema/schema");
        let mut prompt = Self::of_turns(turns.collect());
        prompt.thinking = thinking(asked, prompt.is_fresh());
        Self {
            system: text_of(at(body, "/system")),
            tools: tools
                .map(|spec| {
                    let schema = at(spec, "/inputSchema/json");
                    let name = at(spec, "/name").as_str().unwrap_or_default();
                    (name, Cow::Borrowed(schema))
                })
                .collect(),
            choice: match at(choice, "/tool/name").as_str() {
                Some(name) => EchoChoice::Tool(name),
                None if choice.get("any").is_some() => EchoChoice::Any,
                None => EchoChoice::Free,
            },
            format: format
                .as_str()
                .map(|text| Cow::Owned(serde_json::from_str(text).unwrap_or_default())),
            stops: texts_in(at(body, "/inferenceConfig/stopSequences")),
            most: at(body, "/inferenceConfig/maxTokens").as_u64(),
            ..prompt
        }
    }

    /// The last message is no result of a tool: an adaptive model thinks about the others alone.
    pub(super) fn is_fresh(&self) -> bool {
        self.results.is_empty()
    }

    pub(super) fn last(&self) -> &str {
        self.typed.last().map_or("", String::as_str)
    }

    /// Everything there is to read, for the few facts that a client hides anywhere.
    fn everything(&self) -> String {
        format!("{}\n{}", self.system, self.typed.join("\n"))
    }
}

fn decide(model: &str, prompt: &Prompt<'_>) -> ScriptedReply {
    let task = &prompt.task;
    if let Some(reply) = tools::forced(prompt, task.as_ref()) {
        return reply;
    }
    if !prompt.results.is_empty() {
        return ScriptedReply::text(after_tools(prompt, task.as_ref()));
    }
    if let Some(text) = formats::answer(prompt, task.as_ref()) {
        return ScriptedReply::text(text);
    }
    if let Some(reply) = task
        .as_ref()
        .and_then(|task| tools::write_file(prompt, task))
    {
        return reply;
    }
    if let Some(schema) = &prompt.format {
        return ScriptedReply::text(schema::fill(schema, "answer").to_string());
    }
    if let Some(words) = task::exact_reply(prompt.last()) {
        return ScriptedReply::text(words);
    }
    if let Some(reply) = tools::mentioned(prompt) {
        return reply;
    }
    let said = excerpt(prompt.last(), 200);
    ScriptedReply::text(format!(
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

/// The thinking that a Converse request asks for. Claude signs, others do not; an adaptive model does not think about
/// the result of a tool.
fn thinking(asked: &CheckedRequest<'_>, fresh: bool) -> EchoedThinking {
    let fields = at(asked.body, "/additionalModelRequestFields");
    let always = asked.model.abilities.thinking == ThinkingSupport::Adaptive { always_on: true };
    match at(fields, "/thinking/type").as_str() {
        Some("enabled") => return EchoedThinking::Signed,
        Some("adaptive") if fresh => return EchoedThinking::Signed,
        None if always && fresh => return EchoedThinking::Signed,
        _ => {}
    }
    let effort = ["reasoning_effort", "reasoning_config", "reasoningConfig"];
    let asked_for = effort
        .iter()
        .any(|name| fields.get(*name).is_some_and(|value| !value.is_null()));
    let signs = matches!(asked.model.family, Family::Claude);
    match asked_for && !signs {
        true => EchoedThinking::Unsigned,
        false => EchoedThinking::None,
    }
}

/// Leaves out what the answer's given beginning says already.
fn go_on(reply: &mut ScriptedReply, begun: &str) {
    if let Some(Block::Text(text)) = reply.blocks.first_mut()
        && let Some(rest) = text.strip_prefix(begun)
    {
        *text = rest.to_owned();
    }
}

/// Ends the answer's text before the first stop sequence.
fn stop_at(reply: &mut ScriptedReply, stops: &[&str]) {
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
fn shorten(reply: &mut ScriptedReply, most: u64) {
    if reply.estimated_output() <= most {
        return;
    }
    let mut left = usize::try_from(most.saturating_mul(4)).unwrap_or(usize::MAX);
    for block in &mut reply.blocks {
        let text = match block {
            Block::Text(text) | Block::Thinking(text) | Block::Reasoning(text) => text,
            Block::ToolUse { input, .. } => input,
            Block::Redacted(_) | Block::Native(_) => continue,
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

/// The strings of a list.
pub(super) fn texts_in(value: &Value) -> Vec<&str> {
    list(value).iter().filter_map(Value::as_str).collect()
}

/// What the blocks of a list say.
pub(super) fn text_of(blocks: &Value) -> String {
    let texts = list(blocks)
        .iter()
        .filter_map(|block| at(block, "/text").as_str());
    texts.collect::<Vec<_>>().join("\n")
}

/// A tool call as a reply.
fn call(name: &str, input: Value) -> ScriptedReply {
    let input = if input.is_object() { input } else { json!({}) };
    ScriptedReply::tool(name, &input)
}

#[cfg(test)]
mod tests;

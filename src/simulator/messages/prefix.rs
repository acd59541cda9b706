//! The thinking of a conversation, and the prefix that each block of it stands behind.

use std::fmt;

use serde_json::Value;

use super::{
    super::{
        CallFormat,
        binding::{self, Prefix},
        json::{at, list},
        signature::{self, Verdict},
    },
    MessagesCall, each_block,
    search::is_deferred,
};

/// A block of thinking that came back, and what is found of it.
#[derive(Debug)]
pub(super) struct Judged<'a> {
    pub(super) message: usize,
    pub(super) block: usize,
    pub(super) role: &'a str,
    pub(super) verdict: Verdict,
}

impl fmt::Display for Judged<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "messages.{}.content.{}", self.message, self.block)
    }
}

/// Whether thinking that is bound to another prefix is to be left out instead of refused.
pub(super) fn drops_unbound(request: &MessagesCall<'_>) -> bool {
    at(
        request.body,
        "/thinking/block_binding/prefix_mismatch_behavior",
    ) == "drop_block"
}

/// All thinking of the conversation, and what the whole of it is bound to, for a model that binds.
pub(super) fn read<'a>(request: &MessagesCall<'a>) -> (Vec<Judged<'a>>, Option<Prefix>) {
    let start = binding::binds(request.model).then(|| beginning(request.body));
    let mut prefix = start.clone();
    let mut judged = Vec::new();
    for (message, said) in request.messages().iter().enumerate() {
        let role = at(said, "/role").as_str().unwrap_or_default();
        for (block, value) in each_block(at(said, "/content")).iter().enumerate() {
            match at(value, "/type").as_str() {
                // What a summary stands for is not read any more.
                Some("compaction") => {
                    judged.clear();
                    prefix.clone_from(&start);
                }
                Some("thinking") => {
                    let verdict = judge(value, prefix.as_ref());
                    judged.push(Judged {
                        message,
                        block,
                        role,
                        verdict,
                    });
                    if verdict == Verdict::OtherPrefix && drops_unbound(request) {
                        continue;
                    }
                }
                _ => {}
            }
            if let Some(prefix) = &mut prefix {
                prefix.add(role, value);
                for tool in referred_to(request.body, value) {
                    prefix.add("tools", tool);
                }
            }
        }
    }
    (judged, prefix)
}

fn judge(block: &Value, prefix: Option<&Prefix>) -> Verdict {
    let text = |name| at(block, name).as_str().unwrap_or_default();
    signature::judge(
        text("/thinking"),
        text("/signature"),
        prefix.map(Prefix::digest),
    )
}

/// Tools and system prompt. Deferred tools come in where they are referred to.
fn beginning(body: &Value) -> Prefix {
    let mut prefix = Prefix::new(CallFormat::Messages);
    for tool in list(at(body, "/tools")) {
        if !is_deferred(tool) {
            prefix.add("tools", tool);
        }
    }
    for block in each_block(at(body, "/system")) {
        prefix.add("system", &block);
    }
    prefix
}

/// The tools that a block brings into the prompt.
pub(super) fn referred_to<'a>(body: &'a Value, block: &Value) -> Vec<&'a Value> {
    let references = match at(block, "/type").as_str() {
        Some("tool_result") => at(block, "/content"),
        Some("tool_search_tool_result") => at(block, "/content/tool_references"),
        _ => return Vec::new(),
    };
    let references = list(references).iter();
    let names = references.filter_map(|part| part.get("tool_name"));
    let tool_of = |name: &Value| {
        let mut tools = list(at(body, "/tools")).iter();
        tools.find(|tool| at(tool, "/name") == name)
    };
    names.filter_map(tool_of).collect()
}

//! A Messages request's prompt as the list of blocks that the cache and the count see.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    super::{
        cache::{DOCUMENT, FIVE_MINUTES, ONE_HOUR, PICTURE, PromptBlock},
        json::{at, list},
    },
    each_block,
    prefix::referred_to,
    search::is_deferred,
};

/// The blocks in the order in which they are cached: tools, system prompt, messages. Deferred tools are none of them
/// until a reference to one stands in the conversation, where the tool's definition is part of it. What stands before a
/// summary of the conversation (`compaction`) is not read any more.
pub(in crate::simulator) fn prompt_blocks(body: &Value) -> Vec<PromptBlock> {
    let mut blocks = BlockFinder {
        body,
        found: Vec::new(),
    };
    for tool in list(at(body, "/tools")) {
        if !is_deferred(tool) {
            blocks.add("tools", tool);
        }
    }
    for block in each_block(at(body, "/system")) {
        blocks.add("system", &block);
    }
    let before_messages = blocks.found.len();
    // How thinking is shown and what it is bound to is no part of the prompt.
    let thinking = at(body, "/thinking");
    let thinking = json!([at(thinking, "/type"), at(thinking, "/budget_tokens")]);
    for message in list(at(body, "/messages")) {
        let role = at(message, "/role").as_str().unwrap_or_default();
        let owner = format!("{role} {thinking}");
        for block in each_block(at(message, "/content")) {
            if at(&block, "/type") == "compaction" {
                blocks.found.truncate(before_messages);
            }
            blocks.add_of_message(&owner, &block);
        }
    }
    if let Some(point) = life(body)
        && let Some(last) = blocks.found.last_mut()
    {
        last.point = last.point.or(Some(point));
    }
    blocks.found
}

/// The life of what is stored behind a block, where it has a mark.
fn life(block: &Value) -> Option<Duration> {
    let mark = block.get("cache_control").filter(|mark| !mark.is_null())?;
    let hour = at(mark, "/ttl") == "1h";
    Some(if hour { ONE_HOUR } else { FIVE_MINUTES })
}

struct BlockFinder<'a> {
    body: &'a Value,
    found: Vec<PromptBlock>,
}

impl BlockFinder<'_> {
    fn add(&mut self, owner: &str, block: &Value) {
        let point = life(block);
        let mut plain = block.clone();
        if let Some(fields) = plain.as_object_mut() {
            fields.shift_remove("cache_control");
        }
        let text = plain.to_string();
        self.found.push(PromptBlock {
            owner: owner.to_owned(),
            tokens: weigh(block, &text),
            text,
            point,
        });
    }

    /// A block of a message, block by block where it holds others.
    fn add_of_message(&mut self, owner: &str, block: &Value) {
        let inside = list(at(block, "/content"));
        if at(block, "/type") != "tool_result" || inside.is_empty() {
            self.add(owner, block);
            for tool in referred_to(self.body, block) {
                self.add(owner, tool);
            }
            return;
        }
        let id = at(block, "/tool_use_id").as_str().unwrap_or_default();
        let owner = format!("{owner} {id}");
        for part in inside {
            if at(part, "/type") != "tool_reference" {
                self.add(&owner, part);
            }
        }
        for tool in referred_to(self.body, block) {
            self.add(&owner, tool);
        }
        if let (Some(point), Some(last)) = (life(block), self.found.last_mut()) {
            last.point = Some(point);
        }
    }
}

/// Four bytes of JSON are taken for a token; a picture or a document counts by what it is, not by its base64.
fn weigh(block: &Value, json: &str) -> u64 {
    let text = match at(block, "/type").as_str() {
        Some("image") => return PICTURE,
        Some("document") => return DOCUMENT,
        Some("text") => at(block, "/text").as_str().unwrap_or_default(),
        _ => json,
    };
    (text.len() as u64).div_ceil(4)
}

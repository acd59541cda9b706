//! Cache marks: where one may stand, what it may say, and how many there may be.

use serde_json::Value;

use super::{
    super::{
        super::json::{at, list},
        MessagesCall,
    },
    MessagesRefusal, MessagesRule, extra, kind, only, refuse, unknown_tag,
};

pub(super) const RULES: &[MessagesRule] = &[
    MessagesRule {
        name: "what a mark may say",
        source: "Anthropic; on Bedrock `scope` is an extra input, as LiteLLM and others found",
        check: form,
    },
    MessagesRule {
        name: "no mark on thinking or on empty text",
        source: "Anthropic",
        check: places,
    },
    MessagesRule {
        name: "at most four marks",
        source: "Anthropic",
        check: four,
    },
    MessagesRule {
        name: "one hour before five minutes",
        source: "Anthropic",
        check: order,
    },
];

/// A mark and where it stands.
struct Mark<'a> {
    place: String,
    /// The type of its block.
    kind: &'a str,
    block: &'a Value,
}

impl<'a> Mark<'a> {
    fn value(&self) -> &'a Value {
        at(self.block, "/cache_control")
    }

    fn path(&self) -> String {
        match self.kind {
            "" => format!("{}.cache_control", self.place),
            kind => format!("{}.{kind}.cache_control", self.place),
        }
    }
}

/// All marks in the order in which they are processed. The one of automatic caching comes last.
fn marks<'a>(request: &MessagesCall<'a>) -> Vec<Mark<'a>> {
    let mut blocks: Vec<(String, &Value, &str)> = Vec::new();
    for (n, tool) in request.tools().iter().enumerate() {
        let kind = match kind(tool) {
            "" => "custom",
            kind => kind,
        };
        blocks.push((format!("tools.{n}"), tool, kind));
    }
    for (n, block) in list(at(request.body, "/system")).iter().enumerate() {
        blocks.push((format!("system.{n}"), block, ""));
    }
    for placed in request.blocks() {
        if placed.kind() == "tool_result" {
            for (n, part) in list(at(placed.value, "/content")).iter().enumerate() {
                let place = format!("{placed}.tool_result.content.{n}");
                blocks.push((place, part, kind(part)));
            }
        }
        blocks.push((placed.to_string(), placed.value, placed.kind()));
    }
    let has_mark = |block: &Value| !at(block, "/cache_control").is_null();
    let marks = blocks.into_iter().filter(|(_, block, _)| has_mark(block));
    marks
        .map(|(place, block, kind)| Mark { place, kind, block })
        .collect()
}

fn form(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let one_hour = request
        .model
        .abilities
        .caching
        .is_some_and(|it| it.one_hour);
    let automatic = at(request.body, "/cache_control");
    let automatic = (!automatic.is_null()).then(|| ("cache_control".to_owned(), automatic));
    let marks = marks(request);
    let marks = marks.iter().map(|mark| (mark.path(), mark.value()));
    for (path, mark) in marks.chain(automatic) {
        if kind(mark) != "ephemeral" {
            return unknown_tag(path, kind(mark), &["ephemeral"]);
        }
        let path = format!("{path}.ephemeral");
        only(mark, &["type", "ttl"], &path)?;
        match at(mark, "/ttl") {
            Value::Null => {}
            Value::String(ttl) if ttl == "5m" => {}
            Value::String(ttl) if ttl == "1h" && one_hour => {}
            Value::String(ttl) if ttl == "1h" => return extra(format!("{path}.ttl")),
            _ => return refuse(format!("{path}.ttl: Input should be '5m' or '1h'")),
        }
    }
    Ok(())
}

fn places(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    for mark in marks(request) {
        if matches!(mark.kind, "thinking" | "redacted_thinking") {
            return extra(mark.path());
        }
        let is_text = mark.block.get("text").is_some();
        if is_text && at(mark.block, "/text") == "" {
            return refuse(format!(
                "{}.text: cache_control cannot be set for empty text blocks",
                mark.place
            ));
        }
    }
    Ok(())
}

fn four(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let automatic = usize::from(!at(request.body, "/cache_control").is_null());
    match marks(request).len() + automatic {
        0..=4 => Ok(()),
        found => refuse(format!(
            "A maximum of 4 blocks with cache_control may be provided. Found {found}."
        )),
    }
}

fn order(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let mut is_short = false;
    for mark in marks(request) {
        let hour = at(mark.value(), "/ttl") == "1h";
        if hour && is_short {
            return refuse(format!(
                "{}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are processed in the following order: `tools`, `system`, `messages`.",
                mark.place
            ));
        }
        is_short |= !hour;
    }
    Ok(())
}

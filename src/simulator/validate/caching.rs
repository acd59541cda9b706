//! Cache points: where one may stand, and how many.

use serde_json::Value;

use super::{
    super::json::{at, list},
    CheckedRequest, ErrorReply, Rule, model_refuses, refuse, role,
};
use crate::catalog::Family;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "no point inside a tool result",
        source: "Converse API reference: ToolResultContentBlock has none; own words",
        check: inside_results,
    },
    Rule {
        name: "no point on models that cannot cache",
        source: "reported: BerriAI/litellm#39210",
        check: supported,
    },
    Rule {
        name: "no point among the tools on Nova",
        source: "reported: BerriAI/litellm#17479",
        check: among_tools,
    },
    Rule {
        name: "at most four points",
        source: "Anthropic; AWS documents four per request",
        check: four,
    },
    Rule {
        name: "one hour only where the model has it, and never after five minutes",
        source: "Anthropic for the order; own words for the model",
        check: lives,
    },
    Rule {
        name: "something to cache before a point, in its own message",
        source: "reported: strands-agents/harness-sdk#3677",
        check: on_nothing,
    },
    Rule {
        name: "no point after a document",
        source: "reported: pydantic/pydantic-ai#4207",
        check: after_document,
    },
    Rule {
        name: "no point after thinking",
        source: "reported: 0xPlaygrounds/rig#1673",
        check: after_thinking,
    },
];

/// All points in the order in which they are processed, with their places in Claude's words.
fn points<'a>(asked: &CheckedRequest<'a>) -> Vec<(String, &'a Value)> {
    let point = |place: String, block: &'a Value| Some((place, block.get("cachePoint")?));
    let tools = list(at(asked.body, "/toolConfig/tools")).iter().enumerate();
    let system = list(at(asked.body, "/system")).iter().enumerate();
    let mut found: Vec<_> = tools
        .filter_map(|(at, tool)| point(format!("tools.{at}"), tool))
        .collect();
    found.extend(system.filter_map(|(at, block)| point(format!("system.{at}"), block)));
    let blocks = asked.blocks();
    found.extend(
        blocks.filter_map(|(m, b, block)| point(format!("messages.{m}.content.{b}"), block)),
    );
    found
}

fn inside_results(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    for (m, b, block) in asked.blocks() {
        let inside = list(at(block, "/toolResult/content"));
        if let Some(at) = inside
            .iter()
            .position(|part| part.get("cachePoint").is_some())
        {
            return refuse(format!(
                "Malformed input request: #/messages/{m}/content/{b}/toolResult/content/{at}: extraneous key [cachePoint] is not permitted, please reformat your input and try again."
            ));
        }
    }
    Ok(())
}

fn supported(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    if asked.model.abilities.caching.is_none() && !points(asked).is_empty() {
        return Err(ErrorReply::access_denied(
            "You invoked an unsupported model or your request did not allow prompt caching. See the documentation for more information.",
        ));
    }
    Ok(())
}

fn among_tools(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let taken = asked
        .model
        .abilities
        .caching
        .is_some_and(|caching| caching.tools);
    if taken && asked.model.family != Family::Nova {
        return Ok(());
    }
    let tools = list(at(asked.body, "/toolConfig/tools"));
    match tools
        .iter()
        .position(|tool| tool.get("cachePoint").is_some())
    {
        Some(at) => model_refuses(format!(
            "Malformed input request: #/toolConfig/tools/{at}: extraneous key [cachePoint] is not permitted, please reformat your input and try again."
        )),
        None => Ok(()),
    }
}

fn four(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    match points(asked).len() {
        0..=4 => Ok(()),
        found => model_refuses(format!(
            "A maximum of 4 blocks with cache_control may be provided. Found {found}."
        )),
    }
}

fn lives(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let hour = asked
        .model
        .abilities
        .caching
        .is_some_and(|caching| caching.one_hour);
    let mut short = false;
    for (place, point) in points(asked) {
        match at(point, "/ttl").as_str() {
            None | Some("5m") => short = true,
            Some("1h") if !hour => {
                return model_refuses(
                    "Extended TTL for prompt caching is not supported for this model.",
                );
            }
            Some("1h") if short => {
                return model_refuses(format!(
                    "{place}.cache_control.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block. Note that blocks are processed in the following order: `tools`, `system`, `messages`."
                ));
            }
            Some("1h") => {}
            Some(other) => {
                return super::breaks_constraint(
                    other,
                    "cachePoint.ttl",
                    "satisfy enum value set: [5m, 1h]",
                );
            }
        }
    }
    Ok(())
}

fn on_nothing(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    for (_, b, block) in asked.blocks() {
        if b == 0 && block.get("cachePoint").is_some() {
            return refuse(
                "There is nothing available to cache. Please remove the invalid cache point and try again.",
            );
        }
    }
    Ok(())
}

fn after_document(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let mut blocks = asked.blocks().zip(asked.blocks().skip(1));
    let point = blocks.find(|((_, _, a), (_, _, b))| {
        a.get("document").is_some() && b.get("cachePoint").is_some()
    });
    match point {
        Some((_, (m, b, _))) => {
            model_refuses(format!("messages.{m}.content.{b}.type: Field required"))
        }
        None => Ok(()),
    }
}

fn after_thinking(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    for message in asked.messages().iter().filter(|m| role(m) == "assistant") {
        let blocks = list(at(message, "/content"));
        let mut pairs = blocks.iter().zip(blocks.iter().skip(1));
        if pairs.any(|(a, b)| a.get("reasoningContent").is_some() && b.get("cachePoint").is_some())
        {
            return refuse(
                "Cache point cannot be inserted after reasoning block. Please remove the invalid cache point and try again.",
            );
        }
    }
    Ok(())
}

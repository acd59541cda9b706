//! Tools: their specs, their names and ids, calls and results that belong together.

use std::collections::HashSet;

use serde_json::Value;

use super::{
    super::json::{at, list},
    CheckedRequest, ErrorReply, Rule, breaks_constraint, check_name, model_refuses, refuse, role,
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "tools that the model can use",
        source: "recorded words for streaming (Llama 4); the others reported",
        check: supported,
    },
    Rule {
        name: "tool specs",
        source: "Converse API reference (ToolSpecification); schema's words reported",
        check: specs,
    },
    Rule {
        name: "unique tool names",
        source: "Anthropic",
        check: unique_names,
    },
    Rule {
        name: "tool choice",
        source: "reported for models without; Anthropic for an unknown tool",
        check: choice,
    },
    Rule {
        name: "calls and results are well formed",
        source: "Converse API reference (ToolUseBlock, ToolResultBlock); input's words reported",
        check: blocks,
    },
    Rule {
        name: "tool blocks need tools",
        source: "reported widely",
        check: need_config,
    },
    Rule {
        name: "unique ids",
        source: "Anthropic",
        check: unique_ids,
    },
    Rule {
        name: "every call is answered in the next turn, and nothing else",
        source: "reported widely",
        check: answered,
    },
    Rule {
        name: "what may stand beside a tool's result",
        source: "reported: pydantic/pydantic-ai#6098; the words are Claude's, of pydantic/pydantic-ai#3253",
        check: beside_results,
    },
    Rule {
        name: "pictures in a tool's result",
        source: "reported: anomalyco/opencode#49443",
        check: pictures_in_results,
    },
];

const NAME: &str = "[a-zA-Z0-9_-]+";
const ID: &str = "[a-zA-Z0-9_.:-]+";

fn supported(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    if asked.tools().next().is_none() {
        return Ok(());
    }
    let abilities = &asked.model.abilities;
    if !abilities.tools {
        return refuse("This model doesn't support tool use.");
    }
    if asked.streaming && !abilities.tools_while_streaming {
        return refuse("This model doesn't support tool use in streaming mode.");
    }
    Ok(())
}

fn specs(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let config = at(asked.body, "/toolConfig");
    if config.is_object() && list(at(config, "/tools")).is_empty() {
        let constraint = "have length greater than or equal to 1";
        return breaks_constraint("[]", "toolConfig.tools", constraint);
    }
    for (n, spec) in asked.tools() {
        let place = format!("toolConfig.tools.{}.member.toolSpec", n + 1);
        let name = at(spec, "/name").as_str().unwrap_or_default();
        check_name(name, "_-", NAME, &format!("{place}.name"))?;
        if at(spec, "/description") == "" {
            let place = format!("{place}.description");
            return breaks_constraint("", &place, "have length greater than or equal to 1");
        }
        if at(spec, "/inputSchema/json/type") != "object" {
            return refuse(format!(
                "The value at toolConfig.tools.{n}.toolSpec.inputSchema.json.type must be one of the following: object."
            ));
        }
    }
    Ok(())
}

fn unique_names(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let mut names = HashSet::new();
    for (_, spec) in asked.tools() {
        if !names.insert(at(spec, "/name").as_str()) {
            return model_refuses("tools: Tool names must be unique.");
        }
    }
    Ok(())
}

fn choice(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let choice = at(asked.body, "/toolConfig/toolChoice");
    for kind in ["any", "tool"] {
        if choice.get(kind).is_some() && !asked.model.abilities.tool_choice {
            return refuse(format!(
                "This model doesn't support the toolConfig.toolChoice.{kind} field. Remove toolConfig.toolChoice.{kind} and try again."
            ));
        }
    }
    let name = at(choice, "/tool/name").as_str();
    if let Some(name) = name
        && !asked.tools().any(|(_, spec)| at(spec, "/name") == name)
    {
        return model_refuses(format!("Tool '{name}' not found in provided tools"));
    }
    Ok(())
}

fn blocks(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    for (m, b, block) in asked.blocks() {
        let place = format!("messages.{}.member.content.{}.member", m + 1, b + 1);
        let assistant = asked
            .messages()
            .get(m)
            .is_some_and(|m| role(m) == "assistant");
        if let Some(call) = block.get("toolUse") {
            let id = at(call, "/toolUseId").as_str().unwrap_or_default();
            check_name(id, "_.:-", ID, &format!("{place}.toolUse.toolUseId"))?;
            let name = at(call, "/name").as_str().unwrap_or_default();
            check_name(name, "_-", NAME, &format!("{place}.toolUse.name"))?;
            if !at(call, "/input").is_object() {
                return refuse(format!(
                    "The format of the value at messages.{m}.content.{b}.toolUse.input is invalid. Provide a json object for the field and try again."
                ));
            }
            if !assistant {
                return model_refuses(format!(
                    "messages.{m}: `tool_use` blocks can only be in `assistant` messages"
                ));
            }
        }
        if let Some(result) = block.get("toolResult") {
            let id = at(result, "/toolUseId").as_str().unwrap_or_default();
            check_name(id, "_.:-", ID, &format!("{place}.toolResult.toolUseId"))?;
            if !at(result, "/content").is_array() {
                let place = format!("{place}.toolResult.content");
                return breaks_constraint("null", &place, "not be null");
            }
            // The service's own tools answer in the assistant's turn; their blocks have a `type`.
            if assistant && result.get("type").is_none() {
                return model_refuses(format!(
                    "messages.{m}: `tool_result` blocks can only be in `user` messages"
                ));
            }
        }
    }
    Ok(())
}

fn need_config(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let uses_tools = asked
        .blocks()
        .any(|(_, _, block)| block.get("toolUse").is_some() || block.get("toolResult").is_some());
    if uses_tools && list(at(asked.body, "/toolConfig/tools")).is_empty() {
        return refuse(
            "The toolConfig field must be defined when using toolUse and toolResult content blocks.",
        );
    }
    Ok(())
}

fn unique_ids(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let mut calls = HashSet::new();
    for (_, _, block) in asked.blocks() {
        let id = at(block, "/toolUse/toolUseId").as_str();
        if id.is_some() && !calls.insert(id) {
            return model_refuses("messages: `tool_use` ids must be unique");
        }
    }
    Ok(())
}

/// Ids of the client's tools in one message; the service's own tools (with a `type`) take care of themselves.
fn ids<'a>(message: Option<&'a Value>, kind: &str) -> Vec<&'a str> {
    let blocks = message.map_or(&[][..], |message| list(at(message, "/content")));
    let found = blocks.iter().filter_map(|block| block.get(kind));
    found
        .filter(|block| block.get("type").is_none())
        .filter_map(|block| at(block, "/toolUseId").as_str())
        .collect()
}

fn answered(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let messages = asked.messages();
    for at in 0..=messages.len() {
        let before = at.checked_sub(1).and_then(|before| messages.get(before));
        let calls = ids(before, "toolUse");
        let results = ids(messages.get(at), "toolResult");
        let missing: Vec<&str> = calls
            .iter()
            .filter(|id| !results.contains(id))
            .copied()
            .collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            return refuse(format!(
                "Expected toolResult blocks at messages.{at}.content for the following Ids: {missing}"
            ));
        }
        if results.len() > calls.len() {
            return refuse(format!(
                "The number of toolResult blocks at messages.{at}.content exceeds the number of toolUse blocks of previous turn."
            ));
        }
    }
    Ok(())
}

fn beside_results(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let abilities = &asked.model.abilities;
    for (m, message) in asked.messages().iter().enumerate() {
        let blocks = list(at(message, "/content"));
        let results = blocks.iter().filter_map(|block| block.get("toolResult"));
        let ids: Vec<&str> = results
            .filter_map(|result| at(result, "/toolUseId").as_str())
            .collect();
        let may_stand = |block: &Value| {
            let is = |kind: &str| block.get(kind).is_some();
            match is("document") {
                true => abilities.documents_beside_results,
                false => is("toolResult") || is("cachePoint") || abilities.text_beside_results,
            }
        };
        if !ids.is_empty() && !blocks.iter().all(may_stand) {
            return model_refuses(format!(
                "messages.{m}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
                ids.join(", ")
            ));
        }
    }
    Ok(())
}

fn pictures_in_results(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let mut inside = asked
        .blocks()
        .flat_map(|(_, _, block)| list(at(block, "/toolResult/content")));
    if !asked.model.abilities.tool_result_images && inside.any(|part| part.get("image").is_some()) {
        return refuse(
            "This model doesn't support the image field for user messages. Remove image and try again.",
        );
    }
    Ok(())
}

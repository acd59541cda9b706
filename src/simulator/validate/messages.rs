//! Roles, order and text of the conversation.

use serde_json::Value;

use super::{
    super::json::{at, list},
    CheckedRequest, ErrorReply, Rule, model_refuses, refuse, role,
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "messages are there",
        source: "Converse API reference; own words",
        check: present,
    },
    Rule {
        name: "the user speaks first",
        source: "reported: langgenius/dify#12340. Sonnet 4.5 was recorded to accept an assistant's turn first; the \
                 rule stays for all, for other models refuse it",
        check: user_first,
    },
    Rule {
        name: "roles alternate",
        source: "reported: langchain-ai/langchain-aws#130, #192",
        check: alternate,
    },
    Rule {
        name: "no empty message",
        source: "reported widely",
        check: not_empty,
    },
    Rule {
        name: "no blank text",
        source: "reported: aws/bedrock-agentcore-sdk-python#185, langchain-ai/langchainjs#8618. Recorded: a blank \
                 text after a document passes",
        check: not_blank,
    },
    Rule {
        name: "system prompt",
        source: "reported for models without; the blank text's words follow the messages'",
        check: system,
    },
    Rule {
        name: "prefill",
        source: "Anthropic, Claude 4.6 and later; Bedrock for other families",
        check: prefill,
    },
];

fn present(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    for (n, message) in asked.messages().iter().enumerate() {
        if !matches!(role(message), "user" | "assistant") || !at(message, "/content").is_array() {
            return refuse(format!(
                "The message at messages.{n} needs a role of user or assistant and a list of content blocks."
            ));
        }
    }
    if asked.messages().is_empty() {
        return refuse(
            "A conversation must start with a user message. Try again with a conversation that starts with a user message.",
        );
    }
    Ok(())
}

fn user_first(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    match asked.messages().first().map(role) {
        Some("user") => Ok(()),
        _ => refuse(
            "A conversation must start with a user message. Try again with a conversation that starts with a user message.",
        ),
    }
}

fn alternate(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let pairs = asked.messages().iter().zip(asked.messages().iter().skip(1));
    for (before, after) in pairs {
        if role(before) == role(after) {
            return refuse(
                "A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.",
            );
        }
    }
    Ok(())
}

fn not_empty(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    for (n, message) in asked.messages().iter().enumerate() {
        if list(at(message, "/content")).is_empty() {
            return refuse(format!(
                "The content field in the Message object at messages.{n} is empty. Add a ContentBlock object to the content field and try again."
            ));
        }
    }
    Ok(())
}

fn is_blank(block: &Value) -> bool {
    let text = block.get("text").and_then(Value::as_str);
    text.is_some_and(|text| text.trim().is_empty())
}

fn not_blank(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let mut after_document = false;
    for (m, b, block) in asked.blocks() {
        if is_blank(block) && !(after_document && b > 0) {
            return refuse(format!(
                "The text field in the ContentBlock object at messages.{m}.content.{b} is blank. Add text to the text field, and try again."
            ));
        }
        after_document = block.get("document").is_some();
    }
    Ok(())
}

fn system(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let blocks = list(at(asked.body, "/system"));
    if let Some(at) = blocks.iter().position(is_blank) {
        return refuse(format!(
            "The text field in the SystemContentBlock object at system.{at} is blank. Add text to the text field, and try again."
        ));
    }
    if !blocks.is_empty() && !asked.model.abilities.system {
        return refuse(
            "This model doesn't support system messages. Try again without a system message or use a model that supports system messages.",
        );
    }
    Ok(())
}

fn prefill(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let Some(last) = asked.messages().last().filter(|m| role(m) == "assistant") else {
        return Ok(());
    };
    if !asked.model.abilities.prefill {
        if asked.is_claude() {
            return model_refuses(
                "This model does not support assistant message prefill. The conversation must end with a user message.",
            );
        }
        return refuse(
            "A conversation must end with a user message. Try again with a conversation that ends with a user message.",
        );
    }
    let text = list(at(last, "/content"))
        .iter()
        .rev()
        .find_map(|block| at(block, "/text").as_str());
    if text.is_some_and(|text| text.ends_with(char::is_whitespace)) {
        return model_refuses(
            "messages: final assistant content cannot end with trailing whitespace",
        );
    }
    Ok(())
}

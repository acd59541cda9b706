//! The members of the body.

use serde_json::Value;

use super::{
    super::{super::json::at, MessagesCall},
    MessagesRefusal, MessagesRule, extra, only, refuse, required,
};

pub(super) const RULES: &[MessagesRule] = &[
    MessagesRule {
        name: "the version",
        source: "AWS's guide to Claude's Messages format; Bedrock's schema check; the newer one: Anthropic's SDKs of \
                 2026-10-21, own words",
        check: version,
    },
    MessagesRule {
        name: "known members",
        source: "LiteLLM's list of what it lets through; Anthropic for members of its own API, Bedrock's schema check \
                 for others (older models)",
        check: known,
    },
    MessagesRule {
        name: "members that have to be there",
        source: "Anthropic",
        check: present,
    },
    MessagesRule {
        name: "members of members",
        source: "Anthropic",
        check: nested,
    },
    MessagesRule {
        name: "the user's id",
        source: "reported for the Messages endpoint, whose machinery serves newer models",
        check: user_id,
    },
];

/// The version that Bedrock names in all its documents.
const VERSION: &str = "bedrock-2023-05-31";
/// The version of Anthropic's SDKs of late 2026, for newer models alone.
pub(super) const NEW_VERSION: &str = "2026-10-21";

const KNOWN: [&str; 14] = [
    "anthropic_version",
    "anthropic_beta",
    "max_tokens",
    "messages",
    "system",
    "stop_sequences",
    "temperature",
    "top_p",
    "top_k",
    "tools",
    "tool_choice",
    "thinking",
    "metadata",
    "output_config",
];

/// Members that a beta brings, or that stand beside the model's own.
const BY_BETA: [(&str, &[&str]); 3] = [
    (
        "context_management",
        &["context-management-2025-06-27", "compact-2026-01-12"],
    ),
    ("compaction", &["compact-2026-09-04"]),
    ("safeguards", &["dangerous-tool-use-2026-09-03"]),
];

/// Members of Anthropic's own API that Bedrock never takes: the model knows them by name.
const ELSEWHERE: [&str; 8] = [
    "mcp_servers",
    "container",
    "inference_geo",
    "fallbacks",
    "speed",
    "output_format",
    "service_tier",
    "user_profile_id",
];

fn version(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let is_new = request.claude().is_new();
    match at(request.body, "/anthropic_version").as_str() {
        Some(VERSION) => Ok(()),
        Some(NEW_VERSION) if is_new => Ok(()),
        None if is_new => required("anthropic_version"),
        None => refuse(
            "Malformed input request: #: required key [anthropic_version] not found, please reformat your input and try again.",
        ),
        Some(_) if is_new => refuse(format!(
            "anthropic_version: Input should be '{VERSION}' or '{NEW_VERSION}'"
        )),
        Some(other) => refuse(format!(
            "Malformed input request: #/anthropic_version: {other} is not a valid enum value, please reformat your input and try again."
        )),
    }
}

fn known(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let Some(fields) = request.body.as_object() else {
        return refuse("Malformed input request, please reformat your input and try again.");
    };
    for name in fields.keys().map(String::as_str) {
        let by_beta = BY_BETA.iter().find(|(known, _)| *known == name);
        match by_beta {
            _ if KNOWN.contains(&name) => {}
            Some((_, betas)) if betas.iter().any(|beta| request.has_beta(beta)) => {}
            Some(_) => return extra(name),
            None if name == "cache_control" && request.claude().is_new() => {}
            None if name == "cache_control" || ELSEWHERE.contains(&name) => return extra(name),
            None if name == "amazon-bedrock-guardrailConfig" => {}
            None if request.claude().is_new() => return extra(name),
            None => {
                return refuse(format!(
                    "Malformed input request: #: extraneous key [{name}] is not permitted, please reformat your input and try again."
                ));
            }
        }
    }
    Ok(())
}

fn present(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let body = request.body;
    for name in ["max_tokens", "messages"] {
        if body.get(name).is_none() {
            return required(name);
        }
    }
    match at(body, "/max_tokens").as_i64() {
        Some(1..) => {}
        Some(_) => return refuse("max_tokens: Input should be greater than or equal to 1"),
        None => return refuse("max_tokens: Input should be a valid integer"),
    }
    match at(body, "/messages") {
        Value::Array(messages) if messages.is_empty() => {
            refuse("messages: at least one message is required")
        }
        Value::Array(_) => Ok(()),
        _ => refuse("messages: Input should be a valid list"),
    }
}

fn nested(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let body = request.body;
    only(at(body, "/metadata"), &["user_id"], "metadata")?;
    only(
        at(body, "/tool_choice"),
        &["type", "name", "disable_parallel_tool_use"],
        "tool_choice",
    )?;
    for (n, message) in request.messages().iter().enumerate() {
        let configures = request.model.abilities.mid_conversation_system
            && request.has_beta("mid-conversation-output-config-2026-07-01");
        let known: &[&str] = if configures {
            &["role", "content", "output_config"]
        } else {
            &["role", "content"]
        };
        only(message, known, format!("messages.{n}"))?;
    }
    Ok(())
}

fn user_id(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let id = at(request.body, "/metadata/user_id").as_str();
    if request.claude().is_new() && id.is_some_and(|id| id.contains(['{', '"'])) {
        return refuse("Request metadata contains a value that violates the regular expression");
    }
    Ok(())
}

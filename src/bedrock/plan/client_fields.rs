//! What of a request is of its client's own choosing and reaches Bedrock as the client wrote it.
//!
//! Bedrock may refuse such a request for a reason that says nothing about the target, and may quote the client in its
//! refusal. So the chain draws no conclusion about the target from it.

use serde_json::{Map, Value};

use crate::config::Defaults;
use crate::conversation::Request;

use super::native;
use super::service::{BETAS, EAGER_TOOL_INPUT};
use super::thinking::EFFORT_BETA;

/// Betas that Bedrock's Claude has or had. Agents send some of them in every request. A name with another date is the
/// client's own.
const KNOWN_BETAS: [&str; 10] = [
    "computer-use-2024-10-22",
    "computer-use-2025-01-24",
    "computer-use-2025-11-24",
    LONG_CONTEXT_BETA,
    CONTEXT_MANAGEMENT,
    EFFORT_BETA,
    EAGER_TOOL_INPUT,
    "interleaved-thinking-2025-05-14",
    "output-128k-2025-02-19",
    "token-efficient-tools-2025-02-19",
];

const CONTEXT_MANAGEMENT: &str = "context-management-2025-06-27";

/// Asks for the window of a million tokens; what its names of any date begin with.
pub(super) const LONG_CONTEXT_BETA: &str = "context-1m-2025-08-07";
const LONG_CONTEXT: &str = "context-1m-";

/// What clears the context, and what that takes.
const EDIT: &str = "clear_tool_uses_20250919";
const CLEAR_THINKING: &str = "clear_thinking_20251015";
const OF_AN_EDIT: [&str; 6] = [
    "type",
    "trigger",
    "keep",
    "clear_at_least",
    "exclude_tools",
    "clear_tool_inputs",
];

/// Whether the request carries fields for the model, betas, a guardrail, a tier or a latency that are its client's
/// own. Betas that the gateway knows are not, nor is what comes with them.
pub fn has_client_fields(request: &Request) -> bool {
    let service = &request.service;
    let tier = service.tier.as_deref().filter(|tier| *tier != "default");
    service.guardrail.is_some()
        || service.latency.is_some()
        || tier.is_some()
        || !are_known(&request.model_fields)
        || !is_known_native(request)
}

/// Whether what a request in Claude's own format says beyond Converse is what agents send in every request.
fn is_known_native(request: &Request) -> bool {
    const OF_TOOLS: [&str; 3] = ["allowed_callers", "defer_loading", "input_examples"];
    const BLOCKS: [&str; 4] = [
        "document",
        "server_tool_use",
        "tool_reference",
        "tool_search_tool_result",
    ];
    let mut fields = request.native.iter().flat_map(|native| &native.fields);
    let mut tools = request.tools.iter();
    fields.all(|(name, value)| match (name.as_str(), value) {
        ("thinking", Value::Object(thinking)) => thinking.iter().all(|(name, value)| {
            name == "type" || name == "display" && (value == "omitted" || value == "summarized")
        }),
        ("context_management", Value::Object(config)) => is_known_context_management(config),
        _ => false,
    }) && tools.all(|tool| {
        let is_known = |name: &String| OF_TOOLS.contains(&name.as_str());
        tool.kind.is_none() && tool.native.iter().all(|fields| fields.keys().all(is_known))
    }) && native::blocks(&request.turns).all(|block| BLOCKS.contains(&block.kind.as_str()))
}

fn are_known(fields: &Map<String, Value>) -> bool {
    let betas = fields.get(BETAS);
    let asks_for = |name: &str| {
        let betas = betas.and_then(Value::as_array);
        betas.is_some_and(|betas| betas.iter().any(|beta| beta == name))
    };
    fields
        .iter()
        .all(|(name, value)| match (name.as_str(), value) {
            (BETAS, Value::Array(betas)) => betas.iter().all(is_known_beta),
            // Without its beta it is refused, whatever the model.
            ("context_management", Value::Object(config)) => {
                asks_for(CONTEXT_MANAGEMENT) && is_known_context_management(config)
            }
            _ => false,
        })
}

fn is_known_beta(beta: &Value) -> bool {
    let name = beta.as_str();
    name.is_some_and(|name| KNOWN_BETAS.contains(&name))
}

fn is_known_context_management(config: &Map<String, Value>) -> bool {
    let known = |edit: &Value| {
        let kind = edit.get("type").and_then(Value::as_str);
        matches!(kind, Some(EDIT | CLEAR_THINKING))
            && edit
                .as_object()
                .is_some_and(|edit| edit.keys().all(|key| OF_AN_EDIT.contains(&key.as_str())))
    };
    config.iter().all(|(name, value)| {
        name == "edits"
            && value
                .as_array()
                .is_some_and(|edits| edits.iter().all(known))
    })
}

/// Whether the request or its deployment wants the window of a million tokens.
pub(super) fn wants_long_context(request: &Request, defaults: &Defaults) -> bool {
    let betas = betas(request, defaults);
    betas.iter().any(|beta| beta.starts_with(LONG_CONTEXT))
}

/// The betas that a request and its deployment ask for, sorted, each once. An effort is one where the model has it so.
pub(super) fn betas(request: &Request, defaults: &Defaults) -> Vec<String> {
    let lists = [&request.model_fields, &defaults.model_fields];
    let lists = lists
        .iter()
        .filter_map(|fields| fields.get(BETAS)?.as_array());
    let named = lists.flatten().filter_map(Value::as_str);
    let long = request.long_context.then_some(LONG_CONTEXT_BETA);
    let effort = request.effort.map(|_| EFFORT_BETA);
    let native = request.native.as_deref();
    let native = native.into_iter().flat_map(native::allowed_betas);
    let asked_for = named.chain(long).chain(effort).chain(native);
    let mut betas: Vec<String> = asked_for.map(str::to_owned).collect();
    betas.sort();
    betas.dedup();
    betas
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::conversation::Service;

    fn fields(fields: Value) -> Request {
        Request {
            model_fields: fields.as_object().cloned().unwrap_or_default(),
            ..Request::default()
        }
    }

    #[test]
    fn what_agents_send_in_every_request_is_not_of_their_choosing() {
        for known in [
            json!({}),
            json!({"anthropic_beta": ["interleaved-thinking-2025-05-14", "context-1m-2025-08-07"]}),
            json!({
                "anthropic_beta": [CONTEXT_MANAGEMENT],
                "context_management": {"edits": [{"type": EDIT, "keep": {"type": "tool_uses", "value": 3}}]},
            }),
        ] {
            assert!(!has_client_fields(&fields(known.clone())), "{known}");
        }
        let mut plain = Request::default();
        plain.service.tier = Some("default".to_owned());
        plain
            .service
            .own_metadata
            .insert("key_alias".into(), "a".into());
        assert!(!has_client_fields(&plain));
    }

    #[test]
    fn everything_else_that_goes_to_the_model_as_written_is() {
        for own in [
            json!({"k": 1}),
            json!({"tools": [{"type": "bash_20250124", "name": "bash"}]}),
            json!({"anthropic_beta": "interleaved-thinking-2025-05-14"}),
            json!({"anthropic_beta": ["interleaved-thinking-2025-05-15"]}),
            json!({"anthropic_beta": [1]}),
            json!({"context_management": {"edits": []}}),
            json!({"anthropic_beta": [CONTEXT_MANAGEMENT], "context_management": {"edits": [{"type": EDIT, "x": 1}]}}),
            json!({"anthropic_beta": [CONTEXT_MANAGEMENT], "context_management": {"edits": [{"type": "x"}]}}),
            json!({"anthropic_beta": [CONTEXT_MANAGEMENT], "context_management": {"edits": [], "x": 1}}),
            json!({"anthropic_beta": [CONTEXT_MANAGEMENT], "context_management": []}),
        ] {
            assert!(has_client_fields(&fields(own.clone())), "{own}");
        }
        let services = [
            Service {
                guardrail: Some(json!({})),
                ..Service::default()
            },
            Service {
                latency: Some("standard".into()),
                ..Service::default()
            },
            Service {
                tier: Some("flex".into()),
                ..Service::default()
            },
        ];
        for service in services {
            let request = Request {
                service,
                ..Request::default()
            };
            assert!(has_client_fields(&request), "{:?}", request.service);
        }
    }
}

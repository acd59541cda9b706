//! What a client asked for that this target is not sent: it lacks it, or takes no more of it.

use serde_json::{Map, Value};

use crate::conversation::{Request, ToolChoice};

use super::Plan;

/// What the reply names as left out, for the target that answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DroppedForTarget {
    /// Names of the client's tags (`requestMetadata`): Bedrock takes no more.
    pub tags: Vec<String>,
    /// Settings, by their names on the chat wire, and edits of the context, by their types: the model does without them.
    pub settings: Vec<String>,
}

/// The settings of a request that its plan has not. Only what the client said itself counts: what a deployment's
/// configuration adds is nothing that the client would miss.
pub(super) fn settings(request: &Request, plan: &Plan) -> Vec<String> {
    let wanted = &request.sampling;
    let sent = &plan.inference;
    let wants_tools = !request.tools.is_empty() && request.tool_choice != ToolChoice::None;
    let has_tools = !plan.tools.is_empty();
    let has_choice = match &request.tool_choice {
        ToolChoice::None | ToolChoice::Auto => true,
        ToolChoice::Required => plan.tool_choice == Some(ToolChoice::Required),
        ToolChoice::Named(name) => {
            let named = ToolChoice::Named(plan.names.to_bedrock(name));
            plan.tool_choice == Some(named)
        }
    };
    let sends_top_k = plan.model_fields.contains_key("top_k")
        || plan.model_fields.contains_key("inferenceConfig");
    let wants_stop = wanted.stop.iter().any(|stop| !stop.trim().is_empty());
    let settings = [
        ("tools", wants_tools && !has_tools),
        ("tool_choice", has_tools && !has_choice),
        (
            "temperature",
            wanted.temperature.is_some() && sent.temperature.is_none(),
        ),
        ("top_p", wanted.top_p.is_some() && sent.top_p.is_none()),
        ("top_k", wanted.top_k.is_some() && !sends_top_k),
        ("stop", wants_stop && sent.stop.is_empty()),
    ];
    let dropped = settings.into_iter().filter(|(_, is_lost)| *is_lost);
    dropped.map(|(name, _)| name.to_owned()).collect()
}

/// The types of the context's edits that a request asks for among the fields for the model and that its plan has not: the
/// target is no Claude, or it refused the beta that they come with.
pub(super) fn edits(request: &Request, plan: &Plan) -> Vec<String> {
    let sent: Vec<&str> = edit_types(&plan.model_fields).collect();
    let wanted = edit_types(&request.model_fields);
    let mut dropped: Vec<String> = Vec::new();
    for edit in wanted.filter(|edit| !sent.contains(edit)) {
        if !dropped.iter().any(|known| known == edit) {
            dropped.push(edit.to_owned());
        }
    }
    dropped
}

fn edit_types(fields: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let config = fields.get("context_management");
    let edits = config.and_then(|config| config.get("edits")?.as_array());
    let edits = edits.into_iter().flatten();
    edits.filter_map(|edit| edit.get("type").and_then(Value::as_str))
}

//! The tools on offer and whether one must be called.

use std::collections::HashSet;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::catalog::Model;
use crate::conversation::{Request, Tool, ToolChoice};

use super::ToolNames;
use super::native;
use super::schema;
use super::service;
use super::thinking::ThinkingPlan;

/// The tools under names that Bedrock takes, with a description each and schemas whose root is an object: Bedrock
/// refuses an empty description and any other root. As many of the strict ones are strict as there is `room` for, the
/// first ones first: a tool that is added at the end changes none before it. `native`: with what only Claude's own
/// format has.
pub(super) fn offered(
    tools: &[Tool],
    names: &ToolNames,
    model: &Model,
    native: bool,
    room: &mut schema::SchemaRoom,
) -> Vec<Tool> {
    let mut seen = HashSet::new();
    let mut left = schema::MOST_INLINED;
    tools
        .iter()
        .filter(|tool| seen.insert(tool.name.as_str()))
        .map(|tool| {
            // Claude or the service behind it knows what such a tool takes.
            if tool.kind.is_some() {
                return tool.clone();
            }
            let name = names.to_bedrock(&tool.name);
            let description = Some(&tool.description).filter(|text| !text.trim().is_empty());
            let mut fitted = Tool {
                description: description.unwrap_or(&name).clone(),
                schema: match names.keys(&tool.name) {
                    Some(keys) => Arc::new(keys.schema()),
                    None => schema::repaired(&tool.schema),
                },
                strict: false,
                cache: tool.cache,
                name,
                kind: None,
                native: tool.native.clone().filter(|_| native),
            };
            let is_exact = schema::fit(&mut fitted, model.family, &mut left);
            if tool.strict
                && is_exact
                && model.abilities.strict_tools
                && let Some(schema) = schema::enforceable(&fitted.schema)
                && room.take_tool(&schema)
            {
                fitted.strict = true;
                fitted.schema = Arc::new(schema);
            }
            fitted
        })
        .collect()
}

/// The forced choice, where the target takes one. With thinking on, Bedrock takes none: the model decides.
pub(super) fn choice(
    request: &Request,
    model: &Model,
    thinking_plan: &ThinkingPlan,
    names: &ToolNames,
) -> Option<ToolChoice> {
    if !model.abilities.tool_choice {
        return None;
    }
    match &request.tool_choice {
        ToolChoice::Auto => None,
        // Where it goes to the model, the tools stay in front of the cached prompt.
        ToolChoice::None => Some(ToolChoice::None),
        _ if thinking_plan.on || !model.abilities.forced_tool_choice => None,
        ToolChoice::Required => Some(ToolChoice::Required),
        ToolChoice::Named(name) => Some(ToolChoice::Named(names.to_bedrock(name))),
    }
}

/// Whether Converse can force this choice: its own tools alone.
pub(super) fn can_be_forced(choice: &ToolChoice, tools: &[Tool]) -> bool {
    match choice {
        ToolChoice::Named(name) => tools.iter().any(|tool| tool.name == *name),
        ToolChoice::Required => !native::are_stand_ins(tools),
        ToolChoice::Auto | ToolChoice::None => false,
    }
}

/// Asks for arguments as they are written, where the request wants them so and the model is known to do it. A target
/// that `refused` the beta for it never gets it.
pub(super) fn eager_input(
    request: &Request,
    model: &Model,
    refused: bool,
    fields: &mut Map<String, Value>,
) {
    if refused {
        service::leave_out_betas(|beta| beta == service::EAGER_TOOL_INPUT, fields);
    } else if request.eager_tool_input && model.abilities.eager_tool_input {
        service::ask_for_beta(service::EAGER_TOOL_INPUT, fields);
    }
}

/// Claude's `disable_parallel_tool_use` lives in the model's own `tool_choice`; its `type` must be left to
/// `toolChoice` when that is sent as well.
pub(super) fn parallel_calls(
    wish: Option<bool>,
    choice: Option<&ToolChoice>,
    fields: &mut Map<String, Value>,
) {
    let Some(parallel) = wish else { return };
    let mut setting = Map::new();
    if choice.is_none() {
        setting.insert("type".into(), json!("auto"));
    }
    setting.insert("disable_parallel_tool_use".into(), json!(!parallel));
    fields.insert("tool_choice".into(), Value::Object(setting));
}

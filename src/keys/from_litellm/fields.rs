//! The fields of a key of LiteLLM's, and what becomes of each here.

use serde_json::{Map, Value};

/// What becomes of a field that asks for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldFate {
    /// It is taken over, or nothing hangs on it.
    Silent,
    /// It does nothing here: what that means.
    Noted(&'static str),
    /// It protects somebody in LiteLLM, and nobody here: what is then not protected.
    Protects(&'static str),
}

use FieldFate::{Noted, Protects, Silent};

const NO_GUARDRAILS: FieldFate = Protects("no guardrail checks what such a key sends and gets");
const NO_MCP: FieldFate = Noted("there are no MCP servers, agents and vector stores here");
const NO_FILES: FieldFate = Noted("there are no files and batches here");
const NO_PASS_THROUGH: FieldFate = Noted("there are no pass-through routes here");
const NO_CALLBACKS: FieldFate = Noted("there are no callbacks here");

/// Routes that every key may use here, and beside its own `/key/info` no others.
const SERVED_ROUTES: [&str; 2] = ["llm_api_routes", "openai_routes"];

/// What becomes of a field of the key itself.
pub(super) fn of_key(name: &str, value: &Value) -> FieldFate {
    if !asks(value) {
        return Silent;
    }
    match name {
        "token"
        | "key_name"
        | "key_alias"
        | "expires"
        | "models"
        | "aliases"
        | "tags"
        | "metadata"
        | "blocked"
        | "max_budget"
        | "soft_budget"
        | "budget_duration"
        | "spend"
        | "rpm_limit"
        | "tpm_limit"
        | "max_parallel_requests"
        | "budget_id"
        | "litellm_budget_table" => Silent,
        "total_spend"
        | "model_spend"
        | "soft_budget_cooldown"
        | "key_type"
        | "last_active"
        | "rotation_count"
        | "api_key"
        | "user"
        | "is_session_token"
        | "object_permission_id" => Silent,
        "user_id" => {
            Noted("the user's budget, models and limits hold once /user/new makes the user here")
        }
        "team_id" => {
            Noted("the team's budget, models and limits hold once /team/new makes the team here")
        }
        "org_id" | "organization_id" => {
            Noted("the budget, models and limits of an organization hold no key here")
        }
        "project_id" => Noted("the budget, models and limits of a project hold no key here"),
        "agent_id" => Noted("the budget and limits of an agent hold no key here"),
        "allowed_routes" if is_served(value) => Silent,
        "allowed_routes" => Protects("such a key may use all routes for models"),
        "access_group_ids" => Protects("no access group says which models such a key may ask for"),
        "model_max_budget" => Protects("no budget holds for one model of a key"),
        "budget_limits" => Protects("a key has one budget, max_budget in budget_duration"),
        "tpd_limit" => Protects("no limit counts the tokens of a day"),
        "policies" | "guardrails" => NO_GUARDRAILS,
        "allowed_model_region" => Protects("a key may ask for models in every region"),
        "permissions" => Noted("they are about routes and guardrails that are not here"),
        "allowed_cache_controls" => Noted("answers are not cached"),
        "budget_fallbacks" => Noted("a key without budget is refused, not sent to another model"),
        "router_settings" | "config" => Noted("a key has no settings of the router of its own"),
        "auto_rotate" | "rotation_interval" => Noted("no key changes by itself"),
        "object_permission" => NO_MCP,
        _ if is_joined(name) || is_bookkeeping(name, value) => Silent,
        _ => Protects("this gateway does not know what it does"),
    }
}

/// What becomes of an entry of the key's `metadata`; `None`: it is a free note and stays one.
pub(super) fn of_metadata(name: &str, value: &Value) -> Option<FieldFate> {
    let fate = match name {
        "model_rpm_limit" | "model_tpm_limit" | "tags" => Silent,
        "temp_budget_increase" | "temp_budget_expiry" => Silent,
        "model_itpm_limit" | "model_otpm_limit" => {
            Protects("a minute's tokens of a model are limited together, by model_tpm_limit")
        }
        "tag_rpm_limit" => Protects("no limit counts the requests of a tag"),
        "enforced_params" => Protects("no parameter is required of a request"),
        "end_user_budget_id" => Protects("the end users of a key have no budgets"),
        "guardrails" | "policies" => NO_GUARDRAILS,
        "mcp_rpm_limit" | "allowed_vector_store_indexes" => NO_MCP,
        "rpm_limit_type" | "tpm_limit_type" => Noted("a limit is what its number says"),
        "throttle_on_budget_exceeded" => Noted("a key without budget is refused, not slowed down"),
        "default_estimated_output_tokens" | "default_estimated_output_tokens_per_model" => {
            Noted("an answer is estimated by what the request allows")
        }
        "enforced_batch_output_expires_after" | "enforced_file_expires_after" => NO_FILES,
        "enable_prompt_caching" => Noted("caching is planned for every model that can"),
        "require_trace_id" => Noted("a request need not name a trace"),
        "disable_global_guardrails" => Noted("there are no guardrails but the deployments'"),
        "team_member_key_duration" | "secret_manager_settings" => {
            Noted("it is about making further keys")
        }
        "prompts" => Noted("there are no stored prompts here"),
        "priority" => Noted("no request goes before another"),
        "logging" => NO_CALLBACKS,
        "allowed_passthrough_routes" | "denied_passthrough_routes" => NO_PASS_THROUGH,
        "max_budget_alert_emails" => Noted("no mail is sent"),
        _ => return None,
    };
    Some(if asks(value) { fate } else { Silent })
}

/// Whether a field says anything but its default.
fn asks(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Bool(true) | Value::Number(_) => true,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => asks_any(fields),
    }
}

fn asks_any(fields: &Map<String, Value>) -> bool {
    fields.values().any(asks)
}

fn is_served(routes: &Value) -> bool {
    let mut routes = routes.as_array().into_iter().flatten();
    routes.all(|route| {
        route
            .as_str()
            .is_some_and(|name| SERVED_ROUTES.contains(&name))
    })
}

/// What the list joins to a key from the rows that its `…_id` names: that field says what becomes of them.
fn is_joined(name: &str) -> bool {
    const ROWS: [&str; 6] = [
        "team_",
        "user_",
        "organization_",
        "project_",
        "end_user_",
        "created_by_",
    ];
    ROWS.iter().any(|row| name.starts_with(row))
}

/// When something happened, who did it, and counters that have not counted.
fn is_bookkeeping(name: &str, value: &Value) -> bool {
    name.ends_with("_at") || name.ends_with("_by") || value.as_f64() == Some(0.0)
}

//! `GET /model/info`: what Cline reads to know limits, prices and abilities. Never credentials.

use axum::Json;
use axum::extract::{Query, State};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::app::AppState;
use crate::catalog::{Model, ThinkingSupport};
use crate::chain::Target;
use crate::openai::ApiError;

use super::access;
use super::auth::Key;

/// Query of `GET /model/info`.
#[derive(Debug, Deserialize)]
pub(super) struct Which {
    litellm_model_id: Option<String>,
}

/// `GET /model/info`: one entry for each deployment, in the file's order.
pub(super) async fn list(
    State(app): State<AppState>,
    Key(caller): Key,
    Query(which): Query<Which>,
) -> Result<Json<Value>, ApiError> {
    let wanted = |target: &&std::sync::Arc<Target>| {
        which
            .litellm_model_id
            .as_deref()
            .is_none_or(|id| id == target.deployment_id())
    };
    let mut data: Vec<Value> = app
        .routes
        .all()
        .filter(|target| wanted(target) && access::may_use(&app, &caller, target.group()))
        .map(|target| entry(target, target.group()))
        .collect();
    if let Some(id) = which.litellm_model_id.as_ref().filter(|_| data.is_empty()) {
        let message = format!("Model id = {id} not found on this gateway");
        return Err(ApiError::bad_request(message, "litellm_model_id"));
    }
    // Clients look models up by `model_name`, so an alias is an entry of its own.
    let names = app.config.public_names();
    for alias in names
        .into_iter()
        .filter(|name| app.config.group(name).is_none())
        .filter(|name| access::may_use(&app, &caller, name))
    {
        let targets = app
            .config
            .resolve_name(alias)
            .map(|group| app.routes.targets(group))
            .unwrap_or_default();
        data.extend(
            targets
                .iter()
                .filter(wanted)
                .map(|target| entry(target, alias)),
        );
    }
    Ok(Json(json!({"data": data})))
}

fn entry(target: &Target, name: &str) -> Value {
    json!({
        "model_name": name,
        "litellm_params": target.deployment().params,
        "model_info": info(target),
    })
}

fn info(target: &Target) -> Value {
    let model = target.model();
    let abilities = &model.abilities;
    let mut info = json!({
        "id": target.deployment_id(),
        "db_model": false,
        "key": model.id,
        "litellm_provider": "bedrock_converse",
        "mode": "chat",
        "max_tokens": model.limits.output,
        "max_input_tokens": model.limits.input,
        "max_output_tokens": model.limits.output,
        "supports_system_messages": abilities.system,
        "supports_vision": abilities.vision,
        "supports_pdf_input": abilities.documents,
        "supports_function_calling": abilities.tools,
        "supports_tool_choice": abilities.tool_choice,
        "supports_prompt_caching": abilities.caching.is_some(),
        "supports_reasoning": abilities.thinking != ThinkingSupport::None,
        "supports_response_schema": abilities.json_schema,
        "supports_native_streaming": true,
        "supports_assistant_prefill": abilities.prefill,
    });
    if let Some(fields) = info.as_object_mut() {
        add_prices(model, fields);
        // What the file says of the model is shown as written.
        for (key, value) in &target.deployment().info {
            fields.entry(key).or_insert_with(|| value.clone());
        }
    }
    info
}

/// Prices per token, `null` where they are unknown: never 0 for something that costs.
fn add_prices(model: &Model, fields: &mut Map<String, Value>) {
    let rates = model.price.as_ref().map(|price| &price.standard);
    let mut add = |field: &str, per_million: Option<Decimal>| {
        fields.insert(field.to_owned(), per_million.map_or(Value::Null, per_token));
    };
    add("input_cost_per_token", rates.map(|rates| rates.input));
    add("output_cost_per_token", rates.map(|rates| rates.output));
    add(
        "cache_read_input_token_cost",
        rates.and_then(|rates| rates.cache_read),
    );
    add(
        "cache_creation_input_token_cost",
        rates.and_then(|rates| rates.cache_write_5m),
    );
    add(
        "cache_creation_input_token_cost_above_1hr",
        rates.and_then(|rates| rates.cache_write_1h),
    );
    for (limit, rates) in model.price.iter().flat_map(|price| &price.above) {
        let suffix = format!("above_{}k_tokens", limit / 1000);
        add(&format!("input_cost_per_token_{suffix}"), Some(rates.input));
        add(
            &format!("output_cost_per_token_{suffix}"),
            Some(rates.output),
        );
    }
}

/// Clients read a JSON number; the nearest double of the exact decimal is what every JSON parser makes of it anyway.
fn per_token(per_million: Decimal) -> Value {
    let per_token = (per_million / Decimal::from(1_000_000)).normalize();
    serde_json::from_str(&per_token.to_string()).unwrap_or(Value::Null)
}

//! `GET /model/info`: what Cline reads to know limits, prices and abilities. Never credentials, and to virtual keys no
//! address behind a model.

use axum::Json;
use axum::extract::{Query, State};
use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::app::AppState;
use crate::catalog::{Model, ModelKind, ThinkingSupport};
use crate::config::{Deployment, hide_addresses};
use crate::keys::Caller;
use crate::store::time;
use crate::wire::ApiError;

use super::access;
use super::auth::AuthenticatedKey;

/// Query of `GET /model/info`.
#[derive(Debug, Deserialize)]
pub(super) struct ModelInfoQuery {
    litellm_model_id: Option<String>,
}

/// `GET /model/info`: one entry for each deployment, in the file's order; behind a pattern, for each that is listed.
pub(super) async fn list(
    State(app): State<AppState>,
    AuthenticatedKey(caller): AuthenticatedKey,
    Query(which): Query<ModelInfoQuery>,
) -> Result<Json<Value>, ApiError> {
    // Clients look models up by `model_name`, so an alias is an entry of its own.
    let now = app.clock.now();
    let mut data = Vec::new();
    for name in app.config.listed_names(time::day(now)) {
        if !access::may_see(&app, &caller, &name) {
            continue;
        }
        let group = app.config.resolve_name(&name);
        let group = group.and_then(|group| app.config.group(group));
        for deployment in group.iter().flat_map(|group| &group.deployments) {
            let wanted = which.litellm_model_id.as_ref();
            if wanted.is_none_or(|id| *id == deployment.id) {
                data.push(entry(deployment, &name, &caller, now));
            }
        }
    }
    if let Some(id) = which.litellm_model_id.as_ref().filter(|_| data.is_empty()) {
        let message = format!("Model id = {id} not found on this gateway");
        return Err(ApiError::bad_request(message, "litellm_model_id"));
    }
    Ok(Json(json!({"data": data})))
}

fn entry(deployment: &Deployment, name: &str, caller: &Caller, now: Timestamp) -> Value {
    let (mut params, mut info) = (deployment.params.clone(), info(deployment, now));
    if !caller.is_admin() {
        hide_addresses(&mut params);
        hide_addresses(&mut info);
    }
    json!({
        "model_name": name,
        "litellm_params": params,
        "model_info": info,
    })
}

fn info(deployment: &Deployment, now: Timestamp) -> Map<String, Value> {
    let model = &deployment.model;
    let abilities = &model.abilities;
    let info = json!({
        "id": deployment.id,
        "db_model": false,
        "key": model.id,
        "litellm_provider": if model.retrieval.is_some() { "bedrock" } else { "bedrock_converse" },
        "mode": mode(model.kind),
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
        "supports_native_streaming": model.retrieval.is_none(),
        "supports_assistant_prefill": abilities.prefill,
    });
    let Value::Object(mut fields) = info else {
        return Map::new();
    };
    if let Some(embedding) = model.embedding() {
        let length = embedding.dimensions.first();
        fields.insert("output_vector_size".to_owned(), json!(length));
    }
    add_prices(model, now, &mut fields);
    // What the file says of the model is shown as written.
    for (key, value) in &deployment.info {
        fields.entry(key).or_insert_with(|| value.clone());
    }
    fields
}

/// LiteLLM's word for what a model is for. Of one that does not tell, chat is what it is asked for here.
pub(super) fn mode(kind: ModelKind) -> &'static str {
    match kind {
        ModelKind::Chat | ModelKind::Unknown => "chat",
        ModelKind::Embedding => "embedding",
        ModelKind::Image => "image_generation",
        ModelKind::Video => "video_generation",
        ModelKind::Rerank => "rerank",
        ModelKind::Speech => "realtime",
    }
}

/// Present prices per token, `null` where they are unknown: never 0 for something that costs.
fn add_prices(model: &Model, now: Timestamp, fields: &mut Map<String, Value>) {
    let price = model.price.as_ref().map(|price| price.at(now));
    let rates = price.as_ref().map(|price| &price.standard);
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
    for (limit, rates) in price.iter().flat_map(|price| &price.above) {
        let suffix = format!("above_{}k_tokens", limit / 1000);
        add(&format!("input_cost_per_token_{suffix}"), Some(rates.input));
        add(
            &format!("output_cost_per_token_{suffix}"),
            Some(rates.output),
        );
    }
    if let Some(per_query) = price.as_ref().and_then(|price| price.per_query) {
        fields.insert("input_cost_per_query".to_owned(), number(per_query));
    }
}

fn per_token(per_million: Decimal) -> Value {
    number(per_million / Decimal::from(1_000_000))
}

/// Clients read a JSON number; the nearest double of the exact decimal is what every JSON parser makes of it anyway.
fn number(exact: Decimal) -> Value {
    serde_json::from_str(&exact.normalize().to_string()).unwrap_or(Value::Null)
}

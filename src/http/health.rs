//! `GET /health…`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::app::AppState;
use crate::chain::{ChainOptions, Target};
use crate::conversation::{Part, Request, Role, Sampling, Turn};
use crate::keys::Caller;
use crate::wire::ApiError;

use super::access;
use super::auth::Admin;
use super::probe::Probe;

/// Deployments that are asked at the same time: a check must not throttle the account.
const AT_ONCE: usize = 4;

/// `GET /health/liveliness` and `/health/liveness`: the process answers.
pub(super) async fn alive() -> Json<&'static str> {
    Json("I'm alive!")
}

/// `GET /health/readiness`: the process takes requests. It needs no key, so it asks neither Bedrock nor the
/// table: that would let any client run up a bill.
pub(super) async fn ready() -> Json<Value> {
    Json(json!({"status": "healthy", "version": env!("CARGO_PKG_VERSION")}))
}

/// Query of `GET /health`.
#[derive(Debug, Deserialize)]
pub(super) struct HealthQuery {
    /// Only the deployments of this group.
    model: Option<String>,
}

/// `GET /health`: calls every deployment with one token; what stands behind a pattern only by its name. The calls are
/// billed and recorded like any other.
pub(super) async fn every_deployment(
    State(app): State<AppState>,
    Admin(caller): Admin,
    Query(which): Query<HealthQuery>,
) -> Result<Json<Value>, ApiError> {
    let targets: Vec<Arc<Target>> = match &which.model {
        Some(model) => {
            let group = app.routes.group(Some(model));
            let group = group.map_err(|unknown| access::unknown_model(&app, &caller, &unknown))?;
            app.routes.targets(group)
        }
        None => app.routes.configured_targets().cloned().collect(),
    };
    let checks = targets
        .into_iter()
        .map(|target| check(&app, &caller, target));
    let results: Vec<(bool, Value)> = stream::iter(checks).buffered(AT_ONCE).collect().await;
    let (well, ill): (Vec<_>, Vec<_>) = results.into_iter().partition(|(well, _)| *well);
    let entries =
        |list: Vec<(bool, Value)>| list.into_iter().map(|(_, entry)| entry).collect::<Vec<_>>();
    Ok(Json(json!({
        "healthy_count": well.len(),
        "unhealthy_count": ill.len(),
        "healthy_endpoints": entries(well),
        "unhealthy_endpoints": entries(ill),
    })))
}

async fn check(app: &AppState, caller: &Caller, target: Arc<Target>) -> (bool, Value) {
    let deadline = Instant::now() + app.config.settings.request_timeout;
    let chain_options = ChainOptions {
        only: Some(Arc::clone(&target)),
        num_retries: Some(0),
        disable_fallbacks: true,
        buffered: true,
        ..ChainOptions::new(target.group(), deadline)
    };
    let probe = Probe {
        caller: caller.clone(),
        request: one_token(),
        model_asked: target.group().to_owned(),
        chain_options,
        tag: "health",
    };
    let error = probe.run(app).await.error.map(|error| error.message);
    let mut entry = names(&target);
    let well = error.is_none();
    entry.extend(error.map(|error| ("error".to_owned(), json!(error))));
    (well, Value::Object(entry))
}

/// How a target is called.
fn names(target: &Target) -> Map<String, Value> {
    let deployment = target.deployment();
    Map::from_iter([
        ("model".to_owned(), json!(deployment.configured_model)),
        ("model_group".to_owned(), json!(target.group())),
        ("model_id".to_owned(), json!(target.deployment_id())),
        ("aws_region_name".to_owned(), json!(deployment.region)),
    ])
}

/// `GET /health/latest`: what is known of every deployment from requests and checks so far, and of those behind
/// patterns that were asked lately. Calls nothing.
pub(super) async fn latest(State(app): State<AppState>, Admin(_): Admin) -> Json<Value> {
    app.routes.refresh_shared_state().await;
    let pattern_targets = app.routes.pattern_targets();
    let targets = app.routes.configured_targets().chain(&pattern_targets);
    let states: Map<String, Value> = targets
        .map(|target| (target.deployment_id().to_owned(), state(&app, target)))
        .collect();
    Json(json!({"total_models": states.len(), "latest_health_checks": states}))
}

fn state(app: &AppState, target: &Target) -> Value {
    let health = app.routes.health(target);
    let mut state = names(target);
    state.extend([
        ("status".to_owned(), json!(health.status().as_str())),
        ("cooldown_until".to_owned(), json!(health.resting_until)),
        ("last_success".to_owned(), json!(health.last_success)),
        ("last_failure".to_owned(), json!(health.last_failure)),
        (
            "last_failure_class".to_owned(),
            json!(health.last_failure_class),
        ),
        ("recent_failures".to_owned(), json!(health.recent_failures)),
    ]);
    Value::Object(state)
}

fn one_token() -> Request {
    Request {
        turns: vec![Turn::new(Role::User, vec![Part::Text("ping".to_owned())])],
        sampling: Sampling {
            max_tokens: Some(1),
            ..Sampling::default()
        },
        ..Request::default()
    }
}

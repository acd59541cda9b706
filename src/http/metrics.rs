//! `GET /metrics` for Prometheus: today's counters and what is left of budgets.
//!
//! On servers only. On Lambda each scrape would be an invocation, and CloudWatch has the function's metrics.

use axum::extract::{FromRequestParts, State};
use axum::response::{IntoResponse, Response};
use futures_util::future::try_join_all;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use subtle::ConstantTimeEq;

use crate::app::AppState;
use crate::keys::{BudgetUsage, KeyError};
use crate::spend::report::{self, BudgetGauge, Only};
use crate::store::time;
use crate::wire::ApiError;

use super::auth::Admin;
use super::spend::reports::labels;

/// The version of the text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Budgets that are read at once.
const READS_AT_ONCE: usize = 16;

/// A handler that takes a `Scraper` is closed to every request without the master key or the token of
/// `general_settings.metrics_token`.
pub(super) struct Scraper;

impl FromRequestParts<AppState> for Scraper {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        if !has_token(app, &parts.headers) {
            Admin::from_request_parts(parts, app).await?;
        }
        Ok(Self)
    }
}

/// `GET /metrics`.
pub(super) async fn metrics(State(app): State<AppState>, _: Scraper) -> Result<Response, ApiError> {
    if !app.serves_metrics {
        let message = "A function has no /metrics: each scrape would be an invocation. Its metrics are in CloudWatch.";
        return Err(ApiError::not_found(message));
    }
    let today = time::day(app.clock.now());
    let (totals, keys) = tokio::join!(app.ledger.totals(today, today), app.keys.list());
    let (totals, keys) = (totals?, keys?);
    let all = Only::default();
    let labels = labels(&app, report::keys(&totals, &all)).await?;
    let mut budgets = Vec::new();
    let budget_usages = app
        .keys
        .budget_usages(&keys.iter().collect::<Vec<_>>())
        .await?;
    for (key, budget_usage) in keys.iter().zip(budget_usages) {
        let alias = key.settings.key_alias.clone().unwrap_or_default();
        let labels = vec![
            ("hashed_api_key", key.hash.clone()),
            ("api_key_alias", alias),
        ];
        budgets.extend(gauge("api_key", labels, budget_usage));
    }
    let directory = &app.keys.directory;
    let (teams, users) = tokio::join!(directory.teams(), directory.users());
    let (teams, users) = (teams?, users?);
    let living: Vec<_> = teams
        .iter()
        .filter(|team| team.deleted_at.is_none())
        .collect();
    for some in living.chunks(READS_AT_ONCE) {
        let budget_usages = try_join_all(some.iter().map(|team| app.keys.team_budget_usage(team)));
        for (team, budget_usage) in some
            .iter()
            .zip(budget_usages.await.map_err(KeyError::Store)?)
        {
            let alias = team.settings.team_alias.clone().unwrap_or_default();
            let labels = vec![("team", team.team_id.clone()), ("team_alias", alias)];
            budgets.extend(gauge("team", labels, budget_usage));
        }
    }
    for some in users.chunks(READS_AT_ONCE) {
        let budget_usages = try_join_all(some.iter().map(|user| app.keys.user_budget_usage(user)));
        for (user, budget_usage) in some
            .iter()
            .zip(budget_usages.await.map_err(KeyError::Store)?)
        {
            let labels = vec![("user", user.user_id.clone())];
            budgets.extend(gauge("user", labels, budget_usage));
        }
    }
    let text = report::prometheus(&totals, &labels, &budgets);
    Ok((StatusCode::OK, [(CONTENT_TYPE, TEXT)], text).into_response())
}

/// Whether the request has the token that is for this route alone.
fn has_token(app: &AppState, headers: &HeaderMap) -> bool {
    let sent = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let sent = sent.and_then(|value| value.strip_prefix("Bearer "));
    let wanted = app.config.general.metrics_token.as_ref();
    let both = wanted.zip(sent);
    both.is_some_and(|(wanted, sent)| wanted.expose().as_bytes().ct_eq(sent.as_bytes()).into())
}

fn gauge(
    of: &'static str,
    labels: Vec<(&'static str, String)>,
    budget_usage: Option<BudgetUsage>,
) -> Option<BudgetGauge> {
    let budget_usage = budget_usage?;
    Some(BudgetGauge {
        labels,
        of,
        max: budget_usage.max?,
        remaining: budget_usage.remaining?,
    })
}

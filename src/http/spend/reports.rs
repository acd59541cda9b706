//! Totals of a period, from the counters: no record is read, however many there are.

use axum::extract::State;
use axum::response::Response;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::app::AppState;
use crate::spend::report::{self, KeyLabels, KeySpend, Only};
use crate::spend::{DayTotal, Dollars};
use crate::wire::ApiError;

use super::super::auth::Admin;
use super::json;
use super::params::Params;

/// The parameters that every report takes.
const PERIOD: [&str; 2] = ["start_date", "end_date"];

/// `GET /spend/keys`: the largest spenders first.
pub(super) async fn keys(
    State(app): State<AppState>,
    Admin(_): Admin,
    params: Params,
) -> Result<Response, ApiError> {
    params.only(&[&PERIOD[..], &["limit"]].concat())?;
    let most = params.count("limit", 1_000, 10_000)?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let rows = report::by_key(&totals(&app, &params).await?, most);
    let labels = labels(&app, rows.iter().map(KeySpend::key_hash)).await?;
    let rows: Vec<_> = rows.into_iter().map(|row| row.named(&labels)).collect();
    Ok(json(&rows))
}

/// `GET /spend/tags`: the most expensive first.
pub(super) async fn tags(
    State(app): State<AppState>,
    Admin(_): Admin,
    params: Params,
) -> Result<Response, ApiError> {
    params.only(&PERIOD)?;
    Ok(json(&report::by_tag(&totals(&app, &params).await?)))
}

/// Body of `GET /global/spend`.
#[derive(Serialize)]
struct GlobalSpend {
    spend: Dollars,
    /// `null`: none is set.
    max_budget: Option<Dollars>,
    requests: u64,
    /// Requests whose price is unknown, and so missing in `spend`.
    unpriced_requests: u64,
}

/// `GET /global/spend`: everything of the period, which is the last 30 days where none is named.
pub(super) async fn whole(
    State(app): State<AppState>,
    Admin(_): Admin,
    params: Params,
) -> Result<Response, ApiError> {
    params.only(&PERIOD)?;
    let sum = report::total(&totals(&app, &params).await?, &Only::default());
    let max_budget: Option<Decimal> = app.config.general.max_budget;
    Ok(json(&GlobalSpend {
        spend: Dollars(sum.spend),
        max_budget: max_budget.map(Dollars),
        requests: sum.requests,
        unpriced_requests: sum.unpriced,
    }))
}

/// `GET /global/spend/report?group_by=api_key`.
pub(super) async fn report(
    State(app): State<AppState>,
    Admin(_): Admin,
    params: Params,
) -> Result<Response, ApiError> {
    params.only(&[&PERIOD[..], &["group_by", "api_key"]].concat())?;
    for name in PERIOD {
        if params.text(name).is_none() {
            return Err(ApiError::missing_value(name, "such as 2026-11-23"));
        }
    }
    // LiteLLM groups by team where nothing is said.
    let group_by = params.text("group_by").unwrap_or("team");
    if group_by != "api_key" {
        let message = format!(
            "'group_by' is '{group_by}'; totals are counted by key, model and tag: use 'api_key', or GET /spend/tags."
        );
        return Err(ApiError::bad_request(message, "group_by"));
    }
    let only = only(&params);
    let totals = totals(&app, &params).await?;
    let labels = labels(&app, report::keys(&totals, &only)).await?;
    Ok(json(&report::keys_and_models(&totals, &only, &labels)))
}

/// `GET /user/daily/activity`: what a usage page shows.
pub(super) async fn activity(
    State(app): State<AppState>,
    Admin(_): Admin,
    params: Params,
) -> Result<Response, ApiError> {
    params.only(&[&PERIOD[..], &["api_key", "model", "page", "page_size"]].concat())?;
    let page = params.count("page", 1, u64::from(u32::MAX))?;
    let only = only(&params);
    let totals = totals(&app, &params).await?;
    let labels = labels(&app, report::keys(&totals, &only)).await?;
    Ok(json(&report::activity(&totals, &only, &labels, page)))
}

fn only(params: &Params) -> Only {
    Only {
        key_hash: params.key_hash(),
        model: params.text("model").map(str::to_owned),
    }
}

/// What these keys are called: as in their records.
async fn labels<'a>(
    app: &AppState,
    hashes: impl IntoIterator<Item = &'a str>,
) -> Result<KeyLabels, ApiError> {
    let mut labels = KeyLabels::new();
    let mut made = Vec::new();
    for hash in hashes {
        match app.master_key.alias_of(hash) {
            Some(alias) => drop(labels.insert(hash.to_owned(), alias.to_owned())),
            None => made.push(hash),
        }
    }
    labels.extend(app.keys.labels_of(&made).await?);
    Ok(labels)
}

async fn totals(app: &AppState, params: &Params) -> Result<Vec<DayTotal>, ApiError> {
    let (first, last) = params.days()?;
    Ok(app.ledger.totals(first, last).await?)
}

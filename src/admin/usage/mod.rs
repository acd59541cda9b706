//! What was used and what it cost, from the counters alone: a question about a year reads no record.

mod csv;
mod sums;
mod view;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};

use super::error::PageError;
use super::frame::render;
use super::numbers::today;
use super::period::{Period, Wanted};
use super::session::Session;
use crate::app::AppState;
use crate::spend::DayTotal;
use sums::Sums;
use view::{Budget, UsagePage};

/// `GET /ui/usage`.
pub(super) async fn page(
    State(app): State<AppState>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let (found, labels, budgets) =
        tokio::join!(totals(&app, query), app.keys.labels(), budgets(&app));
    let (period, totals) = found?;
    let sums = Sums::new(&period, &totals);
    let page = UsagePage::new(&app, &session, &period, &sums, &labels?, budgets?);
    Ok(render(StatusCode::OK, &page))
}

/// The budgets of all keys, as they stand now.
async fn budgets(app: &AppState) -> Result<Vec<Budget>, PageError> {
    let keys = app.keys.list().await?;
    let standings = app.keys.standings(&keys.iter().collect::<Vec<_>>()).await?;
    let budgets = keys.iter().zip(&standings);
    Ok(budgets
        .filter_map(|(key, standing)| Some(Budget::new(key, standing.as_ref()?)))
        .collect())
}

/// `GET /ui/usage.csv`.
pub(super) async fn file(
    State(app): State<AppState>,
    _: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let (period, totals) = totals(&app, query).await?;
    let name = format!(
        "attachment; filename=\"usage-{}-{}.csv\"",
        period.first, period.last
    );
    let mut response = csv::file(&totals).into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/csv; charset=utf-8"),
    );
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

async fn totals(
    app: &AppState,
    query: Option<String>,
) -> Result<(Period, Vec<DayTotal>), PageError> {
    let wanted = Wanted::read(&query.unwrap_or_default());
    let period = Period::of(&wanted, today())?;
    let totals = app.ledger.totals(period.first, period.last).await?;
    Ok((period, totals))
}

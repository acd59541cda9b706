//! What was used and what it cost, from the counters alone: a question about a year reads no record.

mod aggregate;
mod csv;
mod view;

use std::collections::{BTreeSet, HashMap};

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use url::form_urlencoded;

use super::error::PageError;
use super::layout::render;
use super::numbers::today;
use super::period::{Period, PeriodQuery};
use super::session::Session;
use super::texts::texts;
use crate::app::AppState;
use crate::spend::{DayTotal, TotalOf};
use aggregate::Aggregate;
use csv::By;
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
    let totals = Aggregate::new(&period, &totals);
    let page = UsagePage::new(&app, &session, &period, &totals, &labels?, budgets?);
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

/// `GET /ui/usage.csv`: one kind of line, `by=day` unless the address says otherwise.
pub(super) async fn file(
    State(app): State<AppState>,
    _: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let by = by(query.as_deref().unwrap_or_default())?;
    let (period, totals) = totals(&app, query).await?;
    let aliases = match by {
        By::Key => aliases(&app, &totals).await?,
        By::Day | By::Model | By::Tag => HashMap::new(),
    };
    let name = format!(
        "attachment; filename=\"usage-{}-{}-by-{}.csv\"",
        period.first,
        period.last,
        by.as_str()
    );
    let mut response = csv::file(by, &totals, &aliases).into_response();
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

/// Which kind of line is wanted.
fn by(query: &str) -> Result<By, PageError> {
    let mut fields = form_urlencoded::parse(query.as_bytes());
    let Some((_, wanted)) = fields.find(|(name, _)| name == "by") else {
        return Ok(By::Day);
    };
    let known = By::ALL.into_iter().find(|by| by.as_str() == wanted);
    known.ok_or_else(|| {
        let message = format!("{} {wanted:?}", texts().usage.no_such_kind);
        PageError::new(StatusCode::BAD_REQUEST, message)
    })
}

/// What the keys of these totals are called, by their hashes: as in their records.
async fn aliases(
    app: &AppState,
    totals: &[DayTotal],
) -> Result<HashMap<String, String>, PageError> {
    let hashes = totals.iter().filter_map(|total| match &total.of {
        TotalOf::Model { key_hash, .. } => Some(key_hash.as_str()),
        TotalOf::Tag(_) => None,
    });
    let hashes: BTreeSet<&str> = hashes.collect();
    let own = |hash: &str| app.master_key.alias_of(hash);
    let made: Vec<&str> = (hashes.iter().copied())
        .filter(|hash| own(hash).is_none())
        .collect();
    let mut aliases = app.keys.labels_of(&made).await?;
    aliases.extend(
        (hashes.into_iter()).filter_map(|hash| Some((hash.to_owned(), own(hash)?.to_owned()))),
    );
    Ok(aliases)
}

async fn totals(
    app: &AppState,
    query: Option<String>,
) -> Result<(Period, Vec<DayTotal>), PageError> {
    let wanted = PeriodQuery::read(&query.unwrap_or_default());
    let period = Period::of(&wanted, today())?;
    let totals = app.ledger.totals(period.first, period.last).await?;
    Ok((period, totals))
}

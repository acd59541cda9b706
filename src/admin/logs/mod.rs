//! The requests: found by what is known of them, one by one, and the requests of one session.

mod detail;
mod list;
mod query;
mod row;
mod session;
mod stored;

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use super::error::PageError;
use super::layout::render;
use super::numbers::today;
use super::period::Period;
use super::session::Session;
use super::texts::texts;
use crate::app::AppState;
use crate::spend::{Filter, RequestId, Search};
use detail::DetailPage;
use list::LogsPage;
use query::LogQuery;
use session::SessionPage;

const LIST: &str = "/ui/logs";
const SESSION: &str = "/ui/logs/session";
/// Requests on a page.
const PAGE: usize = 50;

/// The address of a request's page.
fn address(id: &RequestId) -> String {
    format!("{LIST}/{id}")
}

/// `GET /ui/logs`: a page of the requests that fit, or the way to the one that is looked for.
pub(super) async fn page(
    State(app): State<AppState>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let asked = LogQuery::read(&query.unwrap_or_default());
    let mut problem = None;
    if !asked.id.is_empty() {
        match RequestId::parse(&asked.id) {
            Ok(id) => return Ok(Redirect::to(&address(&id)).into_response()),
            Err(_) => problem = Some(texts().logs.wrong_id),
        }
    }
    let period = Period::of(&asked.wanted, today())?;
    let after = asked.cursor()?;
    let labels = app.keys.labels().await?;
    let search = Search {
        first: period.start(),
        end: period.end().min(soon()),
        filter: asked.filter(&labels),
        page_size: PAGE,
        after,
    };
    let found = app.ledger.search(&search).await?;
    let page = LogsPage::new(&session, &asked, &period, &found, problem);
    let status = match problem {
        Some(_) => StatusCode::BAD_REQUEST,
        None => StatusCode::OK,
    };
    Ok(render(status, &page))
}

/// `GET /ui/logs/session?session=`: the requests of one session with what they have cost together.
pub(super) async fn session(
    State(app): State<AppState>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let asked = LogQuery::read(&query.unwrap_or_default());
    if asked.session.is_empty() {
        return Err(PageError::not_found());
    }
    let search = Search {
        first: Timestamp::UNIX_EPOCH,
        end: soon(),
        filter: Filter {
            session: Some(asked.session.clone()),
            ..Filter::default()
        },
        page_size: Search::MOST,
        after: asked.cursor()?,
    };
    let found = app.ledger.search(&search).await?;
    let page = SessionPage::new(&session, &asked, &found);
    Ok(render(StatusCode::OK, &page))
}

/// `GET /ui/logs/{id}`: everything about one request.
pub(super) async fn detail(
    State(app): State<AppState>,
    session: Session,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    let t = &texts().log;
    let wrong = |_| PageError::new(StatusCode::BAD_REQUEST, t.not_an_id);
    let id = RequestId::parse(&id).map_err(wrong)?;
    let (record, content) = tokio::try_join!(app.ledger.get(&id), app.ledger.content(&id))?;
    let record = record.ok_or_else(|| PageError::new(StatusCode::NOT_FOUND, t.no_such))?;
    let page = DetailPage::new(&app, &session, &record, content.as_ref());
    Ok(render(StatusCode::OK, &page))
}

/// A record that is being written while this is read belongs to now.
fn soon() -> Timestamp {
    Timestamp::now() + SignedDuration::from_secs(60)
}

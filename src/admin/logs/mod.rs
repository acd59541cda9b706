//! The requests: found by what is known of them, one by one, and the requests of one session.

mod curl;
mod detail;
mod list;
mod pictures;
mod query;
mod row;
mod session;
mod stored;
mod text;
mod waterfall;

use std::collections::HashMap;

use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{CONTENT_TYPE, REFERER};
use http::{HeaderMap, StatusCode};
use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::audit;
use super::error::PageError;
use super::layout::render;
use super::names::Names;
use super::numbers::today;
use super::period::PagePeriod;
use super::public_address::PublicAddress;
use super::session::Session;
use super::texts::texts;
use crate::app::{AppState, ClientAddress};
use crate::spend::{RecordFilter, RecordPage, RequestId, Search, StoredContent};
pub(super) use curl::curl;
use detail::{Beside, DetailPage};
use list::{LogsPage, RequestListing};
use pictures::Picture;
use query::LogQuery;
pub(super) use row::{LogRow, RowLinks, StatusView, of_session, since, start_of};
use session::SessionPage;

const LIST: &str = "/ui/logs";
const SESSION: &str = "/ui/logs/session";
/// Requests on a page.
const PAGE: usize = 40;
/// The tools of so many requests of a session are looked up: each is a read of what is stored.
const MOST_LOOKED_INTO: usize = 50;

/// The address of a request's page.
pub(super) fn address(id: &RequestId) -> String {
    format!("{LIST}/{id}")
}

/// `GET /ui/logs`: a page of the requests that fit, or the way to the one that is looked for.
pub(super) async fn page(
    State(app): State<AppState>,
    session: Session,
    from: Option<Extension<ClientAddress>>,
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
    let (period, note) = PagePeriod::or_usual(&asked.wanted, today());
    let after = asked.cursor()?;
    let names = Names::read(&app).await?;
    let search = Search {
        first: period.start(),
        end: period.end().min(soon()),
        filter: asked.filter(names.keys()),
        page_size: match asked.text.is_empty() {
            true => PAGE,
            false => text::MOST_LOOKED_INTO,
        },
        most_compared: Search::COMPARED,
        after,
    };
    let counted = asked
        .counted(names.keys())
        .filter(|_| period.first < period.last);
    let (found, totals) = tokio::join!(app.ledger.search(&search), async {
        match counted {
            Some(only) => {
                let totals = app.ledger.totals(period.first, period.last).await?;
                Ok::<_, PageError>(Some((totals, only)))
            }
            None => Ok(None),
        }
    });
    let mut found = found?;
    if !asked.text.is_empty() {
        // What people have said is the admin's alone, and that it was looked through is known afterwards.
        if !session.is_admin() {
            return Err(PageError::new(
                StatusCode::FORBIDDEN,
                texts().error.not_admin,
            ));
        }
        let actor = audit::actor_of(&session, from.as_deref());
        app.audit.note(
            actor,
            "search",
            period.query(),
            format!("text={}", asked.text),
        );
        found = text::only_with(&app, found, &asked.text, PAGE).await?;
    }
    let asked = RequestListing {
        query: &asked,
        period: &period,
        note,
        names: &names,
        found: &found,
        totals: totals?,
        problem,
    };
    let page = LogsPage::new(&app, &session, asked);
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
    from: Option<Extension<ClientAddress>>,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let asked = LogQuery::read(&query.unwrap_or_default());
    if asked.session.is_empty() {
        return Err(PageError::not_found());
    }
    let search = Search {
        first: Timestamp::UNIX_EPOCH,
        end: soon(),
        filter: RecordFilter {
            session: Some(asked.session.clone()),
            ..RecordFilter::default()
        },
        page_size: Search::MAX_PAGE,
        most_compared: Search::COMPARED,
        after: asked.cursor()?,
    };
    let found = app.ledger.search(&search).await?;
    // A viewer sees nothing of what was said.
    let tools = match session.is_admin() {
        true => {
            let actor = audit::actor_of(&session, from.as_deref());
            let target = format!("session={}", asked.session);
            app.audit.note(actor, "read", target, String::new());
            tools(&app, &found).await?
        }
        false => HashMap::new(),
    };
    let page = SessionPage::new(&session, &asked, &found, &tools);
    Ok(render(StatusCode::OK, &page))
}

/// Which tools the newest of these requests have called, as far as what was said is stored.
async fn tools(
    app: &AppState,
    found: &RecordPage,
) -> Result<HashMap<RequestId, Vec<String>>, PageError> {
    let looked_into = found.records.iter().take(MOST_LOOKED_INTO);
    let ids: Vec<RequestId> = looked_into.map(|record| record.request_id).collect();
    let contents = app.ledger.contents(&ids).await?;
    let tools = contents.iter().map(|content| {
        let tools = content.as_ref().map(stored::tools_called);
        tools.unwrap_or_default()
    });
    Ok(ids.iter().copied().zip(tools).collect())
}

/// `GET /ui/logs/{id}`: everything about one request.
pub(super) async fn detail(
    State(app): State<AppState>,
    session: Session,
    from: Option<Extension<ClientAddress>>,
    Path(id): Path<String>,
    public: PublicAddress,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let t = &texts().log;
    let wrong = |_| PageError::new(StatusCode::BAD_REQUEST, t.not_an_id);
    let id = RequestId::parse(&id).map_err(wrong)?;
    let content = async {
        match session.is_admin() {
            true => app.ledger.content(&id).await,
            // A viewer sees what was asked and spent, and nothing of what was said.
            false => Ok(None),
        }
    };
    let (record, content) = tokio::try_join!(app.ledger.get(&id), content)?;
    let record = record.ok_or_else(|| PageError::new(StatusCode::NOT_FOUND, t.no_such))?;
    if content.is_some() {
        let actor = audit::actor_of(&session, from.as_deref());
        (app.audit).note(actor, "read", format!("request={id}"), String::new());
    }
    let neighbours = match &record.caller.session_id {
        Some(session) => app.ledger.neighbours(session, &id).await?,
        None => [None, None],
    };
    let beside = Beside {
        content: content.as_ref(),
        neighbours,
        base: public.shown(),
        list: list_before(&headers),
    };
    let page = DetailPage::new(&app, &session, &record, beside);
    Ok(render(StatusCode::OK, &page))
}

/// The query of the list that led here; of any other page, none.
fn list_before(headers: &HeaderMap) -> String {
    let referer = headers.get(REFERER).and_then(|value| value.to_str().ok());
    let page = referer.and_then(|address| Url::parse(address).ok());
    // A proxy may have put a path before it.
    let list = page.filter(|page| page.path().ends_with(LIST));
    let query = list.and_then(|list| list.query().map(str::to_owned));
    query.unwrap_or_default()
}

/// `GET /ui/logs/{id}/picture/{place}`: a picture of a stored prompt.
pub(super) async fn picture(
    State(app): State<AppState>,
    session: Session,
    from: Option<Extension<ClientAddress>>,
    Path((id, place)): Path<(String, usize)>,
) -> Result<Response, PageError> {
    if !session.is_admin() {
        return Err(PageError::not_found());
    }
    let id = RequestId::parse(&id).map_err(|_| PageError::not_found())?;
    let content: Option<StoredContent> = app.ledger.content(&id).await?;
    let content = content.ok_or_else(PageError::not_found)?;
    let picture = Picture::find(&content.request, place).ok_or_else(PageError::not_found)?;
    let bytes = picture.bytes().ok_or_else(PageError::not_found)?;
    let actor = audit::actor_of(&session, from.as_deref());
    (app.audit).note(actor, "read", format!("request={id}"), String::new());
    Ok(([(CONTENT_TYPE, picture.media_type)], bytes).into_response())
}

/// A record that is being written while this is read belongs to now.
pub(super) fn soon() -> Timestamp {
    Timestamp::now() + SignedDuration::from_secs(60)
}

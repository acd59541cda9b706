//! Records: one, a page of them, or a period's sums.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderName, HeaderValue};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::app::{AppState, ClientAddress};
use crate::spend::report::{self, Only};
use crate::spend::{Cursor, Record, RecordFilter, RecordPage, RequestId, Search, SpendLog};
use crate::store::time::{beginning, day, sortable};
use crate::wire::ApiError;

use super::super::audit;
use super::super::auth::Admin;
use super::json;
use super::params::{OF_RECORDS, Params};

/// Records that `page` may skip; further on only a cursor leads.
const MOST_SKIPPED: usize = 10_000;

/// `GET /spend/logs`: the record of a `request_id`; the sums of each day from `start_date` to `end_date`; or, with
/// any other filter or `summarize=false`, records, newest first, and in `x-next-cursor` where to go on.
pub(super) async fn list(
    State(app): State<AppState>,
    Admin(_): Admin,
    params: Params,
) -> Result<Response, ApiError> {
    params.only(&[&OF_RECORDS[..], &["request_id", "summarize"]].concat())?;
    if let Some(id) = params.text("request_id") {
        let record = app.ledger.get(&parse(id)?).await?;
        return Ok(json(&record.iter().map(SpendLog::from).collect::<Vec<_>>()));
    }
    let filter = params.filter()?;
    let of_key_alone = RecordFilter {
        key_hash: filter.key_hash.clone(),
        ..RecordFilter::default()
    };
    let summarize = params.read("summarize", "true or false")?;
    let has_dates = params.text("start_date").is_some() && params.text("end_date").is_some();
    if summarize.unwrap_or(true) && has_dates && filter == of_key_alone {
        let (first, last) = params.days()?;
        let totals = app.ledger.totals(first, last).await?;
        let only = Only {
            key_hash: filter.key_hash,
            ..Only::default()
        };
        return Ok(json(&report::by_day(&totals, &only)));
    }
    let search = search(&params, filter, 1_000)?;
    let found = app.ledger.search(&search).await?;
    let mut response = json(&rows(&found.records));
    let mut set = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response
                .headers_mut()
                .insert(HeaderName::from_static(name), value);
        }
    };
    set("x-searched-until", sortable(found.searched_until));
    if let Some(cursor) = found.next {
        set("x-next-cursor", cursor.to_string());
    }
    Ok(response)
}

/// A page of records, as LiteLLM's pages ask for it.
#[derive(Serialize)]
struct Listing<'a> {
    data: Vec<SpendLog<'a>>,
    /// How many there are; `null` where only a look at every one of them would tell.
    total: Option<u64>,
    page: u64,
    page_size: u64,
    total_pages: Option<u64>,
    /// Where the next page begins, for `cursor`; `null`: this is the last.
    next_cursor: Option<String>,
    /// Everything from here on has been looked at.
    searched_until: String,
}

/// `GET /spend/logs/v2` and `/spend/logs/ui`: records of a period, newest first.
pub(super) async fn pages(
    State(app): State<AppState>,
    Admin(_): Admin,
    params: Params,
) -> Result<Response, ApiError> {
    params.only(&[&OF_RECORDS[..], &["request_id", "page"]].concat())?;
    if let Some(id) = params.text("request_id") {
        let record = app.ledger.get(&parse(id)?).await?;
        let found = RecordPage {
            records: record.into_iter().collect(),
            next: None,
            searched_until: Timestamp::UNIX_EPOCH,
        };
        return Ok(listing(&found, 1, 1, Some(found.records.len() as u64)));
    }
    let search = search(&params, params.filter()?, 50)?;
    page_of(&app, &params, search).await
}

/// `GET /spend/logs/session/ui?session_id=`: the records of one session, newest first, whenever they were.
pub(super) async fn session(
    State(app): State<AppState>,
    Admin(_): Admin,
    params: Params,
) -> Result<Response, ApiError> {
    params.only(&["session_id", "page", "page_size", "cursor"])?;
    if params.text("session_id").is_none() {
        return Err(ApiError::missing("session_id"));
    }
    let search = Search {
        first: Timestamp::UNIX_EPOCH,
        ..search(&params, params.filter()?, 50)?
    };
    page_of(&app, &params, search).await
}

/// The page that `page` or `cursor` asks for.
async fn page_of(
    app: &AppState,
    params: &Params,
    mut search: Search,
) -> Result<Response, ApiError> {
    let page = params.count("page", 1, u64::from(u32::MAX))?;
    let size = search.page_size as u64;
    let skipped = page.saturating_sub(1).saturating_mul(size);
    let mut left = usize::try_from(skipped).unwrap_or(usize::MAX);
    let by_cursor = search.after.is_some();
    if left > MOST_SKIPPED && !by_cursor {
        let message = format!(
            "'page' leads {MOST_SKIPPED} records far at most; go on with 'cursor', the 'next_cursor' of the page before."
        );
        return Err(ApiError::bad_request(message, "page"));
    }
    let total = count_matches(app, &search).await?;
    while left > 0 && !by_cursor {
        let skipping = Search {
            page_size: left.min(Search::MAX_PAGE),
            ..search.clone()
        };
        let found = app.ledger.search(&skipping).await?;
        left = left.saturating_sub(found.records.len());
        search.after = found.next;
        if found.next.is_none() {
            let none = RecordPage {
                records: Vec::new(),
                ..found
            };
            return Ok(listing(&none, page, size, total));
        }
    }
    let found = app.ledger.search(&search).await?;
    let ended = found.next.is_none() && !by_cursor;
    let total = total.or_else(|| ended.then(|| skipped + found.records.len() as u64));
    Ok(listing(&found, page, size, total))
}

/// How many records a search would find in all, where the day's counters know it.
async fn count_matches(app: &AppState, search: &Search) -> Result<Option<u64>, ApiError> {
    let by_key = RecordFilter {
        key_hash: search.filter.key_hash.clone(),
        ..RecordFilter::default()
    };
    let now = Timestamp::now();
    let is_full_days = search.first == beginning(day(search.first))
        && (search.end == beginning(day(search.end)) || search.end > now);
    let kept = (app.config.general.retention_days)
        .is_none_or(|days| now.as_second() - search.first.as_second() < i64::from(days) * 86_400);
    if search.filter != by_key || !is_full_days || !kept {
        return Ok(None);
    }
    let last = search.end.min(now).as_millisecond().saturating_sub(1);
    let last = Timestamp::from_millisecond(last).unwrap_or(search.end);
    let totals = app.ledger.totals(day(search.first), day(last)).await?;
    let only = Only {
        key_hash: by_key.key_hash,
        ..Only::default()
    };
    Ok(Some(report::total(&totals, &only).requests))
}

fn listing(found: &RecordPage, page: u64, page_size: u64, total: Option<u64>) -> Response {
    json(&Listing {
        data: rows(&found.records),
        total,
        page,
        page_size,
        total_pages: total.map(|total| total.div_ceil(page_size)),
        next_cursor: found.next.as_ref().map(Cursor::to_string),
        searched_until: sortable(found.searched_until),
    })
}

/// Everything about one request. `messages` and `response` have LiteLLM's names.
#[derive(Serialize)]
struct Detail<'a> {
    #[serde(flatten)]
    row: SpendLog<'a>,
    /// Whether the prompt was stored and is still kept.
    content_stored: bool,
    messages: Option<&'a Value>,
    response: Option<&'a Value>,
    /// The request as the client sent it.
    proxy_server_request: Option<&'a Value>,
}

/// `GET /spend/logs/ui/{request_id}`: everything about one request.
pub(super) async fn detail(
    State(app): State<AppState>,
    Admin(caller): Admin,
    address: Option<Extension<ClientAddress>>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let id = parse(&id)?;
    let (record, content) = tokio::try_join!(app.ledger.get(&id), app.ledger.content(&id))?;
    let record = record.ok_or_else(|| {
        ApiError::not_found(format!(
            "There is no record of '{id}': it was never written, or its time has passed."
        ))
    })?;
    if content.is_some() {
        let actor = audit::actor_of(&caller, address.as_deref());
        (app.audit).note(actor, "read", format!("request={id}"), String::new());
    }
    let request = content.as_ref().map(|content| &content.request);
    Ok(json(&Detail {
        row: SpendLog::from(&record),
        content_stored: content.is_some(),
        messages: request.and_then(|request| request.get("messages")),
        response: (content.as_ref()).and_then(|content| content.response.as_ref()),
        proxy_server_request: request,
    }))
}

fn parse(id: &str) -> Result<RequestId, ApiError> {
    RequestId::parse(id).map_err(|error| {
        let message = format!("{error} (the `id` of a reply, or its `x-sidecar-request-id`)");
        ApiError::bad_request(message, "request_id")
    })
}

fn rows(records: &[Record]) -> Vec<SpendLog<'_>> {
    records.iter().map(SpendLog::from).collect()
}

/// The search that the parameters describe.
fn search(params: &Params, filter: RecordFilter, usual: u64) -> Result<Search, ApiError> {
    for (name, only) in [("sort_by", "startTime"), ("sort_order", "desc")] {
        if params.text(name).is_some_and(|order| order != only) {
            let message = format!("'{name}' can only be '{only}': records lie in order of time.");
            return Err(ApiError::bad_request(message, name));
        }
    }
    let (first, end) = params.instants()?;
    let page_size = params.count("page_size", usual, Search::MAX_PAGE as u64)?;
    Ok(Search {
        first,
        end,
        filter,
        page_size: usize::try_from(page_size).unwrap_or(Search::MAX_PAGE),
        most_compared: Search::COMPARED,
        after: params.read("cursor", "the `next_cursor` of an earlier page, unchanged")?,
    })
}

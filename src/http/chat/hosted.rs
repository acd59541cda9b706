//! Answers a request for a tool that its own service would run, without asking a model: a search of the web.
//!
//! It is a request like any other: admitted, held for, counted, recorded. What goes wrong with the search is an answer
//! that says so, for the agent that asked goes on; what its key may not is an error.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use tokio::sync::oneshot::{self, Receiver, Sender};
use tokio::time::Instant;

use crate::app::AppState;
use crate::catalog::{Price, Rates};
use crate::conversation::{Fold, Usage};
use crate::http::record::{self, ContentCapture};
use crate::http::{denied, limit_headers, log, reply_headers};
use crate::keys::{Caller, Holds, KeyUsage};
use crate::spend::{
    Attempt, CALL_TYPE_SEARCH, PendingRequest, Record, RecordFailure, RequestId, Status,
};
use crate::store::{Counter, keys, time};
use crate::web_search::{SearchFailure, SearchQuery, SearchResult, WebSearch};
use crate::wire::{ApiError, HostedAnswer, HostedFailure, HostedTool, Labels, ReplyMeta, Wire};

/// What asks for a search: the setting that allows it.
const SETTING: &str = "general_settings.web_search";
/// As records name what was asked instead of a model.
const GROUP: &str = "web_search";
const MODEL: &str = "agentcore/web-search.v1";

/// A request that is ready to run.
#[derive(Debug)]
pub(super) struct HostedRun {
    pub(super) id: RequestId,
    pub(super) caller: Caller,
    pub(super) tool: HostedTool,
    /// The group that its model means: its key's limits for it hold.
    pub(super) group: String,
    pub(super) model_asked: String,
    pub(super) labels: Labels,
    pub(super) stream: bool,
    pub(super) content: Option<ContentCapture>,
}

/// How it ended.
struct HostedEnd {
    key_usage: KeyUsage,
    attempts: Vec<Attempt>,
    cost: Option<Decimal>,
    result: Result<HostedAnswer, Box<ApiError>>,
}

impl HostedRun {
    /// Runs it in a task of its own, which goes on when the client has gone, and answers its client.
    pub(super) async fn answer(self, app: &AppState, wire: &dyn Wire, meta: ReplyMeta) -> Response {
        let (id, stream) = (self.id, self.stream);
        let model = self.group.clone();
        let end = match self.start(app).await {
            Ok(end) => end,
            Err(_) => return ApiError::internal().into_response(),
        };
        let mut response = match end.result {
            Ok(answer) => {
                let meta = ReplyMeta { model, ..meta };
                written(wire, meta, &answer, end.cost, stream)
            }
            Err(error) => error.into_response(),
        };
        reply_headers::add(response.headers_mut(), &id, None, &end.attempts);
        limit_headers::add(response.headers_mut(), &end.key_usage, None);
        response
    }

    fn start(self, app: &AppState) -> Receiver<HostedEnd> {
        let (client, end) = oneshot::channel();
        app.tasks.spawn(self.run(app.clone(), client));
        end
    }

    async fn run(mut self, app: AppState, client: Sender<HostedEnd>) {
        let started = Instant::now();
        let model_asked = std::mem::take(&mut self.model_asked);
        let labels = std::mem::take(&mut self.labels);
        let mut record =
            record::begin(self.id, CALL_TYPE_SEARCH, model_asked, &self.caller, labels);
        record.stream = self.stream;
        let admitted = app
            .keys
            .admit(&self.caller, self.id, &app.routes, &self.group, || 0)
            .await;
        let mut admitted = match admitted {
            Ok(admitted) => admitted,
            Err(denied) => {
                let key_usage = denied.key_usage();
                let error = denied::refusal(&app, denied);
                self.finish(&app, record, key_usage, Err(Box::new(error)), client)
                    .await;
                return;
            }
        };
        let mut holds = app.keys.holds(&self.caller, self.id);
        let result = self.result(&app, &mut holds, &mut record, started).await;
        record.reservations = holds.reservations().await;
        let mut key_usage = admitted.key_usage;
        key_usage.budget = holds.budget_usage().or(key_usage.budget);
        app.keys.release_slot(&mut admitted.limits_taken).await;
        for used in holds.budget_uses(record.spend_known()) {
            app.alerts.budget(&used);
        }
        let released = app.keys.release_limits(admitted.limits_taken, 0);
        let finished = self.finish(&app, record, key_usage, result, client);
        tokio::join!(finished, released);
    }

    /// The answer. An error is the client's: what its key may not.
    async fn result(
        &self,
        app: &AppState,
        holds: &mut Holds,
        record: &mut Record,
        started: Instant,
    ) -> Result<HostedAnswer, Box<ApiError>> {
        let outcome = match (&self.tool, &app.web_search) {
            (HostedTool::Fetch, _) => Err(unavailable(
                "This gateway fetches no pages. The client can fetch them itself.".to_owned(),
            )),
            (_, None) => Err(unavailable(format!(
                "This gateway does not search the web: whoever runs it can turn that on with {SETTING}."
            ))),
            (HostedTool::SearchInAnswer, Some(_)) => Err(unavailable(
                "This gateway searches the web for requests that are a search and nothing else, as Claude Code makes \
                 them. It cannot search while it answers: leave the tool out."
                    .to_owned(),
            )),
            (HostedTool::Search(query), Some(search)) => {
                self.search(app, search, query, holds, record, started)
                    .await?
            }
        };
        Ok(HostedAnswer {
            call: self.id.with_prefix("").replace('-', ""),
            tool: self.tool.clone(),
            outcome,
        })
    }

    async fn search(
        &self,
        app: &AppState,
        search: &WebSearch,
        query: &SearchQuery,
        holds: &mut Holds,
        record: &mut Record,
        started: Instant,
    ) -> Result<Result<Vec<SearchResult>, HostedFailure>, Box<ApiError>> {
        if let Some(refusal) = self.over_the_day(app, search).await {
            return Ok(Err(refusal));
        }
        let price = search.settings().price;
        if let Err(denied) = holds.afford_search(price).await {
            return Err(Box::new(denied::refusal(app, denied)));
        }
        record.reservations = holds.reservations().await;
        let pending = PendingRequest {
            search_units: 1,
            ..PendingRequest::of(record, 0)
        };
        app.ledger.log_pending(&pending).await;
        let found = search.search(query).await;
        let attempt = Attempt {
            group: GROUP.to_owned(),
            deployment: GROUP.to_owned(),
            model: MODEL.to_owned(),
            region: search.settings().region.clone(),
            outcome: found
                .as_ref()
                .err()
                .map_or("ok", |failure| failure.code())
                .to_owned(),
            ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            ..Attempt::default()
        };
        // What failed is not billed.
        record.attempts = vec![match &found {
            Ok(_) => attempt.billed(one_search(), Some(&price_of(price))),
            Err(_) => attempt,
        }];
        Ok(found.map_err(|kind| HostedFailure {
            kind,
            message: match kind {
                SearchFailure::Invalid => "The search service did not take the query.",
                SearchFailure::TooMany => "Too many searches at the moment. Try again later.",
                SearchFailure::Unavailable => "The search service did not answer.",
            }
            .to_owned(),
        }))
    }

    /// Why the key may not search today; `None`: it may, and one search of its day is counted. Where the table does not
    /// say, it may not: a limit protects somebody.
    async fn over_the_day(&self, app: &AppState, search: &WebSearch) -> Option<HostedFailure> {
        let key = self.caller.virtual_key.as_ref();
        let own = key.and_then(|key| key.settings.web_searches_per_day);
        let most = own.or(search.settings().searches_per_day)?;
        if most == 0 {
            return Some(unavailable(
                "This key may not search the web (web_searches_per_day: 0).".to_owned(),
            ));
        }
        let now = app.clock.now();
        let item = keys::searches(&self.caller.key_hash, time::day(now));
        let counter = Counter {
            field: "searches",
            amount: 1,
            limit: Some(u64::from(most)),
        };
        let until = now.checked_add(SignedDuration::from_hours(48));
        let until = until.unwrap_or(Timestamp::MAX);
        match app.table.count(&item, &[counter], until).await {
            Ok(true) => None,
            Ok(false) => Some(HostedFailure {
                kind: SearchFailure::TooMany,
                message: format!("This key has made its {most} searches of today (UTC)."),
            }),
            Err(error) => {
                tracing::warn!(%error, "the searches of a key's day could not be counted");
                Some(unavailable(
                    "The searches of this key cannot be counted just now.".to_owned(),
                ))
            }
        }
    }

    /// Tells the client, and writes the record.
    async fn finish(
        self,
        app: &AppState,
        mut record: Record,
        key_usage: KeyUsage,
        result: Result<HostedAnswer, Box<ApiError>>,
        client: Sender<HostedEnd>,
    ) {
        record.end = Timestamp::now();
        record.status = match &result {
            Ok(_) => Status::Success,
            Err(_) => Status::Failure,
        };
        record.error = result
            .as_ref()
            .err()
            .map(|error| RecordFailure::from(&**error));
        let end = HostedEnd {
            key_usage,
            attempts: record.attempts.clone(),
            cost: record.cost().map(|cost| cost.total),
            result,
        };
        client.send(end).ok();
        let total = (record.end - record.start).try_into().unwrap_or_default();
        log::log_chat(&record, None, total);
        record::write(app, &self.caller, record, self.content).await;
    }
}

fn unavailable(message: String) -> HostedFailure {
    HostedFailure {
        kind: SearchFailure::Unavailable,
        message,
    }
}

/// What a search is billed by.
fn one_search() -> Usage {
    Usage {
        search_units: 1,
        ..Usage::default()
    }
}

fn price_of(search: Decimal) -> Price {
    Price {
        standard: Rates::default(),
        per_query: Some(search),
        ..Price::default()
    }
}

/// The answer as its client's wire has it.
fn written(
    wire: &dyn Wire,
    meta: ReplyMeta,
    answer: &HostedAnswer,
    cost: Option<Decimal>,
    stream: bool,
) -> Response {
    let events = wire.hosted_answer(answer);
    if stream {
        let mut out = BytesMut::new();
        let mut writer = wire.stream(meta.clone());
        writer.begin(meta.model, 0, None, &mut out);
        for event in &events {
            writer.event(event, &mut out);
        }
        writer.end(&Usage::default(), cost, &mut out);
        let headers = [
            (CONTENT_TYPE, "text/event-stream; charset=utf-8"),
            (CACHE_CONTROL, "no-cache"),
        ];
        return (headers, Body::from(out.freeze())).into_response();
    }
    let mut fold = Fold::default();
    events.into_iter().for_each(|event| fold.push(event));
    match wire.reply(meta, fold.finish(), cost) {
        Ok(json) => ([(CONTENT_TYPE, "application/json")], json).into_response(),
        Err(error) => {
            tracing::error!(%error, "a reply could not be written");
            ApiError::internal().into_response()
        }
    }
}

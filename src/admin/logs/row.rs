//! One request as a line of a table.

use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;
use url::form_urlencoded;

use super::super::links;
use super::super::names;
use super::super::numbers::{TimeText, dollars, percent, seconds, tokens};
use super::super::texts::texts;
use super::{LIST, SESSION, address};
use crate::spend::{Record, Status};

/// A request in a table.
pub(in super::super) struct LogRow {
    pub(in super::super) address: String,
    pub(in super::super) time: TimeText,
    pub(in super::super) status: StatusView,
    pub(in super::super) asked: String,
    /// Where it is another than was asked.
    pub(in super::super) used: Option<String>,
    pub(in super::super) key: String,
    pub(in super::super) user: String,
    pub(in super::super) client: String,
    pub(in super::super) cost: String,
    /// The sum up to here, on the page of a session.
    pub(in super::super) sum: String,
    pub(in super::super) duration: String,
    pub(in super::super) first_token: Option<String>,
    pub(in super::super) tokens: String,
    /// The share of the prompt that came from the cache.
    pub(in super::super) cached: Option<String>,
    /// Its name, its beginning, and the address of its page.
    pub(in super::super) session: Option<(String, String, String)>,
    /// Each with the requests that have it.
    pub(in super::super) tags: Vec<(String, String)>,
    /// The requests that have something in common with this one.
    pub(in super::super) links: RowLinks,
    /// The subagent that asked.
    pub(in super::super) agent: Option<String>,
}

/// The requests of the same model, key, user or client, in the period that the page shows.
pub(in super::super) struct RowLinks {
    pub(in super::super) model: String,
    pub(in super::super) key: Option<String>,
    pub(in super::super) user: Option<String>,
    pub(in super::super) client: Option<String>,
}

impl RowLinks {
    pub(in super::super) fn new(record: &Record, period: &str) -> Self {
        let of = |filter: &str, value: &str| requests_in(period, filter, value);
        let caller = &record.caller;
        let user = caller.user.as_ref().map(|user| of("user", user));
        let end_user = caller.end_user.as_ref().map(|user| of("end_user", user));
        Self {
            model: of("model", &record.model_asked),
            key: (!caller.key_hash.is_empty()).then(|| of("key", &caller.key_hash)),
            user: user.or(end_user),
            client: caller
                .client_app
                .as_ref()
                .map(|client| of("client", client)),
        }
    }
}

/// The address of the requests of a period that have this in common. `period`: as a query.
pub(super) fn requests_in(period: &str, filter: &str, value: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(period.to_owned());
    format!("{LIST}?{}", query.append_pair(filter, value).finish())
}

/// How a request ended, in a word.
pub(in super::super) struct StatusView {
    pub(in super::super) tone: &'static str,
    pub(in super::super) word: String,
    /// Why it failed.
    pub(in super::super) why: Option<&'static str>,
}

impl StatusView {
    pub(in super::super) fn of(record: &Record) -> Self {
        let t = &texts().logs;
        let (tone, word) = match record.status {
            Status::Success => ("good", t.success),
            Status::Failure => ("bad", t.failure),
            Status::Lost => ("warn", t.lost),
        };
        let code = record.error.as_ref().map(|error| error.status);
        let word = match code {
            Some(code) => format!("{word} {code}"),
            None => word.to_owned(),
        };
        Self {
            tone,
            word,
            why: record.cause().map(names::cause),
        }
    }
}

impl LogRow {
    /// `sum` is what was spent up to and with this request; `period` that of the page, as a query.
    pub(in super::super) fn new(record: &Record, sum: Decimal, period: &str) -> Self {
        let usage = record.usage();
        let caller = &record.caller;
        let used = record.final_attempt().map(|attempt| attempt.group.clone());
        let none = || texts().logs.none.to_owned();
        let asked_none = record.attempts.is_empty();
        Self {
            address: address(&record.request_id),
            time: record.start.into(),
            status: StatusView::of(record),
            asked: record.model_asked.clone(),
            used: used.filter(|used| *used != record.model_asked),
            key: key(record),
            user: [&caller.user, &caller.end_user]
                .into_iter()
                .flatten()
                .cloned()
                .collect::<Vec<_>>()
                .join(", "),
            client: caller
                .client_app
                .as_deref()
                .map(names::client)
                .unwrap_or_default(),
            cost: if asked_none { none() } else { cost(record) },
            sum: dollars(sum),
            duration: seconds(since(record.start, record.end)),
            first_token: (record.first_token).map(|at| seconds(since(record.start, at))),
            tokens: if asked_none {
                none()
            } else {
                format!("{} + {}", tokens(usage.prompt()), tokens(usage.output))
            },
            cached: (usage.cache_read > 0)
                .then(|| percent(usage.cache_read, usage.prompt()))
                .flatten(),
            session: (caller.session_id.as_ref())
                .map(|id| (id.clone(), start_of(id), of_session(id))),
            tags: (record.tags.iter())
                .map(|tag| (tag.clone(), requests_in(period, "tag", tag)))
                .collect(),
            links: RowLinks::new(record, period),
            agent: caller.agent_id.clone(),
        }
    }
}

/// The beginning of an id, by which a person tells it from others.
pub(in super::super) fn start_of(id: &str) -> String {
    const SHOWN: usize = 12;
    match id.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", id.get(..end).unwrap_or(id)),
        None => id.to_owned(),
    }
}

/// What a request cost, or that it is unknown.
pub(super) fn cost(record: &Record) -> String {
    let unknown = || texts().logs.not_priced.to_owned();
    record
        .cost()
        .map_or_else(unknown, |cost| dollars(cost.total))
}

/// Whose key it was.
pub(super) fn key(record: &Record) -> String {
    let caller = &record.caller;
    match &caller.key_alias {
        Some(alias) => alias.clone(),
        None if caller.key_hash.is_empty() => texts().logs.none.to_owned(),
        None => start_of(&caller.key_hash),
    }
}

/// The address of a session's page.
pub(in super::super) fn of_session(id: &str) -> String {
    links::to(SESSION, &[("session", id)])
}

/// A clock that was set back in between makes no negative time.
pub(in super::super) fn since(start: Timestamp, at: Timestamp) -> Duration {
    let elapsed = at.duration_since(start);
    Duration::try_from(elapsed).unwrap_or_default()
}

//! One request as a line of a table.

use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;
use url::form_urlencoded;

use super::super::numbers::{Moment, dollars, seconds, tokens};
use super::super::texts::texts;
use super::{SESSION, address};
use crate::spend::{Record, Status};

/// A request in a table.
pub(super) struct LogRow {
    pub(super) address: String,
    /// The end of its id, by which a person tells it from others.
    pub(super) short: String,
    pub(super) time: Moment,
    pub(super) status: StatusView,
    pub(super) asked: String,
    /// Where it is another than was asked.
    pub(super) used: Option<String>,
    pub(super) key: String,
    pub(super) users: Vec<String>,
    pub(super) cost: String,
    /// The sum up to here, on the page of a session.
    pub(super) sum: String,
    pub(super) duration: String,
    pub(super) first_token: Option<String>,
    pub(super) tokens: String,
    pub(super) cached: Option<String>,
    /// Its name, and the address of its page.
    pub(super) session: Option<(String, String)>,
    pub(super) tags: Vec<String>,
}

/// How a request ended, in a word.
pub(super) struct StatusView {
    pub(super) tone: &'static str,
    pub(super) word: String,
}

impl StatusView {
    pub(super) fn of(record: &Record) -> Self {
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
        Self { tone, word }
    }
}

impl LogRow {
    /// `sum` is what was spent up to and with this request.
    pub(super) fn new(record: &Record, sum: Decimal) -> Self {
        let usage = record.usage();
        let caller = &record.caller;
        let used = record.final_attempt().map(|attempt| attempt.group.clone());
        let id = record.request_id.to_string();
        let cached = (usage.cache_read > 0).then(|| tokens(usage.cache_read));
        Self {
            address: address(&record.request_id),
            short: id
                .chars()
                .skip(id.chars().count().saturating_sub(8))
                .collect(),
            time: record.start.into(),
            status: StatusView::of(record),
            asked: record.model_asked.clone(),
            used: used.filter(|used| *used != record.model_asked),
            key: key(record),
            users: [&caller.user, &caller.end_user]
                .into_iter()
                .flatten()
                .cloned()
                .collect(),
            cost: cost(record),
            sum: dollars(sum),
            duration: seconds(since(record.start, record.end)),
            first_token: (record.first_token).map(|at| seconds(since(record.start, at))),
            tokens: format!("{} + {}", tokens(usage.prompt()), tokens(usage.output)),
            cached,
            session: (caller.session_id)
                .as_ref()
                .map(|id| (id.clone(), of_session(id))),
            tags: record.tags.clone(),
        }
    }
}

/// What a request cost, or that nobody knows.
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
        None => {
            let start: String = caller.key_hash.chars().take(12).collect();
            format!("{start}…")
        }
    }
}

/// The address of a session's page.
pub(super) fn of_session(id: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let query = query.append_pair("session", id).finish();
    format!("{SESSION}?{query}")
}

/// A clock that was set back in between makes no negative time.
pub(super) fn since(start: Timestamp, at: Timestamp) -> Duration {
    let elapsed = at.duration_since(start);
    Duration::try_from(elapsed).unwrap_or_default()
}

//! Everything about one request.

use std::time::Duration;

use askama::Template;
use rust_decimal::Decimal;

use super::super::layout::{Layout, NavPage};
use super::super::numbers::{Moment, count, dollars, seconds};
use super::super::session::Session;
use super::super::texts::texts;
use super::row::{StatusView, cost, key, of_session, since};
use super::stored::StoredView;
use crate::app::AppState;
use crate::spend::{Attempt, Content, Cost, Record};

#[derive(Template)]
#[template(path = "log.html", config = "src/admin/askama.toml")]
pub(super) struct DetailPage {
    layout: Layout,
    id: String,
    status: StatusView,
    began: Moment,
    facts: Vec<(&'static str, String)>,
    session: Option<(String, String)>,
    tags: Vec<String>,
    /// What the client was told, in a line and in full.
    error: Option<(String, String)>,
    trail: Vec<LoggedAttempt>,
    /// How many attempts are not listed.
    unlisted: Option<String>,
    /// What the client had said is left out.
    reduced: bool,
    lines: Vec<TokenLine>,
    saved: Option<String>,
    is_unpriced: bool,
    is_estimated: bool,
    metadata: Option<String>,
    stored: Option<StoredView>,
    /// Whether new requests' prompts are stored as configured.
    stores: bool,
}

/// An attempt.
struct LoggedAttempt {
    tone: &'static str,
    outcome: String,
    group: String,
    model: String,
    region: String,
    time: String,
    bytes: String,
    tokens: String,
    cost: String,
}

/// A kind of tokens.
struct TokenLine {
    name: &'static str,
    tokens: String,
    cost: String,
}

impl DetailPage {
    pub(super) fn new(
        app: &AppState,
        session: &Session,
        record: &Record,
        content: Option<&Content>,
    ) -> Self {
        let caller = &record.caller;
        let metadata = record.spend_logs_metadata.as_ref();
        let saved = record.known().cache_saving;
        let session_id = caller.session_id.as_ref();
        Self {
            layout: Layout::of(NavPage::Logs, session),
            id: record.request_id.to_string(),
            status: StatusView::of(record),
            began: record.start.into(),
            facts: facts(record),
            session: session_id.map(|id| (id.clone(), of_session(id))),
            tags: record.tags.clone(),
            error: record.error.as_ref().map(|error| {
                let line = format!("{} {}", error.status, error.class);
                (line, error.message.clone())
            }),
            trail: record.attempts.iter().map(LoggedAttempt::from).collect(),
            unlisted: record.unlisted.as_ref().map(|rest| count(rest.attempts)),
            reduced: record.reduced,
            lines: lines(record),
            saved: (!saved.is_zero()).then(|| dollars(saved)),
            is_unpriced: record.is_unpriced(),
            is_estimated: record.usage().estimated,
            metadata: metadata.and_then(|metadata| serde_json::to_string_pretty(metadata).ok()),
            stored: content.map(StoredView::from),
            stores: app.config.general.store_prompts,
        }
    }
}

/// What is known, in the order in which it is asked; what is not known is left out.
fn facts(record: &Record) -> Vec<(&'static str, String)> {
    let (t, of) = (&texts().log, &texts().logs);
    let caller = &record.caller;
    let final_attempt = record.final_attempt();
    let first = record.first_token;
    let first = first.map(|at| seconds(since(record.start, at)));
    let stream = if record.stream { t.yes } else { t.no };
    let all = [
        (of.asked, Some(record.model_asked.clone())),
        (t.used, final_attempt.map(|attempt| attempt.model.clone())),
        (
            t.region,
            final_attempt.map(|attempt| attempt.region.clone()),
        ),
        (of.cost, Some(cost(record))),
        (t.first_token, first),
        (t.ended, Some(seconds(since(record.start, record.end)))),
        (t.stream, Some(stream.to_owned())),
        (t.stop_reason, record.stop_reason.clone()),
        (t.alias, Some(key(record))),
        (of.user, caller.user.clone()),
        (of.end_user, caller.end_user.clone()),
        (t.agent, caller.agent_id.clone()),
        (t.parent_agent, caller.parent_agent_id.clone()),
        (t.client, caller.client.clone()),
        (t.call_id, record.litellm_call_id.clone()),
        (t.call, Some(record.call_type.clone())),
    ];
    let known = all.into_iter();
    known
        .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
        .collect()
}

/// Tokens by kind with their cost. A cost of which a part is unknown is what is known of it.
fn lines(record: &Record) -> Vec<TokenLine> {
    let t = &texts().log;
    let usage = record.usage();
    let cost = record.known();
    let line = |name, tokens: u64, cost: Option<Decimal>| TokenLine {
        name,
        tokens: count(tokens),
        cost: cost.map(dollars).unwrap_or_default(),
    };
    let mut lines = vec![
        line(t.input, usage.input, Some(cost.input)),
        line(t.read, usage.cache_read, Some(cost.cache_read)),
        line(t.written, usage.cache_write(), Some(cost.cache_write)),
        line(t.output, usage.output, Some(cost.output)),
    ];
    if let Some(thinking) = usage.reasoning {
        lines.push(line(t.thinking, thinking, None));
    }
    lines.push(line(t.total, usage.total(), Some(cost.total)));
    lines
}

impl From<&Attempt> for LoggedAttempt {
    fn from(attempt: &Attempt) -> Self {
        let none = || texts().logs.none.to_owned();
        let status = attempt.status.map(|status| format!(" {status}"));
        let cost = |cost: Cost| dollars(cost.total);
        Self {
            tone: match &*attempt.outcome {
                "ok" => "good",
                _ if attempt.was_made() => "bad",
                _ => "",
            },
            outcome: format!("{}{}", attempt.outcome, status.unwrap_or_default()),
            group: attempt.group.clone(),
            model: attempt.model.clone(),
            region: attempt.region.clone(),
            time: seconds(Duration::from_millis(attempt.ms)),
            bytes: count(attempt.bytes),
            tokens: attempt.usage.map_or_else(none, |usage| {
                format!("{} + {}", count(usage.prompt()), count(usage.output))
            }),
            cost: match attempt.cost {
                None if attempt.is_unpriced() => texts().logs.not_priced.to_owned(),
                known => known.map_or_else(none, cost),
            },
        }
    }
}

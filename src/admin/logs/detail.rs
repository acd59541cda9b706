//! Everything about one request.

use askama::Template;
use rust_decimal::Decimal;

use super::super::layout::{Layout, NavPage};
use super::super::names;
use super::super::numbers::{TimeText, count, dollars, seconds, today};
use super::super::period::{PagePeriod, PeriodQuery};
use super::super::session::Session;
use super::super::texts::texts;
use super::curl::curl;
use super::row::{StatusView, cost, key, of_session, requests_in, since};
use super::stored::StoredView;
use super::waterfall::{WaterfallRow, waterfall};
use super::{LIST, address};
use crate::app::AppState;
use crate::spend::{Record, RequestId, StoredContent};

#[derive(Template)]
#[template(path = "log.html", config = "src/admin/askama.toml")]
pub(super) struct DetailPage {
    layout: Layout,
    /// The list, as it was before.
    back: String,
    id: String,
    status: StatusView,
    began: TimeText,
    facts: Vec<Fact>,
    /// The session: its name, its page, and the requests before and after this one.
    session: Option<SessionLinks>,
    tags: Vec<(String, String)>,
    /// The client's error, in a line and in full.
    error: Option<(String, String)>,
    trail: Vec<WaterfallRow>,
    /// How many attempts are not listed.
    unlisted: Option<String>,
    /// What the client had said is left out.
    reduced: bool,
    /// Empty where no model was asked.
    lines: Vec<TokenLine>,
    saved: Option<String>,
    is_unpriced: bool,
    is_estimated: bool,
    metadata: Option<String>,
    stored: Option<StoredView>,
    curl: Option<String>,
    /// Whether new requests' prompts are stored as configured.
    stores: bool,
    /// The record as it is stored.
    raw: String,
}

struct SessionLinks {
    id: String,
    address: String,
    before: Option<String>,
    after: Option<String>,
}

/// Something that is known, with the page of all requests that have it in common.
struct Fact {
    name: &'static str,
    value: String,
    address: Option<String>,
}

/// A kind of tokens.
struct TokenLine {
    is_sum: bool,
    name: &'static str,
    tokens: String,
    cost: String,
}

/// What belongs to a record beside it.
pub(super) struct Beside<'a> {
    pub(super) content: Option<&'a StoredContent>,
    /// The requests of the session before and after this one.
    pub(super) neighbours: [Option<RequestId>; 2],
    /// Under which address this gateway was reached.
    pub(super) base: Option<String>,
    /// The query of the list that led here.
    pub(super) list: String,
}

impl DetailPage {
    pub(super) fn new(
        app: &AppState,
        session: &Session,
        record: &Record,
        beside: Beside<'_>,
    ) -> Self {
        let Beside {
            content,
            neighbours: [before, after],
            base,
            list,
        } = beside;
        let (period, _) = PagePeriod::or_usual(&PeriodQuery::read(&list), today());
        let period = period.query();
        let metadata = record.spend_logs_metadata.as_ref();
        let saved = record.known().cache_saving;
        let id = record.request_id.to_string();
        let tags = record.tags.iter();
        Self {
            layout: Layout::of(NavPage::Logs, session),
            status: StatusView::of(record),
            began: record.start.into(),
            back: match list.as_str() {
                "" => LIST.to_owned(),
                list => format!("{LIST}?{list}"),
            },
            facts: facts(record, &period),
            session: record.caller.session_id.as_ref().map(|id| SessionLinks {
                id: id.clone(),
                address: of_session(id),
                before: before.as_ref().map(address),
                after: after.as_ref().map(address),
            }),
            tags: tags
                .map(|tag| (tag.clone(), requests_in(&period, "tag", tag)))
                .collect(),
            error: record.error.as_ref().map(|error| {
                let line = format!("{} {}", error.status, error.class);
                (line, error.message.clone())
            }),
            trail: waterfall(record),
            unlisted: record.unlisted.as_ref().map(|rest| count(rest.attempts)),
            reduced: record.reduced,
            lines: if record.attempts.is_empty() {
                Vec::new()
            } else {
                lines(record)
            },
            saved: (!saved.is_zero()).then(|| dollars(saved)),
            is_unpriced: record.is_unpriced(),
            is_estimated: record.usage().estimated,
            metadata: metadata.and_then(|metadata| serde_json::to_string_pretty(metadata).ok()),
            stored: content.map(|content| {
                StoredView::new(content, &format!("{}/picture", address(&record.request_id)))
            }),
            curl: content.map(|content| curl(&record.call_type, &content.request, base.as_deref())),
            stores: app.routes.current_config().general.store_prompts,
            raw: serde_json::to_string_pretty(record).unwrap_or_default(),
            id,
        }
    }
}

/// What is known, in the order in which it is asked; what is not known is left out.
fn facts(record: &Record, period: &str) -> Vec<Fact> {
    let (t, of) = (&texts().log, &texts().logs);
    let caller = &record.caller;
    let final_attempt = record.final_attempt();
    let first = record.first_token;
    let first = first.map(|at| seconds(since(record.start, at)));
    let stream = if record.stream { t.yes } else { t.no };
    let key_filter = Some(caller.key_hash.as_str()).filter(|hash| !hash.is_empty());
    let client = caller.client_app.as_deref();
    let all = [
        (
            of.asked,
            Some(record.model_asked.clone()),
            Some(("model", record.model_asked.as_str())),
        ),
        (
            t.used,
            final_attempt.map(|attempt| attempt.model.clone()),
            final_attempt.map(|attempt| ("model", attempt.model.as_str())),
        ),
        (
            t.region,
            final_attempt.map(|attempt| attempt.region.clone()),
            None,
        ),
        (of.cost, final_attempt.map(|_| cost(record)), None),
        (t.first_token, first, None),
        (
            t.ended,
            Some(seconds(since(record.start, record.end))),
            None,
        ),
        (t.stream, Some(stream.to_owned()), None),
        (
            t.stop_reason,
            record.stop_reason.as_deref().map(stop_reason),
            None,
        ),
        (
            t.alias,
            Some(key(record)),
            key_filter.map(|hash| ("key", hash)),
        ),
        (
            of.user,
            caller.user.clone(),
            caller.user.as_deref().map(|user| ("user", user)),
        ),
        (
            t.team,
            caller.team_id.clone(),
            caller.team_id.as_deref().map(|team| ("team", team)),
        ),
        (
            of.end_user,
            caller.end_user.clone(),
            caller.end_user.as_deref().map(|user| ("end_user", user)),
        ),
        (
            of.client,
            client.map(names::client),
            client.map(|client| ("client", client)),
        ),
        (t.agent, caller.agent_id.clone(), None),
        (t.parent_agent, caller.parent_agent_id.clone(), None),
        (t.client, caller.client.clone(), None),
        (t.call_id, record.litellm_call_id.clone(), None),
        (t.call, Some(route(&record.call_type)), None),
    ];
    let known = all.into_iter().filter_map(|(name, value, filter)| {
        let value = value.filter(|value| !value.is_empty())?;
        Some(Fact {
            name,
            value,
            address: filter.map(|(filter, value)| requests_in(period, filter, value)),
        })
    });
    known.collect()
}

/// A route in words; one that has none, as the record has it.
fn route(call_type: &str) -> String {
    let t = &texts().log;
    let words = match call_type {
        "acompletion" => t.route_chat,
        "anthropic_messages" => t.route_messages,
        "aresponses" => t.route_responses,
        "aembedding" => t.route_embeddings,
        "arerank" => t.route_rerank,
        other => return other.to_owned(),
    };
    words.to_owned()
}

/// Why the model stopped, in words, with Bedrock's own.
fn stop_reason(reason: &str) -> String {
    let t = &texts().log;
    let words = match reason {
        "end_turn" => t.stop_end,
        "tool_use" => t.stop_tool,
        "max_tokens" => t.stop_length,
        "stop_sequence" => t.stop_sequence,
        "content_filtered" | "guardrail_intervened" => t.stop_filter,
        other => return other.to_owned(),
    };
    format!("{words} ({reason})")
}

/// Tokens by kind with their cost. A cost of which a part is unknown is what is known of it.
fn lines(record: &Record) -> Vec<TokenLine> {
    let t = &texts().log;
    let usage = record.usage();
    let cost = record.known();
    let line = |name, tokens: u64, cost: Option<Decimal>| TokenLine {
        is_sum: false,
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
    lines.push(TokenLine {
        is_sum: true,
        ..line(t.total, usage.total(), Some(cost.total))
    });
    lines
}

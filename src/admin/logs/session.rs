//! One agent's session: its requests in order, each with the tools that it called and what all have cost so far.

use std::collections::HashMap;

use askama::Template;
use rust_decimal::Decimal;

use super::super::layout::{Layout, NavPage};
use super::super::links;
use super::super::names;
use super::super::numbers::{TimeText, count, dollars, lasting, percent, tokens};
use super::super::session::Session;
use super::super::texts::{filled, texts};
use super::LIST;
use super::query::LogQuery;
use super::row::{LogRow, key, of_session, since};
use crate::conversation::Usage;
use crate::spend::{RecordPage, RequestId, Status};

#[derive(Template)]
#[template(path = "session.html", config = "src/admin/askama.toml")]
pub(super) struct SessionPage {
    layout: Layout,
    session: String,
    /// Client, key and user, each with its requests.
    who: Vec<(String, String)>,
    cards: Vec<(&'static str, String, String)>,
    began: Option<TimeText>,
    ended: Option<TimeText>,
    rows: Vec<(LogRow, Vec<String>)>,
    /// Its subagents with how many requests each has made.
    agents: Vec<(String, String)>,
    /// Requests before these: more than one page has room for.
    earlier: Option<String>,
    newest: Option<String>,
}

impl SessionPage {
    /// `tools`: the tools that requests called, as far as that is stored.
    pub(super) fn new(
        session: &Session,
        asked: &LogQuery,
        found: &RecordPage,
        tools: &HashMap<RequestId, Vec<String>>,
    ) -> Self {
        let mut sum = Decimal::ZERO;
        let records = || found.records.iter().rev();
        let rows: Vec<(LogRow, Vec<String>)> = records()
            .map(|record| {
                sum += record.spend_known();
                let called = tools.get(&record.request_id).cloned();
                (LogRow::new(record, sum, ""), called.unwrap_or_default())
            })
            .collect();
        let used: Vec<Usage> = records().map(|record| record.usage()).collect();
        let all = |tokens: fn(&Usage) -> u64| used.iter().map(tokens).fold(0, u64::saturating_add);
        let prompt = all(Usage::prompt);
        let read = all(|usage| usage.cache_read);
        let failed = records().filter(|record| record.status != Status::Success);
        let (t, of) = (&texts().logs, &texts().usage);
        let requests = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let failed = u64::try_from(failed.count()).unwrap_or(u64::MAX);
        let rate = percent(read, prompt).unwrap_or_else(|| of.none.to_owned());
        let newest = of_session(&asked.session);
        let mut agents: Vec<(String, u64)> = Vec::new();
        for agent in records().filter_map(|record| record.caller.agent_id.as_ref()) {
            match agents.iter_mut().find(|(known, _)| known == agent) {
                Some((_, requests)) => *requests += 1,
                None => agents.push((agent.clone(), 1)),
            }
        }
        let (first, last) = (records().next(), records().next_back());
        let who = last.map(|record| {
            let caller = &record.caller;
            let requests = |name, value: &str| links::to(LIST, &[(name, value)]);
            let client = caller.client_app.as_deref();
            let client = client.map(|word| (names::client(word), requests("client", word)));
            let user = caller.user.as_ref();
            let user = user.map(|user| (user.clone(), requests("user", user)));
            client
                .into_iter()
                .chain([(key(record), requests("key", &caller.key_hash))])
                .chain(user)
                .collect()
        });
        let lasted = first
            .zip(last)
            .map(|(first, last)| lasting(since(first.start, last.end)));
        Self {
            layout: Layout::of(NavPage::Sessions, session),
            session: asked.session.clone(),
            who: who.unwrap_or_default(),
            cards: vec![
                (t.spent, dollars(sum), String::new()),
                (
                    t.requests,
                    count(requests),
                    filled(t.failed, [&count(failed)]),
                ),
                (t.lasted, lasted.unwrap_or_default(), String::new()),
                (of.tokens_in, tokens(prompt), String::new()),
                (
                    of.tokens_out,
                    tokens(all(|usage| usage.output)),
                    String::new(),
                ),
                (of.hit_rate, rate, filled(of.read, [&tokens(read)])),
            ],
            began: first.map(|record| record.start.into()),
            ended: last.map(|record| record.start.into()),
            rows,
            agents: agents
                .into_iter()
                .map(|(agent, requests)| (agent, count(requests)))
                .collect(),
            earlier: found.next.map(|next| format!("{newest}&after={next}")),
            newest: asked.is_later().then_some(newest),
        }
    }
}

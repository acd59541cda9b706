//! The sessions of agents, as the newest requests of a period tell them: no session is kept by itself, so that so many
//! requests are read, and the page says how far back it has seen.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use rust_decimal::Decimal;
use url::form_urlencoded;

use super::error::PageError;
use super::layout::{Layout, NavPage, render};
use super::logs::{RowLinks, of_session, since, soon, start_of};
use super::names::{self, Names};
use super::numbers::{TimeText, count, dollars, lasting, percent, today};
use super::period::{PagePeriod, PeriodQuery};
use super::period_picker::PeriodPicker;
use super::session::Session;
use super::texts::texts;
use crate::app::AppState;
use crate::spend::{Cursor, Record, RecordFilter, Search, Status};
use crate::wire::ClientApp;

const ADDRESS: &str = "/ui/sessions";
/// Requests that are read for a page: about 2 MB.
const MOST_READ: usize = 1_000;
/// Sessions on a page.
const MOST_SESSIONS: usize = 50;

#[derive(Template)]
#[template(path = "sessions.html", config = "src/admin/askama.toml")]
struct SessionsPage {
    layout: Layout,
    picker: PeriodPicker,
    /// The programs: word, name, whether it is chosen.
    clients: Vec<(String, String, bool)>,
    user: String,
    key: String,
    /// What the fields suggest: the users of these sessions, and all keys.
    users: Vec<String>,
    keys: Vec<String>,
    rows: Vec<SessionRow>,
    read: String,
    searched_to: TimeText,
    older: Option<String>,
}

struct SessionRow {
    links: RowLinks,
    name: String,
    address: String,
    client: String,
    key: String,
    user: String,
    last: TimeText,
    lasted: String,
    requests: String,
    failed: Option<String>,
    agents: Option<String>,
    cost: String,
    hit_rate: String,
}

/// What the address asks.
#[derive(Debug, Default)]
struct SessionsQuery {
    client: String,
    user: String,
    key: String,
    after: String,
}

impl SessionsQuery {
    fn read(query: &str) -> Self {
        let mut asked = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let field = match &*name {
                "client" => &mut asked.client,
                "user" => &mut asked.user,
                "key" => &mut asked.key,
                "after" => &mut asked.after,
                _ => continue,
            };
            value.trim().clone_into(field);
        }
        asked
    }

    fn others(&self) -> Vec<(&'static str, String)> {
        let all = [
            ("client", &self.client),
            ("user", &self.user),
            ("key", &self.key),
        ];
        let set = all.into_iter().filter(|(_, value)| !value.is_empty());
        set.map(|(name, value)| (name, value.clone())).collect()
    }
}

/// `GET /ui/sessions`.
pub(super) async fn page(
    State(app): State<AppState>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let query = query.unwrap_or_default();
    let asked = SessionsQuery::read(&query);
    let (period, note) = PagePeriod::or_usual(&PeriodQuery::read(&query), today());
    let names = Names::read(&app).await?;
    let given = |text: &String| (!text.is_empty()).then(|| text.clone());
    let hash = names.keys().iter().find(|(_, label)| **label == asked.key);
    let hash = hash.map(|(hash, _)| hash.clone()).or(given(&asked.key));
    // What is no cursor begins with the newest.
    let after: Option<Cursor> = asked.after.parse().ok();
    let search = Search {
        first: period.start(),
        end: period.end().min(soon()),
        filter: RecordFilter {
            client_app: given(&asked.client),
            user: given(&asked.user),
            key_hash: hash,
            ..RecordFilter::default()
        },
        page_size: MOST_READ,
        most_compared: Search::COMPARED,
        after,
    };
    let mut found = app.ledger.search(&search).await?;
    let seen = within(&found.records, MOST_SESSIONS);
    if let Some(last) = seen.checked_sub(1).and_then(|last| found.records.get(last))
        && seen < found.records.len()
    {
        let next = Cursor::after(last.request_id);
        found.searched_until = next.time();
        found.next = Some(next);
        found.records.truncate(seen);
    }
    let picker = PeriodPicker::new(ADDRESS, &period, note, asked.others());
    let clients = ClientApp::ALL.into_iter().map(|client| {
        let word = client.as_str();
        (word.to_owned(), names::client(word), word == asked.client)
    });
    let page = SessionsPage {
        layout: Layout::of(NavPage::Sessions, &session),
        clients: clients.collect(),
        users: users_of(&found.records),
        keys: names.sorted_keys(),
        rows: grouped(&found.records)
            .iter()
            .map(|seen| SessionRow::new(seen, &period.query()))
            .collect(),
        read: count(u64::try_from(found.records.len()).unwrap_or(u64::MAX)),
        searched_to: found.searched_until.into(),
        older: found.next.map(|next| {
            let mut query = form_urlencoded::Serializer::new(period.query());
            query.extend_pairs(asked.others());
            format!(
                "{ADDRESS}?{}",
                query.append_pair("after", &next.to_string()).finish()
            )
        }),
        picker,
        user: asked.user,
        key: asked.key,
    };
    Ok(render(StatusCode::OK, &page))
}

/// The users of these records, each once.
fn users_of(records: &[Record]) -> Vec<String> {
    let users = records
        .iter()
        .filter_map(|record| record.caller.user.clone());
    users.collect::<BTreeSet<_>>().into_iter().collect()
}

/// A session as far as it was seen.
#[derive(Debug)]
struct SeenSession<'a> {
    id: &'a str,
    /// Its newest request.
    newest: &'a Record,
    begins: Timestamp,
    ends: Timestamp,
    requests: u64,
    failed: u64,
    agents: Vec<&'a str>,
    spend: Decimal,
    read: u64,
    prompt: u64,
}

/// How many of these records are of the first so many sessions, or of none.
fn within(records: &[Record], most: usize) -> usize {
    let mut sessions = HashSet::new();
    let others = records.iter().position(|record| {
        let id = record.caller.session_id.as_deref();
        id.is_some_and(|id| sessions.insert(id) && sessions.len() > most)
    });
    others.unwrap_or(records.len())
}

/// The sessions of these records, which are the newest first; what belongs to no session is left out.
fn grouped(records: &[Record]) -> Vec<SeenSession<'_>> {
    let mut sessions: Vec<SeenSession<'_>> = Vec::new();
    let mut places = HashMap::<&str, usize>::new();
    for record in records {
        let Some(id) = record.caller.session_id.as_deref() else {
            continue;
        };
        let place = match places.entry(id) {
            Entry::Occupied(place) => *place.get(),
            Entry::Vacant(place) => {
                sessions.push(SeenSession::new(id, record));
                *place.insert(sessions.len() - 1)
            }
        };
        if let Some(session) = sessions.get_mut(place) {
            session.add(record);
        }
    }
    sessions
}

impl<'a> SeenSession<'a> {
    fn new(id: &'a str, newest: &'a Record) -> Self {
        Self {
            id,
            newest,
            begins: newest.start,
            ends: newest.end,
            requests: 0,
            failed: 0,
            agents: Vec::new(),
            spend: Decimal::ZERO,
            read: 0,
            prompt: 0,
        }
    }

    fn add(&mut self, record: &'a Record) {
        let usage = record.usage();
        self.begins = self.begins.min(record.start);
        self.ends = self.ends.max(record.end);
        self.requests += 1;
        self.failed += u64::from(record.status != Status::Success);
        self.spend += record.spend_known();
        self.read = self.read.saturating_add(usage.cache_read);
        self.prompt = self.prompt.saturating_add(usage.prompt());
        if let Some(agent) = record.caller.agent_id.as_deref()
            && !self.agents.contains(&agent)
        {
            self.agents.push(agent);
        }
    }
}

impl SessionRow {
    /// `period`: that of the page, as a query.
    fn new(seen: &SeenSession<'_>, period: &str) -> Self {
        let t = &texts().logs;
        let caller = &seen.newest.caller;
        let agents = u64::try_from(seen.agents.len()).unwrap_or(u64::MAX);
        Self {
            links: RowLinks::new(seen.newest, period),
            name: start_of(seen.id),
            address: of_session(seen.id),
            client: caller
                .client_app
                .as_deref()
                .map(names::client)
                .unwrap_or_default(),
            key: caller
                .key_alias
                .clone()
                .unwrap_or_else(|| start_of(&caller.key_hash)),
            user: caller.user.clone().unwrap_or_default(),
            last: seen.newest.start.into(),
            lasted: lasting(since(seen.begins, seen.ends)),
            requests: count(seen.requests),
            failed: (seen.failed > 0).then(|| count(seen.failed)),
            agents: (agents > 0).then(|| count(agents)),
            cost: dollars(seen.spend),
            hit_rate: percent(seen.read, seen.prompt).unwrap_or_else(|| t.none.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spend::{RecordCaller, RequestId};

    #[test]
    fn requests_of_one_session_are_one_row() {
        let start: Timestamp = "2026-03-03T00:00:00Z".parse().unwrap();
        let record = |second: i64, session: Option<&str>, agent: Option<&str>| {
            let at = start + jiff::SignedDuration::from_secs(second);
            let caller = RecordCaller {
                session_id: session.map(str::to_owned),
                agent_id: agent.map(str::to_owned),
                ..RecordCaller::default()
            };
            Record::new(RequestId::new(at), "m", caller)
        };
        let records = [
            record(9, Some("b"), None),
            record(5, Some("a"), Some("sub")),
            record(4, None, None),
            record(3, Some("a"), Some("sub")),
            record(1, Some("b"), None),
        ];
        let found = grouped(&records);
        let rows: Vec<_> = found
            .iter()
            .map(|one| (one.id, one.requests, one.failed, one.agents.len()))
            .collect();
        assert_eq!(rows, [("b", 2, 2, 0), ("a", 2, 2, 1)]);
        assert_eq!([1, 2].map(|most| within(&records, most)), [1, 5]);
        assert_eq!(lasting(since(found[0].begins, found[0].ends)), "8 s");
    }
}

//! The sessions of agents, by their newest requests. The page says how far back it has seen.

mod found;

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::response::Response;
use http::StatusCode;
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
use crate::spend::RecordFilter;
use crate::wire::ClientApp;
use found::{SessionSearch, SessionSummary};

const ADDRESS: &str = "/ui/sessions";

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
    let search = SessionSearch {
        first: period.start(),
        end: period.end().min(soon()),
        filter: RecordFilter {
            client_app: given(&asked.client),
            user: given(&asked.user),
            key_hash: hash,
            ..RecordFilter::default()
        },
        // What is no cursor begins with the newest.
        after: asked.after.parse().ok(),
    };
    let found = search.page(&app.ledger).await?;
    let picker = PeriodPicker::new(ADDRESS, &period, note, asked.others());
    let clients = ClientApp::ALL.into_iter().map(|client| {
        let word = client.as_str();
        (word.to_owned(), names::client(word), word == asked.client)
    });
    let page = SessionsPage {
        layout: Layout::of(NavPage::Sessions, &session),
        clients: clients.collect(),
        users: users_of(&found.sessions),
        keys: names.sorted_keys(),
        rows: (found.sessions.iter())
            .map(|found| SessionRow::new(found, &period.query()))
            .collect(),
        read: count(u64::try_from(found.read).unwrap_or(u64::MAX)),
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

/// The users of these sessions, each once.
fn users_of(sessions: &[SessionSummary]) -> Vec<String> {
    let users = sessions
        .iter()
        .filter_map(|session| session.newest.caller.user.clone());
    users.collect::<BTreeSet<_>>().into_iter().collect()
}

impl SessionRow {
    /// `period`: that of the page, as a query.
    fn new(found: &SessionSummary, period: &str) -> Self {
        let t = &texts().logs;
        let caller = &found.newest.caller;
        let at_least = |sum: String| match found.is_cut {
            true => format!("{sum}+"),
            false => sum,
        };
        let agents = u64::try_from(found.agents.len()).unwrap_or(u64::MAX);
        Self {
            links: RowLinks::new(&found.newest, period),
            name: start_of(&found.id),
            address: of_session(&found.id),
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
            last: found.newest.start.into(),
            lasted: lasting(since(found.begins, found.ends)),
            requests: at_least(count(found.requests)),
            failed: (found.failed > 0).then(|| count(found.failed)),
            agents: (agents > 0).then(|| count(agents)),
            cost: at_least(dollars(found.spend)),
            hit_rate: percent(found.cache_read, found.prompt).unwrap_or_else(|| t.none.to_owned()),
        }
    }
}

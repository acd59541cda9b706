//! The sessions of a period, found by their requests: no session is kept by itself.
//!
//! The newest requests are read, and then, through the sessions' index, the older ones of each session among them. A session
//! stands on the page of its newest request.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use futures_util::future::try_join_all;
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::spend::{Cursor, Ledger, ReadError, Record, RecordFilter, RequestId, Search, Status};

/// Requests that are read to find the sessions of a page.
const WINDOW: usize = 250;
/// Windows that are read for a page while all that is found has stood on the pages before.
const MOST_WINDOWS: usize = 4;
/// Sessions on a page.
const MOST_SESSIONS: usize = 25;
/// Older requests that are read of each session.
const MOST_OLDER: usize = 200;

/// Which sessions are looked for.
#[derive(Debug)]
pub(super) struct SessionSearch {
    /// The first instant of the period.
    pub(super) first: Timestamp,
    /// The first instant after it.
    pub(super) end: Timestamp,
    /// What must hold of their requests.
    pub(super) filter: RecordFilter,
    /// Where the page before ended.
    pub(super) after: Option<Cursor>,
}

/// A page of sessions.
#[derive(Debug)]
pub(super) struct SessionsFound {
    /// By their newest request, the newest first.
    pub(super) sessions: Vec<SessionSummary>,
    /// Requests that were read.
    pub(super) read: usize,
    pub(super) searched_until: Timestamp,
    pub(super) next: Option<Cursor>,
}

/// The requests of one session in the period, summed up.
#[derive(Debug)]
pub(super) struct SessionSummary {
    pub(super) id: String,
    /// Its newest request.
    pub(super) newest: Record,
    pub(super) begins: Timestamp,
    pub(super) ends: Timestamp,
    pub(super) requests: u64,
    pub(super) failed: u64,
    pub(super) agents: Vec<String>,
    pub(super) spend: Decimal,
    pub(super) cache_read: u64,
    pub(super) prompt: u64,
    /// It has more requests, which are not in the sums.
    pub(super) is_cut: bool,
}

impl SessionSearch {
    /// The next page.
    ///
    /// # Errors
    /// When the table fails.
    pub(super) async fn page(&self, ledger: &Ledger) -> Result<SessionsFound, ReadError> {
        let mut page = self.window(ledger, self.after).await?;
        let mut read = page.read;
        for _ in 1..MOST_WINDOWS {
            if !page.sessions.is_empty() || page.next.is_none() {
                break;
            }
            page = self.window(ledger, page.next).await?;
            read += page.read;
        }
        if let Some(next) = page.next {
            let older = page.sessions.iter_mut();
            let older = older.map(|session| self.add_older(ledger, session, next));
            read += try_join_all(older).await?.into_iter().sum::<usize>();
        }
        Ok(SessionsFound { read, ..page })
    }

    /// The sessions whose newest request is in the window that begins here, as far as the window has them.
    async fn window(
        &self,
        ledger: &Ledger,
        after: Option<Cursor>,
    ) -> Result<SessionsFound, ReadError> {
        let mut found = ledger.search(&self.search(None, after, WINDOW)).await?;
        let seen = within(&found.records, MOST_SESSIONS);
        if let Some(last) = seen.checked_sub(1).and_then(|last| found.records.get(last))
            && seen < found.records.len()
        {
            let next = Cursor::after(last.request_id);
            found.searched_until = next.time();
            found.next = Some(next);
            found.records.truncate(seen);
        }
        let mut sessions = grouped(&found.records);
        if after.is_some() {
            let newest = sessions
                .iter()
                .map(|session| self.newest(ledger, &session.id));
            let newest = try_join_all(newest).await?;
            let mut newest = newest.into_iter();
            sessions.retain(|session| newest.next().flatten() == Some(session.newest.request_id));
        }
        Ok(SessionsFound {
            sessions,
            read: found.records.len(),
            searched_until: found.searched_until,
            next: found.next,
        })
    }

    /// The newest request of a session in the period.
    async fn newest(&self, ledger: &Ledger, id: &str) -> Result<Option<RequestId>, ReadError> {
        let newest = ledger.search(&self.search(Some(id), None, 1)).await?;
        Ok(newest.records.first().map(|record| record.request_id))
    }

    /// Adds the requests of a session that are older than the window. Returns how many were read.
    async fn add_older(
        &self,
        ledger: &Ledger,
        session: &mut SessionSummary,
        window_end: Cursor,
    ) -> Result<usize, ReadError> {
        let older = self.search(Some(&session.id), Some(window_end), MOST_OLDER);
        let older = ledger.search(&older).await?;
        for record in &older.records {
            session.add(record);
        }
        session.is_cut = older.next.is_some();
        Ok(older.records.len())
    }

    fn search(&self, session: Option<&str>, after: Option<Cursor>, page_size: usize) -> Search {
        Search {
            first: self.first,
            end: self.end,
            filter: RecordFilter {
                session: session.map(str::to_owned),
                ..self.filter.clone()
            },
            page_size,
            most_compared: Search::COMPARED,
            after,
        }
    }
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
fn grouped(records: &[Record]) -> Vec<SessionSummary> {
    let mut sessions: Vec<SessionSummary> = Vec::new();
    let mut places = HashMap::<&str, usize>::new();
    for record in records {
        let Some(id) = record.caller.session_id.as_deref() else {
            continue;
        };
        let place = match places.entry(id) {
            Entry::Occupied(place) => *place.get(),
            Entry::Vacant(place) => {
                sessions.push(SessionSummary::new(id, record));
                *place.insert(sessions.len() - 1)
            }
        };
        if let Some(session) = sessions.get_mut(place) {
            session.add(record);
        }
    }
    sessions
}

impl SessionSummary {
    fn new(id: &str, newest: &Record) -> Self {
        Self {
            id: id.to_owned(),
            newest: newest.clone(),
            begins: newest.start,
            ends: newest.end,
            requests: 0,
            failed: 0,
            agents: Vec::new(),
            spend: Decimal::ZERO,
            cache_read: 0,
            prompt: 0,
            is_cut: false,
        }
    }

    fn add(&mut self, record: &Record) {
        let usage = record.usage();
        self.begins = self.begins.min(record.start);
        self.ends = self.ends.max(record.end);
        self.requests += 1;
        self.failed += u64::from(record.status != Status::Success);
        self.spend += record.spend_known();
        self.cache_read = self.cache_read.saturating_add(usage.cache_read);
        self.prompt = self.prompt.saturating_add(usage.prompt());
        if let Some(agent) = &record.caller.agent_id
            && !self.agents.contains(agent)
        {
            self.agents.push(agent.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spend::RecordCaller;

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
            .map(|one| (&*one.id, one.requests, one.failed, one.agents.len()))
            .collect();
        assert_eq!(rows, [("b", 2, 2, 0), ("a", 2, 2, 1)]);
        assert_eq!([1, 2].map(|most| within(&records, most)), [1, 5]);
        let lasted = |session: &SessionSummary| session.ends.duration_since(session.begins);
        assert_eq!(lasted(&found[0]).as_secs(), 8);
    }
}

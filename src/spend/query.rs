//! Finding records: newest first in a period, page by page, however large the ledger is.

use std::time::Duration;

use futures_util::future::try_join;
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::ledger::{Ledger, ReadError, days_of};
use super::record::{Record, RecordCaller, Status};
use super::record_search::{KeyOnly, RecordSearch};
use super::{Cursor, FailureCause, RequestId};
use crate::store::{Comparison, Index, Order, Query, Range, StoreError, Wanted, keys, time};

/// Which records are looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Search {
    /// The first instant of the period.
    pub first: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
    /// What must hold of them.
    pub filter: RecordFilter,
    /// At most so many of them ([`Search::MAX_PAGE`] where it is more).
    pub page_size: usize,
    /// So many records are looked at for a page, and a few more: usually [`Search::COMPARED`].
    pub most_compared: usize,
    /// Go on from here: [`Found::next`] of the page before.
    pub after: Option<Cursor>,
}

/// What must hold of a record; `None` and empty: anything. A key or a session is looked up in its index; the others
/// are compared record by record, by the table where it can.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecordFilter {
    /// The SHA-256 of the key, in hex.
    pub key_hash: Option<String>,
    /// The session.
    pub session: Option<String>,
    /// How it ended.
    pub status: Option<Status>,
    /// The model: the name in the request, or the last attempt's group, model id or deployment id.
    pub model: Option<String>,
    /// How one of these begins, in letters of any size.
    pub model_begins: Option<String>,
    /// Why it failed, or was refused.
    pub cause: Option<FailureCause>,
    /// How long it took, at least.
    pub min_duration: Option<Duration>,
    /// The key's name.
    pub key_alias: Option<String>,
    /// The key's owner.
    pub user: Option<String>,
    /// The key's team.
    pub team: Option<String>,
    /// The person behind the client.
    pub end_user: Option<String>,
    /// Which of a session's agents asked.
    pub agent: Option<String>,
    /// The program that asked, by its word.
    pub client_app: Option<String>,
    /// One of its tags.
    pub tag: Option<String>,
    /// What it does not name.
    pub unnamed: Option<Unnamed>,
    /// US dollars at least. A record whose cost is unknown is not known to have cost that much.
    pub min_spend: Option<Decimal>,
    /// US dollars at most.
    pub max_spend: Option<Decimal>,
}

/// What a record may not name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unnamed {
    /// The key's owner.
    User,
    /// The key's team.
    Team,
    /// The person behind the client.
    EndUser,
}

impl Unnamed {
    /// All of them.
    pub const ALL: [Unnamed; 3] = [Unnamed::User, Unnamed::Team, Unnamed::EndUser];

    /// The attribute that such a record lacks.
    fn attribute(self) -> &'static str {
        match self {
            Unnamed::User => "user",
            Unnamed::Team => "team_id",
            Unnamed::EndUser => "end_user",
        }
    }

    fn of(self, caller: &RecordCaller) -> Option<&str> {
        let name = match self {
            Unnamed::User => &caller.user,
            Unnamed::Team => &caller.team_id,
            Unnamed::EndUser => &caller.end_user,
        };
        name.as_deref()
    }
}

/// One page of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordPage {
    /// Newest first.
    pub records: Vec<Record>,
    /// Where the next page begins; `None`: the period has been searched to its beginning. A page may be short or
    /// empty and yet have a next one: so much of the period and no more is searched at once.
    pub next: Option<Cursor>,
    /// Everything from here to the end of the period has been searched, by this page and those before it.
    pub searched_until: Timestamp,
}

impl Search {
    /// The longest page.
    pub const MAX_PAGE: usize = 1_000;
    /// Records that are usually compared for one page: they are some 10 MB.
    pub const COMPARED: usize = 5_000;
}

impl RecordFilter {
    /// Whether this record is meant.
    pub fn matches(&self, record: &Record) -> bool {
        fn is(wanted: &Option<String>, found: Option<&str>) -> bool {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        }
        let caller = &record.caller;
        let spend = || record.cost().map(|cost| cost.total);
        is(&self.key_hash, Some(&caller.key_hash))
            && is(&self.session, caller.session_id.as_deref())
            && is(&self.key_alias, caller.key_alias.as_deref())
            && is(&self.user, caller.user.as_deref())
            && is(&self.team, caller.team_id.as_deref())
            && is(&self.end_user, caller.end_user.as_deref())
            && is(&self.agent, caller.agent_id.as_deref())
            && is(&self.client_app, caller.client_app.as_deref())
            && self
                .unnamed
                .is_none_or(|unnamed| unnamed.of(caller).is_none())
            && self.status.is_none_or(|status| status == record.status)
            && (self.tag.iter()).all(|tag| record.tags.contains(tag))
            && (self.model.iter()).all(|model| names(record).any(|name| name == model))
            && (self.model_begins.iter())
                .all(|beginning| names(record).any(|name| begins(name, beginning)))
            && (self.cause).is_none_or(|cause| record.cause() == Some(cause))
            && (self.min_duration).is_none_or(|min| took(record) >= min)
            && (self.min_spend).is_none_or(|min| spend().is_some_and(|spend| spend >= min))
            && (self.max_spend).is_none_or(|max| spend().is_some_and(|spend| spend <= max))
    }

    /// What of it the table compares itself; [`RecordFilter::matches`] decides.
    pub(super) fn comparisons(&self) -> Vec<Comparison> {
        let caller = [
            ("api_key", &self.key_hash),
            ("key_alias", &self.key_alias),
            ("user", &self.user),
            ("team_id", &self.team),
            ("end_user", &self.end_user),
            ("agent_id", &self.agent),
            ("client_app", &self.client_app),
        ];
        let is = |(attribute, text): (&'static str, &Option<String>)| {
            let wanted = Wanted::Is(text.clone()?);
            Some(Comparison { attribute, wanted })
        };
        let status = self.status.map(|status| status.as_str().to_owned());
        let tag = self.tag.clone().map(|tag| Comparison {
            attribute: "request_tags",
            wanted: Wanted::Has(tag),
        });
        let unnamed = self.unnamed.map(|unnamed| Comparison {
            attribute: unnamed.attribute(),
            wanted: Wanted::Nothing,
        });
        let caller = caller.into_iter().filter_map(is);
        let status = is(("status", &status));
        caller.chain(status).chain(tag).chain(unnamed).collect()
    }

    /// Whether records are compared beyond what an index has sorted out.
    pub(super) fn compares(&self) -> bool {
        let indexed = match (&self.session, &self.key_hash) {
            (Some(_), _) => RecordFilter {
                session: self.session.clone(),
                ..RecordFilter::default()
            },
            (None, Some(hash)) if !hash.is_empty() => RecordFilter {
                key_hash: Some(hash.clone()),
                ..RecordFilter::default()
            },
            _ => RecordFilter::default(),
        };
        *self != indexed
    }
}

fn begins(name: &str, beginning: &str) -> bool {
    let found = name.get(..beginning.len());
    found.is_some_and(|found| found.eq_ignore_ascii_case(beginning))
}

/// How long a request took; a clock that was set back in between makes no negative time.
fn took(record: &Record) -> Duration {
    let took = record.end.duration_since(record.start);
    Duration::try_from(took).unwrap_or_default()
}

/// Every name under which a record's model may be looked for.
fn names(record: &Record) -> impl Iterator<Item = &String> {
    let final_attempt = record.final_attempt().into_iter();
    std::iter::once(&record.model_asked).chain(
        final_attempt.flat_map(|attempt| [&attempt.group, &attempt.model, &attempt.deployment]),
    )
}

impl Ledger {
    /// The newest records of a period that a filter lets through, one page of them.
    ///
    /// # Errors
    /// When the table fails, or the period is longer than a year.
    pub async fn search(&self, search: &Search) -> Result<RecordPage, ReadError> {
        // The period ends before its end: one that ends at midnight has nothing of the day that begins then.
        let last = search.end.checked_sub(Duration::from_nanos(1));
        let last = last.unwrap_or(Timestamp::MIN);
        let last = match &search.after {
            Some(cursor) => last.min(cursor.time()),
            None => last,
        };
        let records = RecordSearch::new(self.table(), search);
        if search.first >= search.end || last < search.first {
            return Ok(records.finish());
        }
        if let Some(session) = &search.filter.session {
            return Ok(records.of_session(session).await?);
        }
        // Records of the cursor's own millisecond may still be to come.
        let days = days_of(time::day(search.first), time::day(last))?;
        Ok(records.of_days(days).await?)
    }

    /// The requests of a session before and after one of its requests.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn neighbours(
        &self,
        session: &str,
        id: &RequestId,
    ) -> Result<[Option<RequestId>; 2], StoreError> {
        let own = id.key().sk;
        let first = time::sortable(Timestamp::UNIX_EPOCH);
        let last = time::sortable(Timestamp::MAX);
        let before = Range::Between(first, own.clone());
        let before = self.next_to(session, id, before, Order::Descending);
        let after = Range::Between(own, last);
        let after = self.next_to(session, id, after, Order::Ascending);
        let (before, after) = try_join(before, after).await?;
        Ok([before, after])
    }

    /// The first request of a session in this range beside the one where it begins.
    async fn next_to(
        &self,
        session: &str,
        id: &RequestId,
        range: Range,
        order: Order,
    ) -> Result<Option<RequestId>, StoreError> {
        let query = Query {
            index: Some(Index::BySession),
            range,
            order,
            ..Query::all(keys::by_session(session))
        };
        // It is the first of two itself.
        let page = self.table().page::<KeyOnly>(&query, 2, None).await?;
        let mut ids = page.items.iter().filter_map(KeyOnly::id);
        Ok(ids.find(|found| found != id))
    }
}

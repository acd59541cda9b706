//! Erasure: what names a person is taken out of records, and what the person has sent and got is deleted. What a record
//! has counted stays, so that the totals are still the sum of the records.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use tokio::time::Instant;

use super::{Ledger, ReadError, Record, RecordFilter, RequestId, Search};
use crate::store::{StoreError, keys, time};

/// Whose records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErasedPerson {
    /// The owner of keys.
    User(String),
    /// The end user that requests name.
    Customer(String),
}

/// What was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Erased {
    /// Records that name the person no more.
    pub records: u64,
    /// Of them, those whose prompt and reply were stored and are deleted.
    pub contents: u64,
    /// Of them, those whose response was stored and is deleted.
    pub responses: u64,
    /// Where the search has to go on; `None`: everything was searched.
    pub searched_until: Option<Timestamp>,
}

/// No version wrote records before this day.
const FIRST_RECORDS: Date = jiff::civil::date(2026, 1, 1);
/// Records that are looked for at a time.
const PAGE: usize = 200;

impl ErasedPerson {
    fn filter(&self) -> RecordFilter {
        match self {
            Self::User(user) => RecordFilter {
                user: Some(user.clone()),
                ..RecordFilter::default()
            },
            Self::Customer(customer) => RecordFilter {
                end_user: Some(customer.clone()),
                ..RecordFilter::default()
            },
        }
    }

    /// The labels of a record that name the person, by their fields in the table.
    fn labels(&self) -> &'static [&'static str] {
        match self {
            Self::User(_) => &["user", "key_alias"],
            Self::Customer(_) => &["end_user"],
        }
    }
}

impl Ledger {
    /// Erases what names a person in records before `end`, the newest ones first, for so long at most. `delete_response`
    /// deletes what else is stored of a record's request, and returns whether there was anything.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn erase<F>(
        &self,
        person: &ErasedPerson,
        mut end: Timestamp,
        limit: Duration,
        delete_response: impl Fn(&Record) -> F,
    ) -> Result<Erased, ReadError>
    where
        F: Future<Output = Result<bool, StoreError>>,
    {
        let until = Instant::now() + limit;
        let mut erased = Erased::default();
        let oldest = self.oldest(end);
        // A search spans a year at most.
        while end > oldest {
            let year_before = time::day(end).saturating_sub(jiff::Span::new().days(364));
            let first = time::beginning(year_before).max(oldest);
            let mut search = Search {
                first,
                end,
                filter: person.filter(),
                page_size: PAGE,
                most_compared: Search::COMPARED,
                after: None,
            };
            loop {
                let found = self.search(&search).await?;
                for record in &found.records {
                    // The name last: what fails on the way is found by it again.
                    erased.responses += u64::from(delete_response(record).await?);
                    erased.contents += u64::from(self.forget(record, person).await?);
                    erased.records += 1;
                }
                if found.next.is_none() {
                    break;
                }
                if Instant::now() >= until {
                    erased.searched_until = Some(found.searched_until);
                    return Ok(erased);
                }
                search.after = found.next;
            }
            end = first;
        }
        Ok(erased)
    }

    /// Before this there are no records.
    fn oldest(&self, now: Timestamp) -> Timestamp {
        let first = time::beginning(FIRST_RECORDS);
        let kept = self.options().retention;
        let kept = kept.and_then(|kept| now.checked_sub(kept).ok());
        kept.map_or(first, |kept| kept.max(first))
    }

    /// Takes the person out of a record, and deletes its content. Returns whether it had any.
    async fn forget(&self, record: &Record, person: &ErasedPerson) -> Result<bool, StoreError> {
        let had_content = self.delete_content(&record.request_id).await?;
        let key = record.request_id.key();
        self.table().remove_fields(&key, person.labels()).await?;
        Ok(had_content)
    }

    /// Deletes the prompt and the reply of a request, if they were stored. The first piece last: until then the others are
    /// found by it.
    async fn delete_content(&self, id: &RequestId) -> Result<bool, StoreError> {
        let id = id.to_string();
        let Some(pieces) = self.pieces_of(&id).await? else {
            return Ok(false);
        };
        for piece in (0..pieces).rev() {
            self.table().delete(&keys::content(&id, piece)).await?;
        }
        Ok(true)
    }
}

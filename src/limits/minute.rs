//! Requests and tokens of a minute.
//!
//! Tokens are counted by the prompt's estimate when a request begins, and corrected by what it used when it ends, in
//! the minute in which it began.

use std::time::Duration;

use jiff::Timestamp;

use crate::store::{Counter, Key, StoreError, Table, Tally, keys};

/// Counters outlive their minute by a little, for instances whose clocks differ.
const COUNTERS_KEPT: Duration = Duration::from_secs(180);
const REQUESTS: &str = "requests";
const TOKENS: &str = "tokens";

/// What may be counted in a minute. `None`: any number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MinuteLimits {
    /// Another request is refused where so many requests are counted.
    pub requests: Option<u64>,
    /// Another request is refused where so many tokens are counted.
    pub tokens: Option<u64>,
}

/// What is counted in a minute.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MinuteUse {
    /// Requests.
    pub requests: u64,
    /// Tokens, those of requests under way as they are estimated.
    pub tokens: u64,
}

/// What counting a request came to.
#[derive(Debug)]
pub enum MinuteCount {
    /// It is counted; the minute's use with it.
    Counted(CountedRequest, MinuteUse),
    /// A limit has been reached, and it is not counted; the minute's use without it.
    Full(MinuteUse),
}

/// A request that was counted, with tokens that are still an estimate.
#[derive(Debug)]
pub struct CountedRequest {
    key: Key,
    estimate: u64,
    at: Timestamp,
}

impl MinuteLimits {
    /// Counts a request of so many estimated tokens under this name.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn count(
        self,
        table: &Table,
        name: &str,
        estimate: u64,
        at: Timestamp,
    ) -> Result<MinuteCount, StoreError> {
        let counted_request = CountedRequest {
            key: keys::rate(name, at),
            estimate,
            at,
        };
        let counters = [
            Counter {
                field: REQUESTS,
                amount: 1,
                limit: self.requests,
            },
            Counter {
                field: TOKENS,
                amount: amount(estimate),
                limit: self.tokens,
            },
        ];
        let tally = table.tally(&counted_request.key, &counters, at + COUNTERS_KEPT);
        Ok(match tally.await? {
            Tally::Counted(values) => MinuteCount::Counted(counted_request, MinuteUse::of(&values)),
            Tally::Full(values) => MinuteCount::Full(MinuteUse::of(&values)),
        })
    }
}

impl MinuteUse {
    /// Of the counters' values, in the order in which they are counted.
    fn of(values: &[u64]) -> Self {
        let mut values = values.iter().copied();
        Self {
            requests: values.next().unwrap_or_default(),
            tokens: values.next().unwrap_or_default(),
        }
    }
}

impl CountedRequest {
    /// Corrects the estimate by what the request has used.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn correct(self, table: &Table, used: u64) -> Result<(), StoreError> {
        if self.estimate == used {
            return Ok(());
        }
        let difference = Counter {
            field: TOKENS,
            amount: amount(used).saturating_sub(amount(self.estimate)),
            limit: None,
        };
        let expires = self.at + COUNTERS_KEPT;
        table.count(&self.key, &[difference], expires).await?;
        Ok(())
    }
}

fn amount(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

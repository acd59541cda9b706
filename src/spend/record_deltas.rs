//! Computes a record's `CounterDeltas`.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::counter_deltas::CounterDeltas;
use super::record::{Record, Status};
use super::totals::{CountedBy, Counters};
use super::{Attempt, FailureCause};
use crate::catalog::Catalog;
use crate::store::keys;

/// The most models that have rows of their own in one record: a transaction takes 100 writes.
const MOST_MODELS: usize = 40;
/// Where the others are counted.
const OTHERS: &str = "other models";

/// Whether an attempt names a model that there is: one that has answered, or that the catalog knows. Where patterns are
/// configured, clients choose the names.
fn is_a_model(attempt: &Attempt) -> bool {
    let is_known = || Catalog::bundled().resolve(&attempt.model, None, None).known;
    attempt.usage.is_some() || is_known()
}

/// What an unknown client is counted as.
const OTHER_CLIENT: &str = "other";

impl Record {
    /// Tokens and money go to the model that took them, the request itself to the last model tried; every tag that it
    /// is counted under gets all of it. A request that no model matched counts under no model, whatever it asked for:
    /// names out of the blue must not make rows.
    pub(super) fn deltas(&self) -> CounterDeltas {
        let names = self.counted_names();
        let by = self.counted_by(names.customer);
        let mut rows = BTreeMap::<String, Counters>::new();
        let mut total = self.counted_request();
        let row = |model: &str| keys::model_total(model, &self.caller.key_hash, &by);
        let mut attempts = self.attempts.iter().rev();
        let last = attempts.find(|attempt| is_a_model(attempt));
        rows.insert(row(last.map_or("", |attempt| &attempt.model)), total);
        for attempt in &self.attempts {
            let Attempt {
                usage: Some(usage),
                cost,
                model,
                ..
            } = attempt
            else {
                continue;
            };
            let own = row(model);
            let own = match rows.len() < MOST_MODELS || rows.contains_key(&own) {
                true => own,
                false => row(OTHERS),
            };
            rows.entry(own).or_default().bill(*usage, *cost);
            total.bill(*usage, *cost);
        }
        for tag in names.tags {
            rows.insert(keys::tag_total(&tag), total);
        }
        let partition = keys::usage_partition(self.request_id.day(), self.request_id.shard());
        CounterDeltas::new(partition, rows, &self.reservations, self.spend_known())
    }

    /// Who asked.
    fn counted_by(&self, customer: String) -> CountedBy {
        let caller = &self.caller;
        let client = caller.client_app.as_deref().unwrap_or(OTHER_CLIENT);
        CountedBy {
            client: client.to_owned(),
            team: caller.team_id.clone().unwrap_or_default(),
            user: caller.user.clone().unwrap_or_default(),
            customer,
        }
    }

    /// The request itself, without its tokens: how it ended, and how long it took.
    fn counted_request(&self) -> Counters {
        let mut counters = Counters {
            requests: 1,
            failures: (self.status != Status::Success).into(),
            unpriced: self.is_unpriced().into(),
            ..Counters::default()
        };
        if let Some(cause) = FailureCause::of(self) {
            counters.causes.add(cause, 1);
            return counters;
        }
        let since = |start: Timestamp, end: Timestamp| {
            u64::try_from(end.as_millisecond() - start.as_millisecond()).unwrap_or(0)
        };
        counters.duration_ms = since(self.start, self.end);
        counters.duration.add(counters.duration_ms);
        if let Some(first) = self.first_token {
            counters.first_token.add(since(self.start, first));
            counters.answer_ms = since(first, self.end);
            // An answer that came at once says nothing of its pace.
            if counters.answer_ms > 0 {
                let usage = self.final_attempt().and_then(|attempt| attempt.usage);
                counters.answer_tokens = usage.map_or(0, |usage| usage.output);
            }
        }
        counters
    }
}

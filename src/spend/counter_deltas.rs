//! What one record adds to which rows of the totals, and what it does to which budgets.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::record::{Record, Status};
#[cfg(feature = "local")]
use super::reservation::Reservation;
use super::reservation::Settled;
use super::totals::Counters;
use super::{Attempt, RequestId, money};
use crate::catalog::Catalog;
use crate::store::Settlement;
use crate::store::keys::{self, Key};

/// So many models have rows of their own in one record: a transaction takes 100 writes.
const MOST_MODELS: usize = 40;
/// Where the others are counted.
const OTHERS: &str = "other models";

/// Rows of one partition and what is added to each. Kept in the record word for word: what a later version of this
/// program would compute does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterDeltas {
    pk: String,
    rows: Vec<DeltaRow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    budgets: Vec<Settled>,
}

/// What is added to every one of these rows. Most often a request's model and its tags get the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct DeltaRow {
    sks: Vec<String>,
    #[serde(with = "money::map")]
    add: BTreeMap<String, Decimal>,
}

/// Whether an attempt names a model that there is: one that has answered, or that the catalog knows. Where patterns are
/// configured, clients choose the names.
fn is_a_model(attempt: &Attempt) -> bool {
    let is_known = || Catalog::bundled().resolve(&attempt.model, None, None).known;
    attempt.usage.is_some() || is_known()
}

impl CounterDeltas {
    /// Tokens and money go to the model that took them, the request itself to the last model tried; every tag that it
    /// is counted under gets all of it. A request that no model matched counts under no model, whatever it asked for:
    /// names out of the blue must not make rows.
    pub fn of(record: &Record) -> CounterDeltas {
        let mut rows = BTreeMap::<String, Counters>::new();
        let mut total = Counters {
            requests: 1,
            failures: (record.status != Status::Success).into(),
            unpriced: record.is_unpriced().into(),
            ..Counters::default()
        };
        let row = |model: &str| keys::model_total(model, &record.caller.key_hash);
        let mut attempts = record.attempts.iter().rev();
        let last = attempts.find(|attempt| is_a_model(attempt));
        rows.insert(row(last.map_or("", |attempt| &attempt.model)), total);
        for attempt in &record.attempts {
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
        for tag in record.counted_tags() {
            rows.insert(keys::tag_total(&tag), total);
        }
        let mut grouped = Vec::<DeltaRow>::new();
        for (sk, counters) in rows {
            let add: BTreeMap<_, _> = counters.amounts().into_iter().collect();
            match grouped.iter_mut().find(|row| row.add == add) {
                Some(row) => row.sks.push(sk),
                None if add.is_empty() => {}
                None => grouped.push(DeltaRow { sks: vec![sk], add }),
            }
        }
        CounterDeltas {
            pk: keys::usage_partition(record.request_id.day(), record.request_id.shard()),
            rows: grouped,
            budgets: record
                .reservations
                .iter()
                .map(|reservation| Settled::new(reservation, record.spend_known()))
                .collect(),
        }
    }

    /// What becomes of the money that was held for this request.
    pub fn settlements(&self, request: RequestId) -> impl Iterator<Item = Settlement> + '_ {
        self.budgets
            .iter()
            .map(move |settled| settled.settlement(request.to_string()))
    }

    /// What was held for this request.
    #[cfg(feature = "local")]
    pub(super) fn reservations(&self) -> Vec<Reservation> {
        self.budgets.iter().map(Settled::reservation).collect()
    }

    /// The rows' keys and amounts.
    pub fn rows(&self) -> impl Iterator<Item = (Key, Vec<(String, Decimal)>)> + '_ {
        self.rows.iter().flat_map(|row| {
            row.sks.iter().map(|sk| {
                let key = Key {
                    pk: self.pk.clone(),
                    sk: sk.clone(),
                };
                (key, row.add.clone().into_iter().collect())
            })
        })
    }
}

//! The stored form of what one record adds to which rows of the totals, and of what it does to which budgets.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::reservation::{Reservations, SettledHold, SettledShare};
use super::totals::Counters;
use super::{RequestId, money};
use crate::store::Settlement;
use crate::store::keys::Key;

/// Rows of one partition and what is added to each. Kept in the record word for word: what a later version of this
/// program would compute does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CounterDeltas {
    pk: String,
    rows: Vec<DeltaRow>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    budgets: Vec<SettledHold>,
    /// Budgets that many share, settled after the record was written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    shared: Vec<SettledShare>,
}

/// What is added to every one of these rows. Most often a request's model and its tags get the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct DeltaRow {
    sks: Vec<String>,
    #[serde(with = "money::map")]
    add: BTreeMap<String, Decimal>,
}

impl CounterDeltas {
    /// What is added to the rows of a partition, by the rows' sort keys, and what becomes of what was held, of which so
    /// many dollars were spent.
    pub(super) fn new(
        pk: String,
        rows: BTreeMap<String, Counters>,
        held: &Reservations,
        spent: Decimal,
    ) -> CounterDeltas {
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
            pk,
            rows: grouped,
            budgets: (held.own.iter().map(|own| SettledHold::new(own, spent))).collect(),
            shared: (held
                .shared
                .iter()
                .map(|shared| SettledShare::new(shared, spent)))
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
    pub(super) fn reservations(&self) -> Reservations {
        Reservations {
            own: self.budgets.iter().map(SettledHold::reservation).collect(),
            shared: self.shared.iter().map(SettledShare::reservation).collect(),
        }
    }

    /// What becomes of budgets that many share.
    pub(super) fn shared(&self) -> &[SettledShare] {
        &self.shared
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

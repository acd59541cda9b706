//! What a request was admitted against: money held until its record says what it has cost.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::money;
use crate::store::{Key, Settlement};

/// An amount that is held against one budget, under the request's id. Logged with `spend_open`, so that a request that
/// was lost can be settled too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The budget's account.
    pub key: Key,
    /// US dollars.
    #[serde(with = "money")]
    pub held: Decimal,
}

/// What a record does to one account. Kept in the record as it was first computed: a replay does exactly this or
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Settled {
    key: Key,
    #[serde(with = "money")]
    held: Decimal,
    #[serde(with = "money")]
    actual: Decimal,
}

impl Settled {
    pub(super) fn new(reservation: &Reservation, actual: Decimal) -> Settled {
        Settled {
            key: reservation.key.clone(),
            held: reservation.held,
            actual,
        }
    }

    /// What was held.
    #[cfg(feature = "local")]
    pub(super) fn reservation(&self) -> Reservation {
        Reservation {
            key: self.key.clone(),
            held: self.held,
        }
    }

    /// For the holder of this name, whose hold was not seen to be gone yet.
    pub(super) fn settlement(&self, holder: String) -> Settlement {
        Settlement {
            key: self.key.clone(),
            holds: vec![(holder, self.held)],
            actual: self.actual,
            moved: false,
        }
    }
}

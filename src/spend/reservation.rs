//! Money that a request holds until its record says what it cost.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{RequestId, money};
#[cfg(feature = "local")]
use crate::store::Account;
use crate::store::{Key, Settlement, SharedSettlement};

/// All that a request holds. Logged with `spend_open`, so that a request that was lost can be settled too.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reservations {
    /// Of budgets that are settled in the record's transaction.
    pub own: Vec<Reservation>,
    /// Of budgets that many share, which are settled after it.
    pub shared: Vec<SharedReservation>,
}

/// An amount that is held against one budget, under the request's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// The budget's account.
    pub key: Key,
    /// US dollars.
    #[serde(with = "money")]
    pub held: Decimal,
}

/// An amount that is held against one budget that many share, under the request's marker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedReservation {
    /// The budget's account.
    pub key: Key,
    /// The bucket that the marker is in.
    pub bucket: i64,
    /// US dollars.
    #[serde(with = "money")]
    pub held: Decimal,
}

/// What a record does to one account. Kept in the record as it was first computed: a replay does exactly this or
/// nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SettledHold {
    key: Key,
    #[serde(with = "money")]
    held: Decimal,
    #[serde(with = "money")]
    actual: Decimal,
}

/// What a record does to one account that many share. Kept in the record as it was first computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SettledShare {
    key: Key,
    bucket: i64,
    #[serde(with = "money")]
    held: Decimal,
    #[serde(with = "money")]
    actual: Decimal,
}

impl Reservations {
    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.shared.is_empty()
    }
}

impl SettledHold {
    pub(super) fn new(reservation: &Reservation, actual: Decimal) -> SettledHold {
        SettledHold {
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

impl SettledShare {
    pub(super) fn new(reservation: &SharedReservation, actual: Decimal) -> SettledShare {
        SettledShare {
            key: reservation.key.clone(),
            bucket: reservation.bucket,
            held: reservation.held,
            actual,
        }
    }

    /// What was held.
    #[cfg(feature = "local")]
    pub(super) fn reservation(&self) -> SharedReservation {
        SharedReservation {
            key: self.key.clone(),
            bucket: self.bucket,
            held: self.held,
        }
    }

    /// The account.
    pub(super) fn account(&self) -> &Key {
        &self.key
    }

    /// Whether the request's marker is in the account still.
    #[cfg(feature = "local")]
    pub(super) fn is_open(&self, account: &Account, marker: &str) -> bool {
        account.held_in(self.bucket, marker).is_some()
    }

    /// For the request of this marker.
    pub(super) fn settlement<'a>(&'a self, marker: &'a str) -> SharedSettlement<'a> {
        SharedSettlement {
            key: &self.key,
            marker,
            bucket: self.bucket,
            held: self.held,
            actual: self.actual,
        }
    }
}

impl RequestId {
    /// What a request is called in accounts that many share.
    pub fn marker(&self) -> String {
        use base64::Engine;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.as_bytes())
    }

    /// The request of a marker; `None`: it is none.
    pub fn from_marker(marker: &str) -> Option<RequestId> {
        use base64::Engine;
        let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(marker);
        RequestId::from_bytes(bytes.ok()?.try_into().ok()?)
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_marker_leads_back_to_its_request() {
        let id = RequestId::new(Timestamp::now());
        assert_eq!(id.marker().len(), 22);
        assert_eq!(RequestId::from_marker(&id.marker()), Some(id));
        for wrong in ["", "AAAAAAAAAAAAAAAAAAAAAA", "not base64!", "AAAA"] {
            assert_eq!(RequestId::from_marker(wrong), None, "{wrong}");
        }
    }
}

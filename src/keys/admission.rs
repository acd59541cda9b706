//! Whether a request may run now, and what it has taken of its key's means: one call before Bedrock is asked, one after
//! the record is written.

use rust_decimal::Decimal;

use crate::chain::{Ask, Routes};
use crate::conversation::Request;
use crate::spend::{RequestId, Reservation};

use super::{BudgetStanding, Caller, Keyring};

/// A request that may run.
#[derive(Debug, Default)]
pub struct Admitted {
    /// What its record settles.
    pub reservations: Vec<Reservation>,
    /// How its key stands with it.
    pub standing: Standing,
}

/// How a key stands, for the headers of its replies.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Standing {
    /// Its budget.
    pub budget: Option<BudgetStanding>,
}

/// Why a request may not run.
#[derive(Debug, Clone, PartialEq)]
pub enum Denied {
    /// Its budget does not have what it may cost.
    BudgetExceeded {
        /// Whose budget.
        label: String,
        /// US dollars spent in the window.
        spent: Decimal,
        /// US dollars held for other requests.
        held: Decimal,
        /// US dollars in the window.
        max: Decimal,
    },
    /// The key has a budget, and the price of a model that the request may come to is unknown.
    Unpriced {
        /// The model's group.
        group: String,
    },
    /// Too many requests of the key at the same time want to know how its budget stands.
    Contended,
    /// The table does not answer, so nothing can be promised.
    TableDown,
}

impl Keyring {
    /// Takes what the request needs of its key's means, all or nothing. The master key, and a key without budgets and
    /// limits, wait for nothing. The request's length of answer may become smaller.
    ///
    /// # Errors
    /// When something is used up, or that cannot be known. Nothing is taken then.
    pub async fn admit(
        &self,
        caller: &Caller,
        id: RequestId,
        routes: &Routes,
        request: &mut Request,
        ask: &mut Ask,
    ) -> Result<Admitted, Denied> {
        let Some(key) = &caller.virtual_key else {
            return Ok(Admitted::default());
        };
        let (reservations, budget) = self.reserve(key, id, routes, request, ask).await?;
        Ok(Admitted {
            reservations,
            standing: Standing { budget },
        })
    }
}

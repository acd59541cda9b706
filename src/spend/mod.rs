//! What every request cost: its cost, its record, written exactly once together with the day's totals, and read back.
//!
//! Knows prices and usage, not how they came about; knows the table's verbs, not DynamoDB.

mod attempt;
mod bounds;
mod content;
mod cost;
mod counter_deltas;
mod cursor;
mod days;
mod free_form;
mod id;
mod ledger;
mod log;
pub(crate) mod money;
mod query;
mod record;
#[cfg(feature = "local")]
pub mod replay;
pub mod report;
mod reservation;
mod retried;
mod row;
mod shards;
mod signature;
mod tags;
#[cfg(all(test, feature = "local"))]
mod tests;
mod totals;
mod unlisted;

pub use attempt::Attempt;
pub use content::Content;
pub use cost::{Cost, cost};
pub use cursor::{Cursor, NotACursor};
pub use id::{NotARequestId, RequestId};
pub use ledger::{Ledger, LedgerOptions, ReadError, Written};
pub use log::{HELD, OPEN, PendingRequest, TARGET, UNRECORDED};
pub use money::Dollars;
pub use query::{Filter, Found, Search};
pub use record::{Caller, Failure, Record, Status};
pub use reservation::Reservation;
pub use retried::Retried;
pub use row::SpendLog;
pub use signature::Signer;
pub use totals::{Counters, DayTotal, TotalOf};
pub use unlisted::Unlisted;

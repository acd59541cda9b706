//! What every request cost: its cost, its record, written exactly once together with the day's totals, and read back.
//!
//! Knows prices and usage, not how they came about; knows the table's verbs, not DynamoDB.

mod attempt;
mod bounds;
mod content;
mod cost;
mod counted_names;
mod counter_deltas;
mod cursor;
mod cut;
mod day_sums;
mod days;
mod erase;
mod failure_cause;
mod free_form;
mod histogram;
mod id;
mod ledger;
mod log;
pub(crate) mod money;
mod query;
mod record;
mod record_deltas;
mod record_search;
#[cfg(feature = "local")]
pub mod replay;
pub mod report;
mod reservation;
mod retried;
mod row;
mod settle;
mod shards;
mod signature;
#[cfg(all(test, feature = "local"))]
mod tests;
mod totals;
mod trace_parent;
mod unlisted;

pub use attempt::Attempt;
pub use content::StoredContent;
pub use cost::{Cost, cost};
pub use cursor::{Cursor, NotACursor};
pub use erase::{Erased, ErasedPerson};
pub use failure_cause::{CausesCounted, FailureCause};
pub use histogram::Histogram;
pub use id::{NotARequestId, RequestId};
pub use ledger::{Ledger, LedgerOptions, MOST_DAYS, ReadError, Written};
pub use log::{
    CALL_TYPE_SEARCH, EVENT_HELD, EVENT_OPEN, EVENT_UNRECORDED, LOG_TARGET, PendingRequest,
};
pub use money::Dollars;
pub use query::{RecordFilter, RecordPage, Search, Unnamed};
pub use record::{Record, RecordCaller, RecordFailure, Status};
pub use reservation::{Reservation, Reservations, SharedReservation};
pub use retried::Retried;
pub use row::SpendLog;
pub use settle::{SETTLING_LIMIT, settle_left};
pub use signature::Signer;
pub use totals::{CountedBy, Counters, DayTotal, TotalOf};
pub use trace_parent::TraceParent;
pub use unlisted::Unlisted;

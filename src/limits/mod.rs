//! Limits that all instances keep together through the table, for keys and for deployments alike: requests and tokens of
//! a minute, and requests at the same time.

mod minute;
mod slot;

pub use minute::{CountedRequest, MinuteCount, MinuteLimits, MinuteUse};
pub use slot::{Lease, Slot};

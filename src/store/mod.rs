//! The DynamoDB table: its keys, its items, its conditions, and the embedded table for local use.
//!
//! The only module that names an SDK type of DynamoDB. What an item means is its owner's business: a caller hands in a
//! record, anything that serializes to a JSON object, and gets it back the same, numbers digit for digit
//! (`attributes`).
//!
//! `read` and `batch` read items. `put` and `update` write one, `delete` deletes one, `transact` writes several at
//! once, and `commit` merges transactions that are made at the same time. `account`, `shared_account`, `slots`,
//! `count`, `raise` and `names` are items that all instances change together, each by a condition of its own.

mod account;
mod attributes;
mod batch;
mod commit;
mod count;
#[cfg(feature = "local")]
mod create;
mod delete;
#[cfg(feature = "local")]
mod embedded;
mod error;
mod item;
pub mod keys;
mod names;
pub mod pieces;
#[cfg(feature = "local")]
mod private;
mod put;
mod raise;
mod read;
mod secret;
mod shared_account;
mod slots;
mod table;
pub mod time;
mod transact;
mod update;
mod write;

pub use account::{Account, Hold, HoldClaim, Reserved, Settlement};
pub use commit::GroupCommit;
pub use count::{Counter, Tally};
#[cfg(feature = "local")]
pub use embedded::Embedded;
pub use error::{StoreError, TableFault};
pub use item::Item;
pub use keys::Key;
pub use read::{Comparison, Index, Order, Page, Position, Query, Range, Wanted};
pub use secret::TableSecret;
pub use shared_account::{Bucket, SharedClaim, SharedSettlement, bucket_of};
pub use table::{Table, TableOptions};
pub use transact::WriteLimits;
pub use write::{Claimed, Write};

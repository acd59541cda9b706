//! The DynamoDB table: its keys, its items, its conditions, and the embedded one for local use.
//!
//! The only module that names an SDK type of DynamoDB. What an item means is its owner's business: callers hand in
//! anything that serializes to a JSON object and get it back the same, numbers digit for digit.

mod account;
mod attributes;
mod batch;
mod commit;
mod count;
#[cfg(feature = "local")]
mod create;
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
mod slots;
mod table;
mod transact;
mod update;
mod write;

pub use account::{Account, Claim, Hold, Reserved, Settlement};
pub use commit::GroupCommit;
pub use count::{Counter, Tally};
#[cfg(feature = "local")]
pub use embedded::Embedded;
pub use error::{StoreError, TableFault};
pub use item::Item;
pub use keys::Key;
pub use read::{Index, Order, Page, Position, Query, Range};
pub use secret::TableSecret;
pub use table::{Table, TableOptions};
pub use transact::WriteLimits;
pub use write::{Claimed, Write};

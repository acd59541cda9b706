//! The store of responses: what later requests of the same key may refer to instead of bringing it.
//!
//! Clients of the Responses API name an item of an earlier answer by its id (`item_reference`), or the response that they
//! go on from (`previous_response_id`). Every id contains the key of its response, which is the id of its request, so
//! that no index is needed. A response lies in its owner's partition (the hash of the key that asked): another key's is
//! not found, as one that never was.
//!
//! A [`StoredResponse`] has the items of its answer. Where whole responses are stored it has a [`StoredTurn`] too: the
//! request's new items, and the responses before it. One read brings these together; a long list begins anew with a
//! snapshot of everything before. To this module items are JSON: what they mean is their wire's business.
//!
//! A folder of its own over `store/`, as `thinking/` is. Nothing here may fail an answer: what could not be stored is a
//! line in the log, and the reply says so.

mod record;
mod store;

pub use record::{Lineage, RawItem, StoredResponse, StoredTurn};
pub use store::{FoundResponse, ResponseStore, StoredChain};

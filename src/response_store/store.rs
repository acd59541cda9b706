//! Reading, writing and deleting stored responses.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::time::Duration;

use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::store::{Item, Key, StoreError, Table, keys, pieces};

use super::{RawItem, StoredResponse};

/// How long an answer's end waits for its response to be stored: the client's next request may reach another instance a
/// few milliseconds later.
const LONGEST_STORE_WAIT: Duration = Duration::from_millis(300);

/// Pieces of one response. A larger one is not stored.
const MOST_PIECES: usize = 25;

/// Bytes of one response, unpacked.
const MOST_BYTES: usize = 10_000_000;

/// Responses that are read at once. Each may bring a whole piece, and a function may have 128 MB.
const READ_AT_ONCE: usize = 32;

/// The store of responses. Clones share it.
#[derive(Debug, Clone)]
pub struct ResponseStore {
    table: Table,
    tasks: TaskTracker,
}

/// What was found of the responses that a request refers to.
#[derive(Debug)]
pub enum FoundResponse<T> {
    /// All that is there of it.
    Whole(T),
    /// It is longer than may be read for one request: so many bytes at least.
    TooLong(usize),
}

/// A response with all before it.
#[derive(Debug, Default)]
pub struct StoredChain {
    /// The responses' keys, the oldest first.
    pub keys: Vec<String>,
    /// All their items, in order.
    pub items: Vec<RawItem>,
}

/// One piece on its way into the table.
#[derive(Serialize)]
struct ResponsePiece<'a> {
    pieces: usize,
    response: &'a str,
}

/// One piece as it comes back.
#[derive(Deserialize)]
struct FoundPiece {
    sk: String,
    pieces: usize,
    response: String,
}

impl ResponseStore {
    /// The store in this table. What outlives a request is a task of `tasks`.
    pub fn new(table: Table, tasks: TaskTracker) -> Self {
        Self { table, tasks }
    }

    /// The responses of these keys, by key, up to so many bytes in all; those that are not there are left out.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn read(
        &self,
        owner: &str,
        responses: BTreeSet<String>,
        most_bytes: usize,
    ) -> Result<FoundResponse<HashMap<String, StoredResponse>>, StoreError> {
        let responses: Vec<String> = responses.into_iter().collect();
        let mut found = HashMap::new();
        let mut bytes = 0;
        for some in responses.chunks(READ_AT_ONCE) {
            for (key, json) in self.texts(owner, some).await? {
                bytes += json.len();
                if bytes > most_bytes {
                    return Ok(FoundResponse::TooLong(bytes));
                }
                match serde_json::from_slice(&json) {
                    Ok(response) => {
                        found.insert(key, response);
                    }
                    // An item that cannot be read is as good as none.
                    Err(error) => {
                        tracing::warn!(%error, "a stored response does not have the expected form");
                    }
                }
            }
        }
        Ok(FoundResponse::Whole(found))
    }

    /// The response of this key, as it was stored.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn get(
        &self,
        owner: &str,
        response: &str,
    ) -> Result<Option<StoredResponse>, StoreError> {
        let one = BTreeSet::from([response.to_owned()]);
        Ok(match self.read(owner, one, usize::MAX).await? {
            FoundResponse::Whole(mut found) => found.remove(response),
            FoundResponse::TooLong(_) => None,
        })
    }

    /// The response of this key with all before it; `None` where it, or one of these, is not stored whole.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn chain(
        &self,
        owner: &str,
        response: &str,
        most_bytes: usize,
    ) -> Result<FoundResponse<Option<StoredChain>>, StoreError> {
        let Some(last) = self.get(owner, response).await? else {
            return Ok(FoundResponse::Whole(None));
        };
        let Some(turn) = &last.turn else {
            return Ok(FoundResponse::Whole(None));
        };
        if turn.bytes > most_bytes {
            return Ok(FoundResponse::TooLong(turn.bytes));
        }
        let ancestors = turn.lineage.ancestors.clone();
        let wanted = ancestors.iter().cloned().collect();
        let mut before = match self.read(owner, wanted, usize::MAX).await? {
            FoundResponse::Whole(found) => found,
            FoundResponse::TooLong(bytes) => return Ok(FoundResponse::TooLong(bytes)),
        };
        let mut chain = StoredChain::default();
        for key in ancestors {
            let ancestor = before.remove(&key).filter(|found| found.turn.is_some());
            let Some(ancestor) = ancestor else {
                return Ok(FoundResponse::Whole(None));
            };
            chain.add(key, ancestor);
        }
        chain.add(response.to_owned(), last);
        Ok(FoundResponse::Whole(Some(chain)))
    }

    /// The JSON of the responses that are there, by key.
    async fn texts(
        &self,
        owner: &str,
        responses: &[String],
    ) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let piece = |response: &str, n| keys::stored_response(owner, response, n);
        let firsts: Vec<Key> = responses.iter().map(|key| piece(key, 0)).collect();
        let firsts: Vec<FoundPiece> = self.table.get_many(&firsts).await?;
        let further: Vec<Key> = firsts
            .iter()
            .flat_map(|first| (1..first.pieces).map(|n| piece(&first.sk, n)))
            .collect();
        let further: Vec<FoundPiece> = self.table.get_many(&further).await?;
        let mut further: HashMap<String, String> = further
            .into_iter()
            .map(|found| (found.sk, found.response))
            .collect();
        let mut texts = Vec::with_capacity(firsts.len());
        for first in firsts {
            let mut text = first.response;
            for n in 1..first.pieces {
                // Pieces expire together, but not in the same instant: then the text ends too early and is none.
                let rest = further.remove(&piece(&first.sk, n).sk);
                text.push_str(&rest.unwrap_or_default());
            }
            match pieces::unpack(&text) {
                Ok(json) => texts.push((first.sk, json)),
                Err(error) => tracing::warn!(%error, "a stored response cannot be unpacked"),
            }
        }
        Ok(texts)
    }

    /// Stores a response until its time is over, and waits for that for a moment; then storing goes on by itself. Returns
    /// whether it is known to be stored. `response` makes it, beside the requests under way: it may be megabytes.
    pub async fn keep(
        &self,
        owner: &str,
        key: &str,
        until: Timestamp,
        response: impl FnOnce() -> Result<StoredResponse, serde_json::Error> + Send + 'static,
    ) -> bool {
        let (store, owner, key) = (self.clone(), owner.to_owned(), key.to_owned());
        let write = self.tasks.spawn(async move {
            let written = store.write(&owner, &key, until, response).await;
            if let Err(error) = &written {
                tracing::warn!(response = key, %error, "a response was not stored");
            }
            written.is_ok()
        });
        let Ok(written) = timeout(LONGEST_STORE_WAIT, write).await else {
            tracing::warn!(limit = ?LONGEST_STORE_WAIT, "a response was not stored before its end");
            return false;
        };
        written.unwrap_or(false)
    }

    async fn write(
        &self,
        owner: &str,
        key: &str,
        until: Timestamp,
        response: impl FnOnce() -> Result<StoredResponse, serde_json::Error> + Send + 'static,
    ) -> Result<(), StoreError> {
        let packed = tokio::task::spawn_blocking(move || {
            let json = serde_json::to_vec(&response()?)?;
            if json.len() > MOST_BYTES {
                return Err(too_large());
            }
            pieces::pack(&json)
        });
        let texts = packed.await.map_err(io::Error::other).flatten();
        let texts = texts.map_err(serde_json::Error::io)?;
        if texts.len() > MOST_PIECES {
            return Err(serde_json::Error::io(too_large()).into());
        }
        let put = async |n: usize, text: &str| {
            let piece = ResponsePiece {
                pieces: texts.len(),
                response: text,
            };
            let item = Item::new(&keys::stored_response(owner, key, n), &piece)?;
            self.table.put(item.expires(until)).await
        };
        let further = texts.iter().enumerate().skip(1);
        try_join_all(further.map(|(n, text)| put(n, text))).await?;
        // The first piece last: a reader that finds it finds the others.
        match texts.first() {
            Some(first) => put(0, first).await,
            None => Ok(()),
        }
    }

    /// Deletes the response of this key. Returns whether it was there.
    ///
    /// # Errors
    /// When the table does not do it, or only a part of it.
    pub async fn delete(&self, owner: &str, response: &str) -> Result<bool, StoreError> {
        let piece = |n| keys::stored_response(owner, response, n);
        let Some(first) = self.table.get::<FoundPiece>(&piece(0)).await? else {
            return Ok(false);
        };
        // The first piece last: what fails on the way can be asked for again.
        try_join_all((1..first.pieces).map(async |n| self.table.delete(&piece(n)).await)).await?;
        self.table.delete(&piece(0)).await?;
        Ok(true)
    }
}

impl StoredChain {
    fn add(&mut self, key: String, response: StoredResponse) {
        self.keys.push(key);
        self.items.extend(response.into_items());
    }
}

fn too_large() -> io::Error {
    io::Error::other("it is too large")
}

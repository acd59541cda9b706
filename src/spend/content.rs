//! What was asked and answered, where that is stored: beside the record, for a shorter time.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Ledger, RequestId};
use crate::store::{Item, Key, StoreError, keys, pieces};

/// The prompt and the reply of one request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredContent {
    /// The body as the client sent it, its secrets apart.
    pub request: Value,
    /// The reply as far as it came; `None`: nothing did.
    pub response: Option<Value>,
}

/// One piece in the table.
#[derive(Serialize, Deserialize)]
struct ContentPiece {
    pieces: usize,
    content: String,
}

#[derive(Deserialize)]
struct StoredPiece {
    pk: String,
    #[serde(flatten)]
    piece: ContentPiece,
}

impl Ledger {
    /// Stores the content of a request, to be kept for so long, within a time limit. It never fails: what could not be
    /// stored is a line in the log, without its content.
    pub async fn keep_content(
        &self,
        id: &RequestId,
        content: StoredContent,
        kept: Duration,
        limit: Duration,
    ) {
        let outcome = tokio::time::timeout(limit, self.write_content(id, content, kept)).await;
        match outcome.unwrap_or(Err(StoreError::Timeout(limit))) {
            Ok(()) => {}
            Err(error) => {
                tracing::warn!(%id, %error, "the prompt and the reply were not stored");
            }
        }
    }

    async fn write_content(
        &self,
        id: &RequestId,
        content: StoredContent,
        kept: Duration,
    ) -> Result<(), StoreError> {
        // Deflating megabytes takes longer than another request's stream may wait.
        let packed = tokio::task::spawn_blocking(move || {
            let json = serde_json::to_vec(&content)?;
            pieces::pack(&json)
        });
        let texts = packed.await.map_err(io::Error::other).flatten();
        let texts = texts.map_err(serde_json::Error::io)?;
        let until = id.time().checked_add(kept).unwrap_or(Timestamp::MAX);
        let count = texts.len();
        // The first piece last: a reader that finds it finds the others.
        for (n, text) in texts.into_iter().enumerate().rev() {
            let piece = ContentPiece {
                pieces: count,
                content: text,
            };
            let item = Item::new(&content_key(id, n), &piece)?;
            self.table().put(item.expires(until)).await?;
        }
        Ok(())
    }

    /// In how many pieces the content of a request is stored; `None`: it is not.
    pub(super) async fn pieces_of(&self, id: &str) -> Result<Option<usize>, StoreError> {
        let key = keys::content(id, 0);
        let first: Option<ContentPiece> = self.table().get(&key).await?;
        Ok(first.map(|first| first.pieces))
    }

    /// The content of a request; `None`: it was not stored, or its time has passed.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn content(&self, id: &RequestId) -> Result<Option<StoredContent>, StoreError> {
        let first = self.table().get(&content_key(id, 0)).await?;
        self.joined(id, first).await
    }

    /// The content of each of these requests, in their order, as [`Ledger::content`] says it; the first pieces are read
    /// together. Each is named once.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn contents(
        &self,
        ids: &[RequestId],
    ) -> Result<Vec<Option<StoredContent>>, StoreError> {
        let keys: Vec<Key> = ids.iter().map(|id| content_key(id, 0)).collect();
        let found: Vec<StoredPiece> = self.table().get_many(&keys).await?;
        let mut first: HashMap<String, ContentPiece> = found
            .into_iter()
            .map(|found| (found.pk, found.piece))
            .collect();
        let contents = ids.iter().zip(&keys);
        let contents = contents.map(|(id, key)| self.joined(id, first.remove(&key.pk)));
        try_join_all(contents).await
    }

    /// The content whose first piece this is.
    async fn joined(
        &self,
        id: &RequestId,
        first: Option<ContentPiece>,
    ) -> Result<Option<StoredContent>, StoreError> {
        let Some(first) = first else { return Ok(None) };
        let further: Vec<Key> = (1..first.pieces).map(|n| content_key(id, n)).collect();
        let mut found: Vec<StoredPiece> = self.table().get_many(&further).await?;
        let mut text = first.content;
        for key in &further {
            let at = found.iter().position(|found| found.pk == key.pk);
            // Pieces expire together, but not in the same instant.
            let Some(at) = at else { return Ok(None) };
            text.push_str(&found.swap_remove(at).piece.content);
        }
        let json = pieces::unpack(&text).map_err(serde_json::Error::io)?;
        Ok(Some(serde_json::from_slice(&json)?))
    }
}

fn content_key(id: &RequestId, piece: usize) -> Key {
    keys::content(&id.to_string(), piece)
}

//! Reading many items at once.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures_util::FutureExt;
use futures_util::future::try_join_all;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::attributes::{Attributes, from_attributes};
use super::item::{expired, key_attributes};
use super::{Key, StoreError, Table};

/// Keys in one `BatchGetItem`
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>).
const MOST_KEYS: usize = 100;

/// The pause before keys that were left over are asked for again. An answer holds 16 MB, so most often nothing has to
/// recover.
const LEFT_OVER_PAUSE: Duration = Duration::from_millis(20);

impl Table {
    /// The items at these keys, in no order, as they were after the last finished write; keys without an item are
    /// left out. No key may appear twice.
    ///
    /// # Errors
    /// When the table does not answer, or an item does not read as a `T`.
    pub async fn get_many<T: DeserializeOwned>(&self, keys: &[Key]) -> Result<Vec<T>, StoreError> {
        let chunks = keys.chunks(MOST_KEYS).map(|keys| self.get_chunk(keys));
        let now = Timestamp::now();
        let found = try_join_all(chunks).await?;
        let living = found.iter().flatten();
        Ok(living
            .filter(|item| !expired(item, now))
            .map(from_attributes)
            .collect::<Result<_, _>>()?)
    }

    async fn get_chunk(&self, keys: &[Key]) -> Result<Vec<Attributes>, StoreError> {
        let asked = KeysAndAttributes::builder()
            .set_keys(Some(keys.iter().map(key_attributes).collect()))
            .consistent_read(true)
            .build()?;
        let mut left = Some(HashMap::from([(self.name.to_string(), asked)]));
        let mut found = Vec::new();
        while let Some(asked) = left.take() {
            let call = self.client.batch_get_item().set_request_items(Some(asked));
            let answer = call.send().boxed().await?;
            let items = answer.responses.unwrap_or_default().into_values();
            found.extend(items.flatten());
            left = answer.unprocessed_keys.filter(|keys| !keys.is_empty());
            if left.is_some() {
                tokio::time::sleep(LEFT_OVER_PAUSE).await;
            }
        }
        Ok(found)
    }
}

#[cfg(all(test, feature = "local"))]
mod tests {
    use std::sync::{Arc, Mutex};

    use axum::{Json, Router, routing::post};
    use serde_json::{Value, json};

    use super::*;
    use crate::store::{TableOptions, embedded::local_config};

    /// A table that answers for one key of each call and leaves the others over.
    async fn stingy() -> (Table, Arc<Mutex<Vec<usize>>>) {
        let sizes = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&sizes);
        let answer = move |body: String| {
            let call: Value = serde_json::from_str(&body).unwrap();
            let mut asked = call["RequestItems"]["stingy"].clone();
            assert_eq!(asked["ConsistentRead"], true);
            let keys = asked["Keys"].as_array_mut().unwrap();
            seen.lock().unwrap().push(keys.len());
            let served = keys.pop().unwrap();
            let left = match keys.is_empty() {
                true => json!({}),
                false => json!({ "stingy": asked }),
            };
            let answer = json!({"Responses": {"stingy": [served]}, "UnprocessedKeys": left});
            async move { Json(answer) }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = TableOptions {
            name: "stingy".into(),
            endpoint: Some(format!("http://{}", listener.local_addr().unwrap())),
            region: None,
        };
        let app = Router::new().route("/", post(answer));
        tokio::spawn(async move { axum::serve(listener, app).await });
        (Table::connect(&local_config(), &options), sizes)
    }

    #[tokio::test]
    async fn keys_that_were_left_over_are_asked_for_again() {
        let (table, sizes) = stingy().await;
        let keys: Vec<Key> = (0..3)
            .map(|n| Key {
                pk: n.to_string(),
                sk: "s".into(),
            })
            .collect();
        let mut found: Vec<Value> = table.get_many(&keys).await.unwrap();
        found.sort_by_key(|item| item["pk"].to_string());
        let names: Vec<_> = found.iter().map(|item| &item["pk"]).collect();
        assert_eq!(names, ["0", "1", "2"]);
        assert_eq!(*sizes.lock().unwrap(), [3, 2, 1]);
    }

    #[tokio::test]
    async fn nothing_asked_is_nothing_sent() {
        let (table, sizes) = stingy().await;
        let found: Vec<Value> = table.get_many(&[]).await.unwrap();
        assert!(found.is_empty() && sizes.lock().unwrap().is_empty());
    }
}

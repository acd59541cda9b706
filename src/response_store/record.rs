//! A response as it is stored, and how one follows the other.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::spend::RequestId;

/// An item of a request or of an answer, as JSON.
pub type RawItem = Box<RawValue>;

/// More responses than this are not read for one request: then a snapshot takes their place.
const MOST_ANCESTORS: usize = 64;

/// A response as it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub struct StoredResponse {
    /// The items of its answer, with its thinking under the owner's seal.
    pub output: Vec<RawItem>,
    /// What is stored beside them, where whole responses are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turn: Option<StoredTurn>,
}

/// What is stored of a response beside the items of its answer.
#[derive(Debug, Serialize, Deserialize)]
pub struct StoredTurn {
    /// The response as its client got it, without its items.
    pub response: RawItem,
    /// The new items of its request.
    pub input: Vec<RawItem>,
    /// What was before it.
    pub lineage: Lineage,
    /// The length of all items of the conversation up to its end, in bytes.
    pub bytes: usize,
}

/// What was before a response.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Lineage {
    /// The keys of the responses before it, the oldest first.
    pub ancestors: Vec<String>,
    /// All items before its request, instead of what the ancestors have: it begins a list anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<Vec<RawItem>>,
}

impl StoredResponse {
    /// The items that it adds to its conversation, with the snapshot before them if it has one.
    pub(super) fn into_items(self) -> impl Iterator<Item = RawItem> {
        let (snapshot, input) = match self.turn {
            Some(turn) => (turn.lineage.snapshot.unwrap_or_default(), turn.input),
            None => (Vec::new(), Vec::new()),
        };
        snapshot.into_iter().chain(input).chain(self.output)
    }
}

impl Lineage {
    /// The lineage of a response that follows the last of `before` (keys, the oldest first). `items` are all that these
    /// have; where some are left out (`is_shortened`), the others become the snapshot.
    pub fn after(
        before: Vec<String>,
        items: &[RawItem],
        is_shortened: bool,
        retention: Duration,
        now: Timestamp,
    ) -> Self {
        if is_shortened || before.len() > MOST_ANCESTORS || is_aging(&before, retention, now) {
            return Self {
                ancestors: Vec::new(),
                snapshot: Some(items.to_vec()),
            };
        }
        Self {
            ancestors: before,
            snapshot: None,
        }
    }
}

/// Whether the oldest response would be gone long before one that is stored now: that could not be continued then.
fn is_aging(before: &[String], retention: Duration, now: Timestamp) -> bool {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let oldest = before.first().and_then(|key| made(key));
    let most = DAY.min(retention / 2);
    oldest.is_some_and(|oldest| oldest + most < now)
}

/// When the response of this key was made: its request's id says it.
fn made(key: &str) -> Option<Timestamp> {
    let id = RequestId::parse(&format!("resp_{key}")).ok()?;
    Some(id.time())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(count: usize) -> Vec<RawItem> {
        let item = |n: usize| RawValue::from_string(n.to_string()).unwrap();
        (0..count).map(item).collect()
    }

    fn key(made: Timestamp) -> String {
        RequestId::new(made).with_prefix("")
    }

    #[test]
    fn a_list_begins_anew_when_it_is_long_old_or_shortened() {
        const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);
        const HOUR: Duration = Duration::from_secs(60 * 60);
        let now = Timestamp::now();
        for (count, age, is_shortened, retention, is_snapshot) in [
            (0, HOUR, false, MONTH, false),
            (1, HOUR, false, MONTH, false),
            (64, HOUR, false, MONTH, false),
            (65, HOUR, false, MONTH, true),
            (1, HOUR, true, MONTH, true),
            (2, 23 * HOUR, false, MONTH, false),
            (2, 25 * HOUR, false, MONTH, true),
            (2, 11 * HOUR, false, 24 * HOUR, false),
            (2, 13 * HOUR, false, 24 * HOUR, true),
        ] {
            let mut before = vec![key(now); count];
            if let Some(oldest) = before.first_mut() {
                *oldest = key(now - age);
            }
            let items = items(3);
            let lineage = Lineage::after(before.clone(), &items, is_shortened, retention, now);
            assert_eq!(lineage.snapshot.is_some(), is_snapshot, "{count} {age:?}");
            let kept = if is_snapshot { 0 } else { count };
            assert_eq!(lineage.ancestors.len(), kept);
        }
    }

    #[test]
    fn a_response_comes_back_as_it_was_stored() {
        let stored = StoredResponse {
            output: items(2),
            turn: Some(StoredTurn {
                response: RawValue::from_string(r#"{"b": 1.50, "a": "é"}"#.to_owned()).unwrap(),
                input: items(1),
                lineage: Lineage {
                    ancestors: Vec::new(),
                    snapshot: Some(items(3)),
                },
                bytes: 7,
            }),
        };
        let json = serde_json::to_string(&stored).unwrap();
        let read: StoredResponse = serde_json::from_str(&json).unwrap();
        let turn = read.turn.as_ref().unwrap();
        assert_eq!(turn.response.get(), r#"{"b": 1.50, "a": "é"}"#);
        assert_eq!(turn.bytes, 7);
        let items: Vec<String> = read
            .into_items()
            .map(|item| item.get().to_owned())
            .collect();
        assert_eq!(items, ["0", "1", "2", "0", "0", "1"]);
        let alone: StoredResponse = serde_json::from_str(r#"{"output": [1], "later": 2}"#).unwrap();
        assert!(alone.turn.is_none());
    }
}

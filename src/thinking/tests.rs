use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use tokio_util::task::TaskTracker;

use crate::conversation::{
    Event, Part, Request, Role, StopReason, ThinkingBlock, ToolCall, ToolResult, Turn,
};
use crate::store::{Embedded, Item, Table, keys};

use super::{ThinkingRecorder, ThinkingStore};

async fn table() -> (Embedded, Table) {
    let embedded = Embedded::in_memory().await.unwrap();
    let table = embedded.table("test").await.unwrap();
    (embedded, table)
}

/// A process of its own over the table.
fn new_store(table: &Table) -> ThinkingStore {
    ThinkingStore::new(table.clone(), TaskTracker::new())
}

fn block(text: &str) -> ThinkingBlock {
    ThinkingBlock::Signed {
        text: text.into(),
        signature: format!("signature of {text}"),
    }
}

/// A conversation that replays these calls, each a turn of its own.
fn replay(calls: &[&str]) -> Request {
    let turn = |role, part| Turn {
        role,
        parts: vec![part],
        native: None,
    };
    let turns = calls.iter().flat_map(|id| {
        let call = Part::ToolCall(ToolCall {
            id: (*id).into(),
            name: "f".into(),
            input: json!({}),
            native: None,
        });
        let result = Part::ToolResult(ToolResult {
            id: (*id).into(),
            content: vec![],
            is_error: false,
            native: None,
        });
        [turn(Role::Assistant, call), turn(Role::User, result)]
    });
    Request {
        turns: turns.collect(),
        ..Request::default()
    }
}

/// The blocks of each assistant's turn.
fn blocks(request: &Request) -> Vec<Vec<ThinkingBlock>> {
    let assistants = request
        .turns
        .iter()
        .filter(|turn| turn.role == Role::Assistant);
    assistants
        .map(|turn| {
            let blocks = turn.parts.iter().filter_map(|part| match part {
                Part::Thinking(block) => Some(block.clone()),
                _ => None,
            });
            blocks.collect()
        })
        .collect()
}

/// An answer that thinks these blocks and calls these tools, and is over.
async fn answer(recorder: &mut ThinkingRecorder, thoughts: &[&str], calls: &[&str]) {
    recorder.begin(true);
    for text in thoughts {
        recorder.push(&Event::Thinking((*text).into()));
        recorder.push(&Event::Signature(format!("signature of {text}")));
    }
    for (index, id) in calls.iter().enumerate() {
        recorder.push(&Event::ToolCall {
            index,
            id: (*id).into(),
            name: "f".into(),
            native: None,
        });
    }
    recorder.push(&Event::Stop(StopReason::ToolUse));
    recorder.finish_storing().await;
}

async fn recalled(
    thinking_store: &ThinkingStore,
    owner: &str,
    calls: &[&str],
) -> Vec<Vec<ThinkingBlock>> {
    let mut request = replay(calls);
    thinking_store.recall(owner, &mut request).await;
    blocks(&request)
}

#[tokio::test]
async fn no_key_reads_the_thinking_of_another() {
    let (_embedded, table) = table().await;
    let here = new_store(&table);
    let mut recorder = ThinkingRecorder::new(&here, "alice", &replay(&[]));
    answer(&mut recorder, &["one", "two"], &["a", "b"]).await;
    for thinking_store in [here, new_store(&table)] {
        assert_eq!(
            recalled(&thinking_store, "alice", &["a"]).await,
            [[block("one"), block("two")]]
        );
        for (owner, call) in [("bob", "a"), ("", "a"), ("alice", "b"), ("alice#a", "")] {
            assert_eq!(recalled(&thinking_store, owner, &[call]).await, [[]; 1]);
        }
    }
}

#[tokio::test]
async fn what_an_answer_lost_with_its_target_is_not_kept() {
    let (_embedded, table) = table().await;
    let thinking_store = new_store(&table);
    let mut recorder = ThinkingRecorder::new(&thinking_store, "k", &replay(&[]));
    recorder.begin(true);
    recorder.push(&Event::Thinking("of a target that failed".into()));
    recorder.push(&Event::Signature("s".into()));
    answer(&mut recorder, &["one"], &["a"]).await;
    assert_eq!(
        recalled(&thinking_store, "k", &["a"]).await,
        [[block("one")]]
    );
    // A model of another family signs nothing that Claude would take.
    recorder.begin(false);
    recorder.push(&Event::Signature("s".into()));
    recorder.finish_storing().await;
}

#[tokio::test]
async fn thinking_after_the_first_call_is_kept_with_what_came_before_it() {
    let (_embedded, table) = table().await;
    let mut recorder = ThinkingRecorder::new(&new_store(&table), "k", &replay(&[]));
    answer(&mut recorder, &["one"], &["a"]).await;
    recorder.push(&Event::Thinking("two".into()));
    recorder.push(&Event::Signature("signature of two".into()));
    recorder.finish_storing().await;
    assert_eq!(
        recalled(&new_store(&table), "k", &["a"]).await,
        [[block("one"), block("two")]]
    );
}

#[tokio::test]
async fn more_turns_than_one_read_takes_are_all_recalled() {
    let (_embedded, table) = table().await;
    let here = new_store(&table);
    let ids: Vec<String> = (0..230).map(|n| format!("call{n}")).collect();
    for id in ids.iter().step_by(2) {
        here.store_in_background("k", id, vec![block(id)])
            .await
            .unwrap();
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let found = recalled(&new_store(&table), "k", &ids).await;
    for (n, blocks) in found.iter().enumerate() {
        let expected = if n % 2 == 0 {
            vec![block(ids[n])]
        } else {
            vec![]
        };
        assert_eq!(*blocks, expected, "{n}");
    }
}

#[tokio::test]
async fn blocks_longer_than_an_item_come_back_whole() {
    let (_embedded, table) = table().await;
    let noise: Vec<u8> = (0..700_000).map(|_| fastrand::u8(..)).collect();
    let long = ThinkingBlock::Redacted(noise.into());
    new_store(&table)
        .store_in_background("k", "a", vec![long.clone(), block("b")])
        .await
        .unwrap();
    assert_eq!(
        recalled(&new_store(&table), "k", &["a"]).await,
        [[long, block("b")]]
    );
}

#[derive(Deserialize)]
struct Life {
    ttl: i64,
}

#[tokio::test]
async fn use_renews_the_life_of_blocks_and_time_ends_it() {
    const DAY: i64 = 24 * 60 * 60;
    let (_embedded, table) = table().await;
    new_store(&table)
        .store_in_background("k", "a", vec![block("one")])
        .await
        .unwrap();
    let key = keys::thinking("k", "a", 0);
    let stored: serde_json::Value = table.get(&key).await.unwrap().unwrap();
    let fields = json!({"pieces": stored["pieces"], "blocks": stored["blocks"]});
    let ages = |days: i64| {
        let until = Timestamp::now() + Duration::from_secs((days * DAY).unsigned_abs());
        Item::new(&key, &fields).unwrap().expires(until)
    };
    table.put(ages(2)).await.unwrap();
    let tasks = TaskTracker::new();
    let user = ThinkingStore::new(table.clone(), tasks.clone());
    assert_eq!(recalled(&user, "k", &["a"]).await, [[block("one")]]);
    tasks.close();
    tasks.wait().await;
    let life: Life = table.get(&key).await.unwrap().unwrap();
    assert!(life.ttl > Timestamp::now().as_second() + 6 * DAY);

    let over = Item::new(&key, &fields).unwrap();
    table.put(over.expires(Timestamp::now())).await.unwrap();
    assert_eq!(recalled(&new_store(&table), "k", &["a"]).await, [[]; 1]);
}

#[tokio::test]
async fn a_client_that_keeps_its_blocks_costs_the_table_nothing() {
    let (embedded, table) = table().await;
    let thinking_store = new_store(&table);
    let mut request = replay(&["a"]);
    request.turns[0]
        .parts
        .insert(0, Part::Thinking(block("own")));
    let before = request.clone();
    // Without a table every call of it would be noticed.
    embedded.stop().await;
    thinking_store.recall("k", &mut request).await;
    assert_eq!(request, before);
    let mut recorder = ThinkingRecorder::new(&thinking_store, "k", &request);
    answer(&mut recorder, &["one"], &["b"]).await;
    assert_eq!(recalled(&thinking_store, "k", &["b"]).await, [[]; 1]);
}

//! Lines without a signature, such as those of version 0.1.

use bedrock_sidecar::spend::RequestId;
use bedrock_sidecar::store::{keys, time};
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Stage;
use crate::support::PRIMARY;

/// A line as version 0.1 wrote it.
fn unsigned(event: &str, field: &str, said: &Value) -> Value {
    json!({"timestamp": "2026-11-23T21:26:36.470892Z", "level": "INFO", "event": event, field: said.to_string(),
        "target": "spend"})
}

fn an_hour_ago() -> RequestId {
    RequestId::new(Timestamp::now() - SignedDuration::from_hours(1))
}

/// A record of version 0.1 of a thousand tokens in and a hundred out, with whatever it says of its cost and movement.
fn record(id: RequestId, cost: &Value, movement: &Value) -> Value {
    json!({"request_id": id, "call_type": "acompletion", "status": "success", "startTime": id.time(), "endTime": id.time(),
        "model_asked": "primary", "api_key": "ab".repeat(32), "request_tags": ["a"],
        "attempts": [{"group": "primary", "model": PRIMARY, "outcome": "ok",
            "usage": {"input": 1000, "output": 100}, "cost": cost}],
        "movement": movement})
}

#[tokio::test]
async fn lines_without_a_signature_are_told_of_and_taken_only_when_that_is_asked_for() {
    let stage = Stage::new().await;
    let (id, lost) = (an_hour_ago(), an_hour_ago());
    let open = json!({"request_id": lost, "call_type": "acompletion", "api_key": "ab".repeat(32), "model": "primary",
        "estimated_input": 1000});
    let mut marked = unsigned("spend_open", "open", &open);
    marked["signature"] = json!("unsigned");
    let unrecorded = record(
        id,
        &json!({"input": 9, "output": 9, "total": 18}),
        &Value::Null,
    );
    let lines = [
        marked.to_string(),
        unsigned("spend_unrecorded", "record", &unrecorded).to_string(),
    ];
    let replayed = stage.replay(&[], &lines).await;
    assert!(
        replayed.ok
            && replayed
                .text
                .contains("without a signature, and so passed over"),
        "{replayed:?}"
    );
    assert!(
        replayed.text.contains("--accept-unsigned takes them"),
        "{replayed:?}"
    );
    assert!(replayed.text.contains("): 2\n"), "{replayed:?}");
    assert_eq!(stage.records().await, 0);
    let replayed = stage.replay(&["--accept-unsigned"], &lines).await;
    assert!(
        replayed.ok && replayed.text.contains("\nwritten: 1 records, 1 lost"),
        "{replayed:?}"
    );
    let contents = stage.books.contents().await;
    assert_eq!(contents.records.len(), 2);
    contents.assert_balanced();
}

#[tokio::test]
async fn what_an_unsigned_line_says_of_costs_and_counters_does_not_count() {
    let stage = Stage::new().await;
    let id = an_hour_ago();
    let day = time::day(id.time());
    let victim = "cd".repeat(32);
    let movement = json!({"pk": keys::usage_partition(day, 0),
        "rows": [{"sks": [format!("model#{PRIMARY}#{victim}"), "tag#other"], "add": {"requests": 1, "spend": -5}}],
        "budgets": [{"key": {"pk": format!("key#{victim}"), "sk": "budget#ever"}, "held": 0, "actual": 1000}]});
    let line = |cost: &Value| {
        unsigned("spend_unrecorded", "record", &record(id, cost, &movement)).to_string()
    };
    let cost = json!({"input": -7, "output": -7, "total": -14, "cache_saving": 1000});
    let replayed = stage.replay(&["--accept-unsigned"], &[line(&cost)]).await;
    assert!(
        replayed.ok && replayed.text.contains("\nwritten: 1 records"),
        "{replayed:?}"
    );
    let contents = stage.books.contents().await;
    // 1,000 tokens at 3.3 and 100 at 16.5 dollars a million.
    let spend: Decimal = "0.00495".parse().unwrap();
    assert_eq!(
        (contents.totals.spend, contents.totals.requests),
        (spend, 1)
    );
    assert_eq!(contents.tags.keys().collect::<Vec<_>>(), ["a"]);
    contents.assert_balanced();
}

#[tokio::test]
async fn an_unsigned_line_that_says_what_no_gateway_writes_is_not_taken() {
    let stage = Stage::new().await;
    let budget = |pk: &str, held: f64| {
        json!({"pk": "usage#x", "rows": [],
            "budgets": [{"key": {"pk": pk, "sk": "budget#ever"}, "held": held, "actual": 0}]})
    };
    let line = |movement: &Value, change: &dyn Fn(&mut Value)| {
        let mut record = record(an_hour_ago(), &Value::Null, movement);
        change(&mut record);
        unsigned("spend_unrecorded", "record", &record).to_string()
    };
    let as_it_is = |_: &mut Value| {};
    let lines = [
        line(&budget("key#ab", -1.0), &as_it_is),
        line(&budget("settings", 1.0), &as_it_is),
        line(&Value::Null, &|record| {
            record["attempts"][0]["usage"]["input"] = json!(10_u64.pow(12))
        }),
        line(&Value::Null, &|record| {
            record["attempts"][0]["usage"]["output"] = json!(-1)
        }),
        line(&Value::Null, &|record| record["api_key"] = json!("a#b")),
        line(&Value::Null, &|record| {
            record["request_id"] = json!(RequestId::new(
                Timestamp::now() + SignedDuration::from_hours(1)
            ));
        }),
    ];
    let replayed = stage.replay(&["--accept-unsigned"], &lines).await;
    assert!(
        replayed.ok && replayed.text.contains("\nwritten: 0 records, 0 lost"),
        "{replayed:?}"
    );
    assert!(
        replayed
            .text
            .contains("amounts that no request has, and so passed over: 4\n"),
        "{replayed:?}"
    );
    assert_eq!(stage.records().await, 0);
}

#[tokio::test]
async fn an_unsigned_line_inside_of_another_line_is_not_taken() {
    let stage = Stage::new().await;
    let line = unsigned(
        "spend_unrecorded",
        "record",
        &record(an_hour_ago(), &Value::Null, &Value::Null),
    );
    let text = format!(
        "2026-11-23T21:26:36Z ERROR spend: event=\"spend_unrecorded\" error=x record={:?}",
        line["record"].as_str().unwrap()
    );
    let mut lines = Vec::new();
    for inner in [line.to_string(), text] {
        lines.extend([
            json!({"level": "WARN", "message": "target failed", "message_": format!("x\n{inner}\ny"), "target": "c"}).to_string(),
            json!({"level": "WARN", "message": inner, "target": "request"}).to_string(),
            json!({"message": inner}).to_string(),
            json!({"message": inner, "path": "/"}).to_string(),
            json!({"timestamp": 1, "message": format!("x\n{inner}")}).to_string(),
            format!("2026-11-23T21:26:36Z  WARN request: model={inner:?}"),
            format!("2026-11-23T21:26:36Z  WARN request: said {inner}"),
            format!("10.0.0.1 - - \"GET /?a={inner} HTTP/1.1\" 404"),
            format!("2026-11-23,\"{}\"", inner.replace('"', "\"\"")),
        ]);
    }
    lines.push(json!({"body": line}).to_string());
    lines.push(serde_json::to_string_pretty(&json!({"body": line})).unwrap());
    let replayed = stage.replay(&["--accept-unsigned"], &lines).await;
    assert!(
        replayed.ok && replayed.text.contains("\nwritten: 0 records, 0 lost"),
        "{replayed:?}"
    );
    assert_eq!(stage.records().await, 0);
}

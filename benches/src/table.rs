//! A DynamoDB that answers at once and keeps nothing: every write succeeds, and a read finds nothing but virtual keys,
//! each of which is there and may do everything.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::Request;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use memchr::memmem;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::Error;
use crate::serve::{Reply, serve, whole};

/// How a transaction puts an item: a record. No text in the transaction can say it, for its quotes are escaped.
const PUT: &[u8] = br#"{"Put":"#;

/// Serves until the process ends. `GET /count`: the records so far.
pub async fn run(listener: TcpListener) -> Result<(), Error> {
    let records = Arc::new(AtomicU64::new(0));
    serve(listener, move |request| {
        handle(request, Arc::clone(&records))
    })
    .await
}

async fn handle(request: Request<Incoming>, records: Arc<AtomicU64>) -> Result<Reply, Error> {
    if request.uri().path() == "/count" {
        return Ok(whole(
            "text/plain",
            records.load(Ordering::Relaxed).to_string(),
        ));
    }
    let operation = request
        .headers()
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    let operation = operation
        .and_then(|target| target.split_once('.'))
        .map(|(_, name)| name.to_owned());
    let body = request.into_body().collect().await?.to_bytes();
    let reply = match operation.as_deref() {
        Some("TransactWriteItems") => {
            let puts = memmem::find_iter(&body, PUT).count();
            records.fetch_add(puts as u64, Ordering::Relaxed);
            "{}"
        }
        Some("GetItem") => return Ok(whole("application/x-amz-json-1.0", item(&body)?)),
        Some("Query" | "Scan") => r#"{"Items":[],"Count":0,"ScannedCount":0}"#,
        Some("BatchGetItem") => r#"{"Responses":{},"UnprocessedKeys":{}}"#,
        _ => "{}",
    };
    Ok(whole("application/x-amz-json-1.0", reply))
}

/// What is under the key of this read.
fn item(body: &[u8]) -> Result<String, Error> {
    let read: Value = serde_json::from_slice(body)?;
    let pk = read.pointer("/Key/pk/S").and_then(Value::as_str);
    let Some(hash) = pk.and_then(|pk| pk.strip_prefix("key#")) else {
        return Ok("{}".to_owned());
    };
    let text = |text: &str| json!({"S": text});
    let made = text("2026-01-01T00:00:00Z");
    let key = json!({
        "hash": text(hash), "account": text(hash), "name": text("sk-...0000"), "version": {"N": "1"},
        "created_at": made, "created_by": text("bench"), "updated_at": made, "settings": {"M": {}},
    });
    Ok(json!({ "Item": key }).to_string())
}

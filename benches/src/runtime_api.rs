//! Lambda's Runtime API for one environment that gets one event at a time
//! (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

use crate::Error;
use crate::load::KEY;
use crate::serve::{Reply, serve, whole};

/// What a function has done, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuntimeEvent {
    /// It asked for an event.
    Ready(Instant),
    /// The first byte of a reply's body is there: behind the prelude and its eight zeros.
    FirstByte(Instant),
    /// The reply is whole: so many bytes behind the prelude.
    Whole(Instant, usize),
    /// It answered with an error, or with another status than 200.
    Failed,
}

/// The emulator's other end.
#[derive(Debug)]
pub struct RuntimeApi {
    /// What `AWS_LAMBDA_RUNTIME_API` is set to.
    pub address: String,
    events: mpsc::Sender<Bytes>,
    told: mpsc::Receiver<RuntimeEvent>,
}

struct Api {
    events: Mutex<mpsc::Receiver<Bytes>>,
    told: mpsc::Sender<RuntimeEvent>,
}

impl RuntimeApi {
    /// Starts it.
    pub async fn start() -> Result<RuntimeApi, Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let (events, waiting) = mpsc::channel(1);
        let (tell, told) = mpsc::channel(64);
        let api = Arc::new(Api {
            events: Mutex::new(waiting),
            told: tell,
        });
        tokio::spawn(serve(listener, move |request| {
            handle(request, Arc::clone(&api))
        }));
        Ok(RuntimeApi {
            address,
            events,
            told,
        })
    }

    /// Hands out an event.
    pub async fn send(&self, event: &Value) -> Result<(), Error> {
        Ok(self.events.send(event.to_string().into()).await?)
    }

    /// What the function does next.
    pub async fn told(&mut self) -> Result<RuntimeEvent, Error> {
        let told = tokio::time::timeout(Duration::from_secs(20), self.told.recv()).await;
        Ok(told
            .map_err(|_| "the function does nothing")?
            .ok_or("the emulator is gone")?)
    }
}

async fn handle(request: Request<Incoming>, api: Arc<Api>) -> Result<Reply, Error> {
    let path = request.uri().path().to_owned();
    if request.method() == Method::GET && path.ends_with("/invocation/next") {
        api.told.send(RuntimeEvent::Ready(Instant::now())).await?;
        let event = api
            .events
            .lock()
            .await
            .recv()
            .await
            .ok_or("no more events")?;
        let end = SystemTime::now().duration_since(UNIX_EPOCH)? + Duration::from_secs(900);
        let reply = Response::builder()
            .header("content-type", "application/json")
            .header(
                "lambda-runtime-aws-request-id",
                "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            )
            .header("lambda-runtime-deadline-ms", end.as_millis().to_string())
            .header(
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:us-east-1:123456789012:function:bench",
            )
            .body(Full::new(event).boxed())?;
        return Ok(reply);
    }
    if !path.ends_with("/response") {
        api.told.send(RuntimeEvent::Failed).await?;
        return Ok(whole("application/json", r#"{"status":"OK"}"#));
    }
    let mut body = request.into_body();
    let (mut head, mut after) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        let before = after;
        if after > 0 {
            after += data.len();
        } else {
            head.extend_from_slice(&data);
            if let Some(end) = head.windows(8).position(|eight| eight == [0; 8]) {
                after = head.len() - end - 8;
                let prelude = head.get(..end).unwrap_or_default();
                let prelude: Value = serde_json::from_slice(prelude)?;
                if prelude.get("statusCode") != Some(&json!(200)) {
                    api.told.send(RuntimeEvent::Failed).await?;
                }
            }
        }
        if before == 0 && after > 0 {
            api.told
                .send(RuntimeEvent::FirstByte(Instant::now()))
                .await?;
        }
    }
    api.told
        .send(RuntimeEvent::Whole(Instant::now(), after))
        .await?;
    Ok(whole("application/json", r#"{"status":"OK"}"#))
}

/// A chat as a function URL hands it over.
pub fn chat(body: &Value) -> Value {
    event("/v1/chat/completions", KEY, body)
}

/// A request with a body as a function URL hands it over.
pub fn event(path: &str, key: &str, body: &Value) -> Value {
    let domain = "abcdefghij.lambda-url.us-east-1.on.aws";
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"authorization": format!("Bearer {key}"), "content-type": "application/json", "host": domain},
        "requestContext": {
            "accountId": "anonymous", "apiId": "abcdefghij", "domainName": domain, "domainPrefix": "abcdefghij",
            "http": {"method": "POST", "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "bench"},
            "requestId": "5d1ffa33-1b07-4d3e-9d2e-7c5b8f1f6a00", "routeKey": "$default", "stage": "$default",
            "time": "12/Jan/2026:20:00:00 +0000", "timeEpoch": 1768248000000_u64,
        },
        "body": body.to_string(),
        "isBase64Encoded": false,
    })
}

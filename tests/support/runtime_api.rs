//! Lambda's Runtime API, as far as one environment with one invocation at a time needs it.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::StreamExt;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

/// An event, and when its invocation would be killed.
pub(super) struct Event {
    pub(super) body: Value,
    pub(super) deadline: SystemTime,
}

/// What the function tells the Runtime API.
pub(super) enum Told {
    /// It waits for an event.
    Ready,
    /// A piece of a response: the prelude, the separator, data.
    Piece(Bytes),
    /// The response is whole.
    Whole,
    Failed(String),
}

struct Api {
    events: Mutex<mpsc::Receiver<Event>>,
    told: mpsc::Sender<Told>,
}

/// Serves the Runtime API (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>) and gives its address.
pub(super) async fn serve(events: mpsc::Receiver<Event>, told: mpsc::Sender<Told>) -> String {
    let api = Arc::new(Api {
        events: Mutex::new(events),
        told,
    });
    let router = Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route(
            "/2018-06-01/runtime/invocation/{id}/response",
            post(response),
        )
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .with_state(api);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

async fn next(State(api): State<Arc<Api>>) -> Response {
    api.told.send(Told::Ready).await.ok();
    let Some(event) = api.events.lock().await.recv().await else {
        return StatusCode::GONE.into_response();
    };
    let deadline = event
        .deadline
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis();
    let headers = [
        (
            "lambda-runtime-aws-request-id",
            "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned(),
        ),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
        (
            "lambda-runtime-invoked-function-arn",
            "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned(),
        ),
    ];
    (headers, event.body.to_string()).into_response()
}

async fn response(
    State(api): State<Arc<Api>>,
    Path(_): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> StatusCode {
    assert_eq!(
        headers["lambda-runtime-function-response-mode"],
        "streaming"
    );
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let told = match piece {
            Ok(piece) => Told::Piece(piece),
            Err(cut) => Told::Failed(cut.to_string()),
        };
        api.told.send(told).await.ok();
    }
    api.told.send(Told::Whole).await.ok();
    StatusCode::ACCEPTED
}

async fn error(State(api): State<Arc<Api>>, body: String) -> StatusCode {
    api.told.send(Told::Failed(body)).await.ok();
    StatusCode::ACCEPTED
}

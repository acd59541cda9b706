//! The bare pass-through: axum and the SDK, on Lambda or as a server, and nothing of what a gateway is for. What it
//! costs is what the libraries cost.

use std::convert::Infallible;

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::primitives::event_stream::EventReceiver;
use aws_sdk_bedrockruntime::types::error::ConverseStreamOutputError;
use aws_sdk_bedrockruntime::types::{ContentBlockDelta, ConverseStreamOutput};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use benches::{Error, passthrough};
use futures_util::stream;
use serde_json::json;

type Events = EventReceiver<ConverseStreamOutput, ConverseStreamOutputError>;

fn main() -> Result<(), Error> {
    // The same flavours of runtime as the gateway's.
    if std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        return runtime.block_on(async {
            lambda_http::run_with_streaming_response(router(passthrough::client().await)).await
        });
    }
    let port: u16 = std::env::var("PORT")?.parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
        let listener = listener.tap_io(|stream| {
            stream.set_nodelay(true).ok();
        });
        Ok(axum::serve(listener, router(passthrough::client().await)).await?)
    })
}

fn router(client: Client) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat))
        .layer(axum::extract::DefaultBodyLimit::max(6 * 1024 * 1024))
        .with_state(client)
}

async fn chat(State(client): State<Client>, body: Bytes) -> Response {
    match answer(&client, &body).await {
        Ok(response) => response,
        Err(error) => (StatusCode::BAD_GATEWAY, error.to_string()).into_response(),
    }
}

async fn answer(client: &Client, body: &[u8]) -> Result<Response, Error> {
    let chat: passthrough::Chat = serde_json::from_slice(body)?;
    let (streams, model) = (chat.stream, chat.model.clone());
    let mut events = passthrough::call(client, chat)?.send().await?.stream;
    if streams {
        let body = stream::unfold(Some((events, model)), |state| async move {
            let (mut events, model) = state?;
            let (piece, goes_on) = next(&mut events, &model).await;
            Some((
                Ok::<_, Infallible>(piece),
                goes_on.then_some((events, model)),
            ))
        });
        return Ok((
            [(CONTENT_TYPE, "text/event-stream")],
            Body::from_stream(body),
        )
            .into_response());
    }
    let mut whole = String::new();
    while let Some(event) = events.recv().await? {
        whole.extend(text(event));
    }
    let reply = json!({"object": "chat.completion", "model": model, "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": whole}},
    ]});
    Ok(axum::Json(reply).into_response())
}

/// The next piece of the body, and whether more follow.
async fn next(events: &mut Events, model: &str) -> (String, bool) {
    loop {
        match events.recv().await {
            Ok(Some(event)) => {
                if let Some(text) = text(event) {
                    let chunk = json!({"object": "chat.completion.chunk", "model": model, "choices": [
                        {"index": 0, "finish_reason": null, "delta": {"content": text}},
                    ]});
                    return (format!("data: {chunk}\n\n"), true);
                }
            }
            Ok(None) => return ("data: [DONE]\n\n".to_owned(), false),
            Err(error) => {
                return (
                    format!("data: {}\n\n", json!({"error": error.to_string()})),
                    false,
                );
            }
        }
    }
}

fn text(event: ConverseStreamOutput) -> Option<String> {
    match event {
        ConverseStreamOutput::ContentBlockDelta(delta) => match delta.delta? {
            ContentBlockDelta::Text(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

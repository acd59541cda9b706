//! A Bedrock that answers at once, on its wire: ConverseStream's frames
//! (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html>), and those of
//! InvokeModelWithResponseStream with Claude's own events in them. The model's id says how many deltas it sends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::base64;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http::{Request, Response};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use tokio::net::TcpListener;

use crate::Error;
use crate::serve::{Reply, serve, whole};

/// How a model answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// The model that answers so.
    pub model: &'static str,
    /// Deltas of text.
    pub deltas: usize,
    /// The pause before each delta.
    pub pause: Duration,
}

/// One delta: what a request costs beside its answer.
pub const ONE: Answer = at_once("eu.anthropic.claude-sonnet-4-5-20250929-v1:0", 1);
/// A short answer.
pub const SHORT: Answer = at_once("us.anthropic.claude-sonnet-4-5-20250929-v1:0", 20);
/// A long answer.
pub const LONG: Answer = at_once("global.anthropic.claude-sonnet-4-5-20250929-v1:0", 500);
/// An answer at a model's pace: each delta arrives alone.
pub const PACED: Answer = Answer {
    model: "jp.anthropic.claude-sonnet-4-5-20250929-v1:0",
    deltas: 100,
    pause: Duration::from_millis(5),
};
/// All of them. One model under four profiles: the gateway plans the same for each.
pub const ANSWERS: [Answer; 4] = [ONE, SHORT, LONG, PACED];

const fn at_once(model: &'static str, deltas: usize) -> Answer {
    Answer {
        model,
        deltas,
        pause: Duration::ZERO,
    }
}

/// The frames of an answer with this many deltas.
pub fn frames(deltas: usize) -> Result<Vec<Bytes>, Error> {
    let mut frames = vec![frame(
        "messageStart",
        r#"{"p":"abcdefgh","role":"assistant"}"#,
    )?];
    for number in 0..deltas {
        let delta = format!(
            r#"{{"contentBlockIndex":0,"delta":{{"text":"word {number} "}},"p":"abcdefghijkl"}}"#
        );
        frames.push(frame("contentBlockDelta", &delta)?);
    }
    frames.push(frame(
        "contentBlockStop",
        r#"{"contentBlockIndex":0,"p":"abc"}"#,
    )?);
    frames.push(frame(
        "messageStop",
        r#"{"p":"abcdefghij","stopReason":"end_turn"}"#,
    )?);
    let usage = format!(
        r#"{{"metrics":{{"latencyMs":512}},"p":"abcd","usage":{{"inputTokens":1000,"outputTokens":{deltas},"totalTokens":{}}}}}"#,
        1000 + deltas
    );
    frames.push(frame("metadata", &usage)?);
    Ok(frames)
}

/// The frames of the same answer in Claude's own format, padded as Bedrock pads them.
pub fn native_frames(deltas: usize) -> Result<Vec<Bytes>, Error> {
    let mut events = vec![
        r#"{"type":"message_start","message":{"id":"msg_bdrk_01","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1000,"output_tokens":1}}}"#.to_owned(),
        r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#.to_owned(),
    ];
    let delta =
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"word "}}"#;
    events.extend((0..deltas).map(|_| delta.to_owned()));
    events.push(r#"{"type":"content_block_stop","index":0}"#.to_owned());
    events.push(format!(
        r#"{{"type":"message_delta","delta":{{"stop_reason":"end_turn","stop_sequence":null}},"usage":{{"output_tokens":{deltas}}}}}"#
    ));
    events.push(r#"{"type":"message_stop"}"#.to_owned());
    let chunks = events.iter().map(|event| {
        let bytes = base64::encode(event);
        frame("chunk", &format!(r#"{{"bytes":"{bytes}","p":"abcdefgh"}}"#))
    });
    chunks.collect()
}

fn frame(event: &str, payload: &str) -> Result<Bytes, Error> {
    let header = |name: &'static str, value: &str| {
        Header::new(name, HeaderValue::String(value.to_owned().into()))
    };
    let message = Message::new(payload.as_bytes().to_vec())
        .add_header(header(":event-type", event))
        .add_header(header(":content-type", "application/json"))
        .add_header(header(":message-type", "event"));
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes)?;
    Ok(bytes.into())
}

/// Serves until the process ends. `GET /count`: the calls so far.
pub async fn run(listener: TcpListener) -> Result<(), Error> {
    let mut answers = Vec::new();
    for answer in ANSWERS {
        let native = Arc::new(native_frames(answer.deltas)?);
        answers.push((answer, Arc::new(frames(answer.deltas)?), native));
    }
    let (answers, calls) = (Arc::new(answers), Arc::new(AtomicU64::new(0)));
    serve(listener, move |request| {
        handle(request, Arc::clone(&answers), Arc::clone(&calls))
    })
    .await
}

/// What is answered, by Converse and in Claude's own format.
type Known = Vec<(Answer, Arc<Vec<Bytes>>, Arc<Vec<Bytes>>)>;

async fn handle(
    request: Request<Incoming>,
    answers: Arc<Known>,
    calls: Arc<AtomicU64>,
) -> Result<Reply, Error> {
    let path = request.uri().path().replace("%3A", ":");
    let mut body = request.into_body();
    // Read to its end, kept nowhere.
    while let Some(frame) = body.frame().await {
        frame?;
    }
    if path == "/count" {
        return Ok(whole(
            "text/plain",
            calls.load(Ordering::Relaxed).to_string(),
        ));
    }
    let Some((answer, frames, native)) = answers
        .iter()
        .find(|(answer, ..)| path.contains(answer.model))
    else {
        let mut reply = whole("application/json", r#"{"message":"no such model here"}"#);
        *reply.status_mut() = http::StatusCode::NOT_FOUND;
        return Ok(reply);
    };
    calls.fetch_add(1, Ordering::Relaxed);
    if path.ends_with("/converse") {
        let text = "word ".repeat(answer.deltas);
        let reply = format!(
            r#"{{"output":{{"message":{{"role":"assistant","content":[{{"text":"{text}"}}]}}}},"stopReason":"end_turn","usage":{{"inputTokens":1000,"outputTokens":{},"totalTokens":{}}},"metrics":{{"latencyMs":512}}}}"#,
            answer.deltas,
            1000 + answer.deltas
        );
        return Ok(whole("application/json", reply));
    }
    let frames = if path.ends_with("/invoke-with-response-stream") {
        native
    } else {
        frames
    };
    let (frames, pause) = (Arc::clone(frames), answer.pause);
    let pieces = stream::iter(0..frames.len()).then(move |at| {
        let frame = frames.get(at).cloned().unwrap_or_default();
        async move {
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            Ok(Frame::data(frame))
        }
    });
    let reply = Response::builder()
        .header("content-type", "application/vnd.amazon.eventstream")
        .header("x-amzn-requestid", "00000000-0000-0000-0000-000000000000")
        .body(BodyExt::boxed(StreamBody::new(pieces)))?;
    Ok(reply)
}

//! What the client is answered: one JSON object, or server-sent events with a heartbeat into every long silence.
//!
//! The body of a stream never fails: on Lambda a failing body would write the runtime's own trailer into the client's
//! text. What goes wrong is an error event, and after it the end: no end marker ever follows a cut.

use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt, stream};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName};
use http::{HeaderValue, StatusCode};
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use crate::chain::AnswerStarted;
use crate::http::{limit_headers, reply_headers};
use crate::keys::KeyUsage;
use crate::panics::{self, Panic};
use crate::spend::RequestId;
use crate::wire::{ApiError, ReplyMeta, StreamWriter, Wire};

use super::client::{FinalReply, StreamItem};

const JSON: &str = "application/json";

/// Answers with the whole reply.
pub(super) fn whole(
    wire: &dyn Wire,
    id: RequestId,
    answered: FinalReply,
    meta: ReplyMeta,
) -> Response {
    let (mut response, target, cost, attempts) = match (answered.end, answered.target) {
        (Ok(end), Some(target)) => {
            let mut reply = answered.reply;
            reply.usage = Some(end.usage);
            let meta = ReplyMeta {
                model: target.group().to_owned(),
                ..meta
            };
            let mut response = match wire.reply(meta, reply, end.cost) {
                Ok(json) => ([(CONTENT_TYPE, JSON)], json).into_response(),
                Err(error) => {
                    tracing::error!(%id, %error, "a reply could not be written");
                    ApiError::internal().into_response()
                }
            };
            reply_headers::add_cost(response.headers_mut(), end.cost);
            reply_headers::add_not_sent(response.headers_mut(), &answered.not_sent);
            (response, Some(target), end.cost, end.attempts)
        }
        (Ok(_), None) => return ApiError::internal().into_response(),
        (Err((error, attempts)), _) => (error.into_response(), None, None, attempts),
    };
    reply_headers::add(response.headers_mut(), &id, target.as_deref(), &attempts);
    limit_headers::add(response.headers_mut(), &answered.key_usage, cost);
    response
}

/// Answers with a stream; with an error and its real status while that is still possible: until the first piece, or the
/// first heartbeat.
pub(super) async fn streamed(
    wire: &dyn Wire,
    id: RequestId,
    mut items: Receiver<StreamItem>,
    heartbeat: Option<Duration>,
    meta: ReplyMeta,
) -> Response {
    let mut first = wait(&mut items, heartbeat).await;
    let mut key_usage = KeyUsage::default();
    if let Waited::Item(StreamItem::Admitted(with)) = first {
        key_usage = with;
        first = wait(&mut items, heartbeat).await;
    }
    let mut body = StreamBody {
        id,
        items,
        heartbeat: Heartbeat {
            after: heartbeat,
            bytes: wire.heartbeat(),
        },
        writer: wire.stream(meta),
        begun: false,
        ended: false,
        first: BytesMut::new(),
    };
    let mut response = match first {
        Waited::Item(StreamItem::Begin(begun)) => {
            let mut first = BytesMut::new();
            body.begin(&begun, &mut first);
            body.first = first;
            let mut response = body.into_response();
            let headers = response.headers_mut();
            reply_headers::add(headers, &id, Some(&begun.target), &begun.attempts);
            reply_headers::add_not_sent(headers, &begun.not_sent);
            response
        }
        Waited::Item(StreamItem::Failed(error, attempts)) => {
            let mut response = error.into_response();
            reply_headers::add(response.headers_mut(), &id, None, &attempts);
            response
        }
        Waited::Silence => {
            body.first.extend_from_slice(wire.heartbeat());
            let mut response = body.into_response();
            reply_headers::add(response.headers_mut(), &id, None, &[]);
            response
        }
        Waited::Item(StreamItem::Admitted(_) | StreamItem::Event(_) | StreamItem::End(_))
        | Waited::Over => ApiError::internal().into_response(),
    };
    limit_headers::add(response.headers_mut(), &key_usage, None);
    response
}

enum Waited {
    Item(StreamItem),
    Silence,
    /// The task is gone without saying how it ended.
    Over,
}

async fn wait(items: &mut Receiver<StreamItem>, heartbeat: Option<Duration>) -> Waited {
    let item = match heartbeat {
        Some(limit) => match timeout(limit, items.recv()).await {
            Ok(item) => item,
            Err(_) => return Waited::Silence,
        },
        None => items.recv().await,
    };
    item.map_or(Waited::Over, Waited::Item)
}

/// What breaks a long silence.
#[derive(Debug, Clone, Copy)]
struct Heartbeat {
    after: Option<Duration>,
    bytes: &'static [u8],
}

/// The body of a stream under way.
struct StreamBody {
    id: RequestId,
    items: Receiver<StreamItem>,
    heartbeat: Heartbeat,
    writer: Box<dyn StreamWriter>,
    /// The first [`StreamItem::Begin`] was written.
    begun: bool,
    ended: bool,
    /// Goes out before anything else.
    first: BytesMut,
}

impl StreamBody {
    /// A target answers, or another one goes on with a broken answer: one id, one beginning, one end.
    fn begin(&mut self, begun: &AnswerStarted, out: &mut BytesMut) {
        let group = begun.target.group().to_owned();
        if std::mem::replace(&mut self.begun, true) {
            self.writer.continue_with(group, out);
        } else {
            self.writer.begin(group, begun.estimated_prompt, out);
        }
    }

    fn into_response(self) -> Response {
        let chunks = stream::unfold(self, |mut body| async move {
            let next = AssertUnwindSafe(body.next()).catch_unwind().await;
            // A panic would end the body as if it were whole.
            let bytes = next.unwrap_or_else(|panic| Some(body.broken(&panic)))?;
            Some((Ok::<_, Infallible>(bytes), body))
        });
        let headers = [
            (
                CONTENT_TYPE,
                HeaderValue::from_static("text/event-stream; charset=utf-8"),
            ),
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            // Keeps a reverse proxy from collecting the stream.
            (
                HeaderName::from_static("x-accel-buffering"),
                HeaderValue::from_static("no"),
            ),
        ];
        (StatusCode::OK, headers, Body::from_stream(chunks)).into_response()
    }

    fn broken(&mut self, panic: &Panic) -> Bytes {
        tracing::error!(id = %self.id, panic = panics::text(panic), "writing the body panicked");
        let mut out = BytesMut::new();
        self.fail(&ApiError::internal(), &mut out);
        out.freeze()
    }

    /// The next bytes: all items that are here already go out together.
    async fn next(&mut self) -> Option<Bytes> {
        let mut out = std::mem::take(&mut self.first);
        while !self.ended && out.is_empty() {
            match wait(&mut self.items, self.heartbeat.after).await {
                Waited::Silence => out.extend_from_slice(self.heartbeat.bytes),
                Waited::Over => self.fail(&ApiError::internal(), &mut out),
                Waited::Item(item) => {
                    self.write(item, &mut out);
                    // The run goes on meanwhile: what it sends goes out with this piece.
                    tokio::task::yield_now().await;
                }
            }
            while let Ok(item) = self.items.try_recv() {
                self.write(item, &mut out);
            }
        }
        (!out.is_empty()).then(|| out.freeze())
    }

    fn write(&mut self, item: StreamItem, out: &mut BytesMut) {
        match item {
            StreamItem::Begin(begun) => self.begin(&begun, out),
            StreamItem::Event(event) => self.writer.event(&event, out),
            StreamItem::End(end) => {
                self.ended = true;
                self.writer.end(&end.usage, end.cost, out);
            }
            StreamItem::Failed(error, _) => self.fail(&error, out),
            // The headers have gone out.
            StreamItem::Admitted(_) => {}
        }
    }

    fn fail(&mut self, error: &ApiError, out: &mut BytesMut) {
        self.ended = true;
        self.writer.fail(error, out);
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use jiff::Timestamp;
    use tokio::sync::mpsc;

    use crate::openai::Chat;

    use super::*;

    #[test]
    fn a_panic_while_the_body_is_written_is_an_error_event_and_the_end() {
        // A runtime without a clock: the wait for the next item panics.
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let (_client, items) = mpsc::channel(1);
        let body = StreamBody {
            id: RequestId::new(Timestamp::now()),
            items,
            heartbeat: Heartbeat {
                after: Some(Duration::from_secs(1)),
                bytes: Chat.heartbeat(),
            },
            writer: Chat.stream(ReplyMeta::default()),
            begun: false,
            ended: false,
            first: BytesMut::from("data: {}\n\n"),
        };
        let body = to_bytes(body.into_response().into_body(), 9_999);
        let bytes = runtime.unwrap().block_on(body).unwrap();
        let text = std::str::from_utf8(&bytes).unwrap();
        let (first, error) = text.split_once("\n\n").unwrap();
        assert_eq!(first, "data: {}");
        assert!(error.starts_with("data: {\"error\""), "{error}");
        assert_eq!(error.matches("\n\n").count(), 1, "the end: {error}");
        assert!(!error.contains("[DONE]"));
    }
}

//! Writes the response: one JSON object, or server-sent events with a heartbeat in every long silence.
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
use tokio::time::{Instant, timeout_at};

use crate::chain::AnswerStarted;
use crate::http::{limit_headers, reply_headers};
use crate::keys::KeyUsage;
use crate::panics::{self, Panic};
use crate::spend::RequestId;
use crate::wire::{ApiError, ReplyMeta, StreamWriter, Wire};

use super::client::{AnswerEnd, FinalReply, StreamItem};
use super::stored::ResponseKeeper;

const JSON: &str = "application/json";

/// Answers with the whole reply.
pub(super) async fn buffered(
    wire: &dyn Wire,
    id: RequestId,
    answer: FinalReply,
    meta: ReplyMeta,
    keeper: Option<ResponseKeeper>,
) -> Response {
    let (mut response, target, cost, attempts) = match (answer.end, answer.target) {
        (Ok(end), Some(target)) => {
            let mut reply = answer.reply;
            reply.usage = Some(end.usage);
            let mut meta = ReplyMeta {
                model: target.group().to_owned(),
                compacted: answer.compacted,
                ..meta
            };
            let checked = wire.check(&meta, &reply);
            if let Some(keeper) = keeper.filter(|_| checked.is_ok()) {
                meta.store = match wire.answer_to_store(&meta, &reply) {
                    Some(answer) => keeper.keep(answer).await,
                    None => false,
                };
            }
            let mut response = match checked.map(|()| wire.reply(meta, reply, end.cost)) {
                Ok(Ok(json)) => ([(CONTENT_TYPE, JSON)], json).into_response(),
                Err(refusal) => refusal.into_response(),
                Ok(Err(error)) => {
                    tracing::error!(%id, %error, "a reply could not be written");
                    ApiError::internal().into_response()
                }
            };
            reply_headers::add_cost(response.headers_mut(), end.cost);
            reply_headers::add_dialect(response.headers_mut(), answer.dialect);
            reply_headers::add_dropped_for_target(
                response.headers_mut(),
                &answer.dropped_for_target,
            );
            (response, Some(target), end.cost, end.attempts)
        }
        (Ok(_), None) => return ApiError::internal().into_response(),
        (Err((error, attempts)), _) => (error.into_response(), None, None, attempts),
    };
    reply_headers::add(response.headers_mut(), &id, target.as_deref(), &attempts);
    limit_headers::add(response.headers_mut(), &answer.key_usage, cost);
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
    keeper: Option<ResponseKeeper>,
) -> Response {
    let heartbeat = Heartbeat {
        after: heartbeat,
        bytes: wire.heartbeat(),
    };
    let due = heartbeat.due();
    let mut writer = wire.stream(meta);
    let mut first = next_item(&mut items, due).await;
    let mut key_usage = KeyUsage::default();
    if let NextItem::Item(StreamItem::Compacted(summary)) = first {
        writer.compacted(summary);
        first = next_item(&mut items, due).await;
    }
    if let NextItem::Item(StreamItem::KeyUsage(usage)) = first {
        key_usage = usage;
        first = next_item(&mut items, due).await;
    }
    let mut body = StreamBody {
        id,
        items,
        heartbeat,
        writer,
        keeper,
        end: None,
        has_begun: false,
        has_ended: false,
        first: BytesMut::new(),
    };
    let mut response = match first {
        NextItem::Item(StreamItem::Begin(started)) => {
            let mut first = BytesMut::new();
            body.begin(&started, &mut first);
            body.first = first;
            let mut response = body.into_response();
            let headers = response.headers_mut();
            reply_headers::add(headers, &id, Some(&started.target), &started.attempts);
            reply_headers::add_dialect(headers, started.dialect);
            reply_headers::add_dropped_for_target(headers, &started.dropped);
            response
        }
        NextItem::Item(StreamItem::Failed(error, attempts)) => {
            let mut response = error.into_response();
            reply_headers::add(response.headers_mut(), &id, None, &attempts);
            response
        }
        NextItem::Timeout => {
            body.first.extend_from_slice(wire.heartbeat());
            let mut response = body.into_response();
            reply_headers::add(response.headers_mut(), &id, None, &[]);
            response
        }
        NextItem::Item(
            StreamItem::Compacted(_)
            | StreamItem::KeyUsage(_)
            | StreamItem::Event(_)
            | StreamItem::End(_),
        )
        | NextItem::Closed => ApiError::internal().into_response(),
    };
    limit_headers::add(response.headers_mut(), &key_usage, None);
    response
}

enum NextItem {
    Item(StreamItem),
    Timeout,
    /// The task is gone without saying how it ended.
    Closed,
}

/// The next item, if one comes before the heartbeat is `due`.
async fn next_item(items: &mut Receiver<StreamItem>, due: Option<Instant>) -> NextItem {
    let item = match due {
        Some(due) => match timeout_at(due, items.recv()).await {
            Ok(item) => item,
            Err(_) => return NextItem::Timeout,
        },
        None => items.recv().await,
    };
    item.map_or(NextItem::Closed, NextItem::Item)
}

/// What breaks a long silence.
#[derive(Debug, Clone, Copy)]
struct Heartbeat {
    after: Option<Duration>,
    bytes: &'static [u8],
}

impl Heartbeat {
    /// When it is due, if nothing is sent from now on.
    fn due(self) -> Option<Instant> {
        self.after.map(|after| Instant::now() + after)
    }
}

/// The body of a stream under way.
struct StreamBody {
    id: RequestId,
    items: Receiver<StreamItem>,
    heartbeat: Heartbeat,
    writer: Box<dyn StreamWriter>,
    /// Stores the answer before its end goes out.
    keeper: Option<ResponseKeeper>,
    /// The end, which goes out once the answer is stored.
    end: Option<AnswerEnd>,
    /// The first [`StreamItem::Begin`] was written.
    has_begun: bool,
    has_ended: bool,
    /// Goes out before anything else.
    first: BytesMut,
}

impl StreamBody {
    /// A target answers, or another one goes on with a broken answer: one id, one beginning, one end.
    fn begin(&mut self, started: &AnswerStarted, out: &mut BytesMut) {
        let group = started.target.group().to_owned();
        if std::mem::replace(&mut self.has_begun, true) {
            self.writer.continue_with(group, out);
        } else {
            let native = started.native.as_deref();
            self.writer
                .begin(group, started.estimated_prompt, native, out);
        }
    }

    fn into_response(self) -> Response {
        let chunks = stream::unfold(self, |mut body| async move {
            let next = AssertUnwindSafe(body.next()).catch_unwind().await;
            // A panic would end the body as if it were whole.
            let bytes = next.unwrap_or_else(|panic| Some(body.fail_on_panic(&panic)))?;
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

    fn fail_on_panic(&mut self, panic: &Panic) -> Bytes {
        tracing::error!(id = %self.id, panic = panics::text(panic), "writing the body panicked");
        let mut out = BytesMut::new();
        self.fail(&ApiError::internal(), &mut out);
        out.freeze()
    }

    /// The next bytes: all items that are here already go out together.
    async fn next(&mut self) -> Option<Bytes> {
        let mut out = std::mem::take(&mut self.first);
        if let Some(end) = self.end.take() {
            self.store_and_end(&end, &mut out).await;
        }
        // Many an item is nothing that the client sees: the silence goes on.
        let due = self.heartbeat.due();
        while !self.has_ended && out.is_empty() {
            match next_item(&mut self.items, due).await {
                NextItem::Timeout => out.extend_from_slice(self.heartbeat.bytes),
                NextItem::Closed => self.fail(&ApiError::internal(), &mut out),
                NextItem::Item(item) => {
                    self.write(item, &mut out);
                    // The run goes on meanwhile: what it sends goes out with this piece.
                    tokio::task::yield_now().await;
                }
            }
            while let Ok(item) = self.items.try_recv() {
                self.write(item, &mut out);
            }
            // What there is of the answer does not wait for it to be stored.
            if let Some(end) = self.end.take_if(|_| out.is_empty()) {
                self.store_and_end(&end, &mut out).await;
            }
        }
        (!out.is_empty()).then(|| out.freeze())
    }

    fn write(&mut self, item: StreamItem, out: &mut BytesMut) {
        match item {
            StreamItem::Compacted(summary) => self.writer.compacted(summary),
            StreamItem::Begin(started) => self.begin(&started, out),
            StreamItem::Event(event) => self.writer.event(&event, out),
            StreamItem::End(end) if self.keeper.is_some() => self.end = Some(end),
            StreamItem::End(end) => self.write_end(&end, out),
            StreamItem::Failed(error, _) => self.fail(&error, out),
            // The headers have gone out.
            StreamItem::KeyUsage(_) => {}
        }
    }

    async fn store_and_end(&mut self, end: &AnswerEnd, out: &mut BytesMut) {
        if let Some(keeper) = self.keeper.take() {
            let stored = match self.writer.answer_to_store(&end.usage, out) {
                Some(answer) => keeper.keep(answer).await,
                None => false,
            };
            self.writer.set_stored(stored);
        }
        self.write_end(end, out);
    }

    fn write_end(&mut self, end: &AnswerEnd, out: &mut BytesMut) {
        self.has_ended = true;
        self.writer.end(&end.usage, end.cost, out);
    }

    fn fail(&mut self, error: &ApiError, out: &mut BytesMut) {
        self.has_ended = true;
        self.writer.fail(error, out);
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use jiff::Timestamp;
    use tokio::sync::mpsc;
    use tokio::time::sleep;

    use crate::anthropic::Messages;
    use crate::conversation::{Event, Usage};
    use crate::openai::Chat;

    use super::*;

    fn body_of(wire: &dyn Wire, items: Receiver<StreamItem>, after: Duration) -> StreamBody {
        StreamBody {
            id: RequestId::new(Timestamp::now()),
            items,
            heartbeat: Heartbeat {
                after: Some(after),
                bytes: wire.heartbeat(),
            },
            writer: wire.stream(ReplyMeta::default()),
            keeper: None,
            end: None,
            has_begun: false,
            has_ended: false,
            first: BytesMut::new(),
        }
    }

    #[tokio::test]
    async fn what_the_client_does_not_see_does_not_put_the_heartbeat_off() {
        let (run, items) = mpsc::channel(1);
        let after = Duration::from_millis(50);
        let mut body = body_of(&Messages, items, after);
        let unseen = async move {
            loop {
                sleep(after / 10).await;
                let _ = run
                    .send(StreamItem::Event(Event::Usage(Usage::default())))
                    .await;
            }
        };
        let written = tokio::select! {
            written = body.next() => written,
            () = unseen => None,
            () = sleep(100 * after) => None,
        };
        assert_eq!(written.as_deref(), Some(Messages.heartbeat()));
    }

    #[test]
    fn a_panic_while_the_body_is_written_is_an_error_event_and_the_end() {
        // A runtime without a clock: the wait for the next item panics.
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let (_client, items) = mpsc::channel(1);
        let mut body = body_of(&Chat, items, Duration::from_secs(1));
        body.first = BytesMut::from("data: {}\n\n");
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

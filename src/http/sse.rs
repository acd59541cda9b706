//! The reply as server-sent events, with a heartbeat into every long silence.
//!
//! The body never fails: on Lambda a failing body would write the runtime's own trailer into the client's text. What
//! goes wrong is an error event, and after it the end: nothing that says an answer is whole ever follows a cut.

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

use crate::chain::Begun;
use crate::keys::Standing;
use crate::panics::{self, Panic};
use crate::spend::RequestId;
use crate::wire::{ApiError, Head, Wire, Writer};

use super::listener::Step;
use super::{standing, trail};

/// Answers with an error and its real status while that is still possible: until the first piece, or the first
/// heartbeat.
pub(super) async fn respond<W: Wire>(
    id: RequestId,
    mut steps: Receiver<Step>,
    heartbeat: Option<Duration>,
    head: Head,
) -> Response {
    let mut first = wait(&mut steps, heartbeat).await;
    let mut standing = Standing::default();
    if let Waited::Step(Step::Admitted(with)) = first {
        standing = with;
        first = wait(&mut steps, heartbeat).await;
    }
    let mut body = Events::<W> {
        id,
        steps,
        heartbeat,
        writer: W::Writer::new(head),
        begun: false,
        ended: false,
        first: BytesMut::new(),
    };
    let mut response = match first {
        Waited::Step(Step::Begin(begun)) => {
            let mut first = BytesMut::new();
            body.begin(&begun, &mut first);
            body.first = first;
            let mut response = body.into_response();
            trail::add(
                response.headers_mut(),
                &id,
                Some(&begun.target),
                &begun.attempts,
            );
            trail::add_not_sent(response.headers_mut(), &begun.not_sent);
            response
        }
        Waited::Step(Step::Failed(error, attempts)) => {
            let mut response = error.into_response();
            trail::add(response.headers_mut(), &id, None, &attempts);
            response
        }
        Waited::Silence => {
            body.first.extend_from_slice(W::HEARTBEAT);
            let mut response = body.into_response();
            trail::add(response.headers_mut(), &id, None, &[]);
            response
        }
        Waited::Step(Step::Admitted(_) | Step::Event(_) | Step::End(_)) | Waited::Over => {
            ApiError::internal().into_response()
        }
    };
    standing::add(response.headers_mut(), &standing, None);
    response
}

enum Waited {
    Step(Step),
    Silence,
    /// The task is gone without saying how it ended.
    Over,
}

async fn wait(steps: &mut Receiver<Step>, heartbeat: Option<Duration>) -> Waited {
    let step = match heartbeat {
        Some(limit) => match timeout(limit, steps.recv()).await {
            Ok(step) => step,
            Err(_) => return Waited::Silence,
        },
        None => steps.recv().await,
    };
    step.map_or(Waited::Over, Waited::Step)
}

/// The body under way.
struct Events<W: Wire> {
    id: RequestId,
    steps: Receiver<Step>,
    heartbeat: Option<Duration>,
    writer: W::Writer,
    /// Somebody answers.
    begun: bool,
    ended: bool,
    /// Goes out before anything else.
    first: BytesMut,
}

impl<W: Wire> Events<W> {
    /// Somebody answers, or another one goes on with a broken answer: one id, one beginning, one end.
    fn begin(&mut self, begun: &Begun, out: &mut BytesMut) {
        let group = begun.target.group().to_owned();
        if std::mem::replace(&mut self.begun, true) {
            self.writer.go_on(group, out);
        } else {
            self.writer.begin(group, begun.estimated_prompt, out);
        }
    }

    fn into_response(self) -> Response {
        let chunks = stream::unfold(self, |mut events| async move {
            let next = AssertUnwindSafe(events.next()).catch_unwind().await;
            // A panic would end the body as if it were whole.
            let bytes = next.unwrap_or_else(|panic| Some(events.broken(&panic)))?;
            Some((Ok::<_, Infallible>(bytes), events))
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

    /// The next bytes: all steps that are here already go out together.
    async fn next(&mut self) -> Option<Bytes> {
        let mut out = std::mem::take(&mut self.first);
        while !self.ended && out.is_empty() {
            match wait(&mut self.steps, self.heartbeat).await {
                Waited::Silence => out.extend_from_slice(W::HEARTBEAT),
                Waited::Over => self.fail(&ApiError::internal(), &mut out),
                Waited::Step(step) => self.write(step, &mut out),
            }
            while let Ok(step) = self.steps.try_recv() {
                self.write(step, &mut out);
            }
        }
        (!out.is_empty()).then(|| out.freeze())
    }

    fn write(&mut self, step: Step, out: &mut BytesMut) {
        match step {
            Step::Begin(begun) => self.begin(&begun, out),
            Step::Event(event) => self.writer.event(&event, out),
            Step::End(ending) => {
                self.ended = true;
                self.writer.end(&ending.usage, ending.cost, out);
            }
            Step::Failed(error, _) => self.fail(&error, out),
            // The headers have gone out.
            Step::Admitted(_) => {}
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

    use crate::openai::{Chat, ChunkWriter};

    use super::*;

    #[test]
    fn a_panic_while_the_body_is_written_is_an_error_event_and_the_end() {
        // A runtime without a clock: the wait for the next step panics.
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let (_steps, told) = mpsc::channel(1);
        let body = Events::<Chat> {
            id: RequestId::new(Timestamp::now()),
            steps: told,
            heartbeat: Some(Duration::from_secs(1)),
            writer: ChunkWriter::new(Head {
                id: "id".to_owned(),
                created: 0,
                model: String::new(),
                include_usage: false,
                seal: None,
                free_form: Vec::new(),
            }),
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

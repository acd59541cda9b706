//! The reply as server-sent events, with a comment into every long silence.
//!
//! The body never fails: on Lambda a failing body would write the runtime's own trailer into the client's text. What
//! goes wrong is an error event, and after it the end: no finish reason and no `[DONE]` ever follow a cut.

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

use crate::keys::Standing;
use crate::openai::{ApiError, ChunkWriter};
use crate::spend::RequestId;

use super::exchange::Step;
use super::panic::{self, Panic};
use super::{standing, trail};

/// Breaks the silence; clients skip comments.
const HEARTBEAT: &[u8] = b": ping\n\n";

/// Answers with an error and its real status while that is still possible: until the first piece, or the first
/// heartbeat.
pub(super) async fn respond(
    id: RequestId,
    mut steps: Receiver<Step>,
    heartbeat: Option<Duration>,
    include_usage: bool,
) -> Response {
    let mut first = wait(&mut steps, heartbeat).await;
    let mut standing = Standing::default();
    if let Waited::Step(Step::Admitted(with)) = first {
        standing = with;
        first = wait(&mut steps, heartbeat).await;
    }
    let mut body = Events {
        id,
        steps,
        heartbeat,
        include_usage,
        writer: None,
        ended: false,
        first: None,
    };
    let mut response = match first {
        Waited::Step(Step::Begin(begun)) => {
            body.writer = Some(body.writer_for(begun.target.group()));
            let mut response = body.into_response();
            trail::add(
                response.headers_mut(),
                &id,
                Some(&begun.target),
                &begun.attempts,
            );
            response
        }
        Waited::Step(Step::Failed(error, attempts)) => {
            let mut response = error.into_response();
            trail::add(response.headers_mut(), &id, None, &attempts);
            response
        }
        Waited::Silence => {
            body.first = Some(Bytes::from_static(HEARTBEAT));
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
struct Events {
    id: RequestId,
    steps: Receiver<Step>,
    heartbeat: Option<Duration>,
    include_usage: bool,
    /// Known from the moment that somebody answers.
    writer: Option<ChunkWriter>,
    ended: bool,
    /// Goes out before anything else.
    first: Option<Bytes>,
}

impl Events {
    fn writer_for(&self, group: &str) -> ChunkWriter {
        ChunkWriter::new(
            self.id.to_string(),
            self.id.time().as_second(),
            group.to_owned(),
        )
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
        tracing::error!(id = %self.id, panic = panic::text(panic), "writing the body panicked");
        let mut out = BytesMut::new();
        self.fail(&ApiError::internal(), &mut out);
        out.freeze()
    }

    /// The next bytes: all steps that are here already go out together.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        let mut out = BytesMut::new();
        while !self.ended && out.is_empty() {
            match wait(&mut self.steps, self.heartbeat).await {
                Waited::Silence => out.extend_from_slice(HEARTBEAT),
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
            Step::Begin(begun) => match &mut self.writer {
                // A broken answer goes on: one id, one role, one finish reason.
                Some(writer) => writer.go_on(begun.target.group().to_owned()),
                None => self.writer = Some(self.writer_for(begun.target.group())),
            },
            Step::Event(event) => {
                if let Some(writer) = &mut self.writer {
                    writer.event(&event, out);
                }
            }
            Step::End(ending) => {
                self.ended = true;
                if let Some(writer) = &self.writer {
                    if self.include_usage {
                        writer.usage(&ending.usage, ending.cost, out);
                    }
                    writer.done(out);
                }
            }
            Step::Failed(error, _) => self.fail(&error, out),
            // The headers have gone out.
            Step::Admitted(_) => {}
        }
    }

    fn fail(&mut self, error: &ApiError, out: &mut BytesMut) {
        self.ended = true;
        out.extend_from_slice(&ChunkWriter::error(error));
    }
}

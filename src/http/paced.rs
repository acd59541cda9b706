//! How long a request's body may take, on every route: a client that sends it slowly does not occupy a connection for long,
//! and one that is refused while it still sends learns why.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http::header::EXPECT;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Frame, SizeHint};
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep, timeout};

use crate::app::BodyTimes;

/// How long what is left of a refused request's body is read: a client that still sends would see a broken connection
/// instead of the refusal.
const LINGER: Duration = Duration::from_secs(3);
/// How much of it is read, in bytes.
const MOST_LINGERING: usize = 32 << 20;

/// The body took too long.
#[derive(Debug, thiserror::Error)]
#[error("the request's body took too long")]
pub(super) struct TooSlow;

/// A body with its time limits.
struct Paced {
    inner: Body,
    times: BodyTimes,
    /// The client sends it only once it is asked for it (`expect: 100-continue`), which reading does.
    waits: bool,
    started: Instant,
    received: u64,
    /// When the wait for the next piece ends.
    alarm: Pin<Box<Sleep>>,
    ended: bool,
}

/// The request with time limits for its body.
pub(super) fn paced(request: Request, times: BodyTimes) -> Request {
    if request.body().is_end_stream() {
        return request;
    }
    let waits = request.headers().contains_key(EXPECT);
    request.map(|body| Body::new(Paced::new(body, times, waits)))
}

impl Paced {
    fn new(inner: Body, times: BodyTimes, waits: bool) -> Self {
        let started = Instant::now();
        let first = started + times.silence.min(times.base);
        Self {
            inner,
            times,
            waits,
            started,
            received: 0,
            alarm: Box::pin(tokio::time::sleep_until(first)),
            ended: false,
        }
    }

    /// When the whole body must be here, as far as it is known.
    fn end(&self) -> Instant {
        let more = self.received / self.times.bytes_per_second.max(1);
        self.started + self.times.base + Duration::from_secs(more)
    }

    fn too_slow() -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Poll::Ready(Some(Err(axum::Error::new(TooSlow))))
    }
}

impl hyper::body::Body for Paced {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(context) else {
            return match this.alarm.as_mut().poll(context) {
                Poll::Ready(()) => Self::too_slow(),
                Poll::Pending => Poll::Pending,
            };
        };
        let Some(Ok(piece)) = &frame else {
            this.ended = true;
            return Poll::Ready(frame);
        };
        this.received += piece.data_ref().map_or(0, |data| data.len() as u64);
        let (now, end) = (Instant::now(), this.end());
        if now > end {
            return Self::too_slow();
        }
        this.alarm.as_mut().reset(end.min(now + this.times.silence));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        let never_asked = self.waits && self.received == 0;
        if self.ended || never_asked || self.inner.is_end_stream() {
            return;
        }
        let rest = std::mem::take(&mut self.inner);
        // Without a runtime the connection is gone too.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(timeout(LINGER, discard(rest)));
        }
    }
}

async fn discard(mut body: Body) {
    let mut read = 0;
    while let Some(Ok(piece)) = body.frame().await
        && read < MOST_LINGERING
    {
        read += piece.data_ref().map_or(0, Bytes::len);
    }
}

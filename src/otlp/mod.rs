//! A span of each request, for a collector that takes OpenTelemetry's protocol (OTLP) as JSON over HTTP.
//!
//! Off unless a place is named. A span is sent when its client has been answered, in a task of its own, with the record's
//! figures and labels and nothing of what was asked and answered. A collector that is away, slow or full costs a line in
//! the log, never an answer, a record or a bill. CloudWatch takes OTLP itself: `https://xray.<region>.amazonaws.com/v1/traces`.

mod names;
mod span;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::spend::Record;
use crate::transport::{AwsRequest, LONGEST_ANSWER, PostError, Transport};

/// How long a collector has for one span.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// Spans on their way. More are dropped, and said so: a collector that hangs must not fill the memory.
const MOST_UNDER_WAY: usize = 256;

/// Where spans go.
#[derive(Debug, Clone)]
pub struct Collector {
    url: Url,
    /// What it wants beside the spans: a key of its own.
    headers: Vec<(String, String)>,
    transport: Transport,
}

/// Sends spans. Clones share what is under way.
#[derive(Debug, Clone)]
pub struct TraceExporter(Option<Arc<Sender>>);

#[derive(Debug)]
struct Sender {
    collector: Collector,
    tasks: TaskTracker,
    under_way: AtomicUsize,
}

/// Takes its place among those under way until it is dropped.
struct UnderWay(Arc<Sender>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Collector {
    /// The collector at this address, which for CloudWatch is signed for.
    pub fn new(url: Url, headers: Vec<(String, String)>, transport: Transport) -> Self {
        Self {
            url,
            headers,
            transport,
        }
    }

    /// The region whose CloudWatch it is; `None`: it is another collector, which takes what is sent as it is.
    fn aws_region(&self) -> Option<&str> {
        let host = self.url.host_str()?;
        let region = host.strip_prefix("xray.")?;
        let region = region
            .strip_suffix(".amazonaws.com")
            .or_else(|| region.strip_suffix(".amazonaws.com.cn"))?;
        (self.url.scheme() == "https" && !region.contains('.')).then_some(region)
    }

    async fn send(&self, body: String) -> Result<(), PostError> {
        let answer = match self.aws_region() {
            Some(region) => {
                let request = AwsRequest {
                    url: &self.url,
                    service: "xray",
                    region,
                    headers: &[("content-type", "application/json")],
                    longest_answer: LONGEST_ANSWER,
                    body,
                };
                self.transport.post_signed(request).await
            }
            None => {
                self.transport
                    .post_json(&self.url, &self.headers, body)
                    .await
            }
        };
        answer.map(drop)
    }
}

impl TraceExporter {
    /// Sends to this collector, in tasks of `tasks`; `None`: nothing is sent.
    pub fn new(collector: Option<Collector>, tasks: TaskTracker) -> Self {
        Self(collector.map(|collector| {
            Arc::new(Sender {
                collector,
                tasks,
                under_way: AtomicUsize::new(0),
            })
        }))
    }

    /// Sends a request's span, unless its client's trace is not kept. Returns at once.
    pub fn export(&self, record: &Record) {
        let parent = record.trace_parent;
        let Some(sender) = &self.0 else { return };
        if parent.is_some_and(|parent| !parent.is_sampled) {
            return;
        }
        let id = record.request_id;
        let place = UnderWay(Arc::clone(sender));
        if sender.under_way.fetch_add(1, Ordering::Relaxed) >= MOST_UNDER_WAY {
            tracing::warn!(%id, most = MOST_UNDER_WAY, "a span was dropped: so many wait for the collector");
            return;
        }
        let body = span::export(record, parent).to_string();
        sender.tasks.spawn(async move {
            match timeout(TIME_LIMIT, place.0.collector.send(body)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%id, %error, "a span was not taken by the collector");
                }
                Err(_) => {
                    tracing::warn!(%id, limit = ?TIME_LIMIT, "a span was not taken by the collector in time");
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cloudwatch_alone_is_signed_for() {
        for (url, region) in [
            (
                "https://xray.us-east-1.amazonaws.com/v1/traces",
                Some("us-east-1"),
            ),
            (
                "https://xray.cn-north-1.amazonaws.com.cn/v1/traces",
                Some("cn-north-1"),
            ),
            ("https://xray.evil.example/v1/traces", None),
            ("https://xray.a.b.amazonaws.com/v1/traces", None),
            ("http://xray.us-east-1.amazonaws.com/v1/traces", None),
            ("http://localhost:4318/v1/traces", None),
        ] {
            let collector = Collector::new(url.parse().unwrap(), Vec::new(), Transport::default());
            assert_eq!(collector.aws_region(), region, "{url}");
        }
    }
}

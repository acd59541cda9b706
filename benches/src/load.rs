//! The load: so many connections, each asking again as soon as it has its answer. Every answer is checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Error;
use crate::process::own_cpu;

/// The key of everything that asks for one.
pub const KEY: &str = "sk-bench";

/// Before anything is counted, connections are opened and caches warmed for this long.
const WARM_UP: Duration = Duration::from_millis(250);

/// What a load generator is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Load {
    /// Whom to ask, `host:port`.
    pub address: String,
    /// The file that holds the body.
    pub body: String,
    /// Whether the body asks for a stream.
    pub stream: bool,
    /// How many ask at the same time.
    pub connections: usize,
    /// How long.
    pub millis: u64,
    /// With how many keys in turn, each `sk-bench-` and a number; 0: with the master key.
    pub keys: usize,
}

/// What it found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Found {
    /// Answers that were counted.
    pub requests: u64,
    /// Answers in all, those of the warm-up included.
    pub all_requests: u64,
    /// Answers per second.
    pub per_second: f64,
    /// Microseconds until the first byte of the body: half of the requests were faster, and 99 of 100.
    pub first: [f64; 2],
    /// Microseconds until the end of the body, the same.
    pub whole: [f64; 2],
    /// Processor time of the generator itself for each request, in microseconds.
    pub own_cpu: f64,
}

/// The times of one answer.
#[derive(Debug, Clone, Copy)]
pub struct Timed {
    /// Until the first byte of its body.
    pub first: Duration,
    /// Until its end.
    pub whole: Duration,
}

/// Runs `ask` on so many connections at once; each is made by `connect`.
pub async fn run<C, A, F>(load: &Load, connect: C) -> Result<Found, Error>
where
    C: AsyncFn() -> Result<A, Error>,
    A: FnMut() -> F + Send + 'static,
    F: Future<Output = Result<Timed, Error>> + Send,
{
    let mut tasks = JoinSet::new();
    let begin = Instant::now() + WARM_UP;
    let end = begin + Duration::from_millis(load.millis);
    for _ in 0..load.connections {
        let mut ask = connect().await?;
        tasks.spawn(async move {
            let (mut timed, mut all) = (Vec::new(), 0_u64);
            // On a busy machine the time may be over before the first answer.
            while Instant::now() < end || timed.is_empty() {
                let asked = Instant::now();
                let answer = ask().await?;
                all += 1;
                if asked >= begin {
                    timed.push(answer);
                }
            }
            Ok::<_, Error>((timed, all))
        });
    }
    let (mut times, mut all_requests) = (Vec::new(), 0);
    while let Some(task) = tasks.join_next().await {
        let (timed, all) = task??;
        times.extend(timed);
        all_requests += all;
    }
    let seconds = begin.elapsed().as_secs_f64();
    let sorted = |of: fn(&Timed) -> Duration| {
        let mut sorted: Vec<Duration> = times.iter().map(of).collect();
        sorted.sort_unstable();
        [50, 99].map(|percent| {
            let at = (sorted.len() - 1) * percent / 100;
            sorted.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e6)
        })
    };
    Ok(Found {
        requests: times.len() as u64,
        all_requests,
        per_second: times.len() as f64 / seconds,
        first: sorted(|timed| timed.first),
        whole: sorted(|timed| timed.whole),
        own_cpu: own_cpu()?.as_secs_f64() * 1e6 / all_requests as f64,
    })
}

/// The load on a gateway.
pub async fn on_gateway(load: &Load) -> Result<Found, Error> {
    let body = Bytes::from(std::fs::read(&load.body)?);
    let (stream, keys) = (load.stream, load.keys);
    let asked = Arc::new(AtomicUsize::new(0));
    run(load, async || {
        let socket = TcpStream::connect(&load.address).await?;
        socket.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
        tokio::spawn(connection);
        let sender = Arc::new(tokio::sync::Mutex::new(sender));
        let (body, address, number) = (body.clone(), load.address.clone(), Arc::clone(&asked));
        Ok(move || {
            let (sender, body, address) = (Arc::clone(&sender), body.clone(), address.clone());
            let key = match number.fetch_add(1, Ordering::Relaxed).checked_rem(keys) {
                Some(number) => format!("{KEY}-{number}"),
                None => KEY.to_owned(),
            };
            async move {
                let request = Request::post("/v1/chat/completions")
                    .header(header::HOST, address)
                    .header(header::AUTHORIZATION, format!("Bearer {key}"))
                    .header(header::CONTENT_TYPE, "application/json")
                    .body(Full::new(body))?;
                let asked = Instant::now();
                let mut sender = sender.lock().await;
                sender.ready().await?;
                let reply = sender.send_request(request).await?;
                let status = reply.status();
                let mut answer = reply.into_body();
                let (mut first, mut text) = (None, Vec::new());
                while let Some(frame) = answer.frame().await {
                    if let Ok(data) = frame?.into_data() {
                        first.get_or_insert_with(|| asked.elapsed());
                        text.extend_from_slice(&data);
                    }
                }
                let whole = asked.elapsed();
                check(status, stream, &text)?;
                Ok(Timed {
                    first: first.unwrap_or(whole),
                    whole,
                })
            }
        })
    })
    .await
}

/// An answer that is wrong fast counts for nothing.
fn check(status: StatusCode, stream: bool, body: &[u8]) -> Result<(), Error> {
    let good = if stream {
        body.starts_with(b"data: ") && body.trim_ascii_end().ends_with(b"data: [DONE]")
    } else {
        body.starts_with(b"{") && body.trim_ascii_end().ends_with(b"}")
    };
    if status == StatusCode::OK && good {
        return Ok(());
    }
    let shown = String::from_utf8_lossy(body);
    Err(format!("{status}: {}", shown.chars().take(500).collect::<String>()).into())
}

//! One call of one model: a body in, a stream of events out.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;

use aws_sdk_bedrockruntime::Client;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use tokio::time::timeout;

use crate::catalog::Terms;
use crate::conversation::Event;

use super::class::Class;
use super::events::Decoder;
use super::failure::Failure;
use super::frames::{Broken, FrameKind, Frames};
use super::held::HeldTexts;
use super::idle_timer::IdleTimer;
use super::plan::Plan;
use super::raw_body::{RawBody, put_body};
use super::shape::FormatDecoder;
use super::wire;

/// Time limits of one call.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until the first event of any kind.
    pub first_event: Duration,
    /// Between two events.
    pub idle: Duration,
    /// The same while a tool call is under way.
    pub idle_in_tool_call: Duration,
}

/// An answer that has begun. Ends with `Ok(None)` only after a stop reason: a stream that merely ends is a failure.
#[derive(Debug)]
pub struct Answer {
    source: AnswerSource,
    limits: Limits,
    /// What was decoded and not handed out yet.
    ready: VecDeque<Event>,
    decoder: Decoder,
    held: HeldTexts,
    shaper: FormatDecoder,
    /// The answer is whole and not what was asked for. It is read to its end all the same: what it cost comes last.
    refused: Option<Failure>,
    has_tool_calls: bool,
    stopped: bool,
}

#[derive(Debug)]
enum AnswerSource {
    Stream(Frames, IdleTimer),
    /// All of the answer has come.
    Whole,
}

/// A client for one endpoint, region and set of credentials. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Endpoint {
    client: Client,
}

impl Endpoint {
    /// Calls by way of this client.
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    /// Opens a connection and finds the credentials ahead of the first call. Bedrock is asked for nothing that it
    /// would do or bill.
    pub async fn open(&self) {
        let request = self.client.converse().model_id("none").customize();
        let ping = request.mutate_request(|request| {
            let url = request.uri().to_owned();
            let end = url.find("/model/").unwrap_or(url.len());
            let url = format!("{}/ping", url.get(..end).unwrap_or_default());
            if request.set_method("GET").is_ok() && request.set_uri(url).is_ok() {
                request.headers_mut().remove(CONTENT_LENGTH.as_str());
                *request.body_mut() = SdkBody::empty();
            }
        });
        // Whatever it says, the connection is there, or the first call opens its own.
        ping.send().await.ok();
    }

    /// Calls `model` and waits for its first event. Nothing is retried here: that is the chain's decision.
    pub async fn call(&self, model: &str, plan: Plan, limits: Limits) -> Result<Answer, Failure> {
        call(&self.client, model, plan, limits).await
    }

    /// Asks how many tokens a prompt has. `model` is a foundation model's id: profiles are not taken.
    pub async fn count_tokens(&self, model: &str, plan: &Plan) -> Result<u64, Failure> {
        let body = wire::count_body(plan)
            .map_err(|error| Failure::new(Class::Internal, error.to_string()))?;
        let request = self.client.count_tokens().model_id(model).customize();
        let counted = request
            .mutate_request(move |request| put_body(request, &body))
            .send()
            .await
            .map_err(|error| Failure::of_call(&error))?;
        Ok(u64::try_from(counted.input_tokens).unwrap_or(0))
    }
}

async fn call(client: &Client, model: &str, plan: Plan, limits: Limits) -> Result<Answer, Failure> {
    let body =
        wire::body(&plan).map_err(|error| Failure::new(Class::Internal, error.to_string()))?;
    let Plan {
        names,
        shape,
        streaming,
        turns,
        system,
        ..
    } = plan;
    // The conversation stands in the body now, and the wait for the model may be long.
    drop((turns, system));
    let held = HeldTexts::new(names.clone());
    let mut decoder = Decoder::new(names);
    let (source, first) = {
        let begin = pin!(async {
            if streaming {
                begin_stream(client, model, body, limits.idle, &mut decoder).await
            } else {
                begin_whole(client, model, body, &mut decoder).await
            }
        });
        timeout(limits.first_event, begin).await.map_err(|_| {
            let seconds = limits.first_event.as_secs_f32();
            Failure::new(
                Class::FirstEventTimeout,
                format!("the model sent nothing within {seconds} s"),
            )
        })??
    };
    let mut answer = Answer {
        source,
        limits,
        ready: VecDeque::new(),
        decoder,
        held,
        shaper: FormatDecoder::new(shape),
        refused: None,
        has_tool_calls: false,
        stopped: false,
    };
    // What came first although it should be `messageStart`.
    for event in first {
        answer.shape(event);
    }
    Ok(answer)
}

async fn begin_stream(
    client: &Client,
    model: &str,
    body: Bytes,
    idle: Duration,
    decoder: &mut Decoder,
) -> Result<(AnswerSource, VecDeque<Event>), Failure> {
    let bodies = RawBody::new(body);
    let request = client.converse_stream().model_id(model).customize();
    let sent = request.interceptor(bodies.clone()).send().await;
    sent.map_err(|error| Failure::of_call(&error))?;
    let mut frames = Frames::new(bodies.into_answer());
    // Bedrock may answer with a head at once and refuse in the first frame; `messageStart` counts as an event.
    match next(&mut frames, decoder).await? {
        Some(events) => Ok((AnswerSource::Stream(frames, IdleTimer::new(idle)), events)),
        None => Err(Failure::new(
            Class::Cut,
            "the stream ended without an event",
        )),
    }
}

/// The meaning of the next frame, which may be nothing to a client; `None`: the stream has ended.
async fn next(
    frames: &mut Frames,
    decoder: &mut Decoder,
) -> Result<Option<VecDeque<Event>>, Failure> {
    let frame = frames.next().await;
    let Some(frame) = frame.map_err(|broken| Failure::of_break(&broken))? else {
        return Ok(None);
    };
    let mut events = VecDeque::new();
    match frame.kind {
        FrameKind::Event(name) => decoder
            .decode(name, frame.payload, &mut events)
            .map(|()| Some(events))
            .map_err(|error| unreadable(name, &error)),
        FrameKind::Exception(name) => Err(Failure::of_exception(name, frame.payload)),
        FrameKind::Error { code, message } => Err(Failure::of_error(code, message)),
    }
}

async fn begin_whole(
    client: &Client,
    model: &str,
    body: Bytes,
    decoder: &mut Decoder,
) -> Result<(AnswerSource, VecDeque<Event>), Failure> {
    let bodies = RawBody::new(body);
    let request = client.converse().model_id(model).customize();
    let sent = request.interceptor(bodies.clone()).send().await;
    sent.map_err(|error| Failure::of_call(&error))?;
    let body = ByteStream::new(bodies.into_answer()).collect().await;
    let body = body.map_err(|error| Failure::of_break(&error.into()))?;
    let events = decoder.replay(&body.into_bytes());
    let events = events.map_err(|error| unreadable("the answer", &error))?;
    Ok((AnswerSource::Whole, events.into()))
}

fn unreadable(what: &str, error: &serde_json::Error) -> Failure {
    Failure::of_break(&Broken::Payload {
        what: what.to_owned(),
        why: error.classify(),
        at: error.column(),
    })
}

impl Answer {
    /// On what terms it was served, as far as Bedrock has said: that comes with the usage.
    pub fn served(&self) -> &Terms {
        self.decoder.served()
    }

    /// The next event; `Ok(None)` once the answer is complete.
    pub async fn next(&mut self) -> Result<Option<Event>, Failure> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(self.hand_out(event)));
            }
            let events = match &mut self.source {
                AnswerSource::Whole => None,
                AnswerSource::Stream(frames, silence) => {
                    let limit = if self.decoder.is_in_tool_call() {
                        self.limits.idle_in_tool_call
                    } else {
                        self.limits.idle
                    };
                    let events = next(frames, &mut self.decoder);
                    match silence.bounds(limit, events).await {
                        Some(events) => events.transpose(),
                        None => {
                            let seconds = limit.as_secs_f32();
                            Some(Err(Failure::new(
                                Class::IdleTimeout,
                                format!("the model fell silent for {seconds} s"),
                            )))
                        }
                    }
                }
            };
            return match events {
                Some(Ok(events)) => {
                    for event in events {
                        self.shape(event);
                    }
                    continue;
                }
                None | Some(Err(_)) if self.refused.is_some() => {
                    self.refused.take().map_or(Ok(None), Err)
                }
                // The answer is whole: only its accounting is missing, which the ledger estimates.
                None | Some(Err(_)) if self.stopped => Ok(None),
                Some(Err(failure)) => Err(failure),
                None => Err(Failure::new(
                    Class::Cut,
                    "the stream ended before the answer was complete",
                )),
            };
        }
    }

    /// An event as it leaves. The client's form of the answer decides what is a tool call in it, so the stop reason is
    /// made to agree with it here.
    fn hand_out(&mut self, event: Event) -> Event {
        match event {
            Event::Stop(reason) => {
                self.stopped = true;
                Event::Stop(reason.agreeing(self.has_tool_calls))
            }
            event => {
                self.has_tool_calls |= matches!(event, Event::ToolCall { .. });
                event
            }
        }
    }

    fn shape(&mut self, event: Event) {
        let mut seen = VecDeque::new();
        self.held.push(event, &mut seen);
        for event in seen {
            if let Err(failure) = self.shaper.push(event, &mut self.ready) {
                self.refused = Some(failure);
            }
        }
    }
}

//! One call of one model: a body in, a stream of events out.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;

use aws_sdk_bedrockruntime::Client;
use aws_smithy_types::Blob;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use http::header::CONTENT_LENGTH;
use tokio::time::timeout;

use crate::catalog::{Dialect, ServiceTerms};
use crate::conversation::Event;

use super::JSON;
use super::class::Class;
use super::converse::ConverseDecoder;
use super::decoder::{DecodeError, Decoder};
use super::failure::Failure;
use super::frames::{Broken, FrameKind, Frames};
use super::idle_timer::IdleTimer;
use super::key_restorer::KeyRestorer;
use super::messages::{self, MessagesDecoder};
use super::plan::Plan;
use super::raw_body::{RawBody, put_body};
use super::role_sessions::{RoleSessions, SessionCaller};
use super::shape::FormatRestorer;

/// Time limits of one call.
#[derive(Debug, Clone, Copy)]
pub struct CallTimeouts {
    /// Until the first event of any kind.
    pub first_event: Duration,
    /// Between two events.
    pub idle: Duration,
    /// Between two events of a tool call.
    pub idle_in_tool_call: Duration,
}

/// An answer that has begun. Ends with `Ok(None)` only after a stop reason: a stream that merely ends is a failure.
#[derive(Debug)]
pub struct Answer {
    source: AnswerSource,
    request_id: Option<String>,
    timeouts: CallTimeouts,
    /// What was decoded and not handed out yet.
    ready: VecDeque<Event>,
    decoder: Box<dyn Decoder>,
    key_restorer: KeyRestorer,
    format_restorer: FormatRestorer,
    /// The answer is complete and not in the format that was asked for. It is read to its end all the same: what it
    /// cost comes last.
    format_failure: Option<Failure>,
    has_tool_calls: bool,
    stopped: bool,
}

#[derive(Debug)]
enum AnswerSource {
    Stream(Frames, IdleTimer),
    /// All of the answer has come.
    Buffered,
}

/// A client for one endpoint, region and set of credentials. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Endpoint {
    pub(super) client: Client,
    /// The role's sessions, where each team or key has one of its own.
    sessions: Option<RoleSessions>,
}

impl Endpoint {
    /// Calls by way of this client.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            sessions: None,
        }
    }

    /// This endpoint, with sessions of a role for each team or key.
    pub(super) fn with_sessions(self, sessions: RoleSessions) -> Self {
        Self {
            sessions: Some(sessions),
            ..self
        }
    }

    /// The endpoint as this caller calls it.
    pub async fn of(&self, caller: &SessionCaller) -> Endpoint {
        match &self.sessions {
            Some(sessions) => Self::new(sessions.client(caller).await),
            None => self.clone(),
        }
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
    pub async fn call(
        &self,
        model: &str,
        plan: Plan,
        timeouts: CallTimeouts,
    ) -> Result<Answer, Failure> {
        call(&self.client, model, plan, timeouts).await
    }

    /// Asks how many tokens a prompt has. `model` is a foundation model's id: profiles are not taken.
    pub async fn count_tokens(&self, model: &str, plan: &Plan) -> Result<u64, Failure> {
        let body = super::count_body(plan)
            .map_err(|error| Failure::new(Class::Internal, error.to_string()))?;
        let request = self.client.count_tokens().model_id(model).customize();
        let response = request
            .mutate_request(move |request| put_body(request, &body))
            .send()
            .await
            .map_err(|error| Failure::of_call(&error))?;
        Ok(u64::try_from(response.input_tokens).unwrap_or(0))
    }
}

async fn call(
    client: &Client,
    model: &str,
    plan: Plan,
    timeouts: CallTimeouts,
) -> Result<Answer, Failure> {
    let body =
        super::body(&plan).map_err(|error| Failure::new(Class::Internal, error.to_string()))?;
    let headers = match plan.dialect {
        Dialect::Converse => Vec::new(),
        Dialect::Messages => messages::headers(&plan),
    };
    let Plan {
        dialect,
        names,
        shape,
        streaming,
        cached_in_input,
        turns,
        system,
        ..
    } = plan;
    // The conversation stands in the body now, and the wait for the model may be long.
    drop((turns, system));
    let key_restorer = KeyRestorer::new(names.clone());
    let raw_body = RawBody::new(body).with_headers(headers);
    let begun = {
        let begin = pin!(async {
            if dialect == Dialect::Messages {
                let request = client
                    .invoke_model_with_response_stream()
                    .model_id(model)
                    .content_type(JSON)
                    .accept(JSON)
                    .body(Blob::new([]))
                    .customize();
                let sent = request.interceptor(raw_body.clone()).send().await;
                sent.map_err(|error| Failure::of_call(&error))?;
                let decoder = MessagesDecoder::new(names, raw_body.served());
                return begin_stream(raw_body, timeouts.idle, Box::new(decoder)).await;
            }
            let mut decoder = ConverseDecoder::new(names).with_cached_in_input(cached_in_input);
            if streaming {
                let request = client.converse_stream().model_id(model).customize();
                let sent = request.interceptor(raw_body.clone()).send().await;
                sent.map_err(|error| Failure::of_call(&error))?;
                return begin_stream(raw_body, timeouts.idle, Box::new(decoder)).await;
            }
            let request = client.converse().model_id(model).customize();
            let sent = request.interceptor(raw_body.clone()).send().await;
            sent.map_err(|error| Failure::of_call(&error))?;
            let request_id = raw_body.request_id();
            let body = ByteStream::new(raw_body.into_answer()).collect().await;
            let body = body.map_err(|error| Failure::of_break(&error.into()))?;
            let events = decoder.replay(&body.into_bytes());
            let events = events.map_err(|error| unreadable("the answer", &error))?;
            Ok(StartedAnswer {
                source: AnswerSource::Buffered,
                first: events.into(),
                decoder: Box::new(decoder),
                request_id,
            })
        });
        timeout(timeouts.first_event, begin).await.map_err(|_| {
            let seconds = timeouts.first_event.as_secs_f32();
            Failure::new(
                Class::FirstEventTimeout,
                format!("the model sent nothing within {seconds} s"),
            )
        })??
    };
    let mut answer = Answer {
        source: begun.source,
        request_id: begun.request_id,
        timeouts,
        ready: VecDeque::new(),
        decoder: begun.decoder,
        key_restorer,
        format_restorer: FormatRestorer::new(shape),
        format_failure: None,
        has_tool_calls: false,
        stopped: false,
    };
    // What came first although it should be `messageStart`.
    for event in begun.first {
        answer.push(event);
    }
    Ok(answer)
}

/// An answer of which the first events are there.
struct StartedAnswer {
    source: AnswerSource,
    first: VecDeque<Event>,
    decoder: Box<dyn Decoder>,
    request_id: Option<String>,
}

/// Reads the first event of a stream that Bedrock has begun.
async fn begin_stream(
    raw_body: RawBody,
    idle: Duration,
    mut decoder: Box<dyn Decoder>,
) -> Result<StartedAnswer, Failure> {
    let request_id = raw_body.request_id();
    let mut frames = Frames::new(raw_body.into_answer());
    // Bedrock may answer with a head at once and refuse in the first frame; one that says nothing to a client counts as
    // an event.
    match next_events(&mut frames, &mut *decoder).await? {
        Some(first) => Ok(StartedAnswer {
            source: AnswerSource::Stream(frames, IdleTimer::new(idle)),
            first,
            decoder,
            request_id,
        }),
        None => Err(Failure::new(
            Class::Cut,
            "the stream ended without an event",
        )),
    }
}

/// The meaning of the next frame, which may be nothing to a client; `None`: the stream has ended.
async fn next_events(
    frames: &mut Frames,
    decoder: &mut dyn Decoder,
) -> Result<Option<VecDeque<Event>>, Failure> {
    let frame = frames.next().await;
    let Some(frame) = frame.map_err(|broken| Failure::of_break(&broken))? else {
        return Ok(None);
    };
    let mut events = VecDeque::new();
    match frame.kind {
        FrameKind::Event(name) => match decoder.decode(name, frame.payload, &mut events) {
            Ok(()) => Ok(Some(events)),
            Err(DecodeError::Unreadable(error)) => Err(unreadable(name, &error)),
            Err(DecodeError::Failed(failure)) => Err(*failure),
        },
        FrameKind::Exception(name) => Err(Failure::of_exception(name, frame.payload)),
        FrameKind::Error { code, message } => Err(Failure::of_error(code, message)),
    }
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
    pub fn served(&self) -> &ServiceTerms {
        self.decoder.served()
    }

    /// Bedrock's request id, as its invocation log has it.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Its usage has shown that cached tokens are not counted as input, where that was expected.
    pub fn counts_cache_apart(&self) -> bool {
        self.decoder.counts_cache_apart()
    }

    /// The next event; `Ok(None)` once the answer is complete.
    pub async fn next(&mut self) -> Result<Option<Event>, Failure> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(self.hand_out(event)));
            }
            let events = match &mut self.source {
                AnswerSource::Buffered => None,
                AnswerSource::Stream(frames, idle_timer) => {
                    let limit = if self.decoder.is_in_tool_call() {
                        self.timeouts.idle_in_tool_call
                    } else {
                        self.timeouts.idle
                    };
                    let events = next_events(frames, &mut *self.decoder);
                    match idle_timer.within(limit, events).await {
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
                        self.push(event);
                    }
                    continue;
                }
                None | Some(Err(_)) if self.format_failure.is_some() => {
                    self.format_failure.take().map_or(Ok(None), Err)
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

    fn push(&mut self, event: Event) {
        let mut restored = VecDeque::new();
        self.key_restorer.push(event, &mut restored);
        for event in restored {
            if let Err(failure) = self.format_restorer.push(event, &mut self.ready) {
                self.format_failure = Some(failure);
            }
        }
    }
}

//! One Converse request from its arrival to its answer.

use std::time::Instant;

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, header};
use serde_json::Value;

use super::{
    CallFormat, ErrorReply, RawEvent, ScriptedReply, Served, Step, StepOutcome, Tokens, auth,
    binding::{self, Prefix},
    cache, echo,
    record::Entry,
    reply,
    service::{Call, SimulatorService, latency, request_id},
    stream::{self, StreamAction},
    validate::{self, CheckedRequest},
    wire,
};

/// Bedrock's refusal of a conversation with a model for something else.
const NO_CHAT: &str = "This action doesn't support the model that you provided. Try again with a supported text or chat \
                       model.";

/// What a request is answered with, before it is known whether as a stream or as JSON.
struct EchoedAnswer {
    reply: ScriptedReply,
    signatures: Vec<Option<String>>,
    tokens: Tokens,
    served: Served,
}

impl SimulatorService {
    /// Answers Converse, or its stream.
    pub(super) async fn converse(
        &self,
        call: &Call,
        step: &Step,
        by_script: bool,
        streaming: bool,
        entry: &Entry,
    ) -> Result<Response, ErrorReply> {
        if self.options.check_auth {
            auth::check(&call.headers)?;
        }
        let body: Value = serde_json::from_slice(&call.body)
            .map_err(|_| ErrorReply::new(400, "SerializationException", ""))?;
        let model = self.model(&call.model, by_script)?;
        if model.retrieval.is_some() {
            return Err(ErrorReply::validation(NO_CHAT));
        }
        let asked = CheckedRequest {
            model: &model,
            streaming,
            body: &body,
            check_signatures: self.options.check_signatures,
        };
        if !step.unchecked {
            validate::validate(&asked)?;
        }
        let mut response = if streaming {
            let actions = self.stream(step, &call.model, &asked);
            entry.status(200);
            Response::new(stream::body(actions, entry.clone()))
        } else {
            let bytes = match &step.outcome {
                StepOutcome::Bytes(bytes) => bytes.clone(),
                _ => self.buffered(step, &call.model, &asked).await,
            };
            entry.status(200);
            Response::new(stream::body(stream::buffered(step, &bytes), entry.clone()))
        };
        let content_type = if streaming {
            "application/vnd.amazon.eventstream"
        } else {
            "application/json"
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        request_id(&mut response);
        Ok(response)
    }

    /// What a stream does under this step.
    fn stream(&self, step: &Step, model: &str, asked: &CheckedRequest<'_>) -> Vec<StreamAction> {
        match &step.outcome {
            StepOutcome::Bytes(bytes) => stream::raw(step, bytes),
            StepOutcome::Events(events) => self.plan(step, events),
            _ => {
                let answer = self.reply(step, model, asked);
                let mut events: Vec<RawEvent> = answer.reply.events(&answer.signatures);
                if !step.no_metadata {
                    let latency = latency(events.len());
                    let mut tokens = answer.tokens;
                    if asked.model.abilities.cached_in_input {
                        tokens.input += tokens.cached();
                    }
                    events.push(tokens.metadata(&answer.served, latency));
                }
                self.plan(step, &events)
            }
        }
    }

    fn plan(&self, step: &Step, events: &[RawEvent]) -> Vec<StreamAction> {
        let frames: Vec<Bytes> = events.iter().map(wire::event).collect();
        stream::plan(step, &frames, CallFormat::Converse, self.options.pace)
    }

    /// The body of an answer that is no stream, after the time that the stream would have taken.
    async fn buffered(&self, step: &Step, model: &str, asked: &CheckedRequest<'_>) -> Bytes {
        let answer = self.reply(step, model, asked);
        let pieces = answer.reply.events(&answer.signatures).len();
        let pace = step.pace.unwrap_or(self.options.pace);
        let pause = pace.saturating_mul(u32::try_from(pieces).unwrap_or(0));
        tokio::time::sleep(pause).await;
        let body = answer.reply.body(
            &answer.signatures,
            answer.tokens,
            &answer.served,
            latency(pieces),
        );
        body.to_string().into()
    }

    fn reply(&self, step: &Step, model: &str, asked: &CheckedRequest<'_>) -> EchoedAnswer {
        let reply = match &step.outcome {
            StepOutcome::Reply(reply) => reply.clone(),
            _ => echo::answer(model, asked),
        }
        .with_ids("tooluse_");
        let reply = ScriptedReply {
            stop_sequence: reply
                .stop_sequence
                .filter(|_| asks_for_stop_sequence(asked)),
            ..reply
        };
        let prefix = binding::binds(asked.model).then(|| Prefix::of_converse(asked.body));
        let signatures = binding::signatures(&reply, prefix, false, reply::content_block);
        let blocks = cache::converse_blocks(asked.body);
        let caching = asked.model.abilities.caching;
        let mut tokens = self
            .cache()
            .account(model, &blocks, caching, Instant::now());
        tokens.output = reply.estimated_output();
        EchoedAnswer {
            tokens: reply.usage.unwrap_or(tokens),
            served: (reply.served.clone()).unwrap_or_else(|| Served::as_asked(asked.body)),
            signatures,
            reply,
        }
    }
}

fn asks_for_stop_sequence(asked: &CheckedRequest<'_>) -> bool {
    let paths = asked.body.get("additionalModelResponseFieldPaths");
    let paths = paths.and_then(Value::as_array).into_iter().flatten();
    paths.into_iter().any(|path| path == "/stop_sequence")
}

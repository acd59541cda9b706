//! One InvokeModel request from its arrival to its answer.

use std::time::Instant;

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderValue, header};
use serde_json::Value;

use super::{
    super::{
        Block, CallFormat, ErrorReply, ScriptedReply, Served, Step, StepOutcome, Tokens, auth,
        binding, echo,
        record::Entry,
        service::{Call, SimulatorService, latency, request_id},
        stream, wire,
    },
    MessagesCall, blocks, context, prefix, prompt,
    reply::{self, MessageReply},
    search, stream as events, validate,
};
use crate::catalog::Family;

/// What a request is answered with.
struct PlannedAnswer {
    reply: ScriptedReply,
    signatures: Vec<Option<String>>,
    tokens: Tokens,
    served: Served,
}

impl SimulatorService {
    /// Answers InvokeModel, or its stream.
    pub(in crate::simulator) async fn invoke(
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
        let model = self.model(&call.model, by_script)?;
        if model.known && model.family != Family::Claude {
            return Err(ErrorReply::validation(
                "Malformed input request: #: extraneous key [anthropic_version] is not permitted, please reformat your input and try again.",
            ));
        }
        let body: Value = serde_json::from_slice(&call.body).map_err(|_| {
            ErrorReply::validation(
                "Malformed input request, please reformat your input and try again.",
            )
        })?;
        let request = MessagesCall {
            model: &model,
            headers: &call.headers,
            body: &body,
            check_signatures: self.options.check_signatures,
        };
        if !step.unchecked {
            validate::validate(&request)?;
        }
        let mut response = if streaming {
            let (actions, served) = self.events(step, &call.model, &request);
            entry.status(200);
            let mut response = Response::new(stream::body(actions, entry.clone()));
            set(
                &mut response,
                "x-amzn-bedrock-content-type",
                "application/json",
            );
            write_terms(&mut response, &served);
            response
        } else {
            self.whole(step, &call.model, &request, entry).await
        };
        let content_type = match streaming {
            true => "application/vnd.amazon.eventstream",
            false => "application/json",
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        request_id(&mut response);
        Ok(response)
    }

    /// What a stream does under this step, and on what terms.
    fn events(
        &self,
        step: &Step,
        model: &str,
        request: &MessagesCall<'_>,
    ) -> (Vec<stream::StreamAction>, Served) {
        let pace = self.options.pace;
        match &step.outcome {
            StepOutcome::Bytes(bytes) => (stream::raw(step, bytes), request.terms()),
            StepOutcome::Events(events) => {
                let frames: Vec<Bytes> = events.iter().map(wire::event).collect();
                let actions = stream::plan(step, &frames, CallFormat::Messages, pace);
                (actions, request.terms())
            }
            _ => {
                let answer = self.native_answer(step, model, request);
                let message = answer.message(request);
                let latency = latency(answer.reply.blocks.len());
                let frames = events::frames(&events::events(&message, !step.no_metadata, latency));
                let actions = stream::plan(step, &frames, CallFormat::Messages, pace);
                (actions, answer.served)
            }
        }
    }

    /// A whole answer, after the time that its stream would have taken.
    async fn whole(
        &self,
        step: &Step,
        model: &str,
        request: &MessagesCall<'_>,
        entry: &Entry,
    ) -> Response {
        let answer = self.native_answer(step, model, request);
        let message = answer.message(request);
        let pieces = events::events(&message, true, 0).len();
        let pace = step.pace.unwrap_or(self.options.pace);
        tokio::time::sleep(pace.saturating_mul(u32::try_from(pieces).unwrap_or(0))).await;
        let bytes = match &step.outcome {
            StepOutcome::Bytes(bytes) => bytes.clone(),
            _ => message.body().to_string().into(),
        };
        entry.status(200);
        let mut response =
            Response::new(stream::body(stream::buffered(step, &bytes), entry.clone()));
        write_terms(&mut response, &answer.served);
        if !matches!(step.outcome, StepOutcome::Bytes(_)) {
            let tokens = answer.tokens;
            let written = tokens.cache_write_5m + tokens.cache_write_1h;
            for (name, count) in [
                ("x-amzn-bedrock-input-token-count", tokens.input),
                ("x-amzn-bedrock-output-token-count", tokens.output),
                (
                    "x-amzn-bedrock-cache-read-input-token-count",
                    tokens.cache_read,
                ),
                ("x-amzn-bedrock-cache-write-input-token-count", written),
                ("x-amzn-bedrock-invocation-latency", latency(pieces)),
            ] {
                set(&mut response, name, &count.to_string());
            }
        }
        response
    }

    fn native_answer(&self, step: &Step, model: &str, request: &MessagesCall<'_>) -> PlannedAnswer {
        let blocks = blocks::prompt_blocks(request.body);
        let key = format!("messages {model}");
        let caching = request.model.abilities.caching;
        let tokens = self.cache().account(&key, &blocks, caching, Instant::now());
        let tokens = |reply: &ScriptedReply| Tokens {
            output: reply.estimated_output(),
            ..tokens
        };
        let (reply, tokens) = match &step.outcome {
            StepOutcome::Reply(reply) => (reply.clone(), tokens(reply)),
            _ => {
                let reply = echoed(request, model);
                let tokens = tokens(&reply);
                context::manage(request, reply, tokens)
            }
        };
        let reply = reply.with_ids("toolu_bdrk_01");
        let omitted = request.omits_thinking();
        let (_, prefix) = prefix::read(request);
        let block_of =
            |block: &Block, signature: &str| Some(reply::content_block(block, signature, omitted));
        let signatures = binding::signatures(&reply, prefix, omitted, block_of);
        PlannedAnswer {
            tokens: reply.usage.unwrap_or(tokens),
            served: (reply.served.clone()).unwrap_or_else(|| request.terms()),
            signatures,
            reply,
        }
    }
}

/// What has Claude refuse, as its documentation says for those who try it out.
const REFUSAL: &str = "ANTHROPIC_MAGIC_STRING_TRIGGER_REFUSAL";

/// What the model says where no script speaks.
fn echoed(request: &MessagesCall<'_>, model: &str) -> ScriptedReply {
    let prompt = prompt::read(request);
    if prompt.last().contains(REFUSAL) {
        return ScriptedReply::default().with_stop("refusal");
    }
    let reply = echo::reply(model, &prompt);
    search::search_first(request, prompt.last(), reply)
}

impl PlannedAnswer {
    fn message<'a>(&'a self, request: &MessagesCall<'a>) -> MessageReply<'a> {
        MessageReply {
            claude: request.claude(),
            id: reply::message_id(),
            reply: &self.reply,
            signatures: &self.signatures,
            omits_thinking: request.omits_thinking(),
            tokens: self.tokens,
            tier: self.served.tier.as_deref(),
        }
    }
}

/// The terms on which an answer is served, as its headers say them.
fn write_terms(response: &mut Response, served: &Served) {
    for (name, value) in [
        ("x-amzn-bedrock-service-tier", &served.tier),
        ("x-amzn-bedrock-performanceconfig-latency", &served.latency),
    ] {
        if let Some(value) = value {
            set(response, name, value);
        }
    }
}

fn set(response: &mut Response, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

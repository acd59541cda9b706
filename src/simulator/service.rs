//! One request from its arrival to its answer.

use std::{
    collections::BTreeMap,
    future,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime},
};

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use serde_json::Value;

use super::{
    CallFormat, ErrorReply, RawEvent, ScriptedReply, Served, SimulatorOptions, Step, StepOutcome,
    Tokens, auth,
    binding::{self, Prefix},
    cache::{self, PromptCache},
    connection::Connection,
    count, echo,
    queue::Scripts,
    record::{AnswerOutcome, Entry, RequestLog, SeenRequest},
    reply,
    stream::{self, StreamAction},
    validate::{self, CheckedRequest},
    wire,
};
use crate::catalog::{
    Abilities, Caching, Family, Lifecycle, Limits, Model, ModelKind, ThinkingSupport,
};

/// Bedrock's refusal of a conversation with a model for something else.
const NO_CHAT: &str = "This action doesn't support the model that you provided. Try again with a supported text or chat \
                       model.";

/// A request as it came in.
#[derive(Debug)]
pub(super) struct Call {
    /// The model id, decoded.
    pub(super) model: String,
    /// The last part of the path.
    pub(super) operation: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) connection: Connection,
}

/// The state of one simulated Bedrock.
#[derive(Debug)]
pub(super) struct SimulatorService {
    pub(super) options: SimulatorOptions,
    scripts: Mutex<Scripts>,
    cache: Mutex<PromptCache>,
    record: RequestLog,
}

/// What a request is answered with, before it is known whether as a stream or as JSON.
struct EchoedAnswer {
    reply: ScriptedReply,
    signatures: Vec<Option<String>>,
    tokens: Tokens,
    served: Served,
}

impl SimulatorService {
    pub(super) fn new(options: SimulatorOptions) -> Self {
        Self {
            options,
            scripts: Mutex::default(),
            cache: Mutex::default(),
            record: RequestLog::default(),
        }
    }

    pub(super) fn scripts(&self) -> MutexGuard<'_, Scripts> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn cache(&self) -> MutexGuard<'_, PromptCache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn record(&self) -> &RequestLog {
        &self.record
    }

    pub(super) fn reset(&self) {
        *self.scripts() = Scripts::default();
        *self.cache() = PromptCache::default();
        self.record.clear();
    }

    /// Answers, or never does.
    pub(super) async fn answer(&self, call: Call) -> Response {
        let entry = self.note(&call);
        let scripted = self.scripts().next(&call.model, format(&call.operation));
        let by_script = scripted.is_some();
        let step = scripted.unwrap_or_default();
        if by_script {
            entry.step(step.label());
        }
        if !step.head_delay.is_zero() {
            tokio::time::sleep(step.head_delay).await;
        }
        match &step.outcome {
            StepOutcome::Reset => {
                call.connection.reset();
                return future::pending().await;
            }
            StepOutcome::Hang => return future::pending().await,
            StepOutcome::Fail(failure) => return refuse(&entry, failure.clone()),
            StepOutcome::Echo
            | StepOutcome::Reply(_)
            | StepOutcome::Events(_)
            | StepOutcome::Bytes(_) => {}
        }
        match self.serve(&call, &step, by_script, &entry).await {
            Ok(response) => response,
            Err(failure) => refuse(&entry, failure),
        }
    }

    async fn serve(
        &self,
        call: &Call,
        step: &Step,
        by_script: bool,
        entry: &Entry,
    ) -> Result<Response, ErrorReply> {
        let streaming = match call.operation.as_str() {
            "converse" => false,
            "converse-stream" => true,
            "count-tokens" => {
                if self.options.check_auth {
                    auth::check(&call.headers)?;
                }
                let model = self.model(&call.model, by_script)?;
                let counted = count::answer(&call.model, &model, &call.body)?;
                entry.status(200);
                return Ok(counted);
            }
            "invoke" if self.retrieves(&call.model) => {
                return self.retrieve(call, step, by_script, entry).await;
            }
            // Which form a model has that nobody knows is the script's business.
            "invoke"
                if (self.options.lookup)(&call.model).is_none()
                    && let StepOutcome::Bytes(bytes) = &step.outcome =>
            {
                entry.status(200);
                let body = stream::body(stream::buffered(step, bytes), entry.clone());
                let mut response = Response::new(body);
                let json = HeaderValue::from_static("application/json");
                response.headers_mut().insert(header::CONTENT_TYPE, json);
                request_id(&mut response);
                return Ok(response);
            }
            "invoke" => return self.invoke(call, step, by_script, false, entry).await,
            "invoke-with-response-stream" => {
                return self.invoke(call, step, by_script, true, entry).await;
            }
            _ => return Err(ErrorReply::new(404, "UnknownOperationException", "")),
        };
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

    /// The model behind an id. A scripted id need not exist: tests may call their targets what they like.
    pub(super) fn model(&self, id: &str, by_script: bool) -> Result<Model, ErrorReply> {
        let found = (self.options.lookup)(id).filter(|model| model.known);
        match found {
            Some(model) if by_script || !self.is_retired(&model) => Ok(model),
            None if by_script || id.starts_with("arn:") => Ok(able(id)),
            _ => Err(ErrorReply::validation(
                "The provided model identifier is invalid.",
            )),
        }
    }

    fn is_retired(&self, model: &Model) -> bool {
        model.lifecycle.is_over(self.options.today)
    }

    fn note(&self, call: &Call) -> Entry {
        let header = |name| call.headers.get(name).and_then(|value| value.to_str().ok());
        let (shown, _) = header(header::AUTHORIZATION)
            .map(|value| value.split_once("Signature=").unwrap_or((value, "")))
            .unwrap_or_default();
        self.record.add(SeenRequest {
            number: 0,
            model: call.model.clone(),
            operation: call.operation.clone(),
            body: serde_json::from_slice(&call.body)
                .unwrap_or_else(|_| String::from_utf8_lossy(&call.body).into_owned().into()),
            at: SystemTime::now(),
            connection: call.connection.number,
            authorization: shown.to_owned(),
            user_agent: header(header::USER_AGENT).unwrap_or_default().to_owned(),
            headers: own_headers(&call.headers),
            step: String::new(),
            status: 0,
            refusal: String::new(),
            end: AnswerOutcome::Open,
        })
    }
}

/// The format of an operation, where it calls a model.
fn format(operation: &str) -> Option<CallFormat> {
    match operation {
        "converse" | "converse-stream" => Some(CallFormat::Converse),
        "invoke" | "invoke-with-response-stream" => Some(CallFormat::Messages),
        _ => None,
    }
}

/// The headers that say what members of a body would.
fn own_headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let own = headers.iter().filter(|(name, _)| {
        name.as_str().starts_with("x-amzn-bedrock-") || name.as_str() == "anthropic-beta"
    });
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    own.map(|(name, value)| (name.to_string(), text(value)))
        .collect()
}

/// Gives an answer an id.
pub(super) fn request_id(response: &mut Response) {
    if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
}

fn asks_for_stop_sequence(asked: &CheckedRequest<'_>) -> bool {
    let paths = asked.body.get("additionalModelResponseFieldPaths");
    let paths = paths.and_then(Value::as_array).into_iter().flatten();
    paths.into_iter().any(|path| path == "/stop_sequence")
}

fn refuse(entry: &Entry, failure: ErrorReply) -> Response {
    entry.refused(failure.status, &failure.message);
    failure.into_response()
}

/// Some figure that looks like the real one.
pub(super) fn latency(events: usize) -> u64 {
    250 + 12 * events as u64
}

/// A model that can do everything, for ids that only a script knows and for ARNs, whose model cannot be seen.
pub(super) fn able(id: &str) -> Model {
    Model {
        id: id.to_owned(),
        family: Family::Other,
        limits: Limits::default(),
        price: None,
        abilities: Abilities {
            caching: Some(Caching {
                min_tokens: 1024,
                one_hour: true,
                tools: true,
            }),
            thinking: ThinkingSupport::BudgetOrAdaptive,
            vision: true,
            documents: true,
            tools: true,
            tool_choice: true,
            tools_while_streaming: true,
            system: true,
            sampling: true,
            prefill: true,
            json_schema: true,
            effort: true,
            effort_xhigh: true,
            effort_max: true,
            parallel_tool_use_config: true,
            eager_tool_input: true,
            forced_tool_choice: true,
            mid_conversation_system: true,
            strict_tools: true,
            tool_result_images: true,
            tool_result_documents: true,
            text_beside_results: true,
            documents_beside_results: true,
            thinking_off: true,
            stop_sequences: true,
            long_context_beta: true,
            thinking_binding: true,
            effort_none: true,
            encrypted_thinking: true,
            cached_in_input: false,
        },
        lifecycle: Lifecycle::default(),
        kind: ModelKind::Chat,
        retrieval: None,
        converse: true,
        known: false,
    }
}

//! One request from its arrival to its answer.

use std::{
    future,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime},
};

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use serde_json::Value;

use super::{
    Event, Failure, Options, Outcome, Reply, Served, Step, Tokens, auth,
    cache::PromptCache,
    connection::Connection,
    count, echo,
    queue::Scripts,
    record::{End, Entry, Record, Seen},
    stream::{self, Action},
    validate::{self, Asked},
};
use crate::catalog::{Abilities, Caching, Family, Limits, Model, ThinkingSupport};

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
pub(super) struct Service {
    options: Options,
    scripts: Mutex<Scripts>,
    cache: Mutex<PromptCache>,
    record: Record,
}

/// What a request is answered with, before it is known whether as a stream or as JSON.
struct Answer {
    reply: Reply,
    tokens: Tokens,
    served: Served,
}

impl Service {
    pub(super) fn new(options: Options) -> Self {
        Self {
            options,
            scripts: Mutex::default(),
            cache: Mutex::default(),
            record: Record::default(),
        }
    }

    pub(super) fn scripts(&self) -> MutexGuard<'_, Scripts> {
        self.scripts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn record(&self) -> &Record {
        &self.record
    }

    pub(super) fn reset(&self) {
        *self.scripts() = Scripts::default();
        *self.cache.lock().unwrap_or_else(PoisonError::into_inner) = PromptCache::default();
        self.record.clear();
    }

    /// Answers, or never does.
    pub(super) async fn answer(&self, call: Call) -> Response {
        let entry = self.note(&call);
        let scripted = self.scripts().next(&call.model);
        let by_script = scripted.is_some();
        let step = scripted.unwrap_or_default();
        if by_script {
            entry.step(step.label());
        }
        if !step.head_delay.is_zero() {
            tokio::time::sleep(step.head_delay).await;
        }
        match &step.outcome {
            Outcome::Reset => {
                call.connection.reset();
                return future::pending().await;
            }
            Outcome::Hang => return future::pending().await,
            Outcome::Fail(failure) => return refuse(&entry, failure.clone()),
            Outcome::Echo | Outcome::Reply(_) | Outcome::Events(_) | Outcome::Bytes(_) => {}
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
    ) -> Result<Response, Failure> {
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
            _ => return Err(Failure::new(404, "UnknownOperationException", "")),
        };
        if self.options.check_auth {
            auth::check(&call.headers)?;
        }
        let body: Value = serde_json::from_slice(&call.body)
            .map_err(|_| Failure::new(400, "SerializationException", ""))?;
        let model = self.model(&call.model, by_script)?;
        let asked = Asked {
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
                Outcome::Bytes(bytes) => bytes.clone(),
                _ => self.whole(step, &call.model, &asked).await,
            };
            entry.status(200);
            Response::new(stream::body(stream::whole(step, &bytes), entry.clone()))
        };
        let content_type = if streaming {
            "application/vnd.amazon.eventstream"
        } else {
            "application/json"
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        if let Ok(id) = HeaderValue::from_str(&uuid::Uuid::new_v4().to_string()) {
            headers.insert("x-amzn-requestid", id);
        }
        Ok(response)
    }

    /// What a stream does under this step.
    fn stream(&self, step: &Step, model: &str, asked: &Asked<'_>) -> Vec<Action> {
        match &step.outcome {
            Outcome::Bytes(bytes) => stream::raw(step, bytes),
            Outcome::Events(events) => stream::plan(step, events, self.options.pace),
            _ => {
                let answer = self.reply(step, model, asked);
                let mut events: Vec<Event> = answer.reply.events();
                if !step.no_metadata {
                    let latency = latency(events.len());
                    events.push(answer.tokens.metadata(&answer.served, latency));
                }
                stream::plan(step, &events, self.options.pace)
            }
        }
    }

    /// The body of an answer that is no stream, after the time that the stream would have taken.
    async fn whole(&self, step: &Step, model: &str, asked: &Asked<'_>) -> Bytes {
        let answer = self.reply(step, model, asked);
        let pieces = answer.reply.events().len();
        let pace = step.pace.unwrap_or(self.options.pace);
        let pause = pace.saturating_mul(u32::try_from(pieces).unwrap_or(0));
        tokio::time::sleep(pause).await;
        let body = answer
            .reply
            .body(answer.tokens, &answer.served, latency(pieces));
        body.to_string().into()
    }

    fn reply(&self, step: &Step, model: &str, asked: &Asked<'_>) -> Answer {
        let reply = match &step.outcome {
            Outcome::Reply(reply) => reply.clone(),
            _ => echo::answer(model, asked),
        }
        .settled();
        let reply = Reply {
            stop_sequence: reply
                .stop_sequence
                .filter(|_| asks_for_stop_sequence(asked)),
            ..reply
        };
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let mut tokens = cache.account(model, asked, Instant::now());
        drop(cache);
        tokens.output = reply.estimated_output();
        Answer {
            tokens: reply.usage.unwrap_or(tokens),
            served: (reply.served.clone()).unwrap_or_else(|| Served::as_asked(asked.body)),
            reply,
        }
    }

    /// The model behind an id. A scripted id need not exist: tests may call their targets what they like.
    fn model(&self, id: &str, by_script: bool) -> Result<Model, Failure> {
        let found = (self.options.lookup)(id).filter(|model| model.known);
        match found {
            Some(model) if by_script || !self.is_retired(&model) => Ok(model),
            None if by_script || id.starts_with("arn:") => Ok(able(id)),
            _ => Err(Failure::validation(
                "The provided model identifier is invalid.",
            )),
        }
    }

    fn is_retired(&self, model: &Model) -> bool {
        let today = self.options.today;
        model.end_of_life.is_some_and(|day| day <= today)
    }

    fn note(&self, call: &Call) -> Entry {
        let header = |name| call.headers.get(name).and_then(|value| value.to_str().ok());
        let (shown, _) = header(header::AUTHORIZATION)
            .map(|value| value.split_once("Signature=").unwrap_or((value, "")))
            .unwrap_or_default();
        self.record.add(Seen {
            number: 0,
            model: call.model.clone(),
            operation: call.operation.clone(),
            body: serde_json::from_slice(&call.body)
                .unwrap_or_else(|_| String::from_utf8_lossy(&call.body).into_owned().into()),
            at: SystemTime::now(),
            connection: call.connection.number,
            authorization: shown.to_owned(),
            user_agent: header(header::USER_AGENT).unwrap_or_default().to_owned(),
            step: String::new(),
            status: 0,
            refusal: String::new(),
            end: End::Open,
        })
    }
}

fn asks_for_stop_sequence(asked: &Asked<'_>) -> bool {
    let paths = asked.body.get("additionalModelResponseFieldPaths");
    let paths = paths.and_then(Value::as_array).into_iter().flatten();
    paths.into_iter().any(|path| path == "/stop_sequence")
}

fn refuse(entry: &Entry, failure: Failure) -> Response {
    entry.refused(failure.status, &failure.message);
    failure.into_response()
}

/// Some figure that looks like the real one.
fn latency(events: usize) -> u64 {
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
        },
        end_of_life: None,
        known: false,
    }
}

//! One request from its arrival to its answer.

use std::{
    collections::BTreeMap,
    future,
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use axum::response::Response;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

use super::{
    CallFormat, ErrorReply, SimulatorOptions, Step, StepOutcome, auth,
    cache::PromptCache,
    connection::Connection,
    count,
    queue::Scripts,
    record::{AnswerOutcome, Entry, RequestLog, SeenRequest},
    stream,
};

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
        match call.operation.as_str() {
            "converse" => self.converse(call, step, by_script, false, entry).await,
            "converse-stream" => self.converse(call, step, by_script, true, entry).await,
            "count-tokens" => {
                if self.options.check_auth {
                    auth::check(&call.headers)?;
                }
                let model = self.model(&call.model, by_script)?;
                let counted = count::answer(&call.model, &model, &call.body)?;
                entry.status(200);
                Ok(counted)
            }
            "invoke" if self.retrieves(&call.model) => {
                self.retrieve(call, step, by_script, entry).await
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
                Ok(response)
            }
            "invoke" => self.invoke(call, step, by_script, false, entry).await,
            "invoke-with-response-stream" => self.invoke(call, step, by_script, true, entry).await,
            _ => Err(ErrorReply::new(404, "UnknownOperationException", "")),
        }
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

fn refuse(entry: &Entry, failure: ErrorReply) -> Response {
    entry.refused(failure.status, &failure.message);
    failure.into_response()
}

/// Some figure that looks like the real one.
pub(super) fn latency(events: usize) -> u64 {
    250 + 12 * events as u64
}

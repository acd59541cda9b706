//! InvokeModel of the models for vectors and for the order of documents, each in its own form.
//!
//! Vectors are made of a text's hash: the same text has the same vector, and none means anything. Refusals are in the
//! words of the real service where those are known (pydantic/pydantic-ai's recordings, awslabs and LiteLLM issues); the
//! others follow the pattern of its check of forms.

mod embeddings;
mod form;
mod rerank;
#[cfg(test)]
mod tests;
mod vectors;

use axum::response::Response;
use http::{HeaderValue, header};
use serde_json::Value;

use super::record::Entry;
use super::service::{Call, SimulatorService};
use super::{ErrorReply, Step, StepOutcome, auth, stream};
use crate::catalog::{Model, Retrieval};

/// What such a model says.
#[derive(Debug)]
struct RetrievalAnswer {
    body: Value,
    /// `x-amzn-bedrock-input-token-count`; `None`: the service does not say it of this model.
    tokens: Option<u64>,
}

impl SimulatorService {
    /// Whether this model makes vectors or puts documents in order.
    pub(super) fn retrieves(&self, model: &str) -> bool {
        (self.options.lookup)(model).is_some_and(|model| model.retrieval.is_some())
    }

    /// InvokeModel of such a model.
    pub(super) async fn retrieve(
        &self,
        call: &Call,
        step: &Step,
        by_script: bool,
        entry: &Entry,
    ) -> Result<Response, ErrorReply> {
        if self.options.check_auth {
            auth::check(&call.headers)?;
        }
        let body: Value = serde_json::from_slice(&call.body)
            .map_err(|_| ErrorReply::new(400, "SerializationException", ""))?;
        let model = self.model(&call.model, by_script)?;
        let Some(retrieval) = &model.retrieval else {
            return Err(ErrorReply::new(404, "UnknownOperationException", ""));
        };
        let answer = answer(retrieval, &model, &body)?;
        tokio::time::sleep(step.pace.unwrap_or(self.options.pace)).await;
        let bytes = match &step.outcome {
            StepOutcome::Bytes(bytes) => bytes.clone(),
            _ => answer.body.to_string().into(),
        };
        entry.status(200);
        let actions = stream::buffered(step, &bytes);
        let mut response = Response::new(stream::body(actions, entry.clone()));
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
        if let Some(tokens) = answer.tokens.filter(|_| !step.no_metadata) {
            let tokens = HeaderValue::from(tokens);
            headers.insert("x-amzn-bedrock-input-token-count", tokens);
        }
        Ok(response)
    }
}

/// What this model answers to a body, or the refusal.
fn answer(
    retrieval: &Retrieval,
    model: &Model,
    body: &Value,
) -> Result<RetrievalAnswer, ErrorReply> {
    match retrieval {
        Retrieval::Embedding(embedding) => embeddings::answer(embedding, model, body),
        Retrieval::Rerank(rerank) => rerank::answer(*rerank, body),
    }
}

/// The tokens of a text, near enough.
fn tokens(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4) + 1
}

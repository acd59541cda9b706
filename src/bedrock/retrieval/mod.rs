//! Requests for vectors and for the order of documents as one model takes them: which calls they become, what is sent
//! with each, and what its answer means.

mod embeddings;
mod fit;
mod rerank;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::catalog::{Model, Retrieval};
use crate::conversation::Usage;
use crate::retrieval::{Ranked, RetrievalRequest, Vector, estimated_tokens, search_units};

use super::call::Endpoint;
use super::class::Class;
use super::failure::Failure;

pub use fit::{Unfit, check};

/// A request for one model, which can answer it.
#[derive(Debug, Clone, Copy)]
pub struct RetrievalPlan<'a> {
    request: &'a RetrievalRequest,
    retrieval: &'a Retrieval,
}

/// What came of one call.
#[derive(Debug)]
pub struct CallAnswer {
    /// What it says of its inputs.
    pub found: RetrievalResult,
    /// What is billed for it.
    pub usage: Usage,
    /// How long the answer was, in bytes.
    pub bytes: u64,
}

/// What one call has found.
#[derive(Debug)]
pub enum RetrievalResult {
    /// A vector of each of its texts.
    Vectors(Vec<Vector>),
    /// All documents that are wanted, the best first.
    Ranking(Vec<Ranked>),
}

impl<'a> RetrievalPlan<'a> {
    /// The plan for a model. A model of another kind has none.
    pub fn new(request: &'a RetrievalRequest, model: &'a Model) -> Result<Self, Failure> {
        match (&model.retrieval, request) {
            (Some(retrieval @ Retrieval::Embedding(_)), RetrievalRequest::Embed(_))
            | (Some(retrieval @ Retrieval::Rerank(_)), RetrievalRequest::Rerank(_)) => {
                Ok(Self { request, retrieval })
            }
            _ => Err(Failure {
                status: Some(400),
                ..Failure::new(
                    Class::Rejected,
                    format!(
                        "the model {} is of the kind {}, not {}",
                        model.id,
                        model.kind,
                        request.kind()
                    ),
                )
            }),
        }
    }

    /// The calls for these inputs, each with the places of its own.
    pub fn calls(&self, inputs: &[usize]) -> Vec<Vec<usize>> {
        let most = match self.retrieval {
            Retrieval::Embedding(embedding) => embedding.body.texts_per_call(),
            Retrieval::Rerank(_) => inputs.len().max(1),
        };
        inputs.chunks(most).map(<[usize]>::to_vec).collect()
    }

    /// Makes one of the calls.
    pub async fn call(
        &self,
        endpoint: &Endpoint,
        model_id: &str,
        inputs: &[usize],
        limit: Duration,
    ) -> Result<CallAnswer, Failure> {
        let body = self.body(inputs)?;
        let invoked = endpoint.invoke(model_id, body, limit).await;
        let invoked = invoked.map_err(|failure| self.with_place(failure, inputs))?;
        self.read(inputs, &invoked.body, invoked.input_tokens)
    }

    /// What is sent.
    fn body(&self, inputs: &[usize]) -> Result<Vec<u8>, Failure> {
        let body = match (self.retrieval, self.request) {
            (Retrieval::Embedding(embedding), RetrievalRequest::Embed(request)) => {
                embeddings::body(embedding, request, &texts(request, inputs))
            }
            (Retrieval::Rerank(rerank), RetrievalRequest::Rerank(request)) => {
                rerank::body(*rerank, request)
            }
            _ => return Err(Failure::internal()),
        };
        body.map_err(|error| Failure::new(Class::Internal, error.to_string()))
    }

    /// What an answer means.
    fn read(
        &self,
        inputs: &[usize],
        body: &[u8],
        counted: Option<u64>,
    ) -> Result<CallAnswer, Failure> {
        let unreadable = |why: String| {
            tracing::warn!(why, "an answer could not be read");
            Failure::new(Class::Cut, "the answer could not be read")
        };
        let (found, in_body) = match self.request {
            RetrievalRequest::Embed(request) => {
                let read = embeddings::read(body, inputs.len(), request.encoding);
                let (vectors, tokens) = read.map_err(unreadable)?;
                (RetrievalResult::Vectors(vectors), tokens)
            }
            RetrievalRequest::Rerank(request) => {
                let (ranking, units) = rerank::read(body, request).map_err(unreadable)?;
                (RetrievalResult::Ranking(ranking), units)
            }
        };
        Ok(CallAnswer {
            found,
            usage: self.usage(inputs, counted, in_body),
            bytes: body.len() as u64,
        })
    }

    /// What is billed: as the answer's head says, else as its body does, else judged by what was sent.
    fn usage(&self, inputs: &[usize], counted: Option<u64>, in_body: Option<u64>) -> Usage {
        match self.request {
            RetrievalRequest::Embed(request) => {
                let known = counted.or(in_body);
                let judged = || {
                    let texts = texts(request, inputs);
                    texts.iter().map(|text| estimated_tokens(text)).sum()
                };
                Usage {
                    input: known.unwrap_or_else(judged),
                    estimated: known.is_none(),
                    ..Usage::default()
                }
            }
            RetrievalRequest::Rerank(request) => {
                let judged = search_units(request);
                Usage {
                    input: counted.unwrap_or(0),
                    search_units: in_body.unwrap_or(judged.units),
                    estimated: in_body.is_none() && judged.estimated,
                    ..Usage::default()
                }
            }
        }
    }

    /// Names the input in a refusal that can only be about it. Of many in one call Bedrock names the place among these.
    fn with_place(&self, failure: Failure, inputs: &[usize]) -> Failure {
        match (self.request, inputs) {
            (RetrievalRequest::Embed(request), [only])
                if failure.is_refusal() && request.texts.len() > 1 =>
            {
                Failure {
                    message: format!("input[{only}]: {}", failure.message),
                    ..failure
                }
            }
            _ => failure,
        }
    }
}

/// The texts at these places.
fn texts<'r>(request: &'r crate::retrieval::EmbedRequest, inputs: &[usize]) -> Vec<&'r str> {
    let texts = inputs.iter().filter_map(|at| request.texts.get(*at));
    texts.map(String::as_str).collect()
}

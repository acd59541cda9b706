//! Wires in which clients ask for vectors and for the order of documents.

use std::fmt;

use http::HeaderMap;
use serde_json::Value;

use crate::conversation::Usage;
use crate::retrieval::{RetrievalRequest, Retrieved};

use super::loose::Loose;
use super::{ApiError, DroppedFields, GatewayParams, Labels, MockFailure, RequestOptions};

/// A wire format in which clients ask for vectors or for the order of documents.
pub trait RetrievalWire: fmt::Debug + Send + Sync {
    /// By which route a request came, as its record says it: LiteLLM's `call_type`.
    fn call_type(&self) -> &'static str;

    /// Parses a request's body. The error names the field that was wrong.
    fn parse(&self, body: &[u8], headers: &HeaderMap) -> Result<ParsedRetrieval, ApiError>;

    /// The body of a reply, as JSON.
    ///
    /// # Errors
    /// When the reply is no JSON, which no reply can be.
    fn reply(&self, reply: RetrievalReply<'_>) -> Result<Vec<u8>, serde_json::Error>;
}

/// A request's body, parsed.
#[derive(Debug)]
pub struct ParsedRetrieval {
    /// What is asked.
    pub request: RetrievalRequest,
    /// What is said beside it.
    pub options: RequestOptions,
    /// The client wants the documents back with their scores.
    pub return_documents: bool,
}

/// What a reply is made of.
#[derive(Debug)]
pub struct RetrievalReply<'a> {
    /// The request's id.
    pub id: String,
    /// The group that answered.
    pub model: &'a str,
    /// The answer.
    pub retrieved: &'a Retrieved,
    /// The documents, where they are wanted back.
    pub documents: Option<&'a [String]>,
    /// What was billed.
    pub usage: Usage,
}

/// What bodies of these wires have beside what they ask for: labels, and the gateway's own fields by LiteLLM's names.
#[derive(Debug, Default)]
pub(crate) struct RetrievalExtras {
    pub(crate) user: Loose<String>,
    pub(crate) session: Loose<String>,
    pub(crate) metadata: Option<Value>,
    pub(crate) tags: Option<Value>,
    pub(crate) num_retries: Option<u32>,
    pub(crate) timeout: Option<f64>,
    pub(crate) disable_fallbacks: Option<bool>,
    pub(crate) mock_testing_fallbacks: Option<bool>,
}

impl RetrievalExtras {
    /// The options of a request for this model. `dropped` names what of the body is ignored.
    pub(crate) fn options(
        self,
        model: Option<String>,
        mut dropped: DroppedFields,
        headers: &HeaderMap,
    ) -> Result<RequestOptions, ApiError> {
        let labels = Labels::new(
            self.user.or_dropped("user", &mut dropped),
            self.session.or_dropped("litellm_session_id", &mut dropped),
            self.tags.as_ref(),
            self.metadata.as_ref(),
            headers,
        )?;
        let params = GatewayParams {
            num_retries: self.num_retries,
            timeout: self.timeout,
            disable_fallbacks: self.disable_fallbacks,
            mock_failure: (self.mock_testing_fallbacks == Some(true))
                .then_some(MockFailure::Unavailable),
            ..GatewayParams::default()
        };
        Ok(RequestOptions {
            model,
            labels,
            dropped: dropped.into_names(),
            ..RequestOptions::from_params(params, headers)?
        })
    }
}

//! The wire of `POST /rerank`: Cohere's, which Jina's, vLLM's and LiteLLM's are alike.
//!
//! <https://docs.cohere.com/reference/rerank>, <https://jina.ai/reranker/>. A reply has what clients of either read.

#[cfg(test)]
mod tests;

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::retrieval::{RerankRequest, RetrievalRequest, Retrieved};
use crate::wire::openai::unsupported;
use crate::wire::{
    self, ApiError, DroppedFields, Loose, ParsedRetrieval, RetrievalExtras, RetrievalReply,
    RetrievalWire, numbers,
};

/// The wire of `POST /rerank`.
#[derive(Debug)]
pub struct Reranking;

/// The body as it came.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
struct RerankBody {
    model: Option<String>,
    query: Option<String>,
    documents: Option<Vec<Value>>,
    #[serde(default, deserialize_with = "numbers::count")]
    top_n: Option<u32>,
    return_documents: Option<bool>,
    #[serde(default)]
    user: Loose<String>,
    metadata: Option<Value>,
    tags: Option<Value>,
    #[serde(default)]
    litellm_session_id: Loose<String>,
    #[serde(default, deserialize_with = "numbers::count")]
    num_retries: Option<u32>,
    timeout: Option<f64>,
    disable_fallbacks: Option<bool>,
    mock_testing_fallbacks: Option<bool>,
    /// Nothing of these bodies is dropped or refused by that.
    #[serde(rename = "drop_params")]
    _drop_params: Option<bool>,
}

impl RetrievalWire for Reranking {
    fn call_type(&self) -> &'static str {
        "arerank"
    }

    fn parse(&self, body: &[u8], headers: &HeaderMap) -> Result<ParsedRetrieval, ApiError> {
        let (body, mut unknown): (RerankBody, _) = wire::parse(body)?;
        unknown.retain(|field| unsupported::is_unknown(field));
        let query = body.query.filter(|query| !query.is_empty());
        let query = query.ok_or_else(|| ApiError::missing("query"))?;
        let documents = body.documents.unwrap_or_default();
        if documents.is_empty() {
            let what = "a list of strings or objects, with one at least";
            return Err(ApiError::missing_value("documents", what));
        }
        if body.top_n == Some(0) {
            let message = "'top_n' must be at least 1.";
            return Err(ApiError::bad_request(message, "top_n"));
        }
        let documents = documents.into_iter().enumerate();
        let documents = documents.map(|(at, document)| text_of(document, at));
        let request = RerankRequest {
            query,
            documents: documents.collect::<Result<_, _>>()?,
            top_n: body.top_n.map(|wanted| wanted as usize),
        };
        let extras = RetrievalExtras {
            user: body.user,
            session: body.litellm_session_id,
            metadata: body.metadata,
            tags: body.tags,
            num_retries: body.num_retries,
            timeout: body.timeout,
            disable_fallbacks: body.disable_fallbacks,
            mock_testing_fallbacks: body.mock_testing_fallbacks,
        };
        Ok(ParsedRetrieval {
            request: RetrievalRequest::Rerank(request),
            options: extras.options(body.model, DroppedFields::fields(unknown), headers)?,
            return_documents: body.return_documents.unwrap_or(false),
        })
    }

    fn reply(&self, reply: RetrievalReply<'_>) -> Result<Vec<u8>, serde_json::Error> {
        let ranking = match reply.retrieved {
            Retrieved::Ranking(ranking) => ranking.as_slice(),
            Retrieved::Vectors(_) => &[],
        };
        let results = ranking.iter().map(|ranked| RerankResult {
            index: ranked.index,
            relevance_score: &ranked.score,
            document: reply.documents.and_then(|documents| {
                let text = documents.get(ranked.index)?;
                Some(ReturnedDocument { text })
            }),
        });
        serde_json::to_vec(&RerankReply {
            id: &reply.id,
            model: reply.model,
            results: results.collect(),
            meta: RerankMeta {
                billed_units: BilledUnits {
                    search_units: reply.usage.search_units,
                },
            },
            usage: RerankUsage {
                total_tokens: reply.usage.input,
            },
        })
    }
}

/// The text of a document: a string is one, and so is the `text` of an object; of any other object it is its JSON.
fn text_of(document: Value, at: usize) -> Result<String, ApiError> {
    let param = || format!("documents[{at}]");
    let text = match document {
        Value::String(text) => text,
        Value::Object(mut fields) => match fields.remove("text") {
            Some(Value::String(text)) => text,
            Some(other) => {
                fields.insert("text".to_owned(), other);
                Value::Object(fields).to_string()
            }
            None => Value::Object(fields).to_string(),
        },
        _ => {
            let param = param();
            let message = format!("'{param}' must be a string or an object.");
            return Err(ApiError::bad_request(message, param));
        }
    };
    if text.is_empty() {
        let param = param();
        let message = format!("'{param}' must not be empty.");
        return Err(ApiError::bad_request(message, param));
    }
    Ok(text)
}

#[derive(Serialize)]
struct RerankReply<'a> {
    id: &'a str,
    model: &'a str,
    results: Vec<RerankResult<'a>>,
    /// Cohere's.
    meta: RerankMeta,
    /// Jina's.
    usage: RerankUsage,
}

#[derive(Serialize)]
struct RerankResult<'a> {
    index: usize,
    relevance_score: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<ReturnedDocument<'a>>,
}

#[derive(Serialize)]
struct ReturnedDocument<'a> {
    text: &'a str,
}

#[derive(Serialize)]
struct RerankMeta {
    billed_units: BilledUnits,
}

#[derive(Serialize)]
struct BilledUnits {
    search_units: u64,
}

#[derive(Serialize)]
struct RerankUsage {
    total_tokens: u64,
}

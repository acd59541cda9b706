//! The wire of `POST /embeddings`.

mod input;
#[cfg(test)]
mod tests;

use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::retrieval::{
    EmbedRequest, Encoding, Purpose, RetrievalRequest, Retrieved, Truncation, Vector,
};
use crate::wire::openai::unsupported;
use crate::wire::{
    self, ApiError, DroppedFields, Loose, ParsedRetrieval, RetrievalExtras, RetrievalReply,
    RetrievalWire, numbers,
};

use input::EmbeddingsInput;

/// The wire of `POST /embeddings`.
#[derive(Debug)]
pub struct Embeddings;

/// The body as it came. `input_type` and `truncate` are Cohere's, as LiteLLM takes them.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
struct EmbeddingsBody {
    model: Option<String>,
    input: Option<EmbeddingsInput>,
    #[serde(default, deserialize_with = "numbers::count")]
    dimensions: Option<u32>,
    encoding_format: Option<String>,
    input_type: Option<String>,
    truncate: Option<String>,
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

impl RetrievalWire for Embeddings {
    fn call_type(&self) -> &'static str {
        "aembedding"
    }

    fn parse(&self, body: &[u8], headers: &HeaderMap) -> Result<ParsedRetrieval, ApiError> {
        let (body, mut unknown): (EmbeddingsBody, _) = wire::parse(body)?;
        let input = body.input.ok_or_else(|| ApiError::missing("input"))?;
        unknown.retain(|field| unsupported::is_unknown(field));
        let request = EmbedRequest {
            texts: input.into_texts()?,
            dimensions: body.dimensions,
            purpose: one_of("input_type", body.input_type.as_deref(), &PURPOSES)?,
            truncation: one_of("truncate", body.truncate.as_deref(), &TRUNCATIONS)?.flatten(),
            encoding: one_of(
                "encoding_format",
                body.encoding_format.as_deref(),
                &ENCODINGS,
            )?
            .unwrap_or_default(),
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
            request: RetrievalRequest::Embed(request),
            options: extras.options(body.model, DroppedFields::fields(unknown), headers)?,
            return_documents: false,
        })
    }

    fn reply(&self, reply: RetrievalReply<'_>) -> Result<Vec<u8>, serde_json::Error> {
        let vectors = match reply.retrieved {
            Retrieved::Vectors(vectors) => vectors.as_slice(),
            Retrieved::Ranking(_) => &[],
        };
        let data = vectors.iter().enumerate();
        let data = data.map(|(index, embedding)| DataItem {
            object: "embedding",
            index,
            embedding,
        });
        let tokens = reply.usage.input;
        serde_json::to_vec(&EmbeddingsReply {
            object: "list",
            data: data.collect(),
            model: reply.model,
            usage: EmbeddingsUsage {
                prompt_tokens: tokens,
                total_tokens: tokens,
            },
        })
    }
}

#[derive(Serialize)]
struct EmbeddingsReply<'a> {
    object: &'static str,
    data: Vec<DataItem<'a>>,
    model: &'a str,
    usage: EmbeddingsUsage,
}

#[derive(Serialize)]
struct DataItem<'a> {
    object: &'static str,
    index: usize,
    embedding: &'a Vector,
}

#[derive(Serialize)]
struct EmbeddingsUsage {
    prompt_tokens: u64,
    total_tokens: u64,
}

const ENCODINGS: [(&str, Encoding); 2] = [("float", Encoding::Float), ("base64", Encoding::Base64)];

const PURPOSES: [(&str, Purpose); 4] = [
    ("search_document", Purpose::SearchDocument),
    ("search_query", Purpose::SearchQuery),
    ("classification", Purpose::Classification),
    ("clustering", Purpose::Clustering),
];

/// `LEFT` and `RIGHT` are what the page of Cohere's v4 calls them.
const TRUNCATIONS: [(&str, Option<Truncation>); 5] = [
    ("NONE", None),
    ("START", Some(Truncation::Start)),
    ("END", Some(Truncation::End)),
    ("LEFT", Some(Truncation::Start)),
    ("RIGHT", Some(Truncation::End)),
];

/// What a word means of those that a field may have, in OpenAI's words where it means nothing.
fn one_of<T: Copy>(
    field: &str,
    word: Option<&str>,
    words: &[(&str, T)],
) -> Result<Option<T>, ApiError> {
    let Some(word) = word else { return Ok(None) };
    let mut known = words.iter();
    if let Some((_, meaning)) = known.find(|(known, _)| known.eq_ignore_ascii_case(word)) {
        return Ok(Some(*meaning));
    }
    let supported: Vec<String> = words.iter().map(|(word, _)| format!("'{word}'")).collect();
    let message = format!(
        "Invalid value for '{field}' = {word}. Supported values: [{}].",
        supported.join(", ")
    );
    Err(ApiError::bad_request(message, field))
}

//! The forms in which models are asked for vectors, and in which they answer.
//!
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html>, `-titan-embed-mm`,
//! `-embed-v3`, `-embed-v4`; <https://docs.aws.amazon.com/nova/latest/userguide/embeddings-schema.html>. No types of vectors
//! are asked for, so numbers come: what Bedrock calls binary is another kind of vector, not another way to write it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::catalog::{Embedding, EmbeddingBody};
use crate::retrieval::{EmbedRequest, Encoding, Purpose, Truncation, Vector};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TitanBody<'a> {
    input_text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    dimensions: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding_config: Option<TitanImageConfig>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TitanImageConfig {
    output_embedding_length: u32,
}

#[derive(Serialize)]
struct CohereBody<'a> {
    texts: &'a [&'a str],
    input_type: &'static str,
    truncate: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_dimension: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NovaBody<'a> {
    schema_version: &'static str,
    task_type: &'static str,
    single_embedding_params: NovaParams<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NovaParams<'a> {
    embedding_purpose: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    embedding_dimension: Option<u32>,
    text: NovaText<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NovaText<'a> {
    truncation_mode: &'static str,
    value: &'a str,
}

/// What is sent for these texts. A text that is too long is refused unless the client has said where to cut it: a vector of
/// half a text passes for one of all of it.
pub(super) fn body(
    embedding: &Embedding,
    request: &EmbedRequest,
    texts: &[&str],
) -> Result<Vec<u8>, serde_json::Error> {
    let text = texts.first().copied().unwrap_or_default();
    // What the model does by itself is not said: some take no word of it.
    let own = embedding.dimensions.first().copied();
    let dimensions = request.dimensions.filter(|wanted| Some(*wanted) != own);
    let titan = TitanBody {
        input_text: text,
        dimensions: None,
        embedding_config: None,
    };
    match embedding.body {
        EmbeddingBody::TitanV1 => serde_json::to_vec(&titan),
        EmbeddingBody::TitanV2 => serde_json::to_vec(&TitanBody {
            dimensions,
            ..titan
        }),
        EmbeddingBody::TitanImage => serde_json::to_vec(&TitanBody {
            embedding_config: dimensions.map(|length| TitanImageConfig {
                output_embedding_length: length,
            }),
            ..titan
        }),
        EmbeddingBody::CohereV3 | EmbeddingBody::CohereV4 => serde_json::to_vec(&CohereBody {
            texts,
            input_type: input_type(request.purpose),
            truncate: truncation(request.truncation),
            output_dimension: dimensions,
        }),
        EmbeddingBody::Nova => serde_json::to_vec(&NovaBody {
            schema_version: "nova-multimodal-embed-v1",
            task_type: "SINGLE_EMBEDDING",
            single_embedding_params: NovaParams {
                embedding_purpose: embedding_purpose(request.purpose),
                embedding_dimension: dimensions,
                text: NovaText {
                    truncation_mode: truncation(request.truncation),
                    value: text,
                },
            },
        }),
    }
}

/// Cohere's word. It wants one, and what most texts are for is to be found.
fn input_type(purpose: Option<Purpose>) -> &'static str {
    match purpose {
        None | Some(Purpose::SearchDocument) => "search_document",
        Some(Purpose::SearchQuery) => "search_query",
        Some(Purpose::Classification) => "classification",
        Some(Purpose::Clustering) => "clustering",
    }
}

/// Nova's word, likewise.
fn embedding_purpose(purpose: Option<Purpose>) -> &'static str {
    match purpose {
        None | Some(Purpose::SearchDocument) => "GENERIC_INDEX",
        Some(Purpose::SearchQuery) => "GENERIC_RETRIEVAL",
        Some(Purpose::Classification) => "CLASSIFICATION",
        Some(Purpose::Clustering) => "CLUSTERING",
    }
}

fn truncation(truncation: Option<Truncation>) -> &'static str {
    match truncation {
        None => "NONE",
        Some(Truncation::Start) => "START",
        Some(Truncation::End) => "END",
    }
}

/// An answer, whichever the form.
#[derive(Deserialize)]
struct EmbeddingsAnswer<'a> {
    /// Titan's.
    #[serde(borrow)]
    embedding: Option<&'a RawValue>,
    /// Cohere's, a list or lists by type, and Nova's, a list of objects.
    #[serde(borrow)]
    embeddings: Option<&'a RawValue>,
    #[serde(rename = "inputTextTokenCount")]
    tokens: Option<u64>,
}

#[derive(Deserialize)]
struct ByType<'a> {
    #[serde(borrow)]
    float: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct NovaVector<'a> {
    #[serde(borrow)]
    embedding: &'a RawValue,
}

/// The vectors of an answer, which must be so many, and the tokens where it says them.
pub(super) fn read(
    body: &[u8],
    expected: usize,
    encoding: Encoding,
) -> Result<(Vec<Vector>, Option<u64>), String> {
    let read = || {
        let answer: EmbeddingsAnswer<'_> = serde_json::from_slice(body)?;
        let written = match (answer.embedding, answer.embeddings) {
            (Some(one), _) => vec![one],
            (None, Some(many)) => vectors(many)?,
            (None, None) => Vec::new(),
        };
        let vectors = written.into_iter().map(|vector| encode(vector, encoding));
        let vectors: Vec<Vector> = vectors.collect::<Result<_, serde_json::Error>>()?;
        Ok((vectors, answer.tokens))
    };
    let (vectors, tokens) = read().map_err(|error: serde_json::Error| error.to_string())?;
    if vectors.len() == expected {
        Ok((vectors, tokens))
    } else {
        Err(format!("{} vectors of {expected} texts", vectors.len()))
    }
}

/// The vectors of `embeddings`, as they are written.
fn vectors(written: &RawValue) -> Result<Vec<&RawValue>, serde_json::Error> {
    if written.get().starts_with('{') {
        return serde_json::from_str(written.get()).map(|by_type: ByType<'_>| by_type.float);
    }
    let list: Vec<&RawValue> = serde_json::from_str(written.get())?;
    let vector = |item: &'_ RawValue| item.get().starts_with('[');
    let vectors = list.into_iter().map(|item| match vector(item) {
        true => Ok(item),
        false => serde_json::from_str(item.get()).map(|nova: NovaVector<'_>| nova.embedding),
    });
    vectors.collect()
}

/// The vector as the client wants it.
fn encode(vector: &RawValue, encoding: Encoding) -> Result<Vector, serde_json::Error> {
    match encoding {
        Encoding::Float => Ok(vector.to_owned()),
        Encoding::Base64 => {
            let numbers: Vec<f32> = serde_json::from_str(vector.get())?;
            let bytes: Vec<u8> = numbers.into_iter().flat_map(f32::to_le_bytes).collect();
            to_raw_value(&BASE64_STANDARD.encode(bytes))
        }
    }
}

//! Vectors: the forms of Titan, Cohere and Nova.

use serde_json::{Value, json};

use super::super::ErrorReply;
use super::super::json::{at, list};
use super::form::{keys, length, malformed, text, word};
use super::vectors::vector;
use super::{RetrievalAnswer, tokens};
use crate::catalog::{Embedding, EmbeddingBody, Model};

/// Cohere's most texts in one call.
const MOST_TEXTS: usize = 96;
const INPUT_TYPES: [&str; 5] = [
    "search_document",
    "search_query",
    "classification",
    "clustering",
    "image",
];
const PURPOSES: [&str; 6] = [
    "GENERIC_INDEX",
    "GENERIC_RETRIEVAL",
    "TEXT_RETRIEVAL",
    "CLASSIFICATION",
    "CLUSTERING",
    "DOCUMENT_RETRIEVAL",
];

pub(super) fn answer(
    embedding: &Embedding,
    model: &Model,
    body: &Value,
) -> Result<RetrievalAnswer, ErrorReply> {
    match embedding.body {
        EmbeddingBody::TitanV1 => titan(embedding, model, body, &[]),
        EmbeddingBody::TitanV2 => titan(
            embedding,
            model,
            body,
            &["dimensions", "normalize", "embeddingTypes"],
        ),
        EmbeddingBody::TitanImage => {
            titan(embedding, model, body, &["inputImage", "embeddingConfig"])
        }
        EmbeddingBody::CohereV3 => cohere(embedding, model, body, &[]),
        EmbeddingBody::CohereV4 => {
            cohere(embedding, model, body, &["output_dimension", "max_tokens"])
        }
        EmbeddingBody::Nova => nova(embedding, model, body),
    }
}

fn titan(
    embedding: &Embedding,
    model: &Model,
    body: &Value,
    optional: &[&str],
) -> Result<RetrievalAnswer, ErrorReply> {
    keys(body, "#", &["inputText"], optional)?;
    let said = text(
        at(body, "/inputText"),
        "#/inputText",
        embedding.longest_text,
    )?;
    let (place, wanted) = match embedding.body {
        EmbeddingBody::TitanImage => (
            "#/embeddingConfig/outputEmbeddingLength",
            body.pointer("/embeddingConfig/outputEmbeddingLength"),
        ),
        _ => ("#/dimensions", body.get("dimensions")),
    };
    let length = length(wanted, place, &embedding.dimensions)?;
    let count = tokens(said);
    if let Some(most) = window(model).filter(|most| count > *most) {
        return Err(ErrorReply::validation(format!(
            "400 Bad Request: Too many input tokens. Max input tokens: {most}, request input token count: {count}"
        )));
    }
    let vector = vector(&embedding.space, said, "", length);
    let mut answer = json!({"embedding": vector, "inputTextTokenCount": count});
    if let (EmbeddingBody::TitanV2, Some(fields)) = (embedding.body, answer.as_object_mut()) {
        fields.insert("embeddingsByType".to_owned(), json!({"float": vector}));
    }
    Ok(RetrievalAnswer {
        body: answer,
        tokens: Some(count),
    })
}

fn cohere(
    embedding: &Embedding,
    model: &Model,
    body: &Value,
    optional: &[&str],
) -> Result<RetrievalAnswer, ErrorReply> {
    let optional = [&["truncate", "embedding_types"], optional].concat();
    keys(body, "#", &["texts", "input_type"], &optional)?;
    let texts = list(at(body, "/texts"));
    if texts.is_empty() || texts.len() > MOST_TEXTS {
        let (bound, found) = (
            if texts.is_empty() {
                "minimum"
            } else {
                "maximum"
            },
            texts.len(),
        );
        let most = if texts.is_empty() { 1 } else { MOST_TEXTS };
        return malformed(
            "#/texts",
            &format!("expected {bound} item count: {most}, found: {found}"),
        );
    }
    let purpose = word(body, "input_type", &INPUT_TYPES)?.unwrap_or_default();
    let truncate = word(body, "truncate", &["NONE", "START", "END", "LEFT", "RIGHT"])?;
    let wanted = body.get("output_dimension");
    let length = length(wanted, "#/output_dimension", &embedding.dimensions)?;
    let mut said = Vec::new();
    for (index, value) in texts.iter().enumerate() {
        said.push(text(
            value,
            &format!("#/texts/{index}"),
            embedding.longest_text,
        )?);
    }
    let most = window(model).unwrap_or(u64::MAX);
    let is_cut = truncate.is_some_and(|truncate| truncate != "NONE");
    if let Some(long) = said.iter().find(|text| tokens(text) > most && !is_cut) {
        return Err(ErrorReply::validation(format!(
            "too many tokens: total number of tokens in the prompt cannot exceed {most} - received {}",
            tokens(long)
        )));
    }
    let vectors: Vec<Value> = said
        .iter()
        .map(|text| vector(&embedding.space, text, purpose, length))
        .collect();
    let is_old = embedding.body == EmbeddingBody::CohereV3;
    let has_types = body.get("embedding_types").is_some();
    let (embeddings, kind) = if is_old && !has_types {
        (json!(vectors), "embeddings_floats")
    } else {
        (json!({"float": vectors}), "embeddings_by_type")
    };
    let echoed = said.iter().map(|text| match is_old {
        true => text.to_lowercase(),
        false => (*text).to_owned(),
    });
    let counted = said.iter().map(|text| tokens(text).min(most)).sum();
    Ok(RetrievalAnswer {
        body: json!({
            "id": uuid::Uuid::new_v4().to_string(), "embeddings": embeddings, "response_type": kind,
            "texts": echoed.collect::<Vec<_>>(),
        }),
        tokens: Some(counted),
    })
}

fn nova(embedding: &Embedding, model: &Model, body: &Value) -> Result<RetrievalAnswer, ErrorReply> {
    keys(
        body,
        "#",
        &["taskType", "singleEmbeddingParams"],
        &["schemaVersion"],
    )?;
    word(body, "taskType", &["SINGLE_EMBEDDING"])?;
    let params = at(body, "/singleEmbeddingParams");
    keys(
        params,
        "#/singleEmbeddingParams",
        &["embeddingPurpose", "text"],
        &["embeddingDimension"],
    )?;
    let purpose = word(params, "embeddingPurpose", &PURPOSES)?.unwrap_or_default();
    let given = at(params, "/text");
    keys(
        given,
        "#/singleEmbeddingParams/text",
        &["truncationMode", "value"],
        &[],
    )?;
    let truncate = word(given, "truncationMode", &["NONE", "START", "END"])?;
    let said = text(
        at(given, "/value"),
        "#/singleEmbeddingParams/text/value",
        embedding.longest_text,
    )?;
    let wanted = params.get("embeddingDimension");
    let place = "#/singleEmbeddingParams/embeddingDimension";
    let length = length(wanted, place, &embedding.dimensions)?;
    // It counts what it says to itself before a text that is to find something.
    let prefix = if purpose == "GENERIC_INDEX" { 0 } else { 14 };
    let count = tokens(said) + prefix;
    let most = window(model).unwrap_or(u64::MAX);
    if count > most && truncate == Some("NONE") {
        return Err(ErrorReply::validation(format!(
            "Too many input tokens. Max input tokens: {most}, request input token count: {count}"
        )));
    }
    let vector = vector(&embedding.space, said, purpose, length);
    Ok(RetrievalAnswer {
        body: json!({"embeddings": [{"embeddingType": "TEXT", "embedding": vector}]}),
        tokens: Some(count.min(most)),
    })
}

fn window(model: &Model) -> Option<u64> {
    model.limits.input.map(u64::from)
}

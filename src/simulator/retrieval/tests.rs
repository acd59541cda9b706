//! The recordings of the real service (pydantic/pydantic-ai@4fda3898), as far as forms go: what it took is taken, and what it
//! said is said in the same form.

use serde_json::{Value, json};

use super::*;
use crate::catalog::Catalog;

fn ask(id: &str, body: &Value) -> Result<RetrievalAnswer, ErrorReply> {
    let model = Catalog::bundled().resolve(id, None, None);
    let retrieval = model.retrieval.clone().unwrap();
    answer(&retrieval, &model, body)
}

/// The keys of a body, without the numbers.
fn form(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), form(value)))
            .collect(),
        Value::Array(items) if items.iter().all(Value::is_number) => json!(items.len()),
        Value::Array(items) => items.iter().map(form).collect(),
        _ => Value::Null,
    }
}

#[test]
fn answers_have_the_form_of_the_recordings() {
    let nova = |purpose: &str, extra: Value| {
        let mut params = json!({"embeddingPurpose": purpose, "text": {"value": "Hello, world!", "truncationMode": "NONE"}});
        if !extra.is_null() {
            params["embeddingDimension"] = extra;
        }
        json!({"taskType": "SINGLE_EMBEDDING", "singleEmbeddingParams": params})
    };
    let rows = [
        (
            "amazon.titan-embed-text-v1",
            json!({"inputText": "Hello, world!"}),
            json!({"embedding": 1536, "inputTextTokenCount": null}),
        ),
        (
            "amazon.titan-embed-text-v2:0",
            json!({"inputText": "Hello, world!", "dimensions": 256, "normalize": true}),
            json!({"embedding": 256, "embeddingsByType": {"float": 256}, "inputTextTokenCount": null}),
        ),
        (
            "cohere.embed-english-v3",
            json!({"texts": ["A", "b"], "input_type": "search_query", "truncate": "NONE"}),
            json!({"id": null, "embeddings": [1024, 1024], "response_type": null, "texts": [null, null]}),
        ),
        (
            "us.cohere.embed-v4:0",
            json!({"texts": ["A"], "input_type": "search_query", "truncate": "END", "output_dimension": 512}),
            json!({"id": null, "embeddings": {"float": [512]}, "response_type": null, "texts": [null]}),
        ),
        (
            "amazon.nova-2-multimodal-embeddings-v1:0",
            nova("GENERIC_RETRIEVAL", Value::Null),
            json!({"embeddings": [{"embeddingType": null, "embedding": 3072}]}),
        ),
        (
            "amazon.nova-2-multimodal-embeddings-v1:0",
            nova("GENERIC_INDEX", json!(256)),
            json!({"embeddings": [{"embeddingType": null, "embedding": 256}]}),
        ),
    ];
    for (id, body, expected) in rows {
        let found = ask(id, &body).unwrap();
        assert_eq!(form(&found.body), expected, "{id}");
        assert!(found.tokens > Some(0), "{id}");
        assert_eq!(
            ask(id, &body).unwrap().body["embedding"],
            found.body["embedding"],
            "the same text"
        );
    }
}

#[test]
fn what_a_model_does_not_take_is_refused_in_bedrock_s_words() {
    let texts = |texts: Value| json!({"texts": texts, "input_type": "search_document"});
    let rows = [
        (
            "amazon.titan-embed-text-v1",
            json!({"inputText": "a", "dimensions": 256}),
            "#: extraneous key [dimensions] is not permitted",
        ),
        (
            "amazon.titan-embed-text-v2:0",
            json!({"inputText": ""}),
            "#/inputText: expected minLength: 1, actual: 0",
        ),
        (
            "amazon.titan-embed-text-v2:0",
            json!({"inputText": "a", "dimensions": 100}),
            "#/dimensions: 100 is not a valid enum value",
        ),
        (
            "amazon.titan-embed-text-v2:0",
            json!({"inputText": "a".repeat(37_000)}),
            "400 Bad Request: Too many input tokens. Max input tokens: 8192, request input token count: 9251",
        ),
        (
            "cohere.embed-english-v3",
            texts(json!(["a".repeat(2_470)])),
            "#/texts/0: expected maxLength: 2048, actual: 2470",
        ),
        (
            "cohere.embed-english-v3",
            texts(json!(vec!["a"; 97])),
            "#/texts: expected maximum item count: 96, found: 97",
        ),
        (
            "cohere.embed-v4:0",
            json!({"texts": ["a"]}),
            "#: required key [input_type] not found",
        ),
        (
            "cohere.rerank-v3-5:0",
            json!({"query": "q", "documents": ["a"]}),
            "#: required key [api_version] not found",
        ),
        (
            "amazon.rerank-v1:0",
            json!({"query": "q", "documents": ["a"], "api_version": 2}),
            "#: extraneous key [api_version] is not permitted",
        ),
    ];
    for (id, body, words) in rows {
        let refusal = ask(id, &body).unwrap_err();
        assert_eq!(refusal.status, 400, "{id}");
        assert!(refusal.message.contains(words), "{id}: {}", refusal.message);
    }
}

#[test]
fn documents_are_ordered_by_what_they_have_in_common_with_the_query() {
    let documents = [
        "the sea",
        "capital of France",
        "Paris is the capital of France",
    ];
    let body = json!({"query": "What is the capital of France?", "documents": documents, "top_n": 2, "api_version": 2});
    let found = ask("cohere.rerank-v3-5:0", &body).unwrap();
    let results = found.body["results"].as_array().unwrap();
    let order: Vec<_> = results
        .iter()
        .map(|result| result["index"].as_u64().unwrap())
        .collect();
    assert_eq!(order, [2, 1]);
}

use serde_json::{Value, json};

use super::*;
use crate::catalog::Catalog;
use crate::retrieval::{EmbedRequest, Encoding, Purpose, RerankRequest, Truncation};

fn model(id: &str) -> Model {
    Catalog::bundled().resolve(id, None, None)
}

fn embed(texts: &[&str]) -> EmbedRequest {
    EmbedRequest {
        texts: texts.iter().map(|text| (*text).to_owned()).collect(),
        ..EmbedRequest::default()
    }
}

/// What is sent for the first call of this request.
fn sent(request: EmbedRequest, id: &str) -> Value {
    let (request, model) = (RetrievalRequest::Embed(request), model(id));
    let plan = RetrievalPlan::new(&request, &model).unwrap();
    let inputs: Vec<usize> = (0..request.inputs()).collect();
    let calls = plan.calls(&inputs);
    serde_json::from_slice(&plan.body(&calls[0]).unwrap()).unwrap()
}

#[test]
fn every_model_is_asked_in_its_own_form() {
    let short = |request: EmbedRequest| EmbedRequest {
        dimensions: Some(256),
        purpose: Some(Purpose::SearchQuery),
        truncation: Some(Truncation::End),
        ..request
    };
    let (one, two) = (embed(&["a"]), embed(&["a", "b"]));
    let rows = [
        (
            "amazon.titan-embed-text-v1",
            one.clone(),
            json!({"inputText": "a"}),
        ),
        (
            "amazon.titan-embed-text-v2:0",
            one.clone(),
            json!({"inputText": "a"}),
        ),
        (
            "amazon.titan-embed-text-v2:0",
            short(two.clone()),
            json!({"inputText": "a", "dimensions": 256}),
        ),
        (
            "amazon.titan-embed-image-v1",
            short(one.clone()),
            json!({"inputText": "a", "embeddingConfig": {"outputEmbeddingLength": 256}}),
        ),
        (
            "cohere.embed-english-v3",
            two.clone(),
            json!({"texts": ["a", "b"], "input_type": "search_document", "truncate": "NONE"}),
        ),
        (
            "us.cohere.embed-v4:0",
            short(two.clone()),
            json!({"texts": ["a", "b"], "input_type": "search_query", "truncate": "END", "output_dimension": 256}),
        ),
        (
            "amazon.nova-2-multimodal-embeddings-v1:0",
            one,
            json!({
                "schemaVersion": "nova-multimodal-embed-v1", "taskType": "SINGLE_EMBEDDING",
                "singleEmbeddingParams": {
                    "embeddingPurpose": "GENERIC_INDEX", "text": {"truncationMode": "NONE", "value": "a"},
                },
            }),
        ),
        (
            "amazon.nova-2-multimodal-embeddings-v1:0",
            short(two),
            json!({
                "schemaVersion": "nova-multimodal-embed-v1", "taskType": "SINGLE_EMBEDDING",
                "singleEmbeddingParams": {
                    "embeddingPurpose": "GENERIC_RETRIEVAL", "embeddingDimension": 256,
                    "text": {"truncationMode": "END", "value": "a"},
                },
            }),
        ),
    ];
    for (id, request, body) in rows {
        assert_eq!(sent(request, id), body, "{id}");
    }
}

#[test]
fn texts_are_split_into_as_many_calls_as_the_model_needs() {
    let texts = vec!["a"; 200];
    let request = RetrievalRequest::Embed(embed(&texts));
    for (id, sizes) in [
        ("cohere.embed-multilingual-v3", vec![96, 96, 8]),
        ("amazon.titan-embed-text-v2:0", vec![1; 200]),
    ] {
        let model = model(id);
        let plan = RetrievalPlan::new(&request, &model).unwrap();
        let inputs: Vec<usize> = (0..200).collect();
        let calls = plan.calls(&inputs);
        assert_eq!(
            calls.iter().map(Vec::len).collect::<Vec<_>>(),
            sizes,
            "{id}"
        );
        assert_eq!(calls.concat(), inputs, "{id}");
    }
}

/// The answer of a plan for so many texts to this body.
fn answer(body: &Value, texts: usize, encoding: Encoding) -> Result<CallAnswer, Failure> {
    let request = RetrievalRequest::Embed(EmbedRequest {
        encoding,
        ..embed(&vec!["some text"; texts])
    });
    let model = model("cohere.embed-v4:0");
    let plan = RetrievalPlan::new(&request, &model).unwrap();
    let inputs: Vec<usize> = (0..texts).collect();
    plan.read(&inputs, body.to_string().as_bytes(), None)
}

fn written(answer: CallAnswer) -> Vec<String> {
    let RetrievalResult::Vectors(vectors) = answer.found else {
        unreachable!("it was asked for vectors")
    };
    vectors
        .iter()
        .map(|vector| vector.get().to_owned())
        .collect()
}

#[test]
fn every_form_of_an_answer_is_read_and_its_digits_stay() {
    let numbers = "[-0.05289186164736748,1e-7]";
    let vector: Value = serde_json::from_str(numbers).unwrap();
    let bodies = [
        json!({"embedding": vector, "embeddingsByType": {"float": vector}, "inputTextTokenCount": 5}),
        json!({"embeddings": [vector], "response_type": "embeddings_floats"}),
        json!({"embeddings": {"float": [vector]}, "response_type": "embeddings_by_type", "texts": ["x"]}),
        json!({"embeddings": [{"embeddingType": "TEXT", "embedding": vector}]}),
    ];
    for body in &bodies {
        let found = answer(body, 1, Encoding::Float).unwrap();
        let counted = body.get("inputTextTokenCount").is_some();
        // Nine bytes are three tokens, where nobody has counted.
        assert_eq!(
            (found.usage.input, found.usage.estimated),
            if counted { (5, false) } else { (3, true) }
        );
        assert_eq!(written(found), [numbers], "{body}");
        let found = written(answer(body, 1, Encoding::Base64).unwrap());
        let expected = [-0.052_891_86_f32, 1e-7].map(f32::to_le_bytes).concat();
        use base64::Engine;
        let decoded = base64::prelude::BASE64_STANDARD.decode(found[0].trim_matches('"'));
        assert_eq!(decoded.unwrap(), expected, "{body}");
    }
    for (body, texts) in [
        (json!({"embeddings": [[1.0], [2.0]]}), 3),
        (json!({}), 1),
        (json!({"embedding": "AAAA"}), 2),
        (json!({"embeddings": {"int8": [[1]]}}), 1),
    ] {
        let failure = answer(&body, texts, Encoding::Float).unwrap_err();
        assert_eq!(failure.class, Class::Cut, "{body}");
    }
}

#[test]
fn documents_come_in_their_order_and_no_more_than_are_wanted() {
    let request = RetrievalRequest::Rerank(RerankRequest {
        query: "q".to_owned(),
        documents: ["a", "b", "c"].map(str::to_owned).to_vec(),
        top_n: Some(2),
    });
    for (id, version) in [
        ("cohere.rerank-v3-5:0", json!(2)),
        ("amazon.rerank-v1:0", Value::Null),
    ] {
        let model = model(id);
        let plan = RetrievalPlan::new(&request, &model).unwrap();
        let body: Value = serde_json::from_slice(&plan.body(&[0, 1, 2]).unwrap()).unwrap();
        assert_eq!(
            (&body["top_n"], &body["api_version"]),
            (&json!(2), &version),
            "{id}"
        );
        let scores = json!({"results": [
            {"index": 0, "relevance_score": 0.1}, {"index": 2, "relevance_score": 0.12345678901234567},
            {"index": 1, "relevance_score": 0.05},
        ]});
        let found = plan
            .read(&[0, 1, 2], scores.to_string().as_bytes(), None)
            .unwrap();
        assert_eq!((found.usage.search_units, found.usage.total()), (1, 0));
        let RetrievalResult::Ranking(ranking) = found.found else {
            unreachable!("it was asked for an order")
        };
        let order: Vec<_> = ranking
            .iter()
            .map(|ranked| (ranked.index, ranked.score.get()))
            .collect();
        assert_eq!(order, [(2, "0.12345678901234566"), (0, "0.1")]);
        let wrong = json!({"results": [{"index": 3, "relevance_score": 1}]}).to_string();
        assert!(plan.read(&[0, 1, 2], wrong.as_bytes(), None).is_err());
    }
}

#[test]
fn what_a_model_is_known_to_refuse_is_named() {
    let long = "a".repeat(2_049);
    let wide = "é".repeat(2_048);
    let sized = |length| EmbedRequest {
        dimensions: Some(length),
        ..embed(&["a"])
    };
    let rows = [
        (
            "cohere.embed-english-v3",
            embed(&["a", &long]),
            Some((
                "input[1]",
                "'input[1]' has 2049 characters, and the model 'm' takes 2048 at most.",
            )),
        ),
        ("cohere.embed-english-v3", embed(&[&wide]), None),
        ("amazon.titan-embed-text-v2:0", embed(&[&long]), None),
        ("amazon.titan-embed-text-v2:0", sized(512), None),
        (
            "amazon.titan-embed-text-v2:0",
            sized(1_536),
            Some((
                "dimensions",
                "The model 'm' does not support dimensions=1536: its vectors have 1024, 512 or 256.",
            )),
        ),
        ("amazon.titan-embed-text-v1", sized(1_536), None),
        (
            "amazon.titan-embed-text-v1",
            sized(256),
            Some((
                "dimensions",
                "The model 'm' does not support dimensions=256: its vectors have 1536.",
            )),
        ),
        (
            "us.anthropic.claude-sonnet-5-5",
            embed(&["a"]),
            Some((
                "model",
                "The model 'm' is no embedding model: its mode is chat. Ask it with POST /v1/chat/completions.",
            )),
        ),
        (
            "cohere.rerank-v3-5:0",
            embed(&["a"]),
            Some((
                "model",
                "The model 'm' is no embedding model: its mode is rerank. Ask it with POST /v1/rerank.",
            )),
        ),
        (
            "twelvelabs.marengo-embed-3-0-v1:0",
            embed(&["a"]),
            Some((
                "model",
                "The model 'm' is no embedding model: the catalog does not say how it is asked",
            )),
        ),
        (
            "amazon.nova-canvas-v1:0",
            embed(&["a"]),
            Some((
                "model",
                "The model 'm' is no embedding model: its mode is image, which is not served here.",
            )),
        ),
    ];
    for (id, request, refusal) in rows {
        let found = check(&RetrievalRequest::Embed(request), &model(id), "m");
        match (found, refusal) {
            (Ok(_), None) => {}
            (Err(unfit), Some((param, message))) => {
                assert_eq!(unfit.param, param, "{id}");
                assert!(
                    unfit.message.starts_with(message),
                    "{id}: {}",
                    unfit.message
                );
            }
            (found, _) => panic!("{id}: {found:?}"),
        }
    }
    let told = EmbedRequest {
        purpose: Some(Purpose::Clustering),
        truncation: Some(Truncation::Start),
        ..embed(&["a"])
    };
    let told = RetrievalRequest::Embed(told);
    let left_out = check(&told, &model("amazon.titan-embed-text-v2:0"), "m");
    assert_eq!(left_out, Ok(vec!["input_type", "truncate"]));
    assert_eq!(
        check(&told, &model("cohere.embed-v4:0"), "m"),
        Ok(Vec::new())
    );
}

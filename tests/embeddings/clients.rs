//! What real clients send, as it was captured (the SDKs of OpenAI 3.57.0 and 6.49.0, langchain-openai 1.7.4 and 1.5.8 of
//! JavaScript) or as their source has it (Roo Code, Kilo Code, Continue, Open WebUI, LibreChat's RAG service).

use serde_json::{Value, json};

use crate::support::{KEY, TestApp, header};

use super::{ask, embed, gateway, sent_to_titan, success, tokens, vectors};

#[tokio::test]
async fn captured_requests_are_answered_right() {
    let long = "many words ".repeat(100);
    // The client, its body, the texts that Bedrock sees, the length of the vectors.
    let rows = [
        (
            "openai-python",
            json!({"input": "hello world", "encoding_format": "base64"}),
            vec!["hello world"],
            1_024,
        ),
        (
            "openai-python",
            json!({"input": ["a", "b"], "encoding_format": "base64"}),
            vec!["a", "b"],
            1_024,
        ),
        (
            "openai-python",
            json!({"input": ["a"], "encoding_format": "float"}),
            vec!["a"],
            1_024,
        ),
        (
            "openai-python",
            json!({"input": "a", "user": "maria", "dimensions": 256, "encoding_format": "base64"}),
            vec!["a"],
            256,
        ),
        (
            "openai-python, tokens",
            json!({"input": [[1, 2, 3], [4, 5]], "encoding_format": "base64"}),
            vec!["\"#$", "%&"],
            1_024,
        ),
        (
            "openai-node",
            json!({"input": ["a"], "encoding_format": "base64", "dimensions": 512}),
            vec!["a"],
            512,
        ),
        (
            "langchain-openai, tokens",
            json!({"input": [[15339, 1917], [45202, 45202, 45202, 45202, 45202, 45202, 4239]], "encoding_format": "base64"}),
            vec![
                "hello world",
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            ],
            1_024,
        ),
        (
            "langchain-openai, strings",
            json!({"input": ["a", "b"], "dimensions": 256, "encoding_format": "base64"}),
            vec!["a", "b"],
            256,
        ),
        (
            "@langchain/openai",
            json!({"input": "q", "encoding_format": "base64"}),
            vec!["q"],
            1_024,
        ),
        (
            "Roo Code's first call",
            json!({"input": ["test"], "encoding_format": "base64"}),
            vec!["test"],
            1_024,
        ),
        (
            "Continue",
            json!({"input": [long.as_str()]}),
            vec![long.as_str()],
            1_024,
        ),
        (
            "Open WebUI",
            json!({"input": ["a"], "input_type": "search_document"}),
            vec!["a"],
            1_024,
        ),
        ("Tabby", json!({"input": ["a"]}), vec!["a"], 1_024),
    ];
    for (client, body, texts, length) in rows {
        let app = gateway().await;
        let mut body = body;
        body["model"] = json!("titan");
        let reply = embed(&app, &body).await;
        let found = vectors(&reply);
        assert_eq!(found.len(), texts.len(), "{client}");
        assert!(
            found.iter().all(|vector| vector.len() == length),
            "{client}"
        );
        let is_base64 = body["encoding_format"] == "base64";
        assert_eq!(
            reply["data"][0]["embedding"].is_string(),
            is_base64,
            "{client}"
        );
        let mut sent = sent_to_titan(&app);
        sent.sort();
        let mut expected = texts.clone();
        expected.sort_unstable();
        assert_eq!(sent, expected, "{client}");
        let counted = json!(tokens(&texts));
        assert_eq!(
            reply["usage"],
            json!({"prompt_tokens": counted, "total_tokens": counted}),
            "{client}"
        );
        assert_eq!(reply["model"], "titan");
    }
}

/// `samples/openai_state/openai_python_embeddings.jsonl`, the last line.
#[tokio::test]
async fn cohere_s_own_fields_reach_it() {
    let app = gateway().await;
    let body = json!({
        "model": "cohere", "input": ["q"], "encoding_format": "base64", "input_type": "search_query", "truncate": "END",
    });
    let reply = embed(&app, &body).await;
    assert_eq!(vectors(&reply)[0].len(), 1_536);
    let sent = app.last_sent();
    assert_eq!(
        sent,
        json!({"texts": ["q"], "input_type": "search_query", "truncate": "END"})
    );
}

#[tokio::test]
async fn base64_holds_the_same_numbers_as_the_list() {
    let app = gateway().await;
    for model in ["titan", "cohere-v3", "nova"] {
        let body =
            |format: &str| json!({"model": model, "input": ["x", "y"], "encoding_format": format});
        let listed = vectors(&embed(&app, &body("float")).await);
        let packed = vectors(&embed(&app, &body("base64")).await);
        assert_eq!(listed, packed, "{model}");
        assert_ne!(listed[0], listed[1], "{model}");
    }
}

/// Its retry: at a 400 that names `dimensions` and says "not support", Kilo asks again without.
#[tokio::test]
async fn kilo_asks_again_without_dimensions_that_the_model_does_not_have() {
    let app = gateway().await;
    let body = json!({"model": "cohere-v3", "input": ["test"], "encoding_format": "base64", "dimensions": 1_536});
    let refused = ask(&app, &body).await;
    assert_eq!(refused.status(), 400);
    let error: Value = refused.json().await.unwrap();
    let message = error["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("dimensions") && message.contains("not support"),
        "{message}"
    );
    assert_eq!(error["error"]["param"], "dimensions");
    assert!(app.bedrock.requests().is_empty());
    let reply = embed(
        &app,
        &json!({"model": "cohere-v3", "input": ["test"], "encoding_format": "base64"}),
    )
    .await;
    assert_eq!(vectors(&reply)[0].len(), 1_024);
}

/// LibreChat's RAG service sends tokens in lists of up to 200 and cannot be told not to.
#[tokio::test]
async fn two_hundred_lists_of_tokens_are_two_hundred_texts() {
    let app = gateway().await;
    let lists: Vec<[u32; 2]> = (0..200).map(|at| [15_339, at + 15]).collect();
    let reply = embed(
        &app,
        &json!({"model": "cohere", "input": lists, "encoding_format": "base64"}),
    )
    .await;
    assert_eq!(vectors(&reply).len(), 200);
    let sizes: Vec<usize> = app
        .bedrock
        .requests_for(super::COHERE)
        .iter()
        .map(|seen| seen.body["texts"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes.iter().sum::<usize>(), 200);
    assert!(sizes.iter().all(|size| *size <= 96), "{sizes:?}");
}

#[tokio::test]
async fn every_path_and_header_of_a_client_is_served() {
    let app = gateway().await;
    for path in [
        "/embeddings",
        "/v1/embeddings",
        "/engines/titan/embeddings",
        "/v1/engines/titan/embeddings",
        "/openai/deployments/titan/embeddings?api-version=2024-02-01",
        "/v1/openai/deployments/titan/embeddings",
    ] {
        let request = app.http.post(format!("{}{path}", app.url));
        let mut body = json!({"input": "a"});
        if path.ends_with("/embeddings") && !path.contains("titan") {
            body["model"] = json!("titan");
        }
        // Continue sends its key twice.
        let request = request.bearer_auth(KEY).header("api-key", KEY);
        let response = request.json(&body).send().await.unwrap();
        assert_eq!(
            header(&response, "x-litellm-model-group"),
            "titan",
            "{path}"
        );
        assert_eq!(vectors(&success(response).await)[0].len(), 1_024, "{path}");
    }
}

/// Bedrock takes up to 25 MB and OpenAI 2,048 texts: a whole folder in one request.
#[tokio::test]
async fn as_many_texts_as_openai_takes_are_one_request() {
    let app: TestApp = gateway().await;
    let texts = super::texts(2_048);
    let body = json!({"model": "cohere", "input": texts, "dimensions": 256});
    let reply = embed(&app, &body).await;
    assert_eq!(vectors(&reply).len(), 2_048);
    assert_eq!(app.bedrock.requests_for(super::COHERE).len(), 22);
}

//! Which models make vectors, of which lengths, and what is said of them.

use serde_json::{Value, json};

use crate::support::{TestApp, header};

use super::{CONFIG, ask, embed, gateway, vectors};

/// model, its default, the others, input types
const LENGTHS: [(&str, u32, &[u32]); 6] = [
    ("titan", 1_024, &[512, 256]),
    ("titan-v1", 1_536, &[]),
    ("titan-image", 1_024, &[384, 256]),
    ("cohere-v3", 1_024, &[]),
    ("cohere", 1_536, &[1_024, 512, 256]),
    ("nova", 3_072, &[1_024, 384, 256]),
];

#[tokio::test]
async fn every_model_makes_vectors_of_every_length_that_it_has() {
    let app = gateway().await;
    for (model, default, others) in LENGTHS {
        for length in [None, Some(&default)]
            .into_iter()
            .chain(others.iter().map(Some))
        {
            let mut body = json!({"model": model, "input": ["a", "bb", "ccc"]});
            if let Some(length) = length {
                body["dimensions"] = json!(length);
            }
            let found = vectors(&embed(&app, &body).await);
            let expected = *length.unwrap_or(&default) as usize;
            let lengths: Vec<usize> = found.iter().map(Vec::len).collect();
            assert_eq!(lengths, [expected; 3], "{body}");
        }
        let body = json!({"model": model, "input": "a", "dimensions": 100});
        assert_eq!(ask(&app, &body).await.status(), 400, "{model}");
    }
    crate::support::none_refused(&app);
}

#[tokio::test]
async fn every_purpose_reaches_the_models_that_tell_them_apart() {
    let app = gateway().await;
    let rows = [
        (
            "cohere",
            "/input_type",
            [
                "search_document",
                "search_query",
                "classification",
                "clustering",
            ],
        ),
        (
            "nova",
            "/singleEmbeddingParams/embeddingPurpose",
            [
                "GENERIC_INDEX",
                "GENERIC_RETRIEVAL",
                "CLASSIFICATION",
                "CLUSTERING",
            ],
        ),
    ];
    for (model, place, sent) in rows {
        for (purpose, sent) in [
            "search_document",
            "search_query",
            "classification",
            "clustering",
        ]
        .into_iter()
        .zip(sent)
        {
            let response = ask(
                &app,
                &json!({"model": model, "input": "a", "input_type": purpose}),
            )
            .await;
            assert_eq!(response.status(), 200);
            assert!(response.headers().get("x-sidecar-dropped").is_none());
            assert_eq!(
                app.last_sent().pointer(place),
                Some(&json!(sent)),
                "{model} {purpose}"
            );
        }
    }
    // Titan has one kind of vector: what it is not told is named.
    let body = json!({"model": "titan", "input": "a", "input_type": "search_query", "truncate": "END", "colour": 1});
    let response = ask(&app, &body).await;
    assert_eq!(
        header(&response, "x-sidecar-dropped"),
        "colour, input_type, truncate"
    );
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn model_info_says_what_each_model_is_for() {
    let app = gateway().await;
    let info = app.get_json("/model/info").await;
    let entries = info["data"].as_array().unwrap();
    let of = |name: &str| {
        let found = entries.iter().find(|entry| entry["model_name"] == name);
        found.unwrap()["model_info"].clone()
    };
    for (model, length, _) in LENGTHS {
        let info = of(model);
        assert_eq!(
            (
                &info["mode"],
                &info["output_vector_size"],
                &info["litellm_provider"]
            ),
            (&json!("embedding"), &json!(length), &json!("bedrock")),
            "{model}"
        );
        assert!(
            info["max_input_tokens"].is_u64() && info["max_output_tokens"].is_null(),
            "{info}"
        );
    }
    assert_eq!(of("titan")["input_cost_per_token"].to_string(), "2e-8");
    let order = of("order");
    assert_eq!(
        (&order["mode"], &order["input_cost_per_query"]),
        (&json!("rerank"), &json!(0.002))
    );
    assert_eq!(of("chat")["mode"], "chat");

    let list = app.get_json("/v1/models").await;
    let modes: Vec<(&str, &str)> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["id"].as_str().unwrap(),
                entry["mode"].as_str().unwrap(),
            )
        })
        .collect();
    for expected in [
        ("titan", "embedding"),
        ("order", "rerank"),
        ("chat", "chat"),
    ] {
        assert!(modes.contains(&expected), "{modes:?}");
    }
    // Anthropic's clients choose among models to talk to.
    let list: Value = app
        .get("/v1/models")
        .header("anthropic-version", "2023-06-01")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
    assert_eq!(list["data"][0]["id"], "chat");
}

#[tokio::test]
async fn health_asks_each_model_for_what_it_does() {
    let app = gateway().await;
    let health = app.get_json("/health").await;
    assert_eq!(
        (&health["healthy_count"], &health["unhealthy_count"]),
        (&json!(9), &json!(0)),
        "{health}"
    );
    let operations = |operation: &str| {
        let seen = app.bedrock.requests();
        seen.iter()
            .filter(|seen| seen.operation == operation)
            .count()
    };
    assert_eq!((operations("invoke"), operations("converse")), (8, 0));
    let latest = app.get_json("/health/latest").await;
    assert_eq!(latest["total_models"], 9);
}

#[tokio::test]
async fn an_inference_profile_of_one_s_own_is_what_its_base_model_is() {
    let profile =
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/otnfa2ysixqd";
    let yaml = format!(
        "model_list:\n  - model_name: mine\n    litellm_params: {{model: \"bedrock/{profile}\", aws_region_name: us-east-1}}\n    \
         model_info: {{base_model: amazon.titan-embed-text-v2:0}}\n{}",
        CONFIG.trim_start_matches("\nmodel_list:\n")
    );
    let app = TestApp::builder().config(&yaml).start().await;
    let body = json!({"embedding": [0.5, -0.25], "inputTextTokenCount": 5}).to_string();
    app.bedrock
        .script(profile, [bedrock_sidecar::simulator::Step::bytes(body)]);
    let reply = embed(&app, &json!({"model": "mine", "input": "a"})).await;
    assert_eq!(vectors(&reply), [[0.5, -0.25]]);
    assert_eq!(reply["usage"]["prompt_tokens"], 5);
}

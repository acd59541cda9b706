//! The order of documents: `POST /v1/rerank`, in Cohere's form and Jina's.

use bedrock_sidecar::simulator::Step;
use reqwest::Response;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::support::keys::{account, dollars, key, post_with};
use crate::support::{TestApp, header, trail_of};

const CONFIG: &str = "
model_list:
  - {model_name: order, litellm_params: {model: bedrock/cohere.rerank-v3-5:0, aws_region_name: us-east-1}}
  - {model_name: amazon, litellm_params: {model: bedrock/amazon.rerank-v1:0, aws_region_name: us-west-2}}
  - model_name: own-price
    litellm_params: {model: bedrock/cohere.rerank-v3-5:0, aws_region_name: us-west-2, input_cost_per_query: 0.001}
  - {model_name: vectors, litellm_params: {model: bedrock/amazon.titan-embed-text-v2:0, aws_region_name: us-east-1}}
litellm_settings:
  num_retries: 0
  fallbacks: [{order: [vectors, amazon]}]
";

const COHERE: &str = "cohere.rerank-v3-5:0";
const QUERY: &str = "What is the capital of France?";
const DOCUMENTS: [&str; 3] = [
    "the sea",
    "capital of France",
    "Paris is the capital of France",
];

async fn gateway() -> TestApp {
    TestApp::builder().config(CONFIG).start().await
}

async fn ask(app: &TestApp, body: &Value) -> Response {
    app.post("/v1/rerank", body).send().await.unwrap()
}

async fn success(response: Response) -> Value {
    let status = response.status();
    let text = response.text().await.unwrap();
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

fn order(reply: &Value) -> Vec<u64> {
    let results = reply["results"].as_array().unwrap().iter();
    let scores: Vec<f64> = results
        .clone()
        .map(|result| result["relevance_score"].as_f64().unwrap())
        .collect();
    assert!(scores.is_sorted_by(|one, other| one >= other), "{scores:?}");
    results
        .map(|result| result["index"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn clients_get_the_best_documents_first() {
    let app = gateway().await;
    // The client, its body, the order.
    let rows = [
        (
            "Continue",
            json!({"query": QUERY, "documents": DOCUMENTS}),
            vec![2, 1, 0],
        ),
        (
            "Open WebUI",
            json!({"query": QUERY, "documents": DOCUMENTS, "top_n": 2}),
            vec![2, 1],
        ),
        (
            "Jina",
            json!({"query": QUERY, "documents": DOCUMENTS.map(|text| json!({"text": text})), "top_n": 1}),
            vec![2],
        ),
        (
            "more than there are",
            json!({"query": QUERY, "documents": DOCUMENTS, "top_n": 9}),
            vec![2, 1, 0],
        ),
    ];
    for (client, body, expected) in rows {
        for model in ["order", "amazon"] {
            let mut body = body.clone();
            body["model"] = json!(model);
            let reply = success(ask(&app, &body).await).await;
            assert_eq!(order(&reply), expected, "{client}, {model}");
            assert!(reply["results"][0].get("document").is_none());
            assert_eq!(reply["meta"]["billed_units"]["search_units"], 1);
            assert_eq!(reply["model"], model);
        }
    }
    crate::support::none_refused(&app);
}

#[tokio::test]
async fn every_path_is_served_and_documents_come_back_where_they_are_wanted() {
    let app = gateway().await;
    for path in ["/rerank", "/v1/rerank", "/v2/rerank"] {
        let body = json!({"model": "order", "query": QUERY, "documents": DOCUMENTS, "return_documents": true, "top_n": 1});
        let reply = success(app.post(path, &body).send().await.unwrap()).await;
        assert_eq!(
            reply["results"][0]["document"],
            json!({"text": DOCUMENTS[2]}),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_search_of_a_hundred_documents_is_what_costs() {
    let app = gateway().await;
    for (model, documents, units, cost) in [
        ("order", 1, 1, "0.002"),
        ("order", 100, 1, "0.002"),
        ("order", 101, 2, "0.004"),
        ("amazon", 250, 3, "0.003"),
        ("own-price", 150, 2, "0.002"),
    ] {
        let documents: Vec<String> = (0..documents).map(|at| format!("document {at}")).collect();
        let response = ask(
            &app,
            &json!({"model": model, "query": "q", "documents": documents, "user": "maria"}),
        )
        .await;
        assert_eq!(
            header(&response, "x-litellm-response-cost"),
            cost,
            "{model}"
        );
        let id = header(&response, "x-litellm-call-id").to_owned();
        let reply = success(response).await;
        assert_eq!(reply["meta"]["billed_units"]["search_units"], units);
        let record = app.record(&id).await;
        let again = app.record(reply["id"].as_str().unwrap()).await;
        assert_eq!(
            (
                &again["request_id"],
                reply["id"].as_str().unwrap().starts_with("rerank-")
            ),
            (&record["request_id"], true)
        );
        assert_eq!(dollars(&record["spend"].to_string()), dollars(cost));
        assert_eq!(
            (&record["call_type"], &record["end_user"]),
            (&json!("arerank"), &json!("maria"))
        );
        let attempt = &record["metadata"]["attempts"][0];
        assert_eq!(
            (&attempt["usage"]["search_units"], &attempt["calls"]),
            (&json!(units), &json!(1))
        );
        assert_eq!(record["metadata"]["usage_estimated"], false);
    }
}

#[tokio::test]
async fn long_documents_may_count_more_than_once_and_a_budget_holds_for_that() {
    let app = gateway().await;
    let key = key(&app, json!({"max_budget": 1})).await;
    // By their bytes 60 of them are two searches, by their likely tokens one.
    let documents = vec!["x".repeat(1_000); 60];
    let body = json!({"model": "order", "query": "q".repeat(100), "documents": documents});
    let response = post_with(&app, &key, "/v1/rerank", &body)
        .send()
        .await
        .unwrap();
    let remaining = dollars(header(&response, "x-litellm-key-remaining-budget"));
    assert_eq!(remaining, dollars("0.996"));
    let id = header(&response, "x-litellm-call-id").to_owned();
    let record = app.record(&id).await;
    assert_eq!(record["metadata"]["usage_estimated"], true);
    let account = account(&app, &key).await;
    assert_eq!((account.spent, account.holds.len()), (dollars("0.002"), 0));
}

#[tokio::test]
async fn another_model_may_put_the_documents_in_order_but_none_of_another_kind() {
    let app = gateway().await;
    app.bedrock.script(COHERE, [Step::throttle()]);
    let body = json!({"model": "order", "query": QUERY, "documents": DOCUMENTS});
    let response = ask(&app, &body).await;
    let trail = trail_of(&response);
    assert!(
        trail.starts_with("order:throttled(429)") && trail.contains(", amazon:ok"),
        "{trail}"
    );
    assert_eq!(order(&success(response).await), [2, 1, 0]);
    assert!(
        app.bedrock
            .requests_for("amazon.titan-embed-text-v2:0")
            .is_empty()
    );
}

#[tokio::test]
async fn what_cannot_be_put_in_order_is_refused() {
    let app = gateway().await;
    let many = vec!["a"; 1_001];
    let rows = [
        (
            json!({"model": "order", "documents": ["a"]}),
            "query",
            "Missing required parameter: 'query'.",
        ),
        (
            json!({"model": "order", "query": "q"}),
            "documents",
            "Missing required parameter: 'documents'",
        ),
        (
            json!({"query": "q", "documents": ["a"]}),
            "model",
            "Missing required parameter: 'model'.",
        ),
        (
            json!({"model": "order", "query": "q", "documents": many}),
            "documents",
            "'documents' has 1001 entries, and may have 1000 at most.",
        ),
        (
            json!({"model": "vectors", "query": "q", "documents": ["a"]}),
            "model",
            "The model 'vectors' is no rerank model: its mode is embedding. Ask it with POST /v1/embeddings.",
        ),
    ];
    for (body, param, message) in rows {
        let response = ask(&app, &body).await;
        assert_eq!(response.status(), 400);
        let error: Value = response.json().await.unwrap();
        assert_eq!(error["error"]["param"], param);
        assert!(
            error["error"]["message"]
                .as_str()
                .unwrap()
                .starts_with(message),
            "{error}"
        );
    }
    assert!(app.bedrock.requests().is_empty());
    let key = key(&app, json!({"max_budget": 0.001})).await;
    let body = json!({"model": "order", "query": "q", "documents": ["a"]});
    let response = post_with(&app, &key, "/v1/rerank", &body)
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 422);
    assert!(app.bedrock.requests().is_empty());
    assert_eq!(account(&app, &key).await.committed, Decimal::ZERO);
}

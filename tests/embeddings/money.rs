//! What vectors cost: held before, settled exactly, limited, recorded.

use bedrock_sidecar::simulator::Step;
use futures_util::future::join_all;
use reqwest::Response;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::support::keys::{account, dollars, key, post_with};
use crate::support::{TestApp, header};

use super::{CONFIG, TITAN, ask, gateway, success, texts, tokens};

async fn ask_as(app: &TestApp, key: &str, body: &Value) -> Response {
    post_with(app, key, "/v1/embeddings", body)
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_record_costs_what_a_hand_computes() {
    let app = gateway().await;
    let texts = ["hello world", "a text of twenty-four b."];
    // 11 bytes are 4 tokens here, 24 are 7; Nova counts nothing more for what is to be found.
    let rows = [
        ("titan", "0.00000022"),
        ("titan-v1", "0.0000011"),
        ("titan-image", "0.0000088"),
        ("cohere-v3", "0.0000011"),
        ("cohere", "0.00000132"),
        ("nova", "0.000001485"),
    ];
    for (model, cost) in rows {
        let body = json!({"model": model, "input": texts, "user": "maria", "metadata": {"tags": ["index"]}});
        let response = ask(&app, &body).await;
        assert_eq!(
            header(&response, "x-litellm-response-cost"),
            cost,
            "{model}"
        );
        let id = header(&response, "x-litellm-call-id").to_owned();
        let reply = success(response).await;
        assert_eq!(
            reply["usage"],
            json!({"prompt_tokens": 11, "total_tokens": 11}),
            "{model}"
        );
        let record = app.record(&id).await;
        assert_eq!(
            dollars(&record["spend"].to_string()),
            dollars(cost),
            "{model}"
        );
        let facts = ["call_type", "status", "end_user", "model_group"]
            .map(|field| record[field].as_str().unwrap());
        assert_eq!(facts, ["aembedding", "success", "maria", model]);
        assert_eq!(
            (&record["prompt_tokens"], &record["completion_tokens"]),
            (&json!(11), &json!(0))
        );
        assert_eq!(record["request_tags"], json!(["index"]));
        let priced = json!({"completion_response": reply});
        let priced = success(app.post("/spend/calculate", &priced).send().await.unwrap()).await;
        assert_eq!(
            dollars(&priced["cost"].to_string()),
            dollars(cost),
            "{model}"
        );
    }
}

#[tokio::test]
async fn tokens_that_bedrock_does_not_count_are_estimated_and_marked() {
    let app = gateway().await;
    app.bedrock
        .script(super::COHERE, [Step::echo().without_metadata()]);
    let response = ask(
        &app,
        &json!({"model": "cohere", "input": ["hello world", "b"]}),
    )
    .await;
    let id = header(&response, "x-litellm-call-id").to_owned();
    let reply = success(response).await;
    assert_eq!(reply["usage"]["prompt_tokens"], 4);
    let record = app.record(&id).await;
    assert_eq!(
        (
            &record["metadata"]["usage_estimated"],
            &record["prompt_tokens"]
        ),
        (&json!(true), &json!(4))
    );
    // Titan's body says it as well.
    app.bedrock.script(TITAN, [Step::echo().without_metadata()]);
    let response = ask(&app, &json!({"model": "titan", "input": "hello world"})).await;
    let id = header(&response, "x-litellm-call-id").to_owned();
    let record = app.record(&id).await;
    assert_eq!(
        (
            &record["metadata"]["usage_estimated"],
            &record["prompt_tokens"]
        ),
        (&json!(false), &json!(4))
    );
}

#[tokio::test]
async fn a_budget_holds_an_upper_bound_and_settles_what_it_was() {
    let app = gateway().await;
    let key = key(&app, json!({"max_budget": 1, "key_alias": "indexer"})).await;
    let texts = texts(61);
    let response = ask_as(&app, &key, &json!({"model": "titan", "input": texts})).await;
    // A token a byte and 64 around each text, at 0.02 a million.
    let bytes: usize = texts.iter().map(|text| text.len() + 64).sum();
    let held = Decimal::from(bytes) * dollars("0.00000002");
    let remaining = dollars(header(&response, "x-litellm-key-remaining-budget"));
    assert_eq!(dollars("1") - remaining, held);
    assert_eq!(response.status(), 200);
    let account = account(&app, &key).await;
    assert!(account.holds.is_empty());
    assert_eq!(
        account.spent,
        Decimal::from(tokens(&texts)) * dollars("0.00000002")
    );
    assert_eq!(account.committed, account.spent);
}

#[tokio::test]
async fn what_a_budget_does_not_pay_for_is_not_called() {
    let app = gateway().await;
    let key = key(&app, json!({"max_budget": 0.000001, "key_alias": "poor"})).await;
    let response = ask_as(&app, &key, &json!({"model": "titan", "input": texts(61)})).await;
    assert_eq!(response.status(), 422);
    let error: Value = response.json().await.unwrap();
    assert_eq!(error["error"]["type"], "budget_exceeded");
    let message = error["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("(Key=poor,") && message.contains("send a shorter one"),
        "{message}"
    );
    assert!(app.bedrock.requests().is_empty());
    assert_eq!(account(&app, &key).await.committed, Decimal::ZERO);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_at_once_spend_no_more_than_a_budget_has() {
    let app = gateway().await;
    let text = "x".repeat(400);
    let body = json!({"model": "titan", "input": [text, text, text]});
    // Each holds 3 × 464 tokens' worth and costs 3 × 101.
    let (bound, cost) = (dollars("0.00002784"), dollars("0.00000606"));
    let max = bound * dollars("10");
    let key = key(
        &app,
        json!({"max_budget": serde_json::from_str::<Value>(&max.to_string()).unwrap()}),
    )
    .await;
    let requests = (0..40).map(|_| async {
        loop {
            let status = ask_as(&app, &key, &body).await.status();
            if status != 429 && status != 503 {
                break status;
            }
        }
    });
    let answers = join_all(requests).await;
    let paid = answers.iter().filter(|status| **status == 200).count();
    assert_eq!(
        paid + answers.iter().filter(|status| **status == 422).count(),
        40,
        "{answers:?}"
    );
    let account = account(&app, &key).await;
    assert_eq!(account.spent, cost * Decimal::from(paid));
    assert!(
        paid >= 10 && account.spent <= max && account.holds.is_empty(),
        "{paid}"
    );
}

/// A call of which Bedrock says nothing may have been billed: the next one is made only where both are paid for.
#[tokio::test]
async fn a_call_that_may_have_been_billed_is_held_for_beside_its_next_try() {
    let app = gateway().await;
    let body = json!({"model": "titan", "input": "a"});
    // 65 tokens' worth for each try.
    for (budget, status) in [("0.0000013", 422), ("0.0000026", 200)] {
        app.bedrock.unscript(TITAN);
        app.bedrock.script(TITAN, [Step::reset(), Step::echo()]);
        let budget: Value = serde_json::from_str(budget).unwrap();
        let key = key(&app, json!({"max_budget": budget})).await;
        let response = ask_as(&app, &key, &body).await;
        assert_eq!(response.status(), status, "{budget}");
        let account = account(&app, &key).await;
        assert!(
            account.holds.is_empty() && account.spent <= dollars("0.00000004"),
            "{account:?}"
        );
    }
}

#[tokio::test]
async fn a_price_of_the_file_s_own_is_what_costs() {
    let arn = "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/x";
    let entry = format!(
        "  - model_name: own\n    litellm_params: {{model: \"bedrock/{arn}\", aws_region_name: us-east-1}}\n    model_info: \
         {{base_model: amazon.titan-embed-text-v2:0, input_cost_per_token: 0.00000001, output_cost_per_token: 0}}\nlitellm_settings:"
    );
    let yaml = CONFIG.replace("litellm_settings:", &entry);
    let app = TestApp::builder().config(&yaml).start().await;
    let body = json!({"embedding": [1.0], "inputTextTokenCount": 7}).to_string();
    app.bedrock.script(arn, [Step::bytes(body)]);
    let response = ask(&app, &json!({"model": "own", "input": "a"})).await;
    assert_eq!(header(&response, "x-litellm-response-cost"), "0.00000007");
}

#[tokio::test]
async fn limits_of_a_minute_count_texts_by_their_tokens() {
    let app = gateway().await;
    let key = key(&app, json!({"tpm_limit": 100, "rpm_limit": 3})).await;
    let body = json!({"model": "titan", "input": ["hello world", "b"]});
    let response = ask_as(&app, &key, &body).await;
    assert_eq!(header(&response, "x-ratelimit-api_key-limit-tokens"), "100");
    // 3 and 1 by their bytes; Bedrock counts 4 and 2.
    assert_eq!(
        header(&response, "x-ratelimit-api_key-remaining-tokens"),
        "96"
    );
    app.settle().await;
    let response = ask_as(&app, &key, &body).await;
    assert_eq!(
        header(&response, "x-ratelimit-api_key-remaining-tokens"),
        "90"
    );
    app.settle().await;
    let long = json!({"model": "titan", "input": "x".repeat(400)});
    assert_eq!(ask_as(&app, &key, &long).await.status(), 429);
    assert_eq!(app.bedrock.requests().len(), 4);
}

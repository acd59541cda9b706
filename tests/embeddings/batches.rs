//! Many texts: split into calls, some at a time, in order, and as one attempt.

use std::collections::BTreeSet;
use std::time::Duration;

use bedrock_sidecar::simulator::Step;
use serde_json::{Value, json};

use crate::support::{TestApp, header, trail_of};

use super::{
    COHERE, COHERE_GLOBAL, CONFIG, TITAN, ask, embed, gateway, sent_to_titan, success, texts,
    tokens, vectors,
};

/// The vectors of the same texts, one request each.
async fn one_by_one(app: &TestApp, model: &str, texts: &[String]) -> Vec<Vec<f32>> {
    let mut found = Vec::new();
    for text in texts {
        found.extend(vectors(
            &embed(app, &json!({"model": model, "input": text})).await,
        ));
    }
    found
}

#[tokio::test]
async fn a_call_for_each_text_is_one_attempt_with_as_many_calls() {
    let app = gateway().await;
    let texts = texts(61);
    let response = ask(&app, &json!({"model": "titan", "input": texts})).await;
    let id = header(&response, "x-litellm-call-id").to_owned();
    let found = vectors(&success(response).await);
    let sent: BTreeSet<String> = sent_to_titan(&app).into_iter().collect();
    assert_eq!(sent.len(), 61);
    let record = app.record(&id).await;
    let attempts = record["metadata"]["attempts"].as_array().unwrap();
    assert_eq!((attempts.len(), &attempts[0]["calls"]), (1, &json!(61)));
    assert_eq!(attempts[0]["usage"]["input"], json!(tokens(&texts)));
    assert_eq!(record["metadata"]["attempted_retries"], 0);
    assert_eq!(
        found,
        one_by_one(&app, "titan", &texts).await,
        "in the request's order"
    );
}

#[tokio::test]
async fn the_order_is_the_request_s_although_answers_come_in_another() {
    let app = gateway().await;
    let texts = texts(20);
    let slow = (0..20).map(|at| Step::echo().slow_head(Duration::from_millis(100 - at * 5)));
    app.bedrock.script(TITAN, slow);
    let found = vectors(&embed(&app, &json!({"model": "titan", "input": texts})).await);
    assert_eq!(found, one_by_one(&app, "titan", &texts).await);
}

#[tokio::test]
async fn no_more_than_sixteen_calls_are_under_way() {
    let app = gateway().await;
    app.bedrock
        .script(TITAN, std::iter::repeat_with(Step::hang).take(16));
    let request = app.post(
        "/v1/embeddings",
        &json!({"model": "titan", "input": texts(40)}),
    );
    let request = tokio::spawn(request.send());
    let mut last = 0;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        last = app.bedrock.requests_for(TITAN).len();
    }
    assert_eq!(last, 16);
    request.abort();
}

#[tokio::test]
async fn cohere_takes_ninety_six_texts_at_once() {
    let app = gateway().await;
    let texts = texts(97);
    let found = vectors(&embed(&app, &json!({"model": "cohere", "input": texts})).await);
    let seen = app.bedrock.requests_for(COHERE);
    let mut sizes: Vec<usize> = seen
        .iter()
        .map(|seen| seen.body["texts"].as_array().unwrap().len())
        .collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 96]);
    let some = [0, 95, 96].map(|at| texts[at].clone());
    let expected = one_by_one(&app, "cohere", &some).await;
    assert_eq!(
        [found[0].clone(), found[95].clone(), found[96].clone()],
        *expected
    );
}

#[tokio::test]
async fn every_twentieth_call_throttled_is_still_one_answer() {
    let app = gateway().await;
    app.bedrock.sometimes(TITAN, 0.05, vec![Step::throttle()]);
    let texts = texts(400);
    let response = ask(&app, &json!({"model": "titan", "input": texts})).await;
    assert!(
        trail_of(&response).starts_with("titan:ok"),
        "{}",
        trail_of(&response)
    );
    let id = header(&response, "x-litellm-call-id").to_owned();
    assert_eq!(vectors(&success(response).await).len(), 400);
    let made = app.bedrock.requests_for(TITAN).len() as u64;
    assert!(made > 400, "{made}");
    let record = app.record(&id).await;
    let attempts = record["metadata"]["attempts"].as_array().unwrap();
    assert_eq!((attempts.len(), &attempts[0]["calls"]), (1, &json!(made)));
    // What was throttled is not billed.
    assert_eq!(attempts[0]["usage"]["input"], json!(tokens(&texts)));
}

#[tokio::test]
async fn what_was_answered_stays_and_the_same_model_elsewhere_does_the_rest() {
    let app = gateway().await;
    let texts = texts(200);
    let denied = Step::fail(
        403,
        "AccessDeniedException",
        "You don't have access to the model.",
    );
    app.bedrock
        .script(COHERE, [Step::echo(), denied, Step::echo()]);
    let response = ask(
        &app,
        &json!({"model": "cohere", "input": texts, "dimensions": 256}),
    )
    .await;
    let trail = trail_of(&response);
    let id = header(&response, "x-litellm-call-id").to_owned();
    assert_eq!(header(&response, "x-litellm-model-group"), "cohere-global");
    let reply = success(response).await;
    assert_eq!(vectors(&reply).len(), 200);
    assert!(
        trail.starts_with("cohere:access_denied(403)") && trail.contains(", cohere-global:ok"),
        "{trail}"
    );
    // The other model of the chain is never asked, and no text twice.
    assert!(
        app.bedrock
            .requests_for("amazon.titan-embed-text-v1")
            .is_empty()
    );
    let texts_of = |model: &str| -> Vec<String> {
        let seen = app.bedrock.requests_for(model).into_iter();
        seen.filter(|seen| seen.status == 200)
            .flat_map(|seen| seen.body["texts"].as_array().unwrap().clone())
            .map(|text| text.as_str().unwrap().to_owned())
            .collect()
    };
    let mut sent = [texts_of(COHERE), texts_of(COHERE_GLOBAL)].concat();
    sent.sort();
    let mut expected = texts.clone();
    expected.sort();
    assert_eq!(sent, expected);
    assert_eq!(reply["usage"]["prompt_tokens"], json!(tokens(&texts)));
    let record = app.record(&id).await;
    let billed: u64 = record["metadata"]["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| attempt["usage"]["input"].as_u64().unwrap())
        .sum();
    assert_eq!(
        (billed, record["status"].as_str()),
        (tokens(&texts), Some("success"))
    );
}

#[tokio::test]
async fn another_model_s_vectors_never_take_the_place_of_the_first_one_s() {
    let app = gateway().await;
    app.bedrock.always(TITAN, Step::unavailable());
    let response = ask(&app, &json!({"model": "titan", "input": "a"})).await;
    assert_eq!(response.status(), 503);
    let trail = trail_of(&response);
    assert!(
        trail.starts_with("titan:unavailable(503)") && !trail.contains("cohere"),
        "{trail}"
    );
    let error: Value = response.json().await.unwrap();
    let message = error["error"]["message"].as_str().unwrap();
    assert!(
        message.ends_with("What follows in its chain was not asked, for another model's answers do not fit: cohere, chat"),
        "{message}"
    );
    assert_eq!(
        app.bedrock.requests().len(),
        app.bedrock.requests_for(TITAN).len()
    );
}

#[tokio::test]
async fn deployments_of_another_model_under_one_name_are_not_asked() {
    let yaml = CONFIG.replace(
        "litellm_settings:",
        "  - {model_name: titan, litellm_params: {model: bedrock/cohere.embed-english-v3, aws_region_name: us-east-1}}\nlitellm_settings:",
    );
    let app = TestApp::builder().config(&yaml).start().await;
    for _ in 0..20 {
        let reply = embed(&app, &json!({"model": "titan", "input": "a"})).await;
        assert_eq!(vectors(&reply)[0].len(), 1_024);
    }
    assert_eq!(app.bedrock.requests_for(TITAN).len(), 20);
}

#[tokio::test]
async fn a_refusal_names_the_text_and_no_further_call_is_made() {
    let app = gateway().await;
    let mut texts = texts(200);
    texts[3] = "word ".repeat(9_000);
    let response = ask(&app, &json!({"model": "titan", "input": texts})).await;
    assert_eq!(response.status(), 400);
    let id = header(&response, "x-litellm-call-id").to_owned();
    let error: Value = response.json().await.unwrap();
    let message = error["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("input[3]: 400 Bad Request: Too many input tokens. Max input tokens: 8192, request input token count: "),
        "{message}"
    );
    assert_eq!(error["error"]["code"], "context_length_exceeded");
    let seen = app.bedrock.requests_for(TITAN);
    assert!(seen.len() < 60, "{}", seen.len());
    // What was answered is billed, and so it stands in the record.
    let answered: Vec<String> = seen
        .iter()
        .filter(|seen| seen.status == 200)
        .map(|seen| seen.body["inputText"].as_str().unwrap().to_owned())
        .collect();
    let record = app.record(&id).await;
    let billed = &record["metadata"]["attempts"][0]["usage"]["input"];
    assert_eq!(
        (billed, record["status"].as_str()),
        (&json!(tokens(&answered)), Some("failure"))
    );
}

#[tokio::test]
async fn a_silent_call_ends_the_request_in_its_time() {
    let app = gateway().await;
    app.bedrock.script(TITAN, [Step::hang()]);
    let body =
        json!({"model": "titan", "input": texts(3), "timeout": 0.2, "disable_fallbacks": true});
    let response = ask(&app, &body).await;
    assert_eq!(response.status(), 408);
    assert!(
        trail_of(&response).starts_with("titan:first_event_timeout"),
        "{}",
        trail_of(&response)
    );
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_a_record_of_what_was_billed() {
    let app = gateway().await;
    app.bedrock
        .always(TITAN, Step::echo().slow_head(Duration::from_millis(150)));
    let request = app.post(
        "/v1/embeddings",
        &json!({"model": "titan", "input": texts(200)}),
    );
    let request = tokio::spawn(request.send());
    while app.bedrock.requests_for(TITAN).len() < 16 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    request.abort();
    app.settle().await;
    let seen = app.bedrock.requests_for(TITAN);
    assert!(seen.len() <= 48, "no call for nobody: {}", seen.len());
    let logs: Value = app.get_json("/spend/logs").await;
    let attempt = &logs[0]["metadata"]["attempts"][0];
    let answered: Vec<String> = seen
        .iter()
        .filter(|seen| seen.status == 200)
        .map(|seen| seen.body["inputText"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        attempt["usage"]["input"],
        json!(tokens(&answered)),
        "{attempt}"
    );
}

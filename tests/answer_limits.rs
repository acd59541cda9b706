//! An answer that is longer than an unknown model gives is asked for again at the length that the model's own words name,
//! and that is remembered.

use std::time::Duration;

use bedrock_sidecar::simulator::Step;
use serde_json::{Value, json};

use crate::support::{PRIMARY, TestApp, trail_of, validation_error};

const ARN: &str = "arn:aws:bedrock:us-east-1:123456789012:imported-model/x";
/// One that no entry of the file names.
const OTHER: &str = "arn:aws:bedrock:us-east-1:123456789012:imported-model/y";
const CONFIG: &str = r#"
model_list:
  - {model_name: imported, litellm_params: {model: "bedrock/arn:aws:bedrock:us-east-1:123456789012:imported-model/x"}}
  - {model_name: capped, litellm_params: {model: "bedrock/arn:aws:bedrock:us-east-1:123456789012:imported-model/x", max_tokens: 12000}}
  - {model_name: primary, litellm_params: {model: bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0}}
  - {model_name: "bedrock/*", litellm_params: {model: "bedrock/*"}}
"#;

fn refuses(limit: u64) -> Step {
    let message = format!(
        "The maximum tokens you requested exceeds the model limit of {limit}. Try again with a maximum tokens value that is lower than {limit}."
    );
    validation_error(&message)
}

/// The other words for it.
fn worded(limit: u64) -> [Step; 3] {
    [
        format!("max_tokens: 16384 > {limit}, which is the maximum allowed number of output tokens for some-model-1"),
        format!("Malformed input request: #/max_gen_len: 16384 is not less or equal to {limit}, please reformat your input and try again."),
        format!("max_tokens is too large: 16384. This model supports at most {limit} completion tokens, whereas you provided 16384."),
    ]
    .map(|message| validation_error(&message))
}

fn bodies(model: &str) -> [(&'static str, Value); 2] {
    let messages = json!([{"role": "user", "content": "hi"}]);
    [
        (
            "/v1/chat/completions",
            json!({"model": model, "messages": messages}),
        ),
        ("/v1/responses", json!({"model": model, "input": "hi"})),
    ]
}

/// The trail of a request, its status, and the longest answer that its last call asked for.
async fn sent(app: &TestApp, path: &str, body: &Value) -> (String, u16, Value) {
    let response = app.post(path, body).send().await.unwrap();
    let (trail, status) = (trail_of(&response), response.status().as_u16());
    response.text().await.unwrap();
    let seen = app.bedrock.requests().pop().expect("a call").body;
    (trail, status, seen["inferenceConfig"]["maxTokens"].clone())
}

#[tokio::test]
async fn it_is_asked_again_with_the_limit_that_the_words_name_and_remembered() {
    let refusals = worded(8_192).into_iter().chain([refuses(8_192)]);
    for refusal in refusals {
        for is_stream in [false, true] {
            for (model, id) in [("imported", ARN), (&*format!("bedrock/{OTHER}"), OTHER)] {
                for (path, mut body) in bodies(model) {
                    let app = TestApp::builder().config(CONFIG).start().await;
                    body["stream"] = json!(is_stream);
                    app.bedrock.script(id, [refusal.clone()]);
                    let (trail, status, longest) = sent(&app, path, &body).await;
                    assert_eq!(
                        trail,
                        format!("{model}:lacks_max_tokens(400), {model}:ok"),
                        "{refusal:?}"
                    );
                    assert_eq!((status, longest), (200, json!(8_192)));
                    let again = (format!("{model}:ok"), 200, json!(8_192));
                    assert_eq!(sent(&app, path, &body).await, again);
                }
            }
        }
    }
}

#[tokio::test]
async fn every_instance_knows_it_for_an_hour() {
    let app = TestApp::builder().config(CONFIG).start().await;
    let [(path, body), _] = bodies("imported");
    app.bedrock.script(ARN, [refuses(8_192)]);
    sent(&app, path, &body).await;
    app.settle().await;
    let newcomer = app.another_instance().await;
    assert_eq!(sent(&newcomer, path, &body).await.2, json!(8_192));
    // What a smaller limit says goes before what a larger one did.
    app.bedrock.script(ARN, [refuses(4_096)]);
    assert_eq!(sent(&app, path, &body).await.2, json!(4_096));
    app.clock.advance(Duration::from_secs(3_601));
    assert_eq!(sent(&app, path, &body).await.2, json!(16_384));
}

#[tokio::test]
async fn it_holds_for_whoever_chose_the_length_as_the_known_models_limits_do() {
    let app = TestApp::builder().config(CONFIG).start().await;
    let [(path, body), _] = bodies("capped");
    app.bedrock.script(ARN, [refuses(8_192)]);
    assert_eq!(sent(&app, path, &body).await.2, json!(8_192));

    let [(_, mut body), _] = bodies("imported");
    for (asked, longest) in [(20_000, 8_192), (8_192, 8_192), (100, 100)] {
        body["max_tokens"] = json!(asked);
        app.bedrock
            .script(ARN, (asked > 8_192).then(|| refuses(8_192)));
        assert_eq!(sent(&app, path, &body).await.2, json!(longest));
    }
    let message = json!({"model": "imported", "max_tokens": 20_000,
        "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(sent(&app, "/v1/messages", &message).await.2, json!(8_192));
}

#[tokio::test]
async fn thinking_leaves_room_within_the_limit() {
    let app = TestApp::builder().config(CONFIG).start().await;
    let [(path, mut body), _] = bodies("primary");
    body["reasoning_effort"] = json!("high");
    app.bedrock.script(PRIMARY, [refuses(6_000)]);
    assert_eq!(sent(&app, path, &body).await.2, json!(6_000));
    let seen = app.bedrock.requests().pop().unwrap().body;
    let budget = &seen["additionalModelRequestFields"]["thinking"]["budget_tokens"];
    assert!(budget.as_u64().unwrap() < 6_000, "{budget}");
}

#[tokio::test]
async fn a_number_that_explains_nothing_is_not_believed() {
    for limit in [0, 16_384, 50_000] {
        let app = TestApp::builder().config(CONFIG).start().await;
        let [(path, body), _] = bodies("imported");
        app.bedrock.script(ARN, [refuses(limit)]);
        let (trail, status, _) = sent(&app, path, &body).await;
        assert_eq!(trail, "imported:lacks_max_tokens(400)");
        assert_eq!(status, 400);
        assert_eq!(sent(&app, path, &body).await.2, json!(16_384));
    }
    // Refused again, it taught nothing.
    let app = TestApp::builder().config(CONFIG).start().await;
    let [(path, body), _] = bodies("imported");
    app.bedrock.script(ARN, [refuses(8_192), refuses(8_192)]);
    let response = app.post(path, &body).send().await.unwrap();
    assert_eq!(response.status(), 400);
    let text = response.text().await.unwrap();
    assert!(text.contains("exceeds the model limit of 8192"), "{text}");
    assert_eq!(sent(&app, path, &body).await.2, json!(16_384));
}

#[tokio::test]
async fn a_request_with_fields_of_its_client_s_own_is_helped_and_teaches_nothing() {
    let app = TestApp::builder().config(CONFIG).start().await;
    let [(path, mut body), _] = bodies("imported");
    let plain = body.clone();
    body["additional_model_request_fields"] = json!({"max_gen_len": 16_384});
    app.bedrock.script(ARN, [refuses(8_192)]);
    assert_eq!(sent(&app, path, &body).await.2, json!(8_192));
    assert_eq!(sent(&app, path, &plain).await.2, json!(16_384));
}

fn fills_the_window(prompt: u64, window: u64) -> Step {
    let message = format!(
        "input length and `max_tokens` exceed context limit: {prompt} + 16384 > {window}, decrease input length or `max_tokens` and try again"
    );
    validation_error(&message)
}

#[tokio::test]
async fn a_prompt_that_leaves_room_for_a_shorter_answer_gets_that_one() {
    let app = TestApp::builder().config(CONFIG).start().await;
    for model in ["imported", "primary"] {
        let id = if model == "primary" { PRIMARY } else { ARN };
        for (path, mut body) in bodies(model) {
            for is_stream in [false, true] {
                body["stream"] = json!(is_stream);
                app.bedrock.script(id, [fills_the_window(196_395, 204_698)]);
                let (trail, status, longest) = sent(&app, path, &body).await;
                assert_eq!(
                    trail,
                    format!("{model}:context_window(400), {model}:ok"),
                    "{path}"
                );
                assert_eq!((status, longest), (200, json!(8_303)));
                // It was this prompt's length.
                assert_eq!(sent(&app, path, &body).await.2, json!(16_384));
            }
        }
    }
}

#[tokio::test]
async fn a_window_that_is_full_and_a_length_of_the_client_s_own_are_the_client_s_to_know() {
    let app = TestApp::builder().config(CONFIG).start().await;
    let [(path, body), _] = bodies("imported");
    let mut own = body.clone();
    own["max_tokens"] = json!(16_384);
    for (body, prompt) in [(&body, 204_000), (&body, 300_000), (&own, 196_395)] {
        app.bedrock.script(ARN, [fills_the_window(prompt, 204_698)]);
        let (trail, status, _) = sent(&app, path, body).await;
        assert_eq!((&*trail, status), ("imported:context_window(400)", 400));
    }
}

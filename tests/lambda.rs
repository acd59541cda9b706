//! As a Lambda function the gateway keeps its promises too, though it is frozen between two requests.

use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use bedrock_sidecar::simulator::Step;
use bedrock_sidecar::spend::Status;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::support::lambda::{KEY, Lambda, event};
use crate::support::{KEY as TEST_KEY, hello};

const MODEL: &str = "us.anthropic.claude-sonnet-5-5";
const CALLED: &str = "claude-sonnet-5-5";

fn streamed() -> Value {
    let mut body = hello(CALLED);
    body["stream"] = json!(true);
    body
}

fn id(text: &str) -> String {
    let at = text.find("chatcmpl-").unwrap();
    text[at..].chars().take_while(|c| *c != '"').collect()
}

#[tokio::test]
async fn a_stream_comes_piece_by_piece_and_its_record_is_written_before_the_freeze() {
    let lambda = Lambda::start().await;
    let pace = Duration::from_millis(100);
    lambda.bedrock.script(
        MODEL,
        [Step::text("one two three four five six").pace(pace)],
    );
    let invocation = lambda.chat(&streamed()).await;
    assert_eq!(invocation.status, 200);
    assert!(invocation.text().ends_with("data: [DONE]\n\n"));
    let spread = invocation.pieces.last().unwrap().0 - invocation.first_byte();
    assert!(spread > pace * 3, "all of it came within {spread:?}");
    let record = lambda
        .record(&id(&invocation.text()))
        .await
        .expect("a record");
    assert_eq!(record.status, Status::Success);
}

/// A function URL passes on what is not text in base64, and so what a client sends without saying what it is.
#[tokio::test]
async fn a_body_in_base64_is_read_as_what_it_is() {
    let lambda = Lambda::start().await;
    let encoded = |bytes: &[u8]| {
        let mut event = event("POST", "/v1/chat/completions", None);
        event["headers"]["content-type"] = json!("application/octet-stream");
        event["body"] = json!(BASE64_STANDARD.encode(bytes));
        event["isBase64Encoded"] = json!(true);
        event
    };
    let mut large = streamed();
    large["messages"][0]["content"] = json!("many words — ".repeat(250_000));
    for body in [streamed(), large] {
        let event = encoded(body.to_string().as_bytes());
        let invocation = lambda.invoke(event, Duration::from_secs(60)).await;
        assert_eq!(invocation.status, 200, "{}", invocation.text());
        assert!(invocation.text().ends_with("data: [DONE]\n\n"));
    }
    let garbage = encoded(&[0xff, 0x00, 0xfe, 0x80]);
    let invocation = lambda.invoke(garbage, Duration::from_secs(60)).await;
    assert_eq!(invocation.status, 400);
    let error: Value = serde_json::from_str(&invocation.text()).unwrap();
    assert_eq!(error["error"]["type"], "invalid_request_error");
}

#[tokio::test]
async fn a_warm_request_does_not_wait_for_an_acknowledgement() {
    let lambda = Lambda::start().await;
    lambda.request("GET", "/health/liveliness", None).await;
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let invocation = lambda.request("GET", "/health/liveliness", None).await;
        fastest = fastest.min(invocation.whole);
    }
    assert!(fastest < Duration::from_millis(30), "{fastest:?}");
}

#[tokio::test]
async fn a_stream_ends_in_an_error_before_the_invocation_would_be_killed() {
    let lambda = Lambda::start().await;
    let stalls = Step::text("one two three four five six").pace(Duration::from_secs(3));
    lambda.bedrock.always(MODEL, stalls);
    let event = event("POST", "/v1/chat/completions", Some(&streamed()));
    let invocation = lambda.invoke(event, Duration::from_secs(8)).await;
    let text = invocation.text();
    assert!(text.contains("\"error\""), "{text}");
    assert!(
        !text.contains("[DONE]") && !text.contains("\"finish_reason\":\"stop\""),
        "{text}"
    );
    assert!(
        invocation.over < Duration::from_secs(6),
        "{:?}",
        invocation.over
    );
    let record = lambda.record(&id(&text)).await.expect("a record");
    assert_eq!(record.status, Status::Failure);
}

#[tokio::test]
async fn a_silent_bedrock_is_an_error_before_the_invocation_would_be_killed() {
    let lambda = Lambda::start().await;
    lambda
        .bedrock
        .always(bedrock_sidecar::simulator::ANY_MODEL, Step::hang());
    let event = event("POST", "/v1/chat/completions", Some(&hello(CALLED)));
    let invocation = lambda.invoke(event, Duration::from_secs(6)).await;
    assert_eq!(invocation.status, 408, "{}", invocation.text());
    assert!(invocation.json()["error"]["message"].is_string());
    let id = invocation.headers["x-litellm-call-id"].as_str().unwrap();
    assert_eq!(
        lambda.record(id).await.expect("a record").status,
        Status::Failure
    );
}

#[tokio::test]
async fn a_connection_that_was_closed_during_the_freeze_is_not_noticed() {
    let mut lambda = Lambda::start().await;
    assert_eq!(lambda.chat(&hello(CALLED)).await.status, 200);
    lambda.restart_bedrock().await;
    let invocation = lambda.chat(&hello(CALLED)).await;
    assert_eq!(invocation.status, 200, "{}", invocation.text());
    assert_eq!(lambda.bedrock.requests_for(MODEL).len(), 1);
}

#[tokio::test]
async fn a_connection_to_bedrock_is_open_before_the_first_event() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let bedrock_is_there = [("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", url.as_str())];
    let _lambda = Lambda::with_variables(&bedrock_is_there).await;
    let opened = timeout(Duration::from_secs(10), listener.accept()).await;
    let (mut connection, _) = opened.expect("it is opened without a request").unwrap();
    let mut asked = [0; 10];
    connection.read_exact(&mut asked).await.unwrap();
    assert_eq!(
        &asked, b"GET /ping ",
        "nothing is asked that Bedrock would bill"
    );
}

#[tokio::test]
async fn the_example_events_are_answered() {
    let lambda = Lambda::start().await;
    for (name, status) in [
        ("chat", 200),
        ("chat_stream", 200),
        ("models", 200),
        ("bad_key", 401),
    ] {
        let path = format!("{}/events/{name}.json", env!("CARGO_MANIFEST_DIR"));
        // They have the test key, for a function under an emulator.
        let event = std::fs::read_to_string(path)
            .unwrap()
            .replace(TEST_KEY, KEY);
        let event = serde_json::from_str(&event).unwrap();
        let invocation = lambda.invoke(event, Duration::from_secs(60)).await;
        assert_eq!(invocation.status, status, "{name}: {}", invocation.text());
    }
}

/// A form as a browser sends it through the function URL, from this address.
fn form(path: &str, from: &str, fields: &str) -> Value {
    let mut event = event("POST", path, None);
    event["headers"]["content-type"] = json!("application/x-www-form-urlencoded");
    // Whoever writes this header himself is not believed.
    event["headers"]["x-forwarded-for"] = json!("198.51.100.1");
    event["requestContext"]["http"]["sourceIp"] = json!(from);
    event["body"] = json!(fields);
    event
}

#[tokio::test]
async fn the_admin_pages_open_with_the_master_key_alone() {
    let own = [("UI_USERNAME", "maria"), ("UI_PASSWORD", "secret")];
    let lambda = Lambda::with_variables(&own).await;
    let limit = Duration::from_secs(60);
    let refused = form("/ui/login", "203.0.113.7", "user=maria&password=secret");
    assert_eq!(lambda.invoke(refused, limit).await.status, 401);

    let right = format!("user=admin&password={KEY}");
    let login = form("/ui/login", "203.0.113.7", &right);
    let invocation = lambda.invoke(login, limit).await;
    assert_eq!(invocation.status, 303, "{}", invocation.text());
    let [cookie] = invocation.cookies.as_slice() else {
        panic!("one cookie, not {:?}", invocation.cookies);
    };
    assert!(cookie.contains("; Secure") && cookie.contains("; HttpOnly"));
    let mut page = event("GET", "/ui/models", None);
    page["cookies"] = json!([cookie.split(';').next()]);
    let invocation = lambda.invoke(page, limit).await;
    assert_eq!(invocation.status, 200);
    assert!(invocation.text().contains("claude-sonnet-5-5"));
}

#[tokio::test]
async fn logins_are_counted_by_the_address_that_lambda_saw() {
    let lambda = Lambda::start().await;
    let limit = Duration::from_secs(60);
    let mut statuses = Vec::new();
    for _ in 0..11 {
        let wrong = form("/ui/login", "203.0.113.7", "user=admin&password=wrong");
        statuses.push(lambda.invoke(wrong, limit).await.status);
    }
    // Of eleven tries six fall into one stretch of time, wherever it begins.
    assert!(statuses.contains(&429), "{statuses:?}");
    let right = format!("user=admin&password={KEY}");
    let elsewhere = form("/ui/login", "203.0.113.8", &right);
    assert_eq!(lambda.invoke(elsewhere, limit).await.status, 303);
}

/// Why the process does not start on Lambda with these variables.
async fn refusal(variables: &[(&str, &str)]) -> String {
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_bedrock-sidecar"))
        .env_clear()
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9"),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
            ("TABLE_NAME", "table"),
        ])
        .envs(variables.iter().copied())
        .output()
        .await
        .unwrap();
    assert!(!output.status.success());
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

#[tokio::test]
async fn on_lambda_nobody_is_let_in_without_a_key() {
    let said = refusal(&[("ALLOW_NO_MASTER_KEY", "1")]).await;
    assert!(said.contains("no master key"), "{said}");
}

#[tokio::test]
async fn on_lambda_the_simulated_bedrock_is_never_called_and_the_log_says_so() {
    let simulated = ("SIMULATED_BEDROCK", "true");
    let said = refusal(&[("ALLOW_NO_MASTER_KEY", "1"), simulated]).await;
    assert!(
        said.contains("SIMULATED_BEDROCK has no effect here"),
        "{said}"
    );
}

#[tokio::test]
async fn on_lambda_no_table_is_created() {
    let said = refusal(&[("LITELLM_MASTER_KEY", "sk-test"), ("CREATE_TABLE", "true")]).await;
    assert!(said.contains("CREATE_TABLE is refused on Lambda"), "{said}");
}

#[tokio::test]
#[ignore = "a minute long: cargo test a_long_freeze -- --ignored"]
async fn after_a_long_freeze_no_old_connection_is_used() {
    let lambda = Lambda::start().await;
    lambda.chat(&hello(CALLED)).await;
    lambda.chat(&hello(CALLED)).await;
    tokio::time::sleep(Duration::from_secs(55)).await;
    assert_eq!(lambda.chat(&hello(CALLED)).await.status, 200);
    let seen = lambda.bedrock.requests_for(MODEL);
    assert_eq!(seen[0].connection, seen[1].connection);
    assert_ne!(seen[1].connection, seen[2].connection);
}

#[tokio::test]
async fn the_other_wires_stream_to_their_end_behind_a_function_url() {
    let lambda = Lambda::start().await;
    let message = json!({"model": CALLED, "max_tokens": 100, "stream": true,
        "messages": [{"role": "user", "content": "hello"}]});
    let response = json!({"model": CALLED, "stream": true, "input": "hello"});
    for (path, body, end) in [
        ("/v1/messages", message, "{\"type\":\"message_stop\"}\n\n"),
        ("/v1/responses", response, "}\n\n"),
    ] {
        let invocation = lambda.request("POST", path, Some(&body)).await;
        assert_eq!(invocation.status, 200, "{path}");
        let text = invocation.text();
        assert!(text.ends_with(end), "{path}: {text}");
        let last = text.rsplit("event: ").next().unwrap();
        assert!(
            !last.starts_with("error") && !last.starts_with("response.failed"),
            "{text}"
        );
    }
    let asks = lambda.request("HEAD", "/", None).await;
    assert_eq!(asks.status, 200);
}

/// As the template sets it.
const STAGE_IGNORED: (&str, &str) = ("AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH", "true");

/// An event as an API Gateway for REST makes it, by its stage's address or by a domain that leads to the stage.
fn rest_event(method: &str, path: &str, body: Option<&Value>, stage: &str) -> Value {
    let domain = "abcdefghij.execute-api.us-east-1.amazonaws.com";
    let headers = json!({"authorization": format!("Bearer {KEY}"), "content-type": "application/json", "Host": domain,
        "X-Forwarded-For": "198.51.100.9, 203.0.113.7", "X-Forwarded-Proto": "https"});
    let several = headers.as_object().unwrap().iter();
    let several = several.map(|(name, value)| (name.clone(), json!([value])));
    json!({
        "resource": "/{proxy+}", "path": path, "httpMethod": method,
        "multiValueHeaders": serde_json::Map::from_iter(several), "headers": headers,
        "queryStringParameters": null, "multiValueQueryStringParameters": null,
        "pathParameters": {"proxy": path.trim_start_matches('/')}, "stageVariables": null,
        "requestContext": {
            "resourceId": "abc123", "resourcePath": "/{proxy+}", "httpMethod": method, "accountId": "123456789012",
            "extendedRequestId": "Zm9v=", "requestTime": "12/Jan/2026:20:00:00 +0000", "requestTimeEpoch": 1768248000000u64,
            "path": format!("{stage}{path}"), "protocol": "HTTP/1.1", "stage": "prod", "domainPrefix": "abcdefghij",
            "domainName": domain, "requestId": "5d1ffa33-1b07-4d3e-9d2e-7c5b8f1f6a00", "apiId": "abcdefghij",
            "identity": {"sourceIp": "203.0.113.7", "userAgent": "test", "accountId": null, "caller": null, "user": null},
        },
        "body": body.map(Value::to_string), "isBase64Encoded": false,
    })
}

#[tokio::test]
async fn behind_an_api_gateway_answers_stream_and_pages_stand_below_its_stage() {
    let lambda = Lambda::with_variables(&[STAGE_IGNORED]).await;
    let limit = Duration::from_secs(60);
    let pace = Duration::from_millis(100);
    for (stage, shown) in [("/prod", "/prod/ui"), ("", "/ui")] {
        let steps = [Step::text("one two three four five six").pace(pace)];
        lambda.bedrock.script(MODEL, steps);
        let event = rest_event("POST", "/v1/chat/completions", Some(&streamed()), stage);
        let invocation = lambda.invoke(event, limit).await;
        assert_eq!(invocation.status, 200, "{}", invocation.text());
        assert!(invocation.text().ends_with("data: [DONE]\n\n"));
        let spread = invocation.pieces.last().unwrap().0 - invocation.first_byte();
        assert!(spread > pace * 3, "all of it came within {spread:?}");
        let event = rest_event("POST", "/v1/chat/completions", Some(&hello(CALLED)), stage);
        let whole = lambda.invoke(event, limit).await;
        assert_eq!(whole.json()["object"], "chat.completion");
        // A model's name in the path, with what a path may not have as it stands.
        let path = format!("/engines/{MODEL}/chat/completions");
        let event = rest_event("POST", &path, Some(&hello(CALLED)), stage);
        assert_eq!(lambda.invoke(event, limit).await.status, 200);

        let front = lambda
            .invoke(rest_event("GET", "/", None, stage), limit)
            .await;
        assert_eq!(front.status, 200);
        assert!(
            front.text().contains(&format!("href=\"{shown}\"")),
            "{}",
            front.text()
        );
        let login = rest_event("GET", "/ui/login", None, stage);
        let login = lambda.invoke(login, limit).await.text();
        assert!(
            login.contains(&format!("action=\"{shown}/login\"")),
            "{login}"
        );
        let closed = lambda
            .invoke(rest_event("GET", "/ui/models", None, stage), limit)
            .await;
        let login = format!("{shown}/login?next=models");
        assert_eq!(closed.headers["location"], login);
        let missing = rest_event("GET", "/metrics", None, stage);
        assert_eq!(lambda.invoke(missing, limit).await.status, 404);
    }
}

#[tokio::test]
async fn behind_an_api_gateway_the_client_s_address_is_what_it_says_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("own.yml");
    let yaml = include_str!("../config/iam_role_config.yml");
    let bound = "general_settings:\n  allowed_ips: [203.0.113.7]\n";
    std::fs::write(&config, yaml.replace("general_settings:\n", bound)).unwrap();
    let own = ("CONFIG_FILE", config.to_str().unwrap());
    let lambda = Lambda::with_variables(&[STAGE_IGNORED, own]).await;
    for (address, status) in [("203.0.113.7", 200), ("203.0.113.8", 403)] {
        let mut event = rest_event("GET", "/v1/models", None, "");
        event["requestContext"]["identity"]["sourceIp"] = json!(address);
        let invocation = lambda.invoke(event, Duration::from_secs(60)).await;
        assert_eq!(
            invocation.status,
            status,
            "{address}: {}",
            invocation.text()
        );
    }
}

//! Everywhere that words come from.

use bedrock_sidecar::simulator::{FaultKind, ScriptedReply, Step};
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName};
use serde_json::json;

use super::Stage;
use super::hostile::{SHORT, TAG, forged_lines, hostile, hostile_header};
use crate::support::{BACKUP, KEY, PRIMARY, validation_error};

/// A key whose settings say it.
pub async fn key_that_says_it(stage: &Stage, n: u8) -> String {
    let settings = json!({"key_alias": format!("{n}{SHORT}"), "user_id": SHORT, "tags": [TAG],
        "metadata": {"a": hostile()}, "soft_budget": 0.0000001, "max_budget": 1000});
    stage.new_key(settings).await
}

/// Every field that a client fills.
pub async fn say_it_in_every_field(stage: &Stage, key: &str) {
    let text = hostile();
    let tool = |kind: &str, name: &str| json!({"type": kind, "name": name, "function": {"name": name, "parameters": {"type": "object"}}});
    for fields in [
        json!({"user": text, "tags": [text], "litellm_session_id": text, "litellm_trace_id": text,
            "metadata": {"tags": [text], "session_id": text, "trace_id": text, "user_id": text, text.clone(): text,
                "spend_logs_metadata": {text.clone(): text}}}),
        json!({"model": text}),
        json!({"model": format!("bedrock/{text}")}),
        json!({"fallbacks": [text]}),
        json!({"fallbacks": [{"model": text}], "mock_testing_fallbacks": true}),
        json!({"additional_model_request_fields": {text.clone(): text}}),
        json!({"guardrailConfig": {"guardrailIdentifier": text, "guardrailVersion": text}}),
        json!({"service_tier": text}),
        json!({"reasoning_effort": text}),
        json!({"tool_choice": text, "tools": [tool("function", &text)]}),
        json!({"tools": [tool(&text, "a")]}),
        json!({"stop": [text], "response_format": {"type": text}}),
        json!({"messages": [{"role": text, "content": text}]}),
        json!({"mock_response": text}),
        json!({"stream": true, "user": text}),
        json!({text.clone(): text}),
    ] {
        stage.chat(key, fields.clone()).await;
    }
    let tools = json!([{"type": text, "name": text}, {"type": "custom", "name": "a", "input_schema": {"type": "object"}}]);
    let messages = json!([{"role": "user", "content": "hello"}]);
    for path in ["/v1/messages", "/v1/messages/count_tokens"] {
        let body = json!({"model": "primary", "max_tokens": 9, "messages": messages, "tools": tools,
            "metadata": {"user_id": text}});
        stage.send(key, path, &body).await;
    }
    let input = json!([{"type": text}, {"type": "reasoning", "id": text, "summary": [], "encrypted_content": text},
        {"role": "user", "content": "hello"}]);
    let tools = json!([{"type": text}]);
    stage
        .send(
            key,
            "/v1/responses",
            &json!({"model": "primary", "input": input, "tools": tools, "user": text}),
        )
        .await;
}

/// Every header that is read, and the request's own line.
pub async fn say_it_in_every_header_and_path(stage: &Stage) {
    let mut headers = HeaderMap::new();
    for name in [
        "user-agent",
        "x-litellm-call-id",
        "x-request-id",
        "x-litellm-tags",
        "x-litellm-session-id",
        "x-litellm-trace-id",
        "x-litellm-end-user-id",
        "traceparent",
        "x-amzn-trace-id",
        "x-session-id",
        "x-session-affinity",
        "session-id",
        "x-claude-code-session-id",
        "anthropic-beta",
        "anthropic-version",
        "x-forwarded-for",
        "forwarded",
        "referer",
        "origin",
        "cookie",
        "accept",
        "accept-language",
    ] {
        headers.insert(HeaderName::from_static(name), hostile_header());
    }
    let body = json!({"model": "primary", "messages": [{"role": "user", "content": "hello"}]});
    for path in ["/v1/chat/completions", "/v1/messages", "/v1/responses"] {
        let request = stage.http.post(format!("{}{path}", stage.gateway.url));
        request
            .bearer_auth(KEY)
            .headers(headers.clone())
            .json(&body)
            .send()
            .await
            .unwrap();
    }
    let request = stage
        .http
        .post(format!("{}/v1/chat/completions", stage.gateway.url));
    let small = r#"{"a": "\n{\"event\":\"spend_open\"}"}"#;
    request
        .bearer_auth(KEY)
        .header("x-litellm-spend-logs-metadata", small)
        .json(&body)
        .send()
        .await
        .unwrap();
    let encoded: String = hostile()
        .bytes()
        .map(|byte| format!("%{byte:02x}"))
        .collect();
    let [line, _] = forged_lines();
    let raw = line.replace([' ', '"', '<', '>', '\\', '^', '`', '{', '|', '}'], "'");
    for path in [
        format!("/{encoded}"),
        format!("/{raw}?{encoded}"),
        format!(
            "/key/%73k-secret-{}/regenerate?key=sk-secret",
            "1".repeat(20)
        ),
        format!("/v1/models/{encoded}"),
        format!("/engines/{encoded}/chat/completions"),
    ] {
        let method = Method::from_bytes(b"SP3ND-OP3N").unwrap();
        for method in [Method::GET, Method::POST, method] {
            let request = stage
                .http
                .request(method, format!("{}{path}", stage.gateway.url));
            request
                .bearer_auth(KEY)
                .headers(headers.clone())
                .json(&body)
                .send()
                .await
                .unwrap();
        }
    }
    let login = stage.http.post(format!("{}/ui/login", stage.gateway.url));
    let login = login
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("user={encoded}&password={encoded}"));
    login.headers(headers).send().await.unwrap();
}

/// Every way in which Bedrock's words come back.
pub async fn say_it_as_bedrock(stage: &Stage) {
    let text = hostile();
    let answer = || Step::text("one two three four");
    let exception = |name: &str| FaultKind::Exception {
        name: name.to_owned(),
        message: text.clone(),
    };
    let error = FaultKind::Error {
        code: "x".to_owned(),
        message: text.clone(),
    };
    for step in [
        validation_error(&text),
        Step::fail(403, "AccessDeniedException", &text),
        Step::fail(429, "ThrottlingException", &text),
        Step::fail(503, "ServiceUnavailableException", &text),
        Step::bare_status(502, &text),
        answer().fault(0, exception("validationException")),
        answer().fault(2, exception("modelStreamErrorException")),
        answer().fault(1, error),
        answer().fault(1, FaultKind::BrokenFrame),
        Step::reply(ScriptedReply::tool(&text, &json!({text.clone(): text}))),
        Step::reset(),
    ] {
        for stream in [false, true] {
            stage.bedrock.script(PRIMARY, [step.clone()]);
            stage.bedrock.script(BACKUP, [step.clone()]);
            stage.chat(KEY, json!({"stream": stream})).await;
        }
    }
}

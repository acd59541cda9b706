//! What Claude Code makes of an error: it acts on some words, obeys `x-should-retry`, and else stops.

use std::time::Duration;

use bedrock_sidecar::simulator::{FaultKind, Step};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

use super::errors::error;
use crate::support::anthropic::{ask, remember};
use crate::support::keys::{key, post_with};
use crate::support::{
    KEY, PRIMARY, TestApp, header, hello, thoughtful, trail_of, validation_error,
};

/// What Claude Code does about an error, as its versions from 2.1.197 on were seen to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reaction {
    /// It takes the conversation together and goes on.
    Compacts,
    /// It asks for a shorter answer.
    ShortensAnswer,
    /// It sends the conversation without its thinking.
    LeavesThinkingOut,
    /// It moves what the system says into the user's turn.
    FoldsSystem,
    /// It asks for another kind of thinking.
    SwitchesThinking,
    /// It sends the same again.
    Repeats,
    /// It has its helper make another key, and repeats.
    RenewsKey,
    /// It shows the error to its user.
    Stops,
}
use Reaction as R;

impl Reaction {
    fn to(status: u16, should_retry: &str, message: &str) -> Self {
        let says = |words: &[&str]| words.iter().any(|words| message.contains(words));
        assert!(
            !says(&["invalid beta flag", "context_management: Extra inputs"]),
            "the end of a session: {message}"
        );
        match should_retry {
            _ if says(&["prompt is too long"]) => R::Compacts,
            _ if says(&["input length and `max_tokens` exceed context limit: "]) => {
                R::ShortensAnswer
            }
            _ if says(&["role 'system' is not supported"]) => R::FoldsSystem,
            _ if says(&["`signature`", "cannot be modified"]) => R::LeavesThinkingOut,
            _ if says(&["\"thinking.type."]) => R::SwitchesThinking,
            "true" => R::Repeats,
            "false" => R::Stops,
            "" if status == 401 => R::RenewsKey,
            other => panic!("{status} without a word on repeating it: {other:?}"),
        }
    }
}

/// A chain of one, which rests never and waits for nothing.
async fn impatient() -> TestApp {
    let settings = "  disable_cooldowns: true\n  request_timeout: 0.3\n  stream_timeout: 0.3\n";
    TestApp::builder().settings(settings).start().await
}

fn alone() -> Value {
    let mut body = ask("hello");
    body["disable_fallbacks"] = json!(true);
    body
}

/// The status, the type and the message of an error, and what Claude Code does about it.
async fn reaction(response: Response) -> (u16, String, String, Reaction) {
    let should_retry = header(&response, "x-should-retry").to_owned();
    let comes_back = response.headers().contains_key("retry-after");
    assert!(
        !comes_back || should_retry == "true",
        "a time to come back at, and not to"
    );
    let (status, kind, message) = error(response).await;
    let reaction = Reaction::to(status, &should_retry, &message);
    (status, kind, message, reaction)
}

#[tokio::test]
async fn every_failure_of_bedrock_is_acted_on_repeated_or_shown() {
    let denied = "You don't have access to the model with the specified model ID.";
    let expired = "The security token included in the request is expired";
    let too_many =
        "Too many input tokens. Max input tokens: 8192, request input token count: 11548";
    let no_room = "input length and `max_tokens` exceed context limit: 196395 + 64000 > 204698, decrease input length or `max_tokens` and try again";
    let hardly_any_room =
        "input length and `max_tokens` exceed context limit: 201000 + 64000 > 204698";
    let no_room_elsewhere = "This model's maximum context length is 131072 tokens. However, you requested 131134 tokens (122942 in the messages, 8192 in the completion). Please reduce the length of the messages or completion.";
    let modified = "messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. These blocks must remain as they were in the original response.";
    let bound = "messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to a different conversation";
    let disabled = "\"thinking.type.disabled\" is not supported for this model. Use \"thinking.type.adaptive\" and \"output_config.effort\" to control thinking behavior.";
    let system = "messages.2: role 'system' is not supported on this model";
    #[rustfmt::skip]
    let cases = [
        (Step::throttle(), 429, "rate_limit_error", R::Repeats, "Too many requests, please wait"),
        (Step::throttle().retry_after("2"), 429, "rate_limit_error", R::Repeats, "Too many requests"),
        (Step::throttle_for_the_day(), 429, "rate_limit_error", R::Stops, "Too many tokens per day"),
        (Step::unavailable(), 529, "overloaded_error", R::Repeats, "Bedrock is unable"),
        (Step::internal_error(), 529, "overloaded_error", R::Repeats, "The system encountered"),
        (Step::bare_status(529, "overloaded"), 529, "overloaded_error", R::Repeats, ""),
        (Step::reset(), 529, "overloaded_error", R::Repeats, "The gateway could not reach"),
        (Step::hang(), 504, "timeout_error", R::Repeats, ""),
        (Step::text("x").fault(0, FaultKind::Cut), 529, "overloaded_error", R::Repeats, ""),
        (Step::fail(403, "ExpiredTokenException", expired), 502, "api_error", R::Repeats, "The gateway has no valid AWS"),
        (Step::fail(403, "AccessDeniedException", denied), 403, "permission_error", R::Stops, denied),
        (validation_error("The provided model identifier is invalid."), 400, "invalid_request_error", R::Stops, "The provided model"),
        (validation_error("Output blocked by content filtering policy"), 400, "invalid_request_error", R::Stops, "Output blocked"),
        (validation_error("tools: Tool names must be unique."), 400, "invalid_request_error", R::Stops, "tools: Tool names"),
        (validation_error("Something about this model only."), 400, "invalid_request_error", R::Stops, "Something about"),
        (validation_error("Input is too long for requested model."), 400, "invalid_request_error", R::Compacts, "prompt is too long: Input is too long"),
        (validation_error("Prompt is too long: 205000 tokens > 200000 maximum"), 400, "invalid_request_error", R::Compacts, "prompt is too long: 205000 tokens > 200000 maximum"),
        (validation_error(too_many), 400, "invalid_request_error", R::Compacts, "prompt is too long: 11548 tokens > 8192 maximum"),
        (validation_error(no_room), 400, "invalid_request_error", R::ShortensAnswer, "input length and `max_tokens` exceed context limit: 196395 + 64000 > 204698"),
        (validation_error(hardly_any_room), 400, "invalid_request_error", R::Compacts, "prompt is too long: input length and `max_tokens` exceed context limit: 201000 + 64000 > 204698"),
        (validation_error(no_room_elsewhere), 400, "invalid_request_error", R::ShortensAnswer, "input length and `max_tokens` exceed context limit: 122942 + 8192 > 131072"),
        (validation_error(&format!("The model returned the following errors: {modified}")), 400, "invalid_request_error", R::LeavesThinkingOut, "The model returned"),
        (validation_error(modified), 400, "invalid_request_error", R::LeavesThinkingOut, modified),
        (validation_error(bound), 400, "invalid_request_error", R::LeavesThinkingOut, bound),
        (validation_error(disabled), 400, "invalid_request_error", R::SwitchesThinking, disabled),
        (validation_error(system), 400, "invalid_request_error", R::FoldsSystem, system),
    ];
    let app = impatient().await;
    for (step, status, kind, reacts, words) in cases {
        for stream in [false, true] {
            let name = format!("{step:?}, stream: {stream}");
            app.bedrock.always(PRIMARY, step.clone());
            let mut body = alone();
            body["stream"] = json!(stream);
            let request = app.as_anthropic("/v1/messages", &body);
            let (found_status, found_kind, message, found) =
                reaction(request.send().await.unwrap()).await;
            assert_eq!(
                (found_status, &*found_kind, found),
                (status, kind, reacts),
                "{name}: {message}"
            );
            assert!(message.starts_with(words), "{name}: {message}");
        }
    }
}

#[tokio::test]
async fn every_refusal_of_the_gateway_is_repeated_or_shown() {
    let app = TestApp::builder()
        .settings("  total_timeout: 0.3\n")
        .start()
        .await;
    let limited = key(&app, json!({"rpm_limit": 0})).await;
    let spent = key(&app, json!({"max_budget": 0})).await;
    let elsewhere = key(&app, json!({"models": ["last"]})).await;
    let mut unknown = alone();
    unknown["model"] = json!("no-such-model");
    let large = ask(&"x".repeat(7_000_000));
    let mut wrong = alone();
    wrong["messages"] = json!("hello");
    let mut mocked = alone();
    mocked["mock_testing_fallbacks"] = json!(true);
    app.bedrock.always(PRIMARY, Step::hang());
    for (key, body, status, reacts) in [
        ("sk-wrong", &alone(), 401, R::RenewsKey),
        (KEY, &unknown, 404, R::Stops),
        (&elsewhere, &alone(), 403, R::Stops),
        (KEY, &wrong, 400, R::Stops),
        (KEY, &large, 413, R::Stops),
        (&spent, &alone(), 422, R::Stops),
        (&limited, &alone(), 429, R::Repeats),
        (KEY, &mocked, 529, R::Repeats),
        (KEY, &alone(), 504, R::Repeats),
    ] {
        let request = post_with(&app, key, "/v1/messages", body);
        let (found, _, message, reaction) = reaction(request.send().await.unwrap()).await;
        assert_eq!((found, reaction), (status, reacts), "{message}");
    }
    // Whatever status the configuration gives a spent budget.
    let app = TestApp::builder()
        .settings("general_settings: {budget_exceeded_status_code: 429}\n")
        .start()
        .await;
    let spent = key(&app, json!({"max_budget": 0})).await;
    let request = post_with(&app, &spent, "/v1/messages", &alone());
    let (status, _, message, reaction) = reaction(request.send().await.unwrap()).await;
    assert_eq!((status, reaction), (429, R::Stops), "{message}");
}

#[tokio::test]
async fn clients_of_every_wire_are_told_whether_to_repeat() {
    let app = impatient().await;
    let too_long = validation_error("Input is too long for requested model.");
    for (step, should_retry) in [
        (Step::throttle(), "true"),
        (Step::throttle().retry_after("90"), "true"),
        (Step::unavailable(), "true"),
        (Step::hang(), "true"),
        (Step::throttle_for_the_day(), "false"),
        (too_long, "false"),
    ] {
        app.bedrock.always(PRIMARY, step.clone());
        for stream in [false, true] {
            let chat = json!({"model": "primary", "messages": hello("primary")["messages"]});
            let response = json!({"model": "primary", "input": "hello"});
            for (path, mut body) in [("/v1/chat/completions", chat), ("/v1/responses", response)] {
                body["stream"] = json!(stream);
                body["disable_fallbacks"] = json!(true);
                let reply = app.post(path, &body).send().await.unwrap();
                let name = format!("{path} {step:?}, stream: {stream}");
                assert!(!reply.status().is_success(), "{name}");
                assert_eq!(header(&reply, "x-should-retry"), should_retry, "{name}");
            }
        }
    }
    let answered = TestApp::new().await.chat(&hello("primary")).await;
    assert!(!answered.headers().contains_key("x-should-retry"));
}

/// The second turn of a session, as Claude Code asks for it: its betas, an edit of the context, thinking from before, and
/// a word of the system's.
async fn second_turn(app: &TestApp) -> RequestBuilder {
    let mut body = alone();
    body["max_tokens"] = json!(4000);
    body["thinking"] = json!({"type": "enabled", "budget_tokens": 2000});
    body["tools"] = json!([{"name": "look", "input_schema": {"type": "object"}}]);
    body["context_management"] = json!({"edits": [
        {"type": "clear_thinking_20251015", "keep": "all"}, {"type": "clear_tool_uses_20250919"}]});
    app.bedrock.script(PRIMARY, [Step::reply(thoughtful())]);
    let message = app.message(&body).await;
    remember(&mut body, &message);
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(json!({"role": "system", "content": "Be brief."}));
    body["stream"] = json!(true);
    let betas = "claude-code-20250219,interleaved-thinking-2025-05-14,thinking-token-count-2026-05-13,\
                 context-management-2025-06-27,prompt-caching-scope-2026-01-05,\
                 mid-conversation-system-2026-04-07,effort-2025-11-24";
    let request = app.as_anthropic("/v1/messages?beta=true", &body);
    request.header("anthropic-beta", betas)
}

#[tokio::test]
async fn a_refusal_that_would_end_the_session_never_reaches_it() {
    let lacks_betas = [
        "invalid beta flag",
        "The model returned the following errors: invalid beta flag",
        "context_management: Extra inputs are not permitted",
    ];
    let lacks_thinking = [
        "messages.1.content.0: Invalid `signature` in `thinking` block",
        "messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to a different conversation",
        "thinking: Input tag 'adaptive' found using 'type' does not match any of the expected tags: 'disabled', 'enabled'",
        "adaptive thinking is not supported on this model",
    ];
    // Bedrock does not say which beta it means, and the gateway's own is left out first.
    let betas = lacks_betas.map(|words| (words, 2, &["anthropic_beta", "context_management"][..]));
    let thinking = lacks_thinking.map(|words| (words, 1, &["thinking"][..]));
    for (words, times, left_out) in betas.into_iter().chain(thinking) {
        let app = TestApp::new().await;
        let request = second_turn(&app).await;
        app.bedrock
            .script(PRIMARY, vec![validation_error(words); times]);
        let reply = request.send().await.unwrap();
        assert_eq!(reply.status(), 200, "{words}");
        let trail = trail_of(&reply);
        assert_eq!(trail.split(", ").count(), times + 1, "{words}: {trail}");
        assert!(trail.ends_with(", primary:ok"), "{words}: {trail}");
        let fields = app.last_sent()["additionalModelRequestFields"].clone();
        for field in left_out {
            assert!(fields[field].is_null(), "{words}: {fields}");
        }
    }
}

#[tokio::test]
async fn the_greeting_is_answered_and_says_nothing() {
    let app = TestApp::new().await;
    let url = format!("{}/api/hello", app.url);
    for request in [app.http.head(&url), app.http.get(&url)] {
        let reply = request.send().await.unwrap();
        assert_eq!(reply.status(), 200);
        let names = reply.headers().keys().map(|name| name.as_str().to_owned());
        let said: Vec<String> = names
            .filter(|name| !["date", "content-length"].contains(&name.as_str()))
            .collect();
        assert!(said.is_empty(), "{said:?}");
        assert_eq!(reply.bytes().await.unwrap(), "");
    }
    let posted = app.http.post(&url).send().await.unwrap();
    assert_eq!(posted.status(), 405);
}

#[tokio::test]
async fn a_stream_is_never_silent_for_as_long_as_a_client_waits() {
    let app = TestApp::builder()
        .settings("  heartbeat_interval: 0.05\n")
        .start()
        .await;
    let slow = Step::text("Well then.")
        .slow_head(Duration::from_millis(200))
        .fault(3, FaultKind::Stall(Duration::from_millis(200)));
    app.bedrock.script(PRIMARY, [slow]);
    let events = app.message_events(&ask("hello")).await;
    assert!(events.pings >= 4, "{}", events.pings);
    assert_eq!(events.message()["content"][0]["text"], "Well then.");
}

use http::StatusCode;

use crate::bedrock::{Class, Failure};
use crate::wire::ApiError;

use super::read;

/// A body with one message of the user and these fields.
fn with(fields: &str) -> String {
    format!(r#"{{"messages": [{{"role": "user", "content": "q"}}], {fields}}}"#)
}

fn with_message(message: &str) -> String {
    format!(r#"{{"messages": [{{"role": "user", "content": "q"}}, {message}]}}"#)
}

fn with_picture(url: &str) -> String {
    with_message(&format!(
        r#"{{"role": "user", "content": [{{"type": "image_url", "image_url": {{"url": "{url}"}}}}]}}"#
    ))
}

#[test]
fn a_client_s_mistake_is_a_400_that_names_the_field() {
    let picture = "messages[1].content[0].image_url";
    let cases = [
        (String::new(), "request_body", "EOF while parsing"),
        (
            r#"{"messages": ["#.into(),
            "request_body",
            "EOF while parsing a list at line 1 column 14",
        ),
        ("{'a': 1}".into(), "request_body", "key must be a string"),
        (" []".into(), "request_body", "must be a JSON object"),
        ("\"q\"".into(), "request_body", "expected an object"),
        ("{}".into(), "messages", "Missing required parameter"),
        (
            r#"{"messages": []}"#.into(),
            "messages",
            "Missing required parameter",
        ),
        (
            r#"{"messages": "q"}"#.into(),
            "messages",
            "invalid type: string \"q\"",
        ),
        (
            r#"{"messages": ["q"]}"#.into(),
            "messages[0]",
            "expected a message (an object)",
        ),
        (
            r#"{"messages": [{"content": "q"}]}"#.into(),
            "messages[0]",
            "missing field `role`",
        ),
        (
            with_message(r#"{"role": "robot", "content": "q"}"#),
            "messages[1].role",
            "'robot'; it must be one of",
        ),
        (
            with_message(r#"{"role": "user", "content": 7}"#),
            "messages[1].content",
            "expected a string or a list of content parts",
        ),
        (
            with_message(r#"{"role": "user", "content": [{"type": "text"}]}"#),
            "messages[1].content[0].text",
            "Missing required parameter",
        ),
        (
            with_message(r#"{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}"#),
            "messages[1].content[0].type",
            "'input_audio'; this gateway takes",
        ),
        (
            with_message(r#"{"role": "user", "content": [{"type": "image_url"}]}"#),
            picture,
            "Missing required parameter",
        ),
        (
            with_message(r#"{"role": "user", "content": [{"type": "image_url", "image_url": 7}]}"#),
            picture,
            "expected an address or an object with `url`",
        ),
        (
            with_picture("https://example.com/a.png"),
            picture,
            "is 'https://example.com/a.png'; send the picture as a data URL",
        ),
        (with_picture("data:image/png"), picture, "without a comma"),
        (
            with_picture("data:image/png,abc"),
            picture,
            "must be base64",
        ),
        (
            with_picture("data:image/bmp;base64,AAAA"),
            picture,
            "holds 'image/bmp'; pictures may be",
        ),
        (
            with_picture("data:image/png;base64,!!"),
            picture,
            "is not valid base64",
        ),
        (
            with_picture("data:image/png;base64,"),
            picture,
            "holds no data",
        ),
        (
            r#"{"messages": [{"role": "system", "content": [{"type": "image_url", "image_url": "data:image/png;base64,AAAA"}]}]}"#.into(),
            "messages[0].content",
            "must be text",
        ),
        (
            with_message(r#"{"role": "tool", "content": "r"}"#),
            "messages[1].tool_call_id",
            "Missing required parameter",
        ),
        (
            with_message(r#"{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}"#),
            "messages[1].tool_calls[0].id",
            "Missing required parameter",
        ),
        (
            with_message(r#"{"role": "assistant", "tool_calls": [{"id": "c", "function": {"arguments": "{}"}}]}"#),
            "messages[1].tool_calls[0].function.name",
            "Missing required parameter",
        ),
        (with(r#""n": 2"#), "n", "one answer per call"),
        (
            with(r#""max_tokens": "many""#),
            "max_tokens",
            "expected a whole number",
        ),
        (
            with(r#""max_tokens": -1"#),
            "max_tokens",
            "expected a whole number",
        ),
        (
            with(r#""max_tokens": 1.5"#),
            "max_tokens",
            "expected a whole number",
        ),
        (
            with(r#""max_tokens": 0"#),
            "max_tokens",
            "must be at least 1",
        ),
        (
            with(r#""temperature": "hot""#),
            "temperature",
            "invalid type",
        ),
        (with(r#""stop": [1]"#), "stop", "must be a string"),
        (
            with(r#""stop": {"a": 1}"#),
            "stop",
            "a string or a list of strings",
        ),
        (
            with(r#""reasoning_effort": "bogus""#),
            "reasoning_effort",
            "'bogus'; it must be one of",
        ),
        (
            with(r#""thinking": {"type": "adaptive"}, "output_config": {"effort": "bogus"}"#),
            "output_config.effort",
            "'bogus'; it must be one of",
        ),
        (
            with(r#""thinking": {"type": "deep"}"#),
            "thinking.type",
            "'deep'; it must be",
        ),
        (
            with(r#""tools": [{"type": "web_search"}]"#),
            "tools[0]",
            "type 'web_search'; this gateway takes 'function'",
        ),
        (
            with(r#""tools": [{"type": "function", "function": {"name": ""}}]"#),
            "tools[0].function.name",
            "is empty",
        ),
        (
            with(r#""tools": [{"type": "function", "function": {}}]"#),
            "tools[0].function.name",
            "Missing required parameter",
        ),
        (
            with(r#""tool_choice": "sometimes""#),
            "tool_choice",
            "'sometimes'; it must be",
        ),
        (
            with(r#""tool_choice": 7"#),
            "tool_choice",
            "expected a word or an object that names a function",
        ),
        (
            with(r#""tool_choice": {"type": "function", "function": {"name": "g"}}, "tools": [{"type": "function", "function": {"name": "f"}}]"#),
            "tool_choice",
            "names 'g', which is not among 'tools'",
        ),
    ];
    for (body, param, message) in cases {
        let settled =
            read(&body).and_then(|(_, mut options)| options.drop_or_refuse_unsupported(false));
        let error = match settled {
            Ok(()) => panic!("{body} was accepted"),
            Err(error) => error,
        };
        assert_eq!(error.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(error.kind, "invalid_request_error", "{body}");
        assert_eq!(error.param.as_deref(), Some(param), "{body}: {error:?}");
        assert!(error.message.contains(message), "{body}: {}", error.message);
    }
}

#[test]
fn a_failure_of_bedrock_names_neither_role_nor_account() {
    let message = "User: arn:aws:sts::123456789012:assumed-role/gateway/f is not authorized, account (123456789012).";
    let error = ApiError::from(&Failure::new(Class::AccessDenied, message));
    assert_eq!(error.status, StatusCode::FORBIDDEN);
    assert_eq!(
        error.message,
        "BedrockException - User: (arn) is not authorized, account (account)"
    );
}

#[test]
fn a_full_window_says_what_agents_look_for() {
    let error = ApiError::from(&Failure::new(
        Class::ContextWindow,
        "Input is too long for requested model.",
    ));
    insta::assert_snapshot!(error.body(), @r#"{"error":{"message":"BedrockException - prompt is too long: Input is too long for requested model.","type":"invalid_request_error","param":null,"code":"context_length_exceeded"}}"#);
}

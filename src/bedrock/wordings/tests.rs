use super::*;
use crate::bedrock::Feature;

#[test]
fn refusals_are_told_apart() {
    let cases = [
        (
            Some("ThrottlingException"),
            429,
            "Too many requests",
            Class::Throttled,
        ),
        (
            Some("ThrottlingException"),
            429,
            "Too many tokens per day, please wait",
            Class::DailyQuota,
        ),
        (
            Some("ModelNotReadyException"),
            429,
            "loading",
            Class::Unavailable,
        ),
        (
            Some("ValidationException"),
            400,
            "Input is too long for requested model.",
            Class::ContextWindow,
        ),
        (
            Some("ValidationException"),
            400,
            "The provided model identifier is invalid.",
            Class::NoSuchModel,
        ),
        (
            Some("ValidationException"),
            400,
            "temperature: range",
            Class::Rejected,
        ),
        (
            Some("AccessDeniedException"),
            403,
            "You invoked an unsupported model or your request did not allow prompt caching.",
            Class::Lacks(Feature::Caching),
        ),
        (
            Some("AccessDeniedException"),
            403,
            "You don't have access",
            Class::AccessDenied,
        ),
        (
            Some("ThrottlingException"),
            429,
            "Too many input tokens per minute",
            Class::Throttled,
        ),
        (
            Some("ValidationException"),
            400,
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
            Class::ContextWindow,
        ),
        (
            Some("ValidationException"),
            400,
            "messages.1.content.0: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified.",
            Class::Lacks(Feature::Thinking),
        ),
        (
            Some("ValidationException"),
            400,
            "This model doesn't support tool use in streaming mode.",
            Class::Lacks(Feature::ToolsWhileStreaming),
        ),
        (
            Some("ValidationException"),
            400,
            "The maximum tokens you requested exceeds the model limit of 8192. Try again with a maximum tokens value that is lower than 8192.",
            Class::Lacks(Feature::MaxTokens(8_192)),
        ),
        (
            Some("ValidationException"),
            400,
            "The model returned the following errors: max_tokens: 64000 > 4096, which is the maximum allowed number of output tokens for claude-3-opus-20240229",
            Class::Lacks(Feature::MaxTokens(4_096)),
        ),
        (
            Some("ValidationException"),
            400,
            "Malformed input request: #/inferenceConfig/maxTokens: 16384 is not less or equal to 5000, please reformat your input and try again.",
            Class::Lacks(Feature::MaxTokens(5_000)),
        ),
        (
            Some("ValidationException"),
            400,
            "The maximum tokens you requested exceeds the model limit of 8,192. Try again with a maximum tokens value that is lower than 8,192.",
            Class::Lacks(Feature::MaxTokens(8_192)),
        ),
        (
            Some("ValidationException"),
            400,
            "`max_tokens` must be at most 4096, got 16384",
            Class::Lacks(Feature::MaxTokens(4_096)),
        ),
        (
            Some("ValidationException"),
            400,
            "The maximum tokens you requested exceeds the model limit of 99999999999999999999.",
            Class::Rejected,
        ),
        (
            Some("ValidationException"),
            400,
            "Malformed input request: #/temperature: 2 is not less or equal to 1, please reformat your input and try again.",
            Class::Rejected,
        ),
        (None, 529, "overloaded", Class::Unavailable),
        (None, 502, "<html>", Class::Unavailable),
    ];
    for (code, status, message, class) in cases {
        assert_eq!(classify(code, Some(status), message), class, "{message}");
    }
}

#[test]
fn every_sentence_of_the_table_is_found_by_its_example_and_says_where_it_is_from() {
    for known in WORDINGS {
        let class = classify(Some("ValidationException"), Some(400), known.example);
        match class {
            Class::Lacks(Feature::MaxTokens(limit)) => {
                assert_eq!(known.class, NAMED_LIMIT, "{}", known.example);
                assert!(known.example.contains(&limit.to_string()) && limit > 1);
            }
            class => assert_eq!(class, known.class, "{}", known.example),
        }
        let first = SENTENCES
            .known
            .iter()
            .find(|(_, sentence)| sentence.is_match(known.example));
        let found = first.map(|(known, _)| known.sentence);
        assert_eq!(found, Some(known.sentence), "never reached");
        assert!(!known.source.is_empty(), "{}", known.example);
    }
    let class = classify(Some("ThrottlingException"), Some(429), DAILY_QUOTA.example);
    assert_eq!(class, DAILY_QUOTA.class);
}

/// How Bedrock, Claude and the services before them quote what a client wrote, around `{}`.
const QUOTATIONS: [&str; 26] = [
    "{}: Extra inputs are not permitted",
    "The model returned the following errors: {}: Extra inputs are not permitted",
    "The model returned the following errors: x: Field required; {}: Extra inputs are not permitted",
    "messages.0.content.1.{}: Extra inputs are not permitted",
    "messages.0.content.1.tool_use.input.{}: Field required",
    "tools.0.custom.input_schema.properties.{}: Input should be a valid dictionary",
    "tools.0.bash_20250124.{}: Extra inputs are not permitted",
    "context_management.edits.0.clear_tool_uses_20250919.{}: Extra inputs are not permitted",
    "Malformed input request: #: extraneous key [{}] is not permitted, please reformat your input and try again.",
    "Malformed input request: #/{}: extraneous key [x] is not permitted, please reformat your input and try again.",
    "Malformed input request: #/properties/{}/type: expected type: String, found: JSONObject",
    "Malformed input request: 2 schema violations found: #: extraneous key [{}] is not permitted",
    "1 validation error detected: Value '{}' at 'toolConfig.tools.1.member.toolSpec.name' failed to satisfy constraint: Member must have length less than or equal to 64",
    "1 validation error detected: Value at '{}' failed to satisfy constraint: Member must not be null",
    "2 validation errors detected: Value '' at 'a' failed to satisfy constraint: x; Value '{}' at 'b' failed to satisfy constraint: y",
    "The value '{}' is not supported.",
    "\"{}\" is not supported for this model.",
    "`{}` is deprecated for this model.",
    "Unexpected value(s) `{}` for the `anthropic-beta` header",
    "Tool '{}' not found in provided tools",
    "messages.0.content.1: Input tag '{}' found using 'type' does not match any of the expected tags: 'text', 'image'",
    "The format of the value at messages.0.content.1.toolUse.input.{} is invalid. Provide a json object for the field and try again.",
    "This model doesn't support the {} field. Remove {} and try again.",
    "x\n{}\ny: Extra inputs are not permitted",
    "{}\n{}",
    "{}. x: Extra inputs are not permitted",
];

/// No client may make a target look as if it lacked something or were gone by writing that into a field.
#[test]
fn no_sentence_of_the_table_is_found_where_it_is_quoted() {
    let rows = WORDINGS.iter().chain([&DAILY_QUOTA]);
    for known in rows {
        let sentence = known
            .example
            .trim_start_matches("The model returned the following errors: ");
        for quotation in QUOTATIONS {
            for quoted in [
                known.example,
                sentence,
                sentence.trim_end_matches('.'),
                &sentence.to_ascii_lowercase(),
                &sentence.to_ascii_uppercase(),
            ] {
                let message = quotation.replace("{}", quoted);
                for (code, status, class) in [
                    ("ValidationException", 400, Class::Rejected),
                    ("AccessDeniedException", 403, Class::AccessDenied),
                    ("ThrottlingException", 429, Class::Throttled),
                ] {
                    let found = classify(Some(code), Some(status), &message);
                    assert_eq!(found, class, "{message}");
                }
            }
        }
    }
}

#[test]
fn an_exception_inside_a_stream_is_told_by_its_type_and_its_words() {
    let cases = [
        (
            "throttlingException",
            429,
            "Too many requests",
            Class::Throttled,
        ),
        (
            "internalServerException",
            500,
            "a fault",
            Class::Unavailable,
        ),
        (
            "modelStreamErrorException",
            424,
            "the model failed",
            Class::Unavailable,
        ),
        (
            "serviceUnavailableException",
            503,
            "later",
            Class::Unavailable,
        ),
        ("modelTimeoutException", 408, "late", Class::Unavailable),
        (
            "validationException",
            400,
            "Output blocked by content filtering policy",
            Class::ContentFiltered,
        ),
        (
            "validationException",
            400,
            "Bedrock is unable to process your request.",
            Class::Unavailable,
        ),
        (
            "validationException",
            400,
            "something else",
            Class::Rejected,
        ),
    ];
    for (kind, status, message, class) in cases {
        assert_eq!(
            classify(Some(kind), Some(status), message),
            class,
            "{kind}: {message}"
        );
    }
}

#[test]
fn by_what_the_window_is_exceeded_is_read_where_the_words_say_it() {
    let overflow = |prompt, answer, window| {
        Some(ContextOverflow {
            prompt,
            answer,
            window,
        })
    };
    for (message, found, room) in [
        (
            "input length and `max_tokens` exceed context limit: 196395 + 16384 > 204698, decrease input length or `max_tokens` and try again",
            overflow(196_395, Some(16_384), 204_698),
            Some(8_303),
        ),
        (
            "This model's maximum context length is 131072 tokens. However, you requested 131134 tokens (122942 in the messages, 8192 in the completion). Please reduce the length of the messages or completion.",
            overflow(122_942, Some(8_192), 131_072),
            Some(8_130),
        ),
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 16384. This model's maximum context length is 32768 tokens and your request has 20000 input tokens (16384 > 32768 - 20000).",
            overflow(20_000, Some(16_384), 32_768),
            Some(12_768),
        ),
        (
            "input length and `max_tokens` exceed context limit: 300000 + 16384 > 204698",
            overflow(300_000, Some(16_384), 204_698),
            None,
        ),
        (
            "input length and `max_tokens` exceed context limit: 1 + 2 > 99999999999",
            None,
            None,
        ),
        (
            "prompt is too long: 205000 tokens > 200000 maximum",
            overflow(205_000, None, 200_000),
            None,
        ),
        (
            "prompt is too long: 5 tokens > 200000 maximum",
            overflow(5, None, 200_000),
            None,
        ),
        (
            "Too many input tokens. Max input tokens: 8192, request input token count: 11548",
            overflow(11_548, None, 8_192),
            None,
        ),
        ("Input is too long for requested model.", None, None),
    ] {
        let class = classify(Some("ValidationException"), Some(400), message);
        assert_eq!(class, Class::ContextWindow, "{message}");
        assert_eq!(context_overflow(message), found, "{message}");
        let answer_room = found.and_then(ContextOverflow::answer_room);
        assert_eq!(answer_room, room, "{message}");
    }
}

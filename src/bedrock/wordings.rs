//! What kind of failure a refusal is: by the exception's type, by the sentence it comes with, or by its status.
//!
//! Every sentence says where it is from. "Recorded" means an answer of the real service; "Anthropic" means Claude's own
//! API, whose words Bedrock passes on; an issue is one that quotes Bedrock; "LiteLLM" means that its mapping of
//! Bedrock's errors knows them.

use super::failure::{Class, Feature};

/// A sentence that says more than the exception's type.
struct Wording {
    /// A part of it that does not change, in lower case.
    words: &'static str,
    class: Class,
    source: &'static str,
}

const fn wording(words: &'static str, class: Class, source: &'static str) -> Wording {
    Wording {
        words,
        class,
        source,
    }
}

const LITELLM: &str = "LiteLLM";
const ANTHROPIC: &str = "Anthropic";

/// The first that is found counts.
const WORDINGS: &[Wording] = &[
    // The prompt does not fit.
    wording("input is too long", Class::ContextWindow, LITELLM),
    wording("prompt is too long", Class::ContextWindow, ANTHROPIC),
    wording("too many input tokens", Class::ContextWindow, LITELLM),
    wording(
        "exceeds the maximum context",
        Class::ContextWindow,
        "other families than Claude",
    ),
    wording("exceed context limit", Class::ContextWindow, ANTHROPIC),
    wording(
        "maximum context length",
        Class::ContextWindow,
        "other families than Claude",
    ),
    wording(
        "input tokens exceeded",
        Class::ContextWindow,
        "other families than Claude",
    ),
    wording("expected maxlength:", Class::ContextWindow, LITELLM),
    wording("prompt: length: 1..", Class::ContextWindow, LITELLM),
    // A filter.
    wording(
        "content filtering policy",
        Class::ContentFiltered,
        "anthropics/claude-code#58367",
    ),
    // The model is not there.
    wording(
        "the provided model identifier is invalid",
        Class::NoSuchModel,
        "recorded",
    ),
    wording(
        "reached the end of its life",
        Class::NoSuchModel,
        "aws-samples/amazon-bedrock-ai-karaoke#21",
    ),
    wording(
        "marked by provider as legacy",
        Class::NoSuchModel,
        "aws-samples/amazon-bedrock-workshop#386",
    ),
    // Bedrock's apostrophe is a curly one.
    wording(
        "on-demand throughput isn",
        Class::NoSuchModel,
        "terricain/aioboto3#352",
    ),
    wording(
        "could not resolve the foundation model",
        Class::NoSuchModel,
        LITELLM,
    ),
    // It lacks something.
    wording(
        "did not allow prompt caching",
        Class::Lacks(Feature::Caching),
        "BerriAI/litellm#39210",
    ),
    wording(
        "extraneous key [cachepoint]",
        Class::Lacks(Feature::Caching),
        "BerriAI/litellm#17479",
    ),
    wording(
        "does not support prompt caching",
        Class::Lacks(Feature::Caching),
        "BerriAI/litellm#39210",
    ),
    wording(
        "remove the invalid cache point",
        Class::Lacks(Feature::Caching),
        "strands-agents/harness-sdk#3677, anomalyco/opencode#36517",
    ),
    wording(
        "invalid beta flag",
        Class::Lacks(Feature::Betas),
        "anthropics/claude-code#26570",
    ),
    wording(
        "context_management: extra inputs are not permitted",
        Class::Lacks(Feature::Betas),
        ANTHROPIC,
    ),
    wording(
        "support tool use in streaming mode",
        Class::Lacks(Feature::ToolsWhileStreaming),
        "recorded (Llama 4)",
    ),
    wording(
        "invalid `signature` in `thinking` block",
        Class::Lacks(Feature::Thinking),
        ANTHROPIC,
    ),
    wording(
        "expected `thinking` or `redacted_thinking`",
        Class::Lacks(Feature::Thinking),
        "anomalyco/opencode#3077",
    ),
    wording(
        "blocks in the latest assistant message cannot be modified",
        Class::Lacks(Feature::Thinking),
        "openclaw/openclaw#109881",
    ),
    wording(
        "thinking.type.enabled\" is not supported",
        Class::Lacks(Feature::Thinking),
        ANTHROPIC,
    ),
    wording(
        "adaptive thinking is not supported",
        Class::Lacks(Feature::Thinking),
        ANTHROPIC,
    ),
    wording(
        "extraneous key [thinking]",
        Class::Lacks(Feature::Thinking),
        "Bedrock's schema check",
    ),
    wording(
        "support the temperature field",
        Class::Lacks(Feature::Sampling),
        "NousResearch/hermes-agent#111043",
    ),
    wording(
        "support the topp field",
        Class::Lacks(Feature::Sampling),
        "NousResearch/hermes-agent#111043",
    ),
    wording(
        "is deprecated for this model",
        Class::Lacks(Feature::Sampling),
        "promptfoo/promptfoo#10307",
    ),
    wording(
        "support the stopsequences field",
        Class::Lacks(Feature::StopSequences),
        "crewAIInc/crewAI#3317, langgenius/dify-official-plugins#1767",
    ),
    wording(
        "support the toolconfig.toolchoice",
        Class::Lacks(Feature::ForcedToolChoice),
        "strands-agents/harness-sdk#1241",
    ),
    wording(
        "support the outputconfig",
        Class::Lacks(Feature::JsonSchema),
        "the form in which Bedrock refuses other fields",
    ),
    wording(
        "does not support assistant message prefill",
        Class::Lacks(Feature::Prefill),
        "Anthropic, Claude 4.6 and later",
    ),
    wording(
        "conversation must end with a user message",
        Class::Lacks(Feature::Prefill),
        "Bedrock, for other families",
    ),
    // The caller's mistake, whoever is asked.
    wording("tool names must be unique", Class::BadRequest, ANTHROPIC),
    wording(
        "input_schema: json schema is invalid",
        Class::BadRequest,
        ANTHROPIC,
    ),
    wording(
        "but the image appears to be a",
        Class::BadRequest,
        ANTHROPIC,
    ),
    wording("could not process image", Class::BadRequest, ANTHROPIC),
    wording(
        "each stop sequence must contain non-whitespace",
        Class::BadRequest,
        ANTHROPIC,
    ),
    // A 400 that is really a 503.
    wording(
        "unable to process your request",
        Class::Unavailable,
        "aws-samples/foundation-model-benchmarking-tool#247",
    ),
    wording(
        "security token included in the request",
        Class::Credentials,
        LITELLM,
    ),
];

/// What kind of failure a refusal is.
pub(super) fn classify(code: Option<&str>, status: Option<u16>, message: &str) -> Class {
    let lower = message.to_ascii_lowercase();
    // As minorun365/agent-book#29 quotes it; no back-off outlasts that.
    if lower.contains("too many tokens per day") {
        return Class::DailyQuota;
    }
    let code = code.map(str::to_ascii_lowercase);
    // A throttled request may speak of input tokens as well: they are too many per minute, not for the window.
    if code.as_deref() == Some("throttlingexception") {
        return Class::Throttled;
    }
    let known = WORDINGS.iter().find(|known| lower.contains(known.words));
    if let Some(known) = known {
        tracing::debug!(known.words, known.source, "a known refusal");
        return known.class;
    }
    match code.as_deref() {
        Some("servicequotaexceededexception") => return Class::Throttled,
        Some(
            "internalserverexception"
            | "serviceunavailableexception"
            | "modelnotreadyexception"
            | "modelerrorexception"
            | "modelstreamerrorexception"
            | "modeltimeoutexception",
        ) => return Class::Unavailable,
        Some("accessdeniedexception") => return Class::AccessDenied,
        Some("resourcenotfoundexception") => return Class::NoSuchModel,
        Some(
            "unrecognizedclientexception" | "expiredtokenexception" | "invalidsignatureexception",
        ) => {
            return Class::Credentials;
        }
        _ => {}
    }
    match status {
        Some(429) => Class::Throttled,
        Some(401) => Class::Credentials,
        Some(403) => Class::AccessDenied,
        Some(404) => Class::NoSuchModel,
        Some(408 | 424 | 500..=599) => Class::Unavailable,
        Some(413) => Class::ContextWindow,
        Some(400..=499) => Class::Rejected,
        _ => Class::Unavailable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            (None, 529, "overloaded", Class::Unavailable),
            (None, 502, "<html>", Class::Unavailable),
        ];
        for (code, status, message, class) in cases {
            assert_eq!(classify(code, Some(status), message), class, "{message}");
        }
    }

    #[test]
    fn every_known_wording_can_be_found_and_says_where_it_is_from() {
        for (at, known) in WORDINGS.iter().enumerate() {
            assert_eq!(known.words, known.words.to_ascii_lowercase());
            assert!(!known.source.is_empty(), "{}", known.words);
            let first = WORDINGS.iter().position(|w| known.words.contains(w.words));
            assert_eq!(first, Some(at), "{} is never reached", known.words);
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
}

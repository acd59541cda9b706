//! What kind of failure a refusal is: by the exception's type, by the sentence it comes with, or by its status.
//!
//! Bedrock quotes what clients wrote: "<field>: Extra inputs are not permitted", "Value '…' at '…' failed to satisfy
//! constraint", "#/…: extraneous key […] is not permitted". So a sentence counts only where it is all that the message
//! says, from its first letter to its last: see [`Sentences`].

mod table;

use std::sync::LazyLock;

use regex_lite::Regex;
use serde::Deserialize;

use super::class::{Class, ContextOverflow, Feature};
use table::{CONTEXT_OVERFLOW, DAILY_QUOTA, NAMED_LIMIT, WORDINGS, Wording};

/// What stands before a sentence that the model said and Bedrock hands on.
const HANDED_ON: &str = "(?:The model returned the following errors: )?";
/// What stands before such a sentence, as it is written.
const MODEL_ERRORS: &str = "The model returned the following errors: ";

/// What may follow a sentence: advice, in which neither Bedrock nor a model ever quotes. Quotation marks, brackets,
/// new lines and colons (but those of web addresses) are not part of it.
const ADVICE: &str = "(?: (?:Please|Try|See|Remove|Retry|Reduce|Refer|Learn|We recommend|For more|To)\\b\
                      (?:[\\w .,()/#-]|://)*)?";

/// The sentences of the table, ready to be found. Made at the first refusal: most processes never need them.
struct Sentences {
    daily_quota: Regex,
    context_overflow: Vec<Regex>,
    known: Vec<(&'static Wording, Regex)>,
}

static SENTENCES: LazyLock<Sentences> = LazyLock::new(|| Sentences {
    daily_quota: anchored(DAILY_QUOTA.sentence),
    context_overflow: CONTEXT_OVERFLOW.iter().map(|part| within(part)).collect(),
    known: WORDINGS
        .iter()
        .map(|known| (known, anchored(known.sentence)))
        .collect(),
});

/// Matches a message that is this sentence from its beginning to its end, in any case.
#[allow(clippy::expect_used)] // every row of the table is compiled by a test
fn anchored(sentence: &str) -> Regex {
    let pattern = format!("(?i)^{HANDED_ON}(?:{sentence})\\.*{ADVICE}$");
    Regex::new(&pattern).expect("a sentence of the table")
}

/// Matches a message that is known to be a sentence of the table, by a part of it.
#[allow(clippy::expect_used)] // every row of the table is compiled by a test
fn within(part: &str) -> Regex {
    Regex::new(&format!("(?i){part}")).expect("a part of a sentence of the table")
}

/// The numbers of a refusal as [`Class::ContextWindow`], as far as it names them.
pub(super) fn context_overflow(message: &str) -> Option<ContextOverflow> {
    let mut parts = SENTENCES.context_overflow.iter();
    let found = parts.find_map(|part| part.captures(message))?;
    let number = |name: &str| found.name(name)?.as_str().parse::<u32>().ok();
    Some(ContextOverflow {
        prompt: number("prompt")?,
        answer: number("answer"),
        window: number("window")?,
    })
}

/// The message of an error that OpenAI's models say as JSON, which Bedrock hands on as it is. The whole message is that
/// JSON: what a client wrote stands inside a string of it.
fn in_json(message: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct OpenAiErrorBody {
        error: ModelError,
    }
    #[derive(Deserialize)]
    struct ModelError {
        message: String,
    }
    let json = message.trim().strip_prefix(MODEL_ERRORS)?;
    let envelope: OpenAiErrorBody = serde_json::from_str(json).ok()?;
    Some(envelope.error.message)
}

/// What kind of failure a refusal is.
pub(super) fn classify(code: Option<&str>, status: Option<u16>, message: &str) -> Class {
    let code = code.map(str::to_ascii_lowercase);
    let code = code.as_deref();
    let inner = in_json(message);
    let message = inner.as_deref().unwrap_or(message).trim();
    // A throttled request may speak of input tokens as well: they are too many per minute, not for the window.
    if code == Some("throttlingexception") || code.is_none() && status == Some(429) {
        return if SENTENCES.daily_quota.is_match(message) {
            Class::DailyQuota
        } else {
            Class::Throttled
        };
    }
    let mut known = SENTENCES.known.iter();
    if let Some((known, sentence)) = known.find(|(_, sentence)| sentence.is_match(message)) {
        tracing::debug!(known.example, known.source, "a known refusal");
        return if known.class == NAMED_LIMIT {
            named_limit(sentence, message)
        } else {
            known.class
        };
    }
    by_code(code).unwrap_or_else(|| by_status(status))
}

/// The answer is longer than the limit that the message names.
fn named_limit(sentence: &Regex, message: &str) -> Class {
    let number = sentence.captures(message).and_then(|found| found.get(1));
    let limit = number.and_then(|number| number.as_str().replace(',', "").parse().ok());
    // Too large a number is none that an answer could have exceeded.
    limit.map_or(Class::Rejected, |limit| {
        Class::Lacks(Feature::MaxTokens(limit))
    })
}

fn by_code(code: Option<&str>) -> Option<Class> {
    Some(match code? {
        "servicequotaexceededexception" => Class::Throttled,
        "internalserverexception"
        | "serviceunavailableexception"
        | "modelnotreadyexception"
        | "modelerrorexception"
        | "modelstreamerrorexception"
        | "modeltimeoutexception" => Class::Unavailable,
        "accessdeniedexception" => Class::AccessDenied,
        "resourcenotfoundexception" => Class::NoSuchModel,
        "unrecognizedclientexception" | "expiredtokenexception" | "invalidsignatureexception" => {
            Class::Credentials
        }
        _ => return None,
    })
}

fn by_status(status: Option<u16>) -> Class {
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
mod tests;

//! Sampling, stop sequences, and how much goes in and comes out.

use serde_json::Value;

use super::{
    super::{
        super::{
            cache,
            json::{at, list},
        },
        MessagesCall, blocks,
    },
    MessagesRefusal, MessagesRule, refuse,
};
use crate::catalog::LONG_WINDOW;

pub(super) const RULES: &[MessagesRule] = &[
    MessagesRule {
        name: "sampling",
        source: "Anthropic: Opus 4.7 and later take the defaults alone; the version of 2026-10-21 takes nothing; both at \
                 once: Opus 4.1, Claude 4.5 and later",
        check: sampling,
    },
    MessagesRule {
        name: "sampling beside thinking",
        source: "Anthropic",
        check: beside_thinking,
    },
    MessagesRule {
        name: "stop sequences",
        source: "Anthropic",
        check: stop_sequences,
    },
    MessagesRule {
        name: "output limit",
        source: "Bedrock's words for older models (RooCodeInc/Roo-Code#3916), Anthropic's for newer ones",
        check: output_limit,
    },
    MessagesRule {
        name: "context window",
        source: "Bedrock's words for older models, Anthropic's for newer ones; for both the prompt with its answer before \
                 4.5, whose windows were not watched by the model itself",
        check: window,
    },
];

/// The defaults, which newer models take.
fn is_default(name: &str, value: &Value) -> bool {
    name != "top_k" && value.as_f64() == Some(1.0)
}

fn sampling(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let abilities = &request.model.abilities;
    for name in ["temperature", "top_p", "top_k"] {
        let value = at(request.body, &format!("/{name}"));
        if value.is_null() {
            continue;
        }
        let is_taken = abilities.sampling || is_default(name, value);
        if !is_taken || request.is_2026_10_21() {
            return refuse(format!("`{name}` is deprecated for this model."));
        }
        if name != "top_k" {
            match value.as_f64() {
                Some(0.0..=1.0) => {}
                Some(value) if value > 1.0 => {
                    return refuse(format!("{name}: range: 0..1"));
                }
                _ => return refuse(format!("{name}: Input should be a valid number")),
            }
        }
    }
    let both = ["/temperature", "/top_p"];
    if both.iter().all(|name| !at(request.body, name).is_null()) && takes_one_of_two(request) {
        return refuse(
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
        );
    }
    Ok(())
}

/// Models that take no sampling take both defaults.
fn takes_one_of_two(request: &MessagesCall<'_>) -> bool {
    let is_late = request.claude().since_4_5() || request.model.id.contains("claude-opus-4-1");
    is_late && request.model.abilities.sampling
}

fn beside_thinking(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    if !matches!(request.thinking(), Some("enabled" | "adaptive")) {
        return Ok(());
    }
    let number = |name: &str| at(request.body, name).as_f64();
    if number("/temperature").is_some_and(|temperature| temperature < 1.0) {
        return refuse(
            "`temperature` may only be set to 1 when thinking is enabled. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#important-considerations-when-using-extended-thinking",
        );
    }
    if number("/top_p").is_some_and(|top_p| top_p < 0.95) {
        return refuse(
            "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.",
        );
    }
    if !at(request.body, "/top_k").is_null() {
        return refuse("`top_k` must be unset when thinking is enabled.");
    }
    Ok(())
}

fn stop_sequences(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let mut stops = list(at(request.body, "/stop_sequences")).iter();
    let is_blank = |stop: &Value| stop.as_str().is_none_or(|stop| stop.trim().is_empty());
    match stops.any(is_blank) {
        true => refuse("stop_sequences: each stop sequence must contain non-whitespace"),
        false => Ok(()),
    }
}

fn output_limit(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let most = at(request.body, "/max_tokens").as_u64().unwrap_or_default();
    let Some(limit) = request.model.limits.output else {
        return Ok(());
    };
    if most <= u64::from(limit) {
        return Ok(());
    }
    match request.claude().is_new() {
        true => refuse(format!(
            "max_tokens: {most} > {limit}, which is the maximum allowed number of output tokens for {}",
            request.claude().name()
        )),
        false => refuse(format!(
            "The maximum tokens you requested exceeds the model limit of {limit}. Try again with a maximum tokens value that is lower than {limit}."
        )),
    }
}

fn window(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let Some(limit) = request.model.limits.input else {
        return Ok(());
    };
    let is_long =
        request.model.abilities.long_context_beta && request.has_beta("context-1m-2025-08-07");
    let limit = u64::from(if is_long { LONG_WINDOW } else { limit });
    let prompt = cache::size(&blocks::prompt_blocks(request.body));
    if prompt > limit {
        return match request.claude().is_new() {
            true => refuse(format!(
                "prompt is too long: {prompt} tokens > {limit} maximum"
            )),
            false => refuse("Input is too long for requested model."),
        };
    }
    let most = at(request.body, "/max_tokens").as_u64().unwrap_or_default();
    if prompt + most > limit && !request.claude().since_4_5() {
        return refuse(format!(
            "input length and `max_tokens` exceed context limit: {prompt} + {most} > {limit}, decrease input length or `max_tokens` and try again"
        ));
    }
    Ok(())
}

//! Extended thinking: how it is asked for, what it excludes, and the blocks that have to come back.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::{
    super::json::{at, list},
    CheckedRequest, ErrorReply, Rule, model_refuses, openai_refuses, refuse, role,
};
use crate::{
    catalog::ThinkingSupport,
    simulator::{
        binding::{self, Prefix},
        signature::{self, Verdict},
    },
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "thinking as the model knows it",
        source: "Anthropic (Opus 4.7 for the refusal of `enabled`); Nova: Bedrock's schema words",
        check: supported,
    },
    Rule {
        name: "what becomes of thinking that is bound elsewhere",
        source: "Anthropic's SDKs; LiteLLM passes its beta on to Converse",
        check: binding_controls,
    },
    Rule {
        name: "budget",
        source: "Anthropic; reported: vercel/ai#7927",
        check: budget,
    },
    Rule {
        name: "sampling beside thinking",
        source: "Anthropic",
        check: sampling,
    },
    Rule {
        name: "no forced tool beside thinking",
        source: "Anthropic",
        check: forced_tool,
    },
    Rule {
        name: "thinking belongs to assistants",
        source: "reported for DeepSeek R1",
        check: in_assistant_turns,
    },
    Rule {
        name: "signatures",
        source: "Anthropic; reported: openclaw/openclaw#109881",
        check: signatures,
    },
    Rule {
        name: "encrypted thinking where it is from",
        source: "the words of the Responses API, as openai/codex knows them, in the form in which Converse hands on errors \
                 of OpenAI's models (agentgateway/agentgateway#3442); Anthropic for Claude",
        check: encrypted,
    },
    Rule {
        name: "the effort `none` where the model has it",
        source: "OpenAI's own API",
        check: effort_none,
    },
    Rule {
        name: "a tool loop starts with its thinking",
        source: "Anthropic: a loop is one turn of the assistant, and only its beginning has to think; reported: \
                 anomalyco/opencode#3077. Binds `enabled`, not `adaptive`",
        check: loop_start,
    },
];

fn supported(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let Some(kind) = asked.thinking() else {
        if asked.field("thinking").is_null() {
            return Ok(());
        }
        return model_refuses("thinking.type: Field required");
    };
    let support = asked.model.abilities.thinking;
    match (support, kind) {
        (ThinkingSupport::Budget | ThinkingSupport::BudgetOrAdaptive, "enabled" | "disabled")
        | (ThinkingSupport::BudgetOrAdaptive | ThinkingSupport::Adaptive { .. }, "adaptive") => {
            Ok(())
        }
        (ThinkingSupport::Adaptive { always_on: false }, "disabled")
            if asked.model.abilities.thinking_off =>
        {
            Ok(())
        }
        (ThinkingSupport::Adaptive { .. }, "enabled") => model_refuses(
            "\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\" and \"output_config.effort\" to control thinking behavior.",
        ),
        (ThinkingSupport::Adaptive { .. }, "disabled") => {
            model_refuses("\"thinking.type.disabled\" is not supported for this model.")
        }
        (ThinkingSupport::Budget, "adaptive") => {
            model_refuses("adaptive thinking is not supported on this model")
        }
        _ if asked.is_claude() => model_refuses("thinking: Extra inputs are not permitted"),
        _ => model_refuses(
            "Malformed input request: #: extraneous key [thinking] is not permitted, please reformat your input and try again.",
        ),
    }
}

fn binding_controls(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let kind = asked.thinking().unwrap_or_default();
    let mut betas = list(asked.field("anthropic_beta"))
        .iter()
        .filter_map(Value::as_str);
    let is_known = binding::binds(asked.model)
        && betas.any(|beta| beta == "thinking-binding-controls-2026-08-01");
    let is_asked_for = asked.field("thinking").get("block_binding").is_some();
    if is_asked_for && asked.is_claude() && !is_known {
        return model_refuses(format!(
            "thinking.{kind}.block_binding: Extra inputs are not permitted"
        ));
    }
    Ok(())
}

fn is_on(asked: &CheckedRequest<'_>) -> bool {
    matches!(asked.thinking(), Some("enabled" | "adaptive"))
}

fn budget(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    if asked.thinking() != Some("enabled") {
        return Ok(());
    }
    let Some(budget) = at(asked.field("thinking"), "/budget_tokens").as_u64() else {
        return model_refuses("thinking.enabled.budget_tokens: Field required");
    };
    if budget < 1024 {
        return model_refuses(
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
        );
    }
    let most = at(asked.body, "/inferenceConfig/maxTokens").as_u64();
    if most.is_some_and(|most| most <= budget) {
        return model_refuses(
            "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size",
        );
    }
    Ok(())
}

fn sampling(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    if !is_on(asked) {
        return Ok(());
    }
    let number = |value: &Value| value.as_f64();
    let config = at(asked.body, "/inferenceConfig");
    if number(at(config, "/temperature")).is_some_and(|temperature| temperature < 1.0) {
        return model_refuses(
            "`temperature` may only be set to 1 when thinking is enabled. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#important-considerations-when-using-extended-thinking",
        );
    }
    if number(at(config, "/topP")).is_some_and(|top_p| top_p < 0.95) {
        return model_refuses(
            "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.",
        );
    }
    if !asked.field("top_k").is_null() {
        return model_refuses("`top_k` must be unset when thinking is enabled.");
    }
    Ok(())
}

fn forced_tool(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let choice = at(asked.body, "/toolConfig/toolChoice");
    let forced = choice.get("any").is_some() || choice.get("tool").is_some();
    if is_on(asked) && forced {
        return model_refuses("Thinking may not be enabled when tool_choice forces tool use.");
    }
    Ok(())
}

fn in_assistant_turns(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let mut users = asked.messages().iter().filter(|m| role(m) == "user");
    if users.any(|user| list(at(user, "/content")).iter().any(is_thinking)) {
        return refuse(
            "User messages cannot contain reasoning content. Please remove the reasoning content and try again.",
        );
    }
    Ok(())
}

fn is_thinking(block: &Value) -> bool {
    block.get("reasoningContent").is_some()
}

fn signatures(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    if !asked.check_signatures || !asked.is_claude() {
        return Ok(());
    }
    let mut prefix = binding::binds(asked.model).then(|| Prefix::converse(asked.body));
    let latest = asked
        .messages()
        .iter()
        .rposition(|m| role(m) == "assistant");
    for (m, b, block) in asked.blocks() {
        let thinking = at(block, "/reasoningContent/reasoningText");
        if !thinking.is_null() {
            let text = at(thinking, "/text").as_str().unwrap_or_default();
            let Some(signature) = at(thinking, "/signature").as_str() else {
                return model_refuses(format!(
                    "messages.{m}.content.{b}.thinking.signature: Field required"
                ));
            };
            let here = prefix.as_ref().map(Prefix::digest);
            match signature::judge(text, signature, here) {
                Verdict::Own => {}
                Verdict::OtherPrefix if drops_unbound(asked) => continue,
                verdict => {
                    let words = refusal(verdict, Some(m) == latest);
                    return model_refuses(format!("messages.{m}.content.{b}: {words}"));
                }
            }
        }
        if let (Some(prefix), Some(message)) = (&mut prefix, asked.messages().get(m)) {
            prefix.add(role(message), block);
        }
    }
    Ok(())
}

/// Whether thinking that is bound to another prefix is to be left out instead of refused.
fn drops_unbound(asked: &CheckedRequest<'_>) -> bool {
    let behavior = at(
        asked.field("thinking"),
        "/block_binding/prefix_mismatch_behavior",
    );
    behavior == "drop_block"
}

/// The words for a block of thinking that is not taken back.
pub(in crate::simulator) fn refusal(verdict: Verdict, is_latest: bool) -> &'static str {
    match verdict {
        Verdict::Altered if is_latest => {
            "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. These blocks must remain as they were in the original response."
        }
        Verdict::OtherPrefix => {
            "Invalid `signature` in `thinking` block. The block is bound to a different conversation."
        }
        _ => "Invalid `signature` in `thinking` block",
    }
}

/// What encrypted thinking begins with that another region is said to have written.
const ELSEWHERE: &[u8] = b"rsn_elsewhere";

fn encrypted(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    for (m, b, block) in asked.blocks() {
        let Some(data) = at(block, "/reasoningContent/redactedContent").as_str() else {
            continue;
        };
        let data = BASE64_STANDARD.decode(data).unwrap_or_default();
        let is_openai_s = data.starts_with(b"rsn_");
        if asked.is_claude() {
            if is_openai_s {
                return model_refuses(format!(
                    "messages.{m}.content.{b}: Invalid `data` in `redacted_thinking` block"
                ));
            }
        } else if !asked.model.abilities.encrypted_thinking {
            return refuse(
                "This model doesn't support the reasoningContent.redactedContent field for assistant messages. Remove reasoningContent.redactedContent and try again.",
            );
        } else if data.starts_with(ELSEWHERE) {
            return openai_refuses(
                "encrypted reasoning is scoped to the region that produced it and cannot be replayed in a different region",
            );
        } else if !is_openai_s {
            return openai_refuses("invalid encrypted reasoning");
        }
    }
    Ok(())
}

fn effort_none(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let abilities = &asked.model.abilities;
    let is_off = at(asked.field("reasoning"), "/effort") == "none";
    if is_off && abilities.thinking == ThinkingSupport::ReasoningObject && !abilities.effort_none {
        return openai_refuses(
            "Unsupported value: 'reasoning.effort' does not support 'none' with this model. Supported values are: 'low', 'medium', 'high', 'xhigh', and 'max'.",
        );
    }
    Ok(())
}

fn loop_start(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let messages = asked.messages();
    let last = messages
        .iter()
        .rposition(|message| role(message) == "assistant");
    if asked.thinking() != Some("enabled") {
        return Ok(());
    }
    let Some((n, message)) = last.and_then(|n| Some((n, messages.get(n)?))) else {
        return Ok(());
    };
    // After plain answers thinking may be missing: only a loop that is still open, or a prefill, needs it.
    let blocks = list(at(message, "/content"));
    let open = blocks.iter().any(|block| block.get("toolUse").is_some());
    let prefill = n + 1 == messages.len();
    let goes_on = answers(messages.get(n + 1), prefill);
    let (n, first) = beginning(messages, n);
    if !(open || prefill) || first.is_some_and(is_thinking) || !goes_on {
        return Ok(());
    }
    let found = match first {
        Some(block) if block.get("toolUse").is_some() => "tool_use",
        _ => "text",
    };
    model_refuses(format!(
        "messages.{n}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{found}`. When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend you include thinking blocks from previous turns. To avoid this requirement, disable `thinking`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking"
    ))
}

/// Where the loop that the message at `n` belongs to begins: the message and its first block.
fn beginning(messages: &[Value], mut n: usize) -> (usize, Option<&Value>) {
    while n >= 2 && answers(messages.get(n - 1), false) {
        n -= 2;
    }
    let content = messages.get(n).map(|message| list(at(message, "/content")));
    (n, content.and_then(<[Value]>::first))
}

/// Whether this turn answers tool calls (or there is none, and the assistant's turn is a prefill).
fn answers(turn: Option<&Value>, prefill: bool) -> bool {
    turn.map_or(prefill, |turn| {
        list(at(turn, "/content"))
            .iter()
            .any(|block| block.get("toolResult").is_some())
    })
}

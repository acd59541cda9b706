//! Extended thinking: how it is asked for, what it excludes, and the blocks that have to come back.

use serde_json::Value;

use super::{
    super::json::{at, list},
    Asked, Failure, Rule, model_refuses, refuse, role,
};
use crate::{catalog::ThinkingSupport, simulator::signature};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "thinking as the model knows it",
        source: "Anthropic (Opus 4.7 for the refusal of `enabled`); Nova: Bedrock's schema words",
        check: supported,
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
        name: "a tool loop starts with its thinking",
        source: "Anthropic: a loop is one turn of the assistant, and only its beginning has to think; reported: \
                 anomalyco/opencode#3077. Binds `enabled`, not `adaptive`",
        check: loop_start,
    },
];

fn supported(asked: &Asked<'_>) -> Result<(), Failure> {
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

fn is_on(asked: &Asked<'_>) -> bool {
    matches!(asked.thinking(), Some("enabled" | "adaptive"))
}

fn budget(asked: &Asked<'_>) -> Result<(), Failure> {
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

fn sampling(asked: &Asked<'_>) -> Result<(), Failure> {
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

fn forced_tool(asked: &Asked<'_>) -> Result<(), Failure> {
    let choice = at(asked.body, "/toolConfig/toolChoice");
    let forced = choice.get("any").is_some() || choice.get("tool").is_some();
    if is_on(asked) && forced {
        return model_refuses("Thinking may not be enabled when tool_choice forces tool use.");
    }
    Ok(())
}

fn in_assistant_turns(asked: &Asked<'_>) -> Result<(), Failure> {
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

fn signatures(asked: &Asked<'_>) -> Result<(), Failure> {
    if !asked.check_signatures || !asked.is_claude() {
        return Ok(());
    }
    for (m, b, block) in asked.blocks() {
        let thinking = at(block, "/reasoningContent/reasoningText");
        if thinking.is_null() {
            continue;
        }
        let text = at(thinking, "/text").as_str().unwrap_or_default();
        let Some(signature) = at(thinking, "/signature").as_str() else {
            return model_refuses(format!(
                "messages.{m}.content.{b}.thinking.signature: Field required"
            ));
        };
        if !signature::is_own(text, signature) {
            return model_refuses(format!(
                "messages.{m}.content.{b}: Invalid `signature` in `thinking` block"
            ));
        }
    }
    Ok(())
}

fn loop_start(asked: &Asked<'_>) -> Result<(), Failure> {
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

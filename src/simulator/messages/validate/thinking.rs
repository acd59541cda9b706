//! Thinking: how it is asked for, what it excludes, and the blocks that come back.

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::{
    super::{
        super::{binding, json::at, signature::Verdict, validate::thinking_refusal},
        MessagesCall, prefix,
    },
    MessagesRefusal, MessagesRule, extra, only, refuse, required, role, unknown_tag,
};
use crate::catalog::ThinkingSupport;

pub(super) const RULES: &[MessagesRule] = &[
    MessagesRule {
        name: "thinking as the model knows it",
        source: "Anthropic's page on thinking and its troubleshooting",
        check: supported,
    },
    MessagesRule {
        name: "members of thinking",
        source: "Anthropic; Anthropic's SDKs for the binding's controls",
        check: members,
    },
    MessagesRule {
        name: "budget",
        source: "Anthropic; reported: vercel/ai#7927",
        check: budget,
    },
    MessagesRule {
        name: "signatures, and what they are bound to",
        source: "Anthropic; measured on 2026-09-29 for the binding",
        check: signatures,
    },
];

fn supported(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let thinking = at(request.body, "/thinking");
    if thinking.is_null() {
        return Ok(());
    }
    let Some(kind) = request.thinking() else {
        return required("thinking.type");
    };
    let abilities = &request.model.abilities;
    let can_be_off = !matches!(
        abilities.thinking,
        ThinkingSupport::Adaptive { always_on: true }
    ) && abilities.thinking_off;
    match (abilities.thinking, kind) {
        (ThinkingSupport::Adaptive { .. }, "adaptive")
        | (ThinkingSupport::BudgetOrAdaptive, "adaptive" | "enabled" | "disabled")
        | (ThinkingSupport::Budget, "enabled" | "disabled")
        | (ThinkingSupport::None, "disabled") => {}
        (ThinkingSupport::Adaptive { .. }, "disabled") if can_be_off => {
            let effort = at(request.body, "/output_config/effort").as_str();
            if let Some(effort @ ("xhigh" | "max")) = effort
                && request.model.id.contains("claude-opus-5")
            {
                return refuse(format!(
                    "\"thinking.type.disabled\" is not supported with effort '{effort}' for this model."
                ));
            }
        }
        (ThinkingSupport::Adaptive { .. }, "disabled") => {
            return refuse("\"thinking.type.disabled\" is not supported for this model.");
        }
        (ThinkingSupport::Adaptive { .. }, "enabled") => {
            return refuse(
                "\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\" and \"output_config.effort\" to control thinking behavior.",
            );
        }
        (ThinkingSupport::Budget, "adaptive") => {
            return refuse("adaptive thinking is not supported on this model");
        }
        (ThinkingSupport::None, "enabled" | "adaptive") => return extra("thinking"),
        (_, other) => {
            return unknown_tag("thinking", other, &["adaptive", "disabled", "enabled"]);
        }
    }
    Ok(())
}

fn members(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let thinking = at(request.body, "/thinking");
    let kind = request.thinking().unwrap_or_default();
    let mut known = vec!["type"];
    if kind == "enabled" {
        known.push("budget_tokens");
    }
    let has_display = request.claude().since_4_6() && kind != "disabled";
    if has_display {
        known.push("display");
    }
    let controls = request.has_beta("thinking-binding-controls-2026-08-01");
    if binding::binds(request.model) && controls {
        known.push("block_binding");
    }
    let place = format!("thinking.{kind}");
    only(thinking, &known, &place)?;
    let display = at(thinking, "/display");
    let shown = ["summarized", "omitted"];
    // The beta brings one more.
    let updates = request.has_beta("thinking-display-updates-2026-08-18");
    if !display.is_null() && !updates && !shown.iter().any(|known| display == known) {
        return refuse(format!(
            "{place}.display: Input should be 'summarized' or 'omitted'"
        ));
    }
    let control = at(thinking, "/block_binding");
    let place = format!("{place}.block_binding");
    only(control, &["prefix_mismatch_behavior"], &place)?;
    let behavior = at(control, "/prefix_mismatch_behavior");
    if !behavior.is_null() && behavior != "drop_block" && behavior != "error" {
        return refuse(format!(
            "{place}.prefix_mismatch_behavior: Input should be 'error' or 'drop_block'"
        ));
    }
    Ok(())
}

fn budget(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    if request.thinking() != Some("enabled") {
        return Ok(());
    }
    let Some(budget) = at(request.body, "/thinking/budget_tokens").as_u64() else {
        return required("thinking.enabled.budget_tokens");
    };
    if budget < 1024 {
        return refuse(
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
        );
    }
    let is_interleaved = request.has_beta("interleaved-thinking-2025-05-14");
    let most = at(request.body, "/max_tokens").as_u64();
    if most.is_some_and(|most| most <= budget) && !is_interleaved {
        return refuse(
            "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size",
        );
    }
    Ok(())
}

fn signatures(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let latest = request
        .messages()
        .iter()
        .rposition(|message| role(message) == "assistant");
    let (thinking, _) = prefix::read(request);
    for judged in thinking {
        if judged.role != "assistant" {
            return refuse(format!(
                "messages.{}: `thinking` blocks can only be in `assistant` messages",
                judged.message
            ));
        }
        let is_dropped = judged.verdict == Verdict::OtherPrefix && prefix::drops_unbound(request);
        if request.check_signatures && judged.verdict != Verdict::Own && !is_dropped {
            let words = thinking_refusal(judged.verdict, Some(judged.message) == latest);
            return refuse(format!("{judged}: {words}"));
        }
    }
    for placed in request
        .blocks()
        .filter(|it| it.kind() == "redacted_thinking")
    {
        let data = at(placed.value, "/data").as_str().unwrap_or_default();
        let data = BASE64_STANDARD.decode(data).unwrap_or_default();
        // What another vendor's models encrypt.
        if data.starts_with(b"rsn_") {
            return refuse(format!(
                "{placed}: Invalid `data` in `redacted_thinking` block"
            ));
        }
    }
    Ok(())
}

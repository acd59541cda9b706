//! How the target is asked to think, and what that makes illegal beside it.

use serde_json::{Map, Value, json};

use crate::catalog::{Abilities, Family, Model, ThinkingSupport};
use crate::conversation::{Effort, Part, Thinking, ThinkingBlock, Turn};

use super::UnsupportedFeatures;
use super::inference::DEFAULT_MAX_TOKENS;
use super::service;
use super::turns::lacks_thinking;

/// The smallest budget that Bedrock takes
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html>).
const LEAST_BUDGET: u32 = 1_024;

pub(super) const EFFORT_BETA: &str = "effort-2025-11-24";
/// What Claude does with thinking that is bound to another beginning than the conversation has: a refusal, unless this
/// field of `thinking` says that it is to be left out.
pub(super) const BINDING: &str = "block_binding";
pub(super) const BINDING_BETA: &str = "thinking-binding-controls-2026-08-01";
const INTERLEAVED_BETA: &str = "interleaved-thinking-";

/// What thinking adds to a request.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct ThinkingPlan {
    /// The model will think: sampling parameters and a forced tool choice are illegal now.
    pub(super) on: bool,
    /// Tokens set aside for thinking; `maxTokens` must be larger.
    pub(super) budget: u32,
    /// `additionalModelRequestFields`.
    pub(super) fields: Map<String, Value>,
}

/// Whether the target takes signed thinking blocks back.
pub(super) fn replays_blocks(model: &Model) -> bool {
    model.family == Family::Claude && model.abilities.thinking != ThinkingSupport::None
}

/// What OpenAI's encrypted thinking begins with
/// (<https://github.com/UKGovernmentBEIS/inspect_ai/pull/5299>). Claude's redacted blocks begin otherwise, and neither
/// takes the other's.
const ENCRYPTED: &[u8] = b"rsn_";

/// Whether a block is encrypted thinking of the kind that is taken back without a signature.
pub fn is_encrypted(block: &ThinkingBlock) -> bool {
    matches!(block, ThinkingBlock::Redacted(data) if data.starts_with(ENCRYPTED))
}

/// The blocks of encrypted thinking in a conversation, in order.
pub fn encrypted_thinking(turns: &[Turn]) -> impl Iterator<Item = &ThinkingBlock> {
    let parts = turns.iter().flat_map(|turn| &turn.parts);
    parts.filter_map(|part| match part {
        Part::Thinking(block) if is_encrypted(block) => Some(block),
        _ => None,
    })
}

/// The signed thinking in a conversation, in order.
pub fn bound_thinking(turns: &[Turn]) -> impl Iterator<Item = &ThinkingBlock> {
    let parts = turns.iter().flat_map(|turn| &turn.parts);
    parts.filter_map(|part| match part {
        Part::Thinking(block) if !is_encrypted(block) => Some(block),
        Part::Native(block) => match &block.part {
            Some(Part::Thinking(block)) => Some(block),
            _ => None,
        },
        _ => None,
    })
}

/// What becomes of thinking that was refused, for it is bound to another beginning than its conversation has now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Binding {
    /// All replayed thinking is left out, of this kind or another.
    pub(super) leaves_blocks_out: bool,
    /// The model leaves out what does not fit, and keeps the rest.
    pub(super) is_controlled: bool,
}

impl Binding {
    /// `wish`: how the model is to think.
    pub(super) fn of(
        wish: Option<Thinking>,
        model: &Model,
        unsupported: UnsupportedFeatures,
    ) -> Self {
        let thinks = wish.is_some_and(|wish| wish != Thinking::Off) && !unsupported.thinking;
        let can = model.abilities.thinking_binding && !unsupported.betas && thinks;
        let is_controlled = unsupported.bound_thinking && !unsupported.thinking_blocks && can;
        Self {
            leaves_blocks_out: unsupported.thinking_blocks
                || unsupported.bound_thinking && !is_controlled,
            is_controlled,
        }
    }

    /// Tells the model, where it is to leave out what does not fit.
    pub(super) fn control(self, thinking_plan: &mut ThinkingPlan) {
        let thinking = thinking_plan.fields.get_mut("thinking");
        if let Some(thinking) = thinking.and_then(Value::as_object_mut)
            && self.is_controlled
        {
            let control = json!({"prefix_mismatch_behavior": "drop_block"});
            thinking.insert(BINDING.to_owned(), control);
        }
    }
}

/// Whether the model is to go on after the results of its tool calls.
pub(super) fn in_tool_loop(turns: &[Turn]) -> bool {
    let is_result = |part: &Part| matches!(part, Part::ToolResult(_));
    turns
        .last()
        .is_some_and(|turn| turn.parts.iter().any(is_result))
}

/// How the model is asked to think.
pub(super) fn plan(
    wish: Option<Thinking>,
    max_tokens: Option<u32>,
    ceiling: u32,
    model: &Model,
    turns: &[Turn],
) -> ThinkingPlan {
    let Some(wish) = wish else {
        return ThinkingPlan::default();
    };
    let abilities = &model.abilities;
    match (abilities.thinking, wish) {
        (ThinkingSupport::None, _) => ThinkingPlan::default(),
        (ThinkingSupport::Adaptive { always_on: false }, Thinking::Off)
            if abilities.thinking_off =>
        {
            off()
        }
        (ThinkingSupport::ReasoningObject, Thinking::Off) if abilities.effort_none => {
            fields(json!({"reasoning": {"effort": "none"}}))
        }
        (_, Thinking::Off) => ThinkingPlan::default(),
        (ThinkingSupport::Budget, wish) => enabled(budget_of(wish), max_tokens, ceiling, turns),
        (ThinkingSupport::BudgetOrAdaptive, Thinking::Budget(budget)) => {
            enabled(budget, max_tokens, ceiling, turns)
        }
        (ThinkingSupport::BudgetOrAdaptive | ThinkingSupport::Adaptive { .. }, wish) => {
            adaptive(effort_of(wish), abilities)
        }
        (ThinkingSupport::ReasoningConfig, wish) => {
            let effort = three_levels(effort_of(wish));
            fields(json!({"reasoningConfig": {"type": "enabled", "maxReasoningEffort": effort}}))
        }
        (ThinkingSupport::ReasoningObject, wish) => {
            let effort = effort_of(wish).unwrap_or(Effort::Medium);
            fields(json!({"reasoning": {"effort": effort_word(effort, abilities)}}))
        }
        (ThinkingSupport::ReasoningEffort, wish) => {
            let effort = three_levels(effort_of(wish));
            // Recorded: Qwen thinks when it gets this field, and so do the others with theirs.
            match model.family {
                Family::Qwen => fields(json!({"reasoning_config": effort})),
                _ => fields(json!({"reasoning_effort": effort})),
            }
        }
    }
}

/// The effort of the whole answer, on models that take one: with or without thinking. `without_betas`: this target
/// refused some.
pub(super) fn effort(
    wish: Option<Effort>,
    model: &Model,
    without_betas: bool,
    fields: &mut Map<String, Value>,
) {
    let abilities = &model.abilities;
    // Opus 4.5 has it as a beta, the later ones as they are.
    let is_beta = abilities.thinking == ThinkingSupport::Budget;
    let takes_it =
        abilities.effort && model.family == Family::Claude && !(is_beta && without_betas);
    let Some(effort) = wish.filter(|_| takes_it) else {
        return;
    };
    let config = fields.entry("output_config").or_insert_with(|| json!({}));
    if let Some(config) = config.as_object_mut() {
        config
            .entry("effort")
            .or_insert(json!(effort_word(effort, abilities)));
    }
    if is_beta {
        service::ask_for_beta(EFFORT_BETA, fields);
    }
}

/// Thinking between tool calls is a beta where thinking has a budget. Adaptive thinking does it by itself, and its
/// models refuse the beta (<https://github.com/anthropics/claude-code/issues/49648>); without thinking it means
/// nothing.
pub(super) fn betas(thinking_plan: &ThinkingPlan, fields: &mut Map<String, Value>) {
    if thinking_plan.budget > 0 {
        return;
    }
    service::leave_out_betas(|beta| beta.starts_with(INTERLEAVED_BETA), fields);
}

fn off() -> ThinkingPlan {
    fields(json!({"thinking": {"type": "disabled"}}))
}

/// Fields without Claude's rules about what may stand beside thinking.
fn fields(value: Value) -> ThinkingPlan {
    let fields = value.as_object().cloned().unwrap_or_default();
    ThinkingPlan {
        fields,
        ..ThinkingPlan::default()
    }
}

/// `limit` is the longest answer that is possible, thinking included.
fn enabled(budget: u32, max_tokens: Option<u32>, limit: u32, turns: &[Turn]) -> ThinkingPlan {
    if lacks_thinking(turns) {
        return ThinkingPlan::default();
    }
    let fits = max_tokens.is_some_and(|max| budget < max && max <= limit);
    let budget = if fits {
        budget
    } else {
        // Half of a small limit at most, so that there is room for the answer.
        let room = max_tokens.unwrap_or(DEFAULT_MAX_TOKENS).min(limit / 2);
        budget.min(limit.saturating_sub(room))
    }
    .max(LEAST_BUDGET);
    if budget >= limit {
        return ThinkingPlan::default();
    }
    let thinking = json!({"thinking": {"type": "enabled", "budget_tokens": budget}});
    ThinkingPlan {
        on: true,
        budget,
        ..fields(thinking)
    }
}

fn adaptive(effort: Option<Effort>, abilities: &Abilities) -> ThinkingPlan {
    // Newer models stream empty thinking unless a summary is asked for.
    let mut value = json!({"thinking": {"type": "adaptive", "display": "summarized"}});
    if let (Some(effort), Some(root)) = (effort.filter(|_| abilities.effort), value.as_object_mut())
    {
        root.insert(
            "output_config".into(),
            json!({"effort": effort_word(effort, abilities)}),
        );
    }
    ThinkingPlan {
        on: true,
        ..fields(value)
    }
}

/// The effort's name on Claude and on OpenAI's models, lowered to what the model has.
fn effort_word(effort: Effort, abilities: &Abilities) -> &'static str {
    match effort {
        Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::Max if abilities.effort_max => "max",
        Effort::Max | Effort::XHigh if abilities.effort_xhigh => "xhigh",
        Effort::High | Effort::XHigh | Effort::Max => "high",
    }
}

fn three_levels(effort: Option<Effort>) -> &'static str {
    match effort.unwrap_or(Effort::Medium) {
        Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High | Effort::XHigh | Effort::Max => "high",
    }
}

/// An effort as a budget: the reference system's steps.
fn budget_of(wish: Thinking) -> u32 {
    let effort = match wish {
        Thinking::Budget(budget) => return budget,
        Thinking::Effort(effort) | Thinking::Adaptive(Some(effort)) => effort,
        Thinking::Adaptive(None) | Thinking::Off => Effort::Medium,
    };
    match effort {
        Effort::Minimal | Effort::Low => LEAST_BUDGET,
        Effort::Medium => 2_048,
        Effort::High => 4_096,
        Effort::XHigh => 8_192,
        Effort::Max => 16_384,
    }
}

/// A budget as an effort: the reference system's steps.
fn effort_of(wish: Thinking) -> Option<Effort> {
    match wish {
        Thinking::Off => None,
        Thinking::Adaptive(effort) => effort,
        Thinking::Effort(effort) => Some(effort),
        Thinking::Budget(budget) => Some(match budget {
            8_192.. => Effort::XHigh,
            4_096.. => Effort::High,
            2_048.. => Effort::Medium,
            _ => Effort::Low,
        }),
    }
}

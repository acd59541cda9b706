//! What one model can do, how much it takes and what it costs.

use super::family::Family;
use super::kind::ModelKind;
use super::lifecycle::Lifecycle;
use super::price::Price;
use super::retrieval::{Embedding, Retrieval};

/// Everything the gateway knows of one Bedrock model id.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// The catalog's entry that applied: the id itself, or the base id it was resolved to.
    pub id: String,
    /// Who made it, as far as it decides how requests are written.
    pub family: Family,
    /// Context and output limits.
    pub limits: Limits,
    /// Price per token kind; `None` means unknown, which is never the same as free.
    pub price: Option<Price>,
    /// What a request to it may contain.
    pub abilities: Abilities,
    /// Whether it is active, legacy or retired.
    pub lifecycle: Lifecycle,
    /// What it is for.
    pub kind: ModelKind,
    /// How it is asked for vectors or for the order of documents, where that is what it is for.
    pub retrieval: Option<Retrieval>,
    /// `false`: by AWS's own word Converse does not serve it. That is not certain enough to refuse it for.
    pub converse: bool,
    /// `false`: not in the catalog; limits and abilities are safe assumptions.
    pub known: bool,
}

impl Model {
    /// Whether blocks of its thinking are taken back, so that it goes on thinking after a tool's result.
    pub fn takes_thinking_back(&self) -> bool {
        self.family == Family::Claude || self.abilities.encrypted_thinking
    }

    /// Whether the gateway knows how to ask it: chat models, and those for vectors and for the order of documents that the
    /// catalog has.
    pub fn is_served(&self) -> bool {
        self.retrieval.is_some() || !self.kind.is_no_chat()
    }

    /// How it makes vectors, where it does.
    pub fn embedding(&self) -> Option<&Embedding> {
        match &self.retrieval {
            Some(Retrieval::Embedding(embedding)) => Some(embedding),
            _ => None,
        }
    }
}

/// The window in tokens that some models have beside their ordinary one.
pub const LONG_WINDOW: u32 = 1_000_000;

/// How much goes in and comes out, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Context window: the prompt's upper bound.
    pub input: Option<u32>,
    /// The answer's upper bound, thinking included.
    pub output: Option<u32>,
    /// The least bound of an answer that is taken, where it is more than 1.
    pub least_output: Option<u32>,
}

/// What a request to a model may contain.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Abilities {
    /// Prompt caching, where the model has it.
    pub caching: Option<Caching>,
    /// How thinking is asked for.
    pub thinking: ThinkingSupport,
    /// Pictures in a user's turn.
    pub vision: bool,
    /// PDF documents.
    pub documents: bool,
    /// Tools at all.
    pub tools: bool,
    /// `toolChoice`.
    pub tool_choice: bool,
    /// Tools while streaming. `false`: Converse is called instead of ConverseStream when the request has tools.
    pub tools_while_streaming: bool,
    /// A system prompt.
    pub system: bool,
    /// Temperature and its siblings. Newer Claude models refuse them.
    pub sampling: bool,
    /// Stop sequences.
    pub stop_sequences: bool,
    /// A window of a million tokens, which a beta asks for (`context-1m-2025-08-07`).
    pub long_context_beta: bool,
    /// An assistant turn at the end, which the model continues.
    pub prefill: bool,
    /// `outputConfig.textFormat`: JSON by schema, enforced by Bedrock.
    pub json_schema: bool,
    /// The effort `xhigh` exists.
    pub effort_xhigh: bool,
    /// The effort `max` exists.
    pub effort_max: bool,
    /// `disable_parallel_tool_use` in the model's own `tool_choice`.
    pub parallel_tool_use_config: bool,
    /// `output_config.effort` is taken (Claude Opus 4.5, and every Claude from 4.6 on).
    pub effort: bool,
    /// `toolChoice` may force a call (`any`, or one tool). Models that always think refuse that.
    pub forced_tool_choice: bool,
    /// System messages between turns (`messages[].role: system` in the model's own format).
    pub mid_conversation_system: bool,
    /// Arguments of tool calls come while they are written, where the beta for it is asked for (Claude 4 and later).
    pub eager_tool_input: bool,
    /// `strict` on a tool's definition.
    pub strict_tools: bool,
    /// Pictures inside a tool's result.
    pub tool_result_images: bool,
    /// Documents inside a tool's result.
    pub tool_result_documents: bool,
    /// Text and pictures in the turn that brings tool results.
    pub text_beside_results: bool,
    /// Documents in the turn that brings tool results.
    pub documents_beside_results: bool,
    /// `thinking: disabled`, where a model thinks in the adaptive way. One that refuses it thinks only when asked to.
    pub thinking_off: bool,
    /// The model can be told to leave out thinking that is bound to another beginning than its conversation has now.
    pub thinking_binding: bool,
    /// The effort `none` exists: no thinking, on models that think unless they are told not to.
    pub effort_none: bool,
    /// Thinking comes encrypted and is taken back so (`redactedContent`), though it is not signed as Claude's is.
    pub encrypted_thinking: bool,
    /// ConverseStream counts cached tokens as input too; elsewhere the kinds of tokens do not overlap.
    pub cached_in_input: bool,
}

/// How a model caches prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caching {
    /// Prefixes shorter than this many tokens are not cached; a point there is a waste.
    pub min_tokens: u32,
    /// Whether points with a one-hour life are taken (the catalog has a price for them, at some place).
    pub one_hour: bool,
    /// Whether a point may stand at the end of the tools (not on Nova).
    pub tools: bool,
}

/// How thinking is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ThinkingSupport {
    /// The model has none that can be asked for.
    #[default]
    None,
    /// `thinking: {type: enabled, budget_tokens}` only: Claude 3.7 to 4.5.
    Budget,
    /// `enabled` or `adaptive`: Claude 4.6.
    BudgetOrAdaptive,
    /// `adaptive` with an effort only.
    Adaptive {
        /// The model thinks always: `disabled` is refused.
        always_on: bool,
    },
    /// Nova 2: `reasoningConfig` with `maxReasoningEffort`.
    ReasoningConfig,
    /// gpt-oss, DeepSeek V3, Qwen: a plain `reasoning_effort` field.
    ReasoningEffort,
    /// OpenAI's GPT-5 and later: a field `reasoning: {effort}`.
    ReasoningObject,
}

//! What one model can do, how much it takes and what it costs.

use std::borrow::Cow;

use jiff::civil::Date;
use rust_decimal::Decimal;

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
    /// The day it reaches (or reached) the end of its life on Bedrock.
    pub end_of_life: Option<Date>,
    /// `false`: not in the catalog; limits and abilities are safe assumptions.
    pub known: bool,
}

/// Model families, by how their requests differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs)]
pub enum Family {
    Claude,
    Nova,
    Llama,
    Mistral,
    DeepSeek,
    GptOss,
    Qwen,
    #[default]
    Other,
}

/// How much goes in and comes out, in tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Context window: the prompt's upper bound.
    pub input: Option<u32>,
    /// The answer's upper bound, thinking included.
    pub output: Option<u32>,
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
}

/// How a model caches prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caching {
    /// Prefixes shorter than this many tokens are not cached; a point there is a waste.
    pub min_tokens: u32,
    /// Whether points with a one-hour life are taken (the catalog has a price for them).
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

/// US dollars per **million** tokens of each kind, exact.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Price {
    /// The ordinary rates.
    pub standard: Rates,
    /// Rates for the whole request once its prompt (cache included) is longer than so many tokens, ascending.
    pub above: Vec<(u64, Rates)>,
    /// The ordinary rates under the service tier `flex`, where the model has it.
    pub flex: Option<Rates>,
    /// The ordinary rates under the service tier `priority`, where the model has it.
    pub priority: Option<Rates>,
    /// The price was taken from the base id, for this id's own is not in the source.
    pub from_base: bool,
}

/// One row of prices, US dollars per million tokens.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rates {
    /// Prompt tokens outside the cache.
    pub input: Decimal,
    /// Answer tokens.
    pub output: Decimal,
    /// Prompt tokens read from the cache; `None`: billed as `input`.
    pub cache_read: Option<Decimal>,
    /// Prompt tokens written to the five-minute cache; `None`: billed as `input`.
    pub cache_write_5m: Option<Decimal>,
    /// Prompt tokens written to the one-hour cache; `None`: billed as the five-minute write.
    pub cache_write_1h: Option<Decimal>,
}

impl Price {
    /// The price under a service tier (`flex`, `priority`), where the model has one of its own.
    pub fn under(&self, tier: Option<&str>) -> Cow<'_, Self> {
        let rates = match tier {
            Some("flex") => &self.flex,
            Some("priority") => &self.priority,
            _ => &None,
        };
        match rates {
            None => Cow::Borrowed(self),
            Some(rates) => Cow::Owned(Self {
                standard: rates.clone(),
                above: Vec::new(),
                ..self.clone()
            }),
        }
    }

    /// The rates for a prompt of this length.
    pub fn rates(&self, prompt_tokens: u64) -> &Rates {
        let tier = self
            .above
            .iter()
            .rev()
            .find(|(limit, _)| prompt_tokens > *limit);
        tier.map_or(&self.standard, |(_, rates)| rates)
    }
}

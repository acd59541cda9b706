//! The shape of `config/models.yml`, and how its layers become a [`Model`].

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};

use super::model::{Abilities, Caching, Family, Limits, Model, ThinkingSupport};
use super::price::{Price, Rates};

/// One model: what holds for its base id, and where its inference profiles and regions differ.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CatalogEntry {
    /// What holds for the base id, and for everything that a variant does not say otherwise.
    pub base: Layer,
    /// Inference profiles (`us`, `global`, …) for which `base` holds unchanged.
    #[serde(default)]
    pub profiles: Vec<String>,
    /// The base id cannot be called; only its inference profiles can.
    #[serde(default)]
    pub profile_only: bool,
    /// Where profiles and regions differ.
    #[serde(default)]
    pub variants: Vec<Variant>,
}

/// What some profiles or regions of a model have of their own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Variant {
    /// Geographic prefixes (`us`), or regions (`us-gov-west-1`) where the base id is called.
    #[serde(rename = "for")]
    pub names: Vec<String>,
    /// What differs.
    pub has: Layer,
}

/// One layer of facts; what is absent is left to the layer below.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Layer {
    pub context: Option<u32>,
    pub output: Option<u32>,
    pub end_of_life: Option<EndOfLife>,
    pub thinking: Option<CatalogThinking>,
    pub cache_min: Option<u32>,
    pub can: Vec<Ability>,
    pub cannot: Vec<Ability>,
    pub price: Option<PriceRow>,
    /// With `price`: dearer rates for long prompts.
    pub above: Vec<Above>,
    /// With `price`: the service tier `flex`.
    pub flex: Option<PriceRow>,
    /// With `price`: the service tier `priority`.
    pub priority: Option<PriceRow>,
    /// Optimized latency, which few places have: a correction may say it of an id without its price.
    pub optimized: Option<PriceRow>,
    /// Further inference profiles that exist, though the source does not list them: priced as the base id.
    pub profiles: Vec<String>,
}

/// A day, or the statement that none is known (which a correction needs to take one back).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndOfLife {
    On(Date),
    Unknown,
}

impl<'de> Deserialize<'de> for EndOfLife {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "unknown" => Ok(Self::Unknown),
            day => day.parse().map(Self::On).map_err(serde::de::Error::custom),
        }
    }
}

/// [`ThinkingSupport`] as the catalog writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CatalogThinking {
    None,
    Budget,
    BudgetOrAdaptive,
    Adaptive,
    Always,
    ReasoningConfig,
    ReasoningEffort,
    ReasoningObject,
}

/// The words of `can` and `cannot`. The last ones, from `System` on, are what nearly every model can, so they are only
/// ever denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ability {
    Caching,
    CachingTools,
    Vision,
    Documents,
    Tools,
    ToolsWhileStreaming,
    ToolChoice,
    ForcedToolChoice,
    ParallelToolUseConfig,
    EagerToolInput,
    StrictTools,
    ToolResultImages,
    ToolResultDocuments,
    JsonSchema,
    Prefill,
    MidConversationSystem,
    Effort,
    EffortXhigh,
    EffortMax,
    System,
    Sampling,
    TextBesideResults,
    DocumentsBesideResults,
    ThinkingOff,
    StopSequences,
    LongContextBeta,
}

/// A row of prices, dollars per million tokens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceRow {
    input: Decimal,
    output: Decimal,
    read: Option<Decimal>,
    write: Option<Decimal>,
    write_1h: Option<Decimal>,
}

/// A row of prices for prompts longer than `over` tokens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Above {
    over: u64,
    price: PriceRow,
}

impl PriceRow {
    fn rates(&self) -> Rates {
        Rates {
            input: self.input,
            output: self.output,
            cache_read: self.read,
            cache_write_5m: self.write,
            cache_write_1h: self.write_1h,
        }
    }
}

impl Layer {
    /// Lays `upper` over this layer. A price comes with its tiers, so it replaces all of them.
    pub(super) fn lay(&mut self, upper: &Layer) {
        self.context = upper.context.or(self.context);
        self.output = upper.output.or(self.output);
        self.end_of_life = upper.end_of_life.or(self.end_of_life);
        self.thinking = upper.thinking.or(self.thinking);
        self.cache_min = upper.cache_min.or(self.cache_min);
        self.can.extend(&upper.can);
        self.can.retain(|ability| !upper.cannot.contains(ability));
        self.cannot.retain(|ability| !upper.can.contains(ability));
        self.cannot.extend(&upper.cannot);
        if let Some(price) = &upper.price {
            self.price = Some(price.clone());
            self.above.clone_from(&upper.above);
            self.flex.clone_from(&upper.flex);
            self.priority.clone_from(&upper.priority);
            self.optimized = None;
        }
        if upper.optimized.is_some() {
            self.optimized.clone_from(&upper.optimized);
        }
        self.profiles.extend(upper.profiles.iter().cloned());
    }

    /// The model that these facts describe.
    pub(super) fn model(&self, id: &str, from_base: bool) -> Model {
        let price = self.price.as_ref().map(|row| Price {
            standard: row.rates(),
            above: {
                let tiers = self.above.iter();
                let tiers = tiers.map(|tier| (tier.over, tier.price.rates()));
                tiers.collect::<BTreeMap<_, _>>().into_iter().collect()
            },
            flex: self.flex.as_ref().map(PriceRow::rates),
            priority: self.priority.as_ref().map(PriceRow::rates),
            optimized: self.optimized.as_ref().map(PriceRow::rates),
            from_base,
        });
        Model {
            id: id.to_owned(),
            family: Family::of(id),
            limits: Limits {
                input: self.context,
                output: self.output,
            },
            abilities: self.abilities(),
            price,
            end_of_life: match self.end_of_life {
                Some(EndOfLife::On(day)) => Some(day),
                Some(EndOfLife::Unknown) | None => None,
            },
            known: true,
        }
    }

    fn abilities(&self) -> Abilities {
        let can = |ability| self.can.contains(&ability) && !self.cannot.contains(&ability);
        let tools = can(Ability::Tools);
        Abilities {
            caching: can(Ability::Caching).then(|| Caching {
                min_tokens: self.cache_min.unwrap_or(Caching::COMMON_MINIMUM),
                one_hour: self
                    .price
                    .as_ref()
                    .is_some_and(|row| row.write_1h.is_some()),
                tools: can(Ability::CachingTools),
            }),
            thinking: self
                .thinking
                .map_or(ThinkingSupport::None, CatalogThinking::support),
            vision: can(Ability::Vision),
            documents: can(Ability::Documents),
            tools,
            tool_choice: can(Ability::ToolChoice),
            tools_while_streaming: tools && !self.cannot.contains(&Ability::ToolsWhileStreaming),
            system: !self.cannot.contains(&Ability::System),
            sampling: !self.cannot.contains(&Ability::Sampling),
            prefill: can(Ability::Prefill),
            json_schema: can(Ability::JsonSchema),
            effort_xhigh: can(Ability::EffortXhigh),
            effort_max: can(Ability::EffortMax),
            parallel_tool_use_config: can(Ability::ParallelToolUseConfig),
            effort: can(Ability::Effort),
            forced_tool_choice: can(Ability::ToolChoice)
                && !self.cannot.contains(&Ability::ForcedToolChoice),
            mid_conversation_system: can(Ability::MidConversationSystem),
            eager_tool_input: can(Ability::EagerToolInput),
            strict_tools: can(Ability::StrictTools),
            tool_result_images: can(Ability::ToolResultImages),
            // What takes one takes the other; Pixtral takes documents alone.
            tool_result_documents: can(Ability::Documents)
                && (can(Ability::ToolResultImages) || can(Ability::ToolResultDocuments)),
            text_beside_results: !self.cannot.contains(&Ability::TextBesideResults),
            documents_beside_results: !self.cannot.contains(&Ability::DocumentsBesideResults),
            long_context_beta: can(Ability::LongContextBeta),
            stop_sequences: !self.cannot.contains(&Ability::StopSequences),
            thinking_off: !self.cannot.contains(&Ability::ThinkingOff),
        }
    }
}

impl CatalogThinking {
    fn support(self) -> ThinkingSupport {
        match self {
            Self::None => ThinkingSupport::None,
            Self::Budget => ThinkingSupport::Budget,
            Self::BudgetOrAdaptive => ThinkingSupport::BudgetOrAdaptive,
            Self::Adaptive => ThinkingSupport::Adaptive { always_on: false },
            Self::Always => ThinkingSupport::Adaptive { always_on: true },
            Self::ReasoningConfig => ThinkingSupport::ReasoningConfig,
            Self::ReasoningEffort => ThinkingSupport::ReasoningEffort,
            Self::ReasoningObject => ThinkingSupport::ReasoningObject,
        }
    }
}

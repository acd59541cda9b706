//! The shape of `config/models.yml`, and how its layers become a [`Model`].

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;

use super::family::Family;
use super::kind::ModelKind;
use super::lifecycle::Lifecycle;
use super::model::{Abilities, Caching, Limits, Model, ThinkingSupport};
use super::price::{Doubt, Price, PriceChange, RateKind, Rates};
use super::retrieval::{Rerank, Retrieval, WrittenEmbedding};

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
    pub least_output: Option<u32>,
    pub end_of_life: Option<Date>,
    pub thinking: Option<CatalogThinking>,
    pub cache_min: Option<u32>,
    pub can: Vec<Ability>,
    pub cannot: Vec<Ability>,
    /// It makes vectors, in this way.
    pub embedding: Option<WrittenEmbedding>,
    /// It puts documents in order, in this way.
    pub rerank: Option<Rerank>,
    /// What putting up to 100 documents in order costs, in US dollars.
    pub per_query: Option<Decimal>,
    pub price: Option<PriceRow>,
    /// With `price`: dearer rates for long prompts.
    pub above: Vec<Above>,
    /// With `price`: the service tier `flex`.
    pub flex: Option<PriceRow>,
    /// With `price`: the service tier `priority`.
    pub priority: Option<PriceRow>,
    /// Optimized latency, which few places have: a correction may say it of an id without its price.
    pub optimized: Option<PriceRow>,
    /// Rates that no price list of AWS has.
    pub unconfirmed: Vec<RateKind>,
    /// Days on which rates are others.
    pub changes: Vec<WrittenChange>,
    /// See [`Price::percent_over_global`].
    #[serde(skip)]
    pub percent_over_global: Option<Decimal>,
    /// One-hour cache points are taken: some place of the model has a price for them.
    #[serde(skip)]
    pub one_hour: bool,
    /// Further inference profiles that exist, though the source does not list them: priced as the base id.
    pub profiles: Vec<String>,
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
    ThinkingBinding,
    EffortNone,
    EncryptedThinking,
    CachedInInput,
    System,
    Sampling,
    TextBesideResults,
    DocumentsBesideResults,
    ThinkingOff,
    StopSequences,
    LongContextBeta,
    Converse,
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

/// [`PriceChange`] as the catalog writes it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenChange {
    since: Option<Date>,
    until: Option<Date>,
    #[serde(default)]
    price: BTreeMap<RateKind, Decimal>,
    #[serde(default)]
    times: BTreeMap<RateKind, Decimal>,
}

impl WrittenChange {
    fn change(&self) -> PriceChange {
        let rates = |of: &BTreeMap<_, _>| of.iter().map(|(kind, rate)| (*kind, *rate)).collect();
        PriceChange {
            since: self.since,
            until: self.until,
            rates: rates(&self.price),
            times: rates(&self.times),
        }
    }
}

/// A row of prices for prompts longer than `over` tokens.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Above {
    over: u64,
    price: PriceRow,
}

impl PriceRow {
    /// The rate of ordinary prompt tokens.
    pub(super) fn input(&self) -> Decimal {
        self.input
    }

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
        self.least_output = upper.least_output.or(self.least_output);
        self.end_of_life = upper.end_of_life.or(self.end_of_life);
        self.thinking = upper.thinking.or(self.thinking);
        self.cache_min = upper.cache_min.or(self.cache_min);
        if upper.embedding.is_some() {
            self.embedding.clone_from(&upper.embedding);
        }
        self.rerank = upper.rerank.or(self.rerank);
        self.per_query = upper.per_query.or(self.per_query);
        self.can.extend(&upper.can);
        self.can.retain(|ability| !upper.cannot.contains(ability));
        self.cannot.retain(|ability| !upper.can.contains(ability));
        self.cannot.extend(&upper.cannot);
        self.lay_price(upper);
        if upper.optimized.is_some() {
            self.optimized.clone_from(&upper.optimized);
        }
        self.profiles.extend(upper.profiles.iter().cloned());
    }

    /// Lays only the price of `upper`, if it has one, with all that comes with it.
    pub(super) fn lay_price(&mut self, upper: &Layer) {
        self.one_hour |= upper.has_hours();
        if let Some(price) = &upper.price {
            self.price = Some(price.clone());
            self.above.clone_from(&upper.above);
            self.flex.clone_from(&upper.flex);
            self.priority.clone_from(&upper.priority);
            self.optimized = None;
            self.unconfirmed.clear();
            self.changes.clear();
        }
        self.unconfirmed.extend(&upper.unconfirmed);
        self.changes.extend(upper.changes.iter().cloned());
    }

    /// Whether it has a price for one-hour cache writes.
    pub(super) fn has_hours(&self) -> bool {
        let price = self.price.as_ref();
        price.is_some_and(|row| row.write_1h.is_some())
    }

    /// The price of these facts.
    fn price(&self, from_base: bool) -> Option<Price> {
        let doubts = self.unconfirmed.iter();
        let standard = self.price.as_ref().map(PriceRow::rates);
        let mut price = Price {
            // What is paid by the query costs nothing by the token.
            standard: standard.or(self.per_query.map(|_| Rates::default()))?,
            per_query: self.per_query,
            above: {
                let tiers = self.above.iter();
                let tiers = tiers.map(|tier| (tier.over, tier.price.rates()));
                tiers.collect::<BTreeMap<_, _>>().into_iter().collect()
            },
            flex: self.flex.as_ref().map(PriceRow::rates),
            priority: self.priority.as_ref().map(PriceRow::rates),
            optimized: self.optimized.as_ref().map(PriceRow::rates),
            from_base,
            percent_over_global: self.percent_over_global,
            doubts: doubts.map(|kind| (*kind, Doubt::Unconfirmed)).collect(),
            changes: self.changes.iter().map(WrittenChange::change).collect(),
        };
        if self.one_hour {
            price.compute_hours();
        }
        Some(price)
    }

    /// The model that these facts describe.
    pub(super) fn model(&self, id: &str, base: &str, from_base: bool) -> Model {
        let price = self.price(from_base);
        let retrieval = self.retrieval(base);
        Model {
            id: id.to_owned(),
            family: Family::of(id),
            limits: Limits {
                input: self.context,
                output: self.output,
                least_output: self.least_output,
            },
            abilities: match &retrieval {
                Some(_) => Abilities::default(),
                None => self.abilities(),
            },
            price,
            lifecycle: Lifecycle::default(),
            kind: (retrieval.as_ref()).map_or(ModelKind::Chat, Retrieval::kind),
            converse: retrieval.is_none() && !self.cannot.contains(&Ability::Converse),
            retrieval,
            known: true,
        }
    }

    fn retrieval(&self, base: &str) -> Option<Retrieval> {
        let embedding = self.embedding.as_ref();
        let embedding = embedding.map(|written| Retrieval::Embedding(written.embedding(base)));
        embedding.or(self.rerank.map(Retrieval::Rerank))
    }

    fn abilities(&self) -> Abilities {
        let can = |ability| self.can.contains(&ability) && !self.cannot.contains(&ability);
        let tools = can(Ability::Tools);
        Abilities {
            caching: can(Ability::Caching).then(|| Caching {
                min_tokens: self.cache_min.unwrap_or(Caching::COMMON_MINIMUM),
                one_hour: self.one_hour,
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
            thinking_binding: can(Ability::ThinkingBinding),
            effort_none: can(Ability::EffortNone),
            encrypted_thinking: can(Ability::EncryptedThinking),
            cached_in_input: can(Ability::CachedInInput),
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

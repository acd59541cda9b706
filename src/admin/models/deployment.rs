//! A deployment with its details: prices, limits, abilities, and what it turned out to lack.

use std::iter::once;

use jiff::civil::Date;

use super::super::numbers::{TimeText, count, dollars, price, tokens};
use super::super::texts::{Texts, texts};
use super::health::HealthView;
use super::retirement::lifecycle;
use crate::app::AppState;
use crate::bedrock::Feature;
use crate::catalog::{Doubt, Model, ModelKind, Price, RateKind, Retrieval, ThinkingSupport};
use crate::chain::{Lack, Target};
use crate::spend::Counters;

/// A deployment as the page shows it.
pub(super) struct DeploymentView {
    pub(super) id: String,
    pub(super) model_id: String,
    pub(super) region: String,
    pub(super) health: HealthView,
    /// Active, legacy or retired, and since when.
    pub(super) lifecycle: String,
    /// Who says so.
    pub(super) lifecycle_source: String,
    /// What else is said against it.
    pub(super) marks: Vec<String>,
    pub(super) prices: Vec<PriceView>,
    /// What holds for all its prices.
    pub(super) price_notes: Vec<String>,
    pub(super) context: Option<String>,
    pub(super) answer: Option<String>,
    pub(super) abilities: Vec<&'static str>,
    pub(super) lacks: Vec<LackView>,
    pub(super) requests: String,
    pub(super) failures: Option<String>,
    pub(super) spend: String,
}

/// The price of tokens of one kind.
pub(super) struct PriceView {
    pub(super) name: &'static str,
    pub(super) price: String,
    /// Why it is not certain.
    pub(super) doubt: Option<&'static str>,
}

/// Something that a deployment turned out to lack.
pub(super) struct LackView {
    /// As the form names it.
    pub(super) name: String,
    /// In words.
    pub(super) what: String,
    pub(super) since: TimeText,
    pub(super) until: TimeText,
}

impl DeploymentView {
    pub(super) fn new(app: &AppState, target: &Target, today: Date, counters: Counters) -> Self {
        let model = target.model();
        let known = target.price(app.clock.now());
        let limit = |limit: Option<u32>| limit.map(|limit| tokens(limit.into()));
        Self {
            id: target.deployment_id().to_owned(),
            model_id: target.model_id().to_owned(),
            region: target.deployment().region.clone(),
            health: HealthView::new(app, target, today),
            lifecycle: lifecycle(&model.lifecycle, today).join(" "),
            lifecycle_source: model.lifecycle.source.clone(),
            marks: marks(model),
            prices: known.as_deref().map(prices).unwrap_or_default(),
            price_notes: known.as_deref().map(price_notes).unwrap_or_default(),
            context: limit(model.limits.input),
            answer: limit(model.limits.output),
            abilities: abilities(model),
            lacks: (app.routes.lacks(target).into_iter())
                .map(LackView::from)
                .collect(),
            requests: count(counters.requests),
            failures: (counters.failures > 0).then(|| count(counters.failures)),
            spend: dollars(counters.spend),
        }
    }
}

impl From<Lack> for LackView {
    fn from(lack: Lack) -> Self {
        let Texts {
            ability, models: t, ..
        } = texts();
        let what = match lack.feature {
            Feature::Caching | Feature::CachePlaces => ability.caching,
            Feature::Thinking | Feature::BoundThinking | Feature::EncryptedThinking => {
                ability.thinking
            }
            Feature::EffortNone => t.effort_none,
            Feature::CachedInInput => t.cached_in_input,
            Feature::Prefill => ability.prefill,
            Feature::JsonSchema | Feature::CompiledSchemas => ability.json_schema,
            Feature::StrictTools => t.strict_tools,
            Feature::ToolsWhileStreaming => t.tools_while_streaming,
            Feature::ForcedToolChoice => t.forced_tool_choice,
            Feature::RequiredToolChoice => t.required_tool_choice,
            Feature::NamedToolChoice => t.named_tool_choice,
            Feature::Betas => t.betas,
            Feature::EagerToolInput => t.eager_tool_input,
            Feature::MessagesDialect => t.messages_dialect,
            Feature::NativeExtras => t.native_extras,
            Feature::MaxTokens(_) | Feature::AnswerRoom(_) => t.max_tokens,
            feature @ (Feature::Temperature
            | Feature::TopP
            | Feature::TopK
            | Feature::StopSequences) => feature.name(),
        };
        Self {
            name: lack.name(),
            what: once(what.to_owned())
                .chain(lack.feature.limit().map(|limit| count(limit.into())))
                .chain(lack.only_with)
                .collect::<Vec<_>>()
                .join(" "),
            since: lack.since.into(),
            until: lack.until.into(),
        }
    }
}

/// What is known of the prices, each with its name.
fn prices(known: &Price) -> Vec<PriceView> {
    let t = &texts().models;
    let view = |kind: RateKind| {
        let name = match kind {
            RateKind::Input => t.input,
            RateKind::Output => t.output,
            RateKind::CacheRead => t.read,
            RateKind::CacheWrite5m => t.write,
            RateKind::CacheWrite1h => t.write_1h,
        };
        // A rate of 0 is of tokens that the model does not have.
        let rate = known.standard.of(kind).filter(|rate| !rate.is_zero())?;
        Some(PriceView {
            name,
            price: price(rate),
            doubt: known.doubt(kind).map(|doubt| match doubt {
                Doubt::Unconfirmed => t.unconfirmed,
                Doubt::Computed => t.computed,
            }),
        })
    };
    let of_query = known.per_query.map(|query| PriceView {
        name: t.per_query,
        price: price(query),
        doubt: None,
    });
    let rates = RateKind::ALL.into_iter().filter_map(view);
    of_query.into_iter().chain(rates).collect()
}

/// What is to be known of a price as a whole.
fn price_notes(known: &Price) -> Vec<String> {
    let t = &texts().models;
    let percent = known.percent_over_global;
    let over = percent.map(|percent| format!("{percent} {}", t.over_global));
    let place = known.from_base.then(|| t.other_place.to_owned());
    over.into_iter().chain(place).collect()
}

/// What is said against a model beside its age.
fn marks(model: &Model) -> Vec<String> {
    let t = &texts().models;
    let mut marks = Vec::new();
    if !model.is_served() {
        marks.push(format!("{} {}", t.no_chat, model.kind));
    } else if model.retrieval.is_none() && !model.converse {
        marks.push(t.no_converse.to_owned());
    }
    marks
}

/// What a model can do, in words.
fn abilities(model: &Model) -> Vec<&'static str> {
    let (can, kind) = (
        &model.abilities,
        model.retrieval.as_ref().map(Retrieval::kind),
    );
    let Texts { ability: t, .. } = texts();
    let all = [
        (kind == Some(ModelKind::Embedding), t.vectors),
        (kind == Some(ModelKind::Rerank), t.order),
        (can.tools, t.tools),
        (can.caching.is_some(), t.caching),
        (can.thinking != ThinkingSupport::None, t.thinking),
        (can.vision, t.vision),
        (can.documents, t.documents),
        (can.json_schema, t.json_schema),
        (can.prefill, t.prefill),
    ];
    let able = all.into_iter().filter(|(able, _)| *able);
    able.map(|(_, name)| name).collect()
}

//! The models as the page shows them.

use std::collections::HashMap;
use std::iter::once;
use std::sync::Arc;

use askama::Template;
use jiff::civil::Date;

use super::super::layout::{Layout, NavPage};
use super::super::links;
use super::super::names;
use super::super::numbers::{TimeText, count, dollars, milliseconds, price, tokens};
use super::super::session::Session;
use super::super::texts::{Texts, filled, texts};
use crate::app::AppState;
use crate::bedrock::Feature;
use crate::catalog::{
    Doubt, Lifecycle, LifecycleState, Model, ModelKind, Price, RateKind, Retrieval, ThinkingSupport,
};
use crate::chain::{HealthStatus, Lack, Target};
use crate::config::{FallbackKind, Group, Warning};
use crate::spend::{Counters, DayTotal, FailureCause, TotalOf};

#[derive(Template)]
#[template(path = "models.html", config = "src/admin/askama.toml")]
pub(super) struct ModelsPage {
    layout: Layout,
    /// What the file asks for to protect somebody, and is not there.
    missing_protections: Vec<String>,
    rows: Vec<ModelRow>,
    groups: Vec<GroupView>,
}

/// A deployment as a line of the table.
struct ModelRow {
    group: String,
    anchor: String,
    model_id: String,
    region: String,
    health: HealthView,
    price: String,
    context: String,
    requests: String,
    spend: String,
    first_95: String,
    /// Legacy or retired, in words that stay together; nothing for what is active.
    ends: Vec<String>,
    /// What is recommended in the place of what is retired: name and anchor.
    instead: Option<(String, String)>,
    /// How many things it turned out to lack.
    learned: usize,
    /// The requests of its model, and its use by key.
    requests_address: String,
    use_address: String,
}

struct GroupView {
    name: String,
    /// Where a link to it leads on the page.
    anchor: String,
    is_default: bool,
    /// Its name has a star: it stands for every model that fits, and shows those that were asked lately.
    is_pattern: bool,
    aliases: Vec<String>,
    /// What is asked, in order, the group itself first.
    chain: Vec<ChainStop>,
    /// Instead of the chain, for failures of one kind.
    special: Vec<(&'static str, Vec<ChainStop>)>,
    deployments: Vec<DeploymentView>,
}

/// A group in a chain.
struct ChainStop {
    name: String,
    anchor: String,
}

struct DeploymentView {
    id: String,
    model_id: String,
    region: String,
    health: HealthView,
    /// Active, legacy or retired, and since when.
    lifecycle: String,
    /// Who says so.
    lifecycle_source: String,
    /// What else is said against it.
    marks: Vec<String>,
    prices: Vec<PriceView>,
    /// What holds for all its prices.
    price_notes: Vec<String>,
    context: Option<String>,
    answer: Option<String>,
    abilities: Vec<&'static str>,
    lacks: Vec<LackView>,
    requests: String,
    failures: Option<String>,
    spend: String,
}

/// The price of tokens of one kind.
struct PriceView {
    name: &'static str,
    price: String,
    /// Why it is not certain.
    doubt: Option<&'static str>,
}

/// Something that a deployment turned out to lack.
struct LackView {
    /// As the form names it.
    name: String,
    /// In words.
    what: String,
    since: TimeText,
    until: TimeText,
}

pub(in super::super) struct HealthView {
    /// `good`, `warn`, `bad` or nothing.
    pub(in super::super) tone: &'static str,
    pub(in super::super) word: &'static str,
    pub(in super::super) until: Option<TimeText>,
    last_failure: Option<&'static str>,
}

impl ModelsPage {
    /// From the configuration in force, what is known of each target, and the totals of two days.
    pub(super) fn new(app: &AppState, session: &Session, today: Date, totals: &[DayTotal]) -> Self {
        let mut by_model = HashMap::<&str, Counters>::new();
        for total in totals {
            if let TotalOf::Model { model, .. } = &total.of {
                *by_model.entry(model).or_default() += total.counters;
            }
        }
        let groups = app.config.groups().iter();
        Self {
            layout: Layout::of(NavPage::Models, session),
            missing_protections: app
                .config
                .missing_protections
                .iter()
                .map(Warning::text)
                .collect(),
            rows: (app.routes.configured_targets())
                .map(|target| ModelRow::new(app, target, today, &by_model))
                .collect(),
            groups: groups
                .map(|group| GroupView::new(app, group, today, &by_model))
                .collect(),
        }
    }
}

impl ModelRow {
    fn new(
        app: &AppState,
        target: &Target,
        today: Date,
        by_model: &HashMap<&str, Counters>,
    ) -> Self {
        let t = &texts().models;
        let none = || texts().usage.none.to_owned();
        let model = target.model();
        let counters = by_model.get(target.model_id()).copied().unwrap_or_default();
        let known = target.price(app.clock.now());
        let rate = |kind| {
            known
                .as_ref()
                .and_then(|known| known.standard.of(kind))
                .map_or_else(none, price)
        };
        let yesterday = today.saturating_sub(jiff::Span::new().days(1)).to_string();
        let is_active = model.lifecycle.on(today) == LifecycleState::Active;
        Self {
            group: target.group().to_owned(),
            anchor: anchor(app, target.group()),
            model_id: target.model_id().to_owned(),
            region: target.deployment().region.clone(),
            health: HealthView::new(app, target, today),
            price: match known.as_ref().map(|known| known.per_query) {
                None => t.not_known.to_owned(),
                Some(Some(query)) => format!("{} {}", price(query), t.per_query),
                // Vectors are no tokens.
                Some(None) if model.retrieval.is_some() => rate(RateKind::Input),
                Some(None) => [RateKind::Input, RateKind::Output, RateKind::CacheRead]
                    .map(rate)
                    .join(" / "),
            },
            context: model
                .limits
                .input
                .map_or_else(none, |limit| tokens(limit.into())),
            requests: count(counters.requests),
            spend: dollars(counters.spend),
            first_95: counters
                .first_token
                .percentile(95)
                .map_or_else(none, milliseconds),
            ends: if is_active {
                Vec::new()
            } else {
                lifecycle(&model.lifecycle, today)
            },
            instead: (target.deployment().is_retired(today))
                .then(|| successor(app, target, today))
                .flatten()
                .map(|name| (name.to_owned(), anchor(app, name))),
            learned: app.routes.lacks(target).len(),
            requests_address: links::to(
                "/ui/logs",
                &[("model", target.model_id()), ("from", &yesterday)],
            ),
            use_address: links::to(
                "/ui/usage",
                &[
                    ("split", "key"),
                    ("model", target.model_id()),
                    ("from", &yesterday),
                ],
            ),
        }
    }
}

/// The tiers of models: what is of one tier does the same work.
const TIERS: [&str; 8] = [
    "opus",
    "sonnet",
    "haiku",
    "nova-premier",
    "nova-pro",
    "nova-lite",
    "nova-micro",
    "embed",
];

/// The group to use instead of a retired model: the first of the file that is active and of its tier.
fn successor<'a>(app: &'a AppState, retired: &Target, today: Date) -> Option<&'a str> {
    let tier = TIERS
        .into_iter()
        .find(|tier| retired.model_id().contains(tier))?;
    let mut targets = app.routes.configured_targets();
    let next = targets.find(|target| {
        target.model_id().contains(tier)
            && target.model().lifecycle.on(today) == LifecycleState::Active
    });
    next.map(|target| target.group())
}

impl GroupView {
    fn new(app: &AppState, group: &Group, today: Date, by_model: &HashMap<&str, Counters>) -> Self {
        let t = &texts().models;
        let aliases = app.config.routing.aliases.iter();
        let stops =
            |names: Vec<String>| names.iter().map(|name| ChainStop::new(app, name)).collect();
        let mut chain = vec![group.name.clone()];
        chain.extend(app.routes.fallbacks(&group.name, FallbackKind::General));
        let special = [
            (t.chain_context, FallbackKind::ContextWindow),
            (t.chain_content, FallbackKind::ContentPolicy),
        ];
        let special = special
            .map(|(when, kind)| (when, app.routes.fallbacks(&group.name, kind)))
            .into_iter()
            .filter(|(_, names)| !names.is_empty());
        let targets = if group.is_pattern() {
            let pattern_targets = app.routes.pattern_targets().into_iter();
            let of_group = |target: &Arc<Target>| {
                let pattern = target.deployment().pattern.as_ref();
                pattern.is_some_and(|pattern| pattern.group == group.name)
            };
            pattern_targets.filter(of_group).collect()
        } else {
            app.routes.targets(&group.name)
        };
        Self {
            name: group.name.clone(),
            anchor: anchor(app, &group.name),
            is_default: app.config.routing.default_model.as_ref() == Some(&group.name),
            aliases: aliases
                .filter(|(_, alias)| alias.group == group.name)
                .map(|(name, _)| name.clone())
                .collect(),
            chain: stops(chain),
            special: special.map(|(when, names)| (when, stops(names))).collect(),
            is_pattern: group.is_pattern(),
            deployments: targets
                .iter()
                .map(|target| {
                    let counters = by_model.get(target.model_id()).copied().unwrap_or_default();
                    DeploymentView::new(app, target, today, counters)
                })
                .collect(),
        }
    }
}

impl ChainStop {
    fn new(app: &AppState, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            anchor: anchor(app, name),
        }
    }
}

impl DeploymentView {
    fn new(app: &AppState, target: &Target, today: Date, counters: Counters) -> Self {
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

impl HealthView {
    pub(in super::super) fn new(app: &AppState, target: &Target, today: Date) -> Self {
        let t = &texts().models;
        let health = app.routes.health(target);
        let (mut tone, mut word) = match health.status() {
            HealthStatus::CoolingDown => ("bad", t.cooling_down),
            HealthStatus::OnProbation => ("warn", t.on_probation),
            HealthStatus::Unknown => ("", t.unknown),
            HealthStatus::Failing => ("warn", t.failing),
            HealthStatus::Healthy => ("good", t.healthy),
        };
        if target.deployment().is_retired(today) {
            (tone, word) = ("bad", t.retired);
        }
        let is_well = health.status() == HealthStatus::Healthy;
        Self {
            tone,
            word,
            until: health.resting_until.map(TimeText::from),
            last_failure: (health.last_failure_class)
                .filter(|_| !is_well)
                .map(|class| names::cause(FailureCause::of_outcome(&class))),
        }
    }
}

/// Models that end within 90 days, or have ended: name, words, and their place on the page. What has ended comes last.
pub(in super::super) fn retirements(app: &AppState, today: Date) -> Vec<(String, String, String)> {
    const SOON: i64 = 90;
    let soon = today.saturating_add(jiff::Span::new().days(SOON));
    let mut ends: Vec<(bool, Option<Date>, &str, String)> = Vec::new();
    for target in app.routes.configured_targets() {
        let known = &target.model().lifecycle;
        let (is_over, day) = match known.on(today) {
            LifecycleState::Retired { on } => (true, on),
            LifecycleState::Legacy { until, .. } if until.is_some_and(|day| day <= soon) => {
                (false, until)
            }
            LifecycleState::Legacy { .. } | LifecycleState::Active => continue,
        };
        if !ends.iter().any(|(_, _, name, _)| *name == target.group()) {
            let words = lifecycle(known, today).join(" ");
            ends.push((is_over, day, target.group(), words));
        }
    }
    ends.sort();
    let ends = ends.into_iter();
    ends.map(|(_, _, name, words)| {
        (
            name.to_owned(),
            words,
            format!("/ui/models#{}", anchor(app, name)),
        )
    })
    .collect()
}

/// A group's place among the groups: its name may hold anything.
fn anchor(app: &AppState, group: &str) -> String {
    let place = app
        .config
        .groups()
        .iter()
        .position(|known| known.name == group);
    format!("model-{}", place.unwrap_or_default())
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

/// The state of a model in words, of which each piece stays on one line.
fn lifecycle(known: &Lifecycle, today: Date) -> Vec<String> {
    let t = &texts().models;
    match known.on(today) {
        LifecycleState::Active => vec![t.active.to_owned()],
        LifecycleState::Legacy { since, until } => {
            let word = |words, day: Option<Date>| Some(filled(words, [&day?.to_string()]));
            let days = [word(t.since, since), word(t.until_day, until)];
            let words = once(t.legacy.to_owned()).chain(days.into_iter().flatten());
            words.collect()
        }
        LifecycleState::Retired { on } => {
            let day = on.map_or_else(|| t.unknown_day.to_owned(), |day| day.to_string());
            vec![filled(t.retired_on, [&day])]
        }
    }
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

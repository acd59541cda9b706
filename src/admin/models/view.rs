//! The models as the page shows them.

use std::collections::HashMap;
use std::iter::once;
use std::sync::Arc;

use askama::Template;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::super::layout::{Layout, NavPage};
use super::super::numbers::{Moment, count, dollars, price, tokens};
use super::super::session::Session;
use super::super::texts::{Texts, texts};
use crate::app::AppState;
use crate::bedrock::Feature;
use crate::catalog::{Abilities, Price, ThinkingSupport};
use crate::chain::{HealthStatus, Lack, Target};
use crate::config::{FallbackKind, Group};
use crate::spend::{Counters, DayTotal, TotalOf};

#[derive(Template)]
#[template(path = "models.html", config = "src/admin/askama.toml")]
pub(super) struct ModelsPage {
    layout: Layout,
    groups: Vec<GroupView>,
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
    prices: Vec<(&'static str, String)>,
    context: Option<String>,
    answer: Option<String>,
    abilities: Vec<&'static str>,
    lacks: Vec<LackView>,
    requests: String,
    failures: Option<String>,
    spend: String,
}

/// Something that a deployment turned out to lack.
struct LackView {
    /// As the form names it.
    name: String,
    /// In words.
    what: String,
    since: Moment,
    until: Moment,
}

struct HealthView {
    /// `good`, `warn`, `bad` or nothing.
    tone: &'static str,
    word: &'static str,
    until: Option<Moment>,
    last_failure: Option<String>,
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
            groups: groups
                .map(|group| GroupView::new(app, group, today, &by_model))
                .collect(),
        }
    }
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
            let made = app.routes.made().into_iter();
            let of_group = |target: &Arc<Target>| {
                let pattern = target.deployment().pattern.as_ref();
                pattern.is_some_and(|pattern| pattern.group == group.name)
            };
            made.filter(of_group).collect()
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
        let limit = |limit: Option<u32>| limit.map(|limit| tokens(limit.into()));
        Self {
            id: target.deployment_id().to_owned(),
            model_id: target.model_id().to_owned(),
            region: target.deployment().region.clone(),
            health: HealthView::new(app, target, today),
            prices: prices(target.price()),
            context: limit(model.limits.input),
            answer: limit(model.limits.output),
            abilities: abilities(&model.abilities),
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
            Feature::Thinking => ability.thinking,
            Feature::Prefill => ability.prefill,
            Feature::JsonSchema | Feature::CompiledSchemas => ability.json_schema,
            Feature::StrictTools => t.strict_tools,
            Feature::ToolsWhileStreaming => t.tools_while_streaming,
            Feature::ForcedToolChoice => t.forced_tool_choice,
            Feature::RequiredToolChoice => t.required_tool_choice,
            Feature::NamedToolChoice => t.named_tool_choice,
            Feature::Betas => t.betas,
            Feature::EagerToolInput => t.eager_tool_input,
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
    fn new(app: &AppState, target: &Target, today: Date) -> Self {
        let t = &texts().models;
        let health = app.routes.health(target);
        let (mut tone, mut word) = match health.wellness() {
            HealthStatus::CoolingDown => ("bad", t.cooling_down),
            HealthStatus::OnProbation => ("warn", t.on_probation),
            HealthStatus::Unknown => ("", t.unknown),
            HealthStatus::Failing => ("warn", t.failing),
            HealthStatus::Healthy => ("good", t.healthy),
        };
        if target.deployment().is_retired(today) {
            (tone, word) = ("bad", t.retired);
        }
        let is_well = health.wellness() == HealthStatus::Healthy;
        Self {
            tone,
            word,
            until: health.resting_until.map(Moment::from),
            last_failure: health.last_failure_class.filter(|_| !is_well),
        }
    }
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
fn prices(known: Option<&Price>) -> Vec<(&'static str, String)> {
    let t = &texts().models;
    let Some(rates) = known.map(|known| &known.standard) else {
        return Vec::new();
    };
    let all: [(&str, Option<Decimal>); 5] = [
        (t.input, Some(rates.input)),
        (t.output, Some(rates.output)),
        (t.read, rates.cache_read),
        (t.write, rates.cache_write_5m),
        (t.write_1h, rates.cache_write_1h),
    ];
    all.into_iter()
        .filter_map(|(name, rate)| Some((name, price(rate?))))
        .collect()
}

/// What a model can do, in words.
fn abilities(can: &Abilities) -> Vec<&'static str> {
    let Texts { ability: t, .. } = texts();
    let all = [
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

//! The models as the page shows them.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use jiff::civil::Date;

use super::super::layout::{Layout, NavPage};
use super::super::links;
use super::super::numbers::{count, dollars, milliseconds, price, tokens};
use super::super::session::Session;
use super::super::texts::texts;
use super::deployment::DeploymentView;
use super::health::HealthView;
use super::retirement::{lifecycle, successor};
use crate::app::AppState;
use crate::catalog::{LifecycleState, RateKind};
use crate::chain::Target;
use crate::config::{FallbackKind, Group, Warning};
use crate::spend::{Counters, DayTotal, TotalOf};

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

/// A group's place among the groups: its name may hold anything.
pub(super) fn anchor(app: &AppState, group: &str) -> String {
    let place = app
        .config
        .groups()
        .iter()
        .position(|known| known.name == group);
    format!("model-{}", place.unwrap_or_default())
}

//! The age of models: which have ended or will, and what is used instead.

use std::iter::once;

use jiff::civil::Date;

use super::super::texts::{filled, texts};
use super::view::anchor;
use crate::app::AppState;
use crate::catalog::{Lifecycle, LifecycleState};
use crate::chain::Target;

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
pub(super) fn successor<'a>(app: &'a AppState, retired: &Target, today: Date) -> Option<&'a str> {
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

/// The state of a model in words, of which each piece stays on one line.
pub(super) fn lifecycle(known: &Lifecycle, today: Date) -> Vec<String> {
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

//! The form of a key, new or there already, and the question before a key is ended.

use askama::Template;
use jiff::Timestamp;

use super::super::budget_bar::BudgetBar;
use super::super::confirm::ConfirmPage;
use super::super::draft::{Draft, FormField, Problem, elsewhere, group_names};
use super::super::layout::{Layout, NavPage};
use super::super::numbers::{TimeText, count};
use super::super::session::Session;
use super::super::texts::{filled, texts};
use super::badges::{Badge, BlockedHolders, badges};
use super::draft::strangers;
use super::made::first_model;
use super::setups::{Setup, setups};
use super::{LIST, address};
use crate::app::AppState;
use crate::keys::{BudgetUsage, RefusedOfDay, VirtualKey};

#[derive(Template)]
#[template(path = "key.html", config = "src/admin/askama.toml")]
pub(super) struct FormPage {
    layout: Layout,
    title: String,
    /// Where the form goes.
    action: String,
    notice: Option<&'static str>,
    has_problems: bool,
    /// What is wrong beside all fields.
    problems: Vec<String>,
    sections: Vec<(&'static str, Vec<FormField>)>,
    /// `None`: it is not made yet.
    key: Option<ExistingKey>,
}

/// A key that is there.
struct ExistingKey {
    name: String,
    hash: String,
    address: String,
    badges: Vec<Badge>,
    is_blocked: bool,
    budget: Option<BudgetBar>,
    /// How often it was refused today because it is not good, in words.
    refused: Option<String>,
    created: TimeText,
    created_by: String,
    updated: TimeText,
    expires: Option<TimeText>,
    /// Models that it may ask for and the configuration does not have.
    strangers: Vec<String>,
    /// Settings that the form does not show.
    others: Vec<&'static str>,
    /// What programs are set up with, the key itself apart, which is not known.
    setups: Vec<Setup>,
}

impl FormPage {
    /// For a key that is to be made.
    pub(super) fn blank(
        app: &AppState,
        session: &Session,
        draft: &Draft,
        problems: &[Problem],
    ) -> Self {
        let t = &texts().keys;
        let action = format!("{LIST}/new");
        Self::new(app, session, t.new.to_owned(), action, draft, problems)
    }

    /// For a key that is there.
    pub(super) fn of(
        app: &AppState,
        session: &Session,
        key: &VirtualKey,
        beside: (Option<&BudgetUsage>, &BlockedHolders),
        draft: &Draft,
        problems: &[Problem],
    ) -> Self {
        let (title, action) = (key.label().to_owned(), address(key));
        let known = ExistingKey::new(app, key, beside, app.keys.now());
        Self {
            key: Some(known),
            ..Self::new(app, session, title, action, draft, problems)
        }
    }

    /// With how often the key was refused today.
    pub(super) fn refused(mut self, refused: RefusedOfDay) -> Self {
        let requests = refused.blocked.saturating_add(refused.expired);
        if let Some(key) = self.key.as_mut().filter(|_| requests > 0) {
            key.refused = Some(filled(texts().keys.refused_today, [&count(requests)]));
        }
        self
    }

    /// With what programs are set up with that reach this gateway at `base`.
    pub(super) fn with_setups(
        mut self,
        app: &AppState,
        key: &VirtualKey,
        base: Option<String>,
    ) -> Self {
        let base = base.unwrap_or_else(|| texts().keys.this_address.to_owned());
        if let (Some(existing), Some(model)) = (self.key.as_mut(), first_model(app, key)) {
            existing.setups = setups(&base, &key.name, &model);
        }
        self
    }

    /// With this said at the top.
    pub(super) fn saying(self, notice: Option<&'static str>) -> Self {
        Self { notice, ..self }
    }

    fn new(
        app: &AppState,
        session: &Session,
        title: String,
        action: String,
        draft: &Draft,
        problems: &[Problem],
    ) -> Self {
        let sections = sections(app, draft, problems);
        Self {
            layout: Layout::of(NavPage::Keys, session),
            title,
            action,
            notice: None,
            has_problems: !problems.is_empty(),
            problems: elsewhere(problems, sections.iter().flat_map(|(_, fields)| fields)),
            sections,
            key: None,
        }
    }
}

fn sections(
    app: &AppState,
    draft: &Draft,
    problems: &[Problem],
) -> Vec<(&'static str, Vec<FormField>)> {
    let t = &texts().key_form;
    let field = |name: &'static str, label, hint: &str, mode| {
        draft.field(name, (label, hint), mode, problems)
    };
    let stores = FormField {
        choices: vec![("", t.as_configured), ("yes", t.yes), ("no", t.no)],
        ..field(
            "store_prompts_in_spend_logs",
            t.stores,
            t.stores_hint,
            "text",
        )
    };
    vec![
        (
            t.whose,
            vec![
                field("key_alias", t.alias, t.alias_hint, "text"),
                field("user_id", t.user, t.user_hint, "text"),
                field("team_id", t.team, t.team_hint, "text"),
                field("tags", t.tags, t.tags_hint, "text"),
            ],
        ),
        (
            t.may,
            vec![
                FormField {
                    known_names: group_names(&app.config),
                    ..field("models", t.models, t.models_hint, "text")
                },
                field("allowed_regions", t.regions, t.regions_hint, "text"),
                field("duration", t.ends, t.ends_hint, "text"),
            ],
        ),
        (
            t.budget,
            vec![
                field("max_budget", t.max, t.max_hint, "decimal"),
                field("budget_duration", t.window, t.window_hint, "text"),
                field("soft_budget", t.soft, t.soft_hint, "decimal"),
            ],
        ),
        (
            t.limits,
            vec![
                field("rpm_limit", t.rpm, t.limit_hint, "numeric"),
                field("tpm_limit", t.tpm, t.limit_hint, "numeric"),
                field("max_parallel_requests", t.parallel, t.limit_hint, "numeric"),
            ],
        ),
        (
            t.stored,
            vec![
                stores,
                field(
                    "maximum_spend_logs_content_retention_period",
                    t.kept,
                    t.kept_hint,
                    "text",
                ),
                field("store_responses", t.responses, t.responses_hint, "text"),
            ],
        ),
    ]
}

impl ExistingKey {
    fn new(
        app: &AppState,
        key: &VirtualKey,
        (budget, holders): (Option<&BudgetUsage>, &BlockedHolders),
        now: Timestamp,
    ) -> Self {
        let settings = &key.settings;
        let others = [
            (!settings.aliases.is_empty(), "aliases"),
            (!settings.model_rpm_limit.is_empty(), "model_rpm_limit"),
            (!settings.model_tpm_limit.is_empty(), "model_tpm_limit"),
            (!settings.metadata.is_empty(), "metadata"),
            (
                settings.temp_budget_increase.is_some(),
                "temp_budget_increase",
            ),
            (
                settings.web_searches_per_day.is_some(),
                "web_searches_per_day",
            ),
        ];
        let others = others.into_iter().filter(|(is_set, _)| *is_set);
        Self {
            name: key.name.clone(),
            hash: key.hash.clone(),
            address: address(key),
            badges: badges(key, budget, holders, now),
            is_blocked: settings.blocked,
            budget: budget.map(|budget| BudgetBar::of(budget, settings.soft_budget)),
            refused: None,
            created: key.created_at.into(),
            created_by: key.created_by.clone(),
            updated: key.updated_at.into(),
            expires: key.expires.map(TimeText::from),
            strangers: strangers(&app.config, &settings.models),
            others: others.map(|(_, name)| name).collect(),
            setups: Vec::new(),
        }
    }
}

/// What is asked before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyQuestion {
    /// End the key.
    Delete,
    /// End the key and give another for it.
    Regenerate,
}

/// The page that asks before a key is ended.
pub(super) fn confirm(session: &Session, key: &VirtualKey, question: KeyQuestion) -> ConfirmPage {
    let t = &texts().keys;
    let (title, text, button, verb) = match question {
        KeyQuestion::Delete => (t.delete_title, t.delete_text, t.delete, "delete"),
        KeyQuestion::Regenerate => (
            t.regenerate_title,
            t.regenerate_text,
            t.regenerate,
            "regenerate",
        ),
    };
    ConfirmPage {
        layout: Layout::of(NavPage::Keys, session),
        title,
        name: key.label().to_owned(),
        text,
        action: format!("{}/{verb}", address(key)),
        button,
        back: address(key),
    }
}

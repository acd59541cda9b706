//! The form of a key, new or there already, and the question before a key is ended.

use askama::Template;
use jiff::Timestamp;

use super::super::budget_bar::BudgetBar;
use super::super::layout::{Layout, NavPage};
use super::super::numbers::Moment;
use super::super::session::Session;
use super::super::texts::texts;
use super::draft::{Draft, Problem, was};
use super::list::Standing;
use super::{LIST, address};
use crate::app::AppState;
use crate::keys::{BudgetStanding, VirtualKey};

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
    sections: Vec<(&'static str, Vec<Field>)>,
    /// `None`: it is not made yet.
    key: Option<ExistingKey>,
}

/// A key that is there.
struct ExistingKey {
    name: String,
    hash: String,
    address: String,
    standing: Standing,
    is_blocked: bool,
    budget: Option<BudgetBar>,
    created: Moment,
    created_by: String,
    updated: Moment,
    expires: Option<Moment>,
    /// Models that it may ask for and nobody has.
    strangers: Vec<String>,
    /// Settings that the form does not show.
    others: Vec<&'static str>,
}

/// A field of the form.
struct Field {
    name: &'static str,
    was_name: String,
    label: &'static str,
    hint: String,
    value: String,
    was: String,
    error: Option<String>,
    /// What a phone's keyboard shows.
    mode: &'static str,
    /// Instead of any text, one of these: value and name.
    choices: Vec<(&'static str, &'static str)>,
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
        budget: Option<&BudgetStanding>,
        draft: &Draft,
        problems: &[Problem],
    ) -> Self {
        let (title, action) = (key.label().to_owned(), address(key));
        let known = ExistingKey::new(app, key, budget, app.keys.now());
        Self {
            key: Some(known),
            ..Self::new(app, session, title, action, draft, problems)
        }
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
        let is_beside = |problem: &Problem| {
            let mut fields = sections.iter().flat_map(|(_, fields)| fields);
            fields.any(|field| field.name == problem.field)
        };
        let elsewhere = problems.iter().filter(|problem| !is_beside(problem));
        Self {
            layout: Layout::of(NavPage::Keys, session),
            title,
            action,
            notice: None,
            has_problems: !problems.is_empty(),
            problems: elsewhere
                .map(|problem| format!("{} {}", problem.field, problem.message))
                .collect(),
            sections,
            key: None,
        }
    }
}

fn sections(
    app: &AppState,
    draft: &Draft,
    problems: &[Problem],
) -> Vec<(&'static str, Vec<Field>)> {
    let t = &texts().key_form;
    let field = |name: &'static str, label, hint: &str, mode| {
        let problem = problems.iter().find(|problem| problem.field == name);
        Field {
            name,
            was_name: was(name),
            label,
            hint: hint.to_owned(),
            value: draft.typed(name).to_owned(),
            was: draft.was(name).to_owned(),
            error: problem.map(|problem| problem.message.clone()),
            mode,
            choices: Vec::new(),
        }
    };
    let groups = app.config.groups().iter().map(|group| &*group.name);
    let groups = groups.collect::<Vec<_>>().join(", ");
    let models = format!("{} {groups}", t.models_hint);
    let stores = Field {
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
                field("models", t.models, &models, "text"),
                field("duration", t.ends, t.ends_hint, "text"),
                stores,
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
    ]
}

impl ExistingKey {
    fn new(
        app: &AppState,
        key: &VirtualKey,
        budget: Option<&BudgetStanding>,
        now: Timestamp,
    ) -> Self {
        let settings = &key.settings;
        let strangers = settings.models.iter().filter(|name| {
            let is_pattern = name.contains('*') || name.starts_with("all-");
            !is_pattern && app.config.resolve_name(name).is_none()
        });
        let others = [
            (!settings.aliases.is_empty(), "aliases"),
            (!settings.model_rpm_limit.is_empty(), "model_rpm_limit"),
            (!settings.model_tpm_limit.is_empty(), "model_tpm_limit"),
            (!settings.metadata.is_empty(), "metadata"),
        ];
        let others = others.into_iter().filter(|(is_set, _)| *is_set);
        Self {
            name: key.name.clone(),
            hash: key.hash.clone(),
            address: address(key),
            standing: Standing::of(key, now),
            is_blocked: settings.blocked,
            budget: budget.map(BudgetBar::from),
            created: key.created_at.into(),
            created_by: key.created_by.clone(),
            updated: key.updated_at.into(),
            expires: key.expires.map(Moment::from),
            strangers: strangers.cloned().collect(),
            others: others.map(|(_, name)| name).collect(),
        }
    }
}

#[derive(Template)]
#[template(path = "key_confirm.html", config = "src/admin/askama.toml")]
pub(super) struct ConfirmPage {
    layout: Layout,
    title: &'static str,
    name: String,
    text: &'static str,
    action: String,
    button: &'static str,
    back: String,
}

/// What is asked before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// End the key.
    Delete,
    /// End the key and give another for it.
    Regenerate,
}

impl ConfirmPage {
    pub(super) fn new(session: &Session, key: &VirtualKey, question: Question) -> Self {
        let t = &texts().keys;
        let (title, text, button, verb) = match question {
            Question::Delete => (t.delete_title, t.delete_text, t.delete, "delete"),
            Question::Regenerate => (
                t.regenerate_title,
                t.regenerate_text,
                t.regenerate,
                "regenerate",
            ),
        };
        Self {
            layout: Layout::of(NavPage::Keys, session),
            title,
            name: key.label().to_owned(),
            text,
            action: format!("{}/{verb}", address(key)),
            button,
            back: address(key),
        }
    }
}

//! The pages of one team and one user: their form, a team's members, and what belongs to them.

use askama::Template;
use url::form_urlencoded;

use super::super::budget_bar::BudgetBar;
use super::super::draft::{Draft, FormField, Problem, elsewhere, group_names};
use super::super::keys::{self, Badge};
use super::super::layout::{Layout, NavPage};
use super::super::session::Session;
use super::super::texts::texts;
use super::{TEAM, USER};
use crate::app::AppState;
use crate::identity::{Member, MemberRole};
use crate::keys::{BudgetUsage, VirtualKey};

#[derive(Template)]
#[template(path = "holder.html", config = "src/admin/askama.toml")]
pub(super) struct HolderPage {
    layout: Layout,
    title: String,
    /// Where the form goes.
    action: String,
    /// What the button of the form says.
    button: &'static str,
    is_saved: bool,
    has_problems: bool,
    problems: Vec<String>,
    sections: Vec<(&'static str, Vec<FormField>)>,
    existing: Option<ExistingHolder>,
    members: Option<MembersCard>,
}

/// A team or a user that is there.
pub(super) struct ExistingHolder {
    pub(super) id: String,
    pub(super) in_file: bool,
    pub(super) badge: Badge,
    pub(super) budget: Option<BudgetBar>,
    /// Name and address.
    pub(super) keys: Vec<(String, String)>,
    /// The teams of a user: name and address.
    pub(super) teams: Vec<(String, String)>,
    /// The requests of its keys, and their use.
    pub(super) requests: String,
    pub(super) usage: String,
    /// Where it is deleted.
    pub(super) delete: Option<String>,
}

/// The members of a team.
struct MembersCard {
    rows: Vec<MemberRow>,
    action: String,
    team: String,
    fields: Vec<FormField>,
    /// A member is changed, not added.
    is_change: bool,
}

struct MemberRow {
    id: String,
    email: Option<String>,
    address: String,
    change: String,
    is_admin: bool,
    budget: Option<BudgetBar>,
    models: Vec<String>,
}

/// The address of a page of one team or user.
pub(super) fn address(page: &str, id: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("id", id)
        .finish();
    format!("{page}?{query}")
}

/// The keys as links.
pub(super) fn links(listed: &[VirtualKey]) -> Vec<(String, String)> {
    let link = |key: &VirtualKey| (key.label().to_owned(), keys::address(key));
    listed.iter().map(link).collect()
}

impl HolderPage {
    /// The page of a team, or of one that is to be made.
    pub(super) fn team(
        app: &AppState,
        session: &Session,
        existing: Option<(String, ExistingHolder)>,
        draft: &Draft,
        problems: &[Problem],
    ) -> Self {
        let t = &texts().teams;
        let sections = team_sections(app, existing.is_none(), draft, problems);
        Self::new(session, (TEAM, t.new_team), existing, sections, problems)
    }

    /// The page of a user, or of one that is to be made.
    pub(super) fn user(
        app: &AppState,
        session: &Session,
        existing: Option<(String, ExistingHolder)>,
        draft: &Draft,
        problems: &[Problem],
    ) -> Self {
        let t = &texts().teams;
        let sections = user_sections(app, existing.is_none(), draft, problems);
        Self::new(session, (USER, t.new_user), existing, sections, problems)
    }

    fn new(
        session: &Session,
        (page, new): (&str, &'static str),
        existing: Option<(String, ExistingHolder)>,
        sections: Vec<(&'static str, Vec<FormField>)>,
        problems: &[Problem],
    ) -> Self {
        let (title, existing) = existing.unzip();
        let action = match &existing {
            Some(existing) => address(page, &existing.id),
            None => format!("{page}/new"),
        };
        Self {
            layout: Layout::of(NavPage::Teams, session),
            button: if existing.is_some() {
                texts().keys.save
            } else {
                new
            },
            title: title.unwrap_or_else(|| new.to_owned()),
            action,
            is_saved: false,
            has_problems: !problems.is_empty(),
            problems: elsewhere(problems, sections.iter().flat_map(|(_, fields)| fields)),
            sections,
            existing,
            members: None,
        }
    }

    /// Whether nothing of it can be changed here.
    fn is_in_file(&self) -> bool {
        self.existing.as_ref().is_some_and(|there| there.in_file)
    }

    /// With a note that it was saved.
    pub(super) fn saying(self, is_saved: bool) -> Self {
        Self { is_saved, ..self }
    }

    /// With the members of a team, and the form for one.
    pub(super) fn with_members(
        self,
        team: &str,
        members: &[(Member, Option<BudgetUsage>)],
        draft: &Draft,
        problems: &[Problem],
        is_change: bool,
    ) -> Self {
        let rows = members.iter().map(|(member, budget)| MemberRow {
            id: member.user_id.clone(),
            email: member.user_email.clone(),
            address: address(USER, &member.user_id),
            change: member_address(team, &member.user_id),
            is_admin: member.role == MemberRole::Admin,
            budget: (budget.as_ref()).map(|budget| BudgetBar::of(budget, None)),
            models: member.allowance.models.clone(),
        });
        let fields = member_fields(draft, problems);
        Self {
            has_problems: self.has_problems || !problems.is_empty(),
            problems: [self.problems, elsewhere(problems, fields.iter())].concat(),
            members: Some(MembersCard {
                rows: rows.collect(),
                action: format!("{TEAM}/member"),
                team: team.to_owned(),
                fields,
                is_change,
            }),
            ..self
        }
    }
}

/// A team's page with one member in its form.
fn member_address(team: &str, user: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("id", team)
        .append_pair("member", user)
        .finish();
    format!("{TEAM}?{query}#member")
}

fn team_sections(
    app: &AppState,
    is_new: bool,
    draft: &Draft,
    problems: &[Problem],
) -> Vec<(&'static str, Vec<FormField>)> {
    let t = &texts().teams;
    let k = &texts().key_form;
    let field = |name, words, mode| draft.field(name, words, mode, problems);
    let mut whose = vec![
        field("team_alias", (k.alias, t.alias_hint), "text"),
        field("tags", (k.tags, k.tags_hint), "text"),
    ];
    if is_new {
        whose.insert(0, field("team_id", (t.id, t.id_hint), "text"));
    }
    let each = vec![
        field(
            "team_member_budget",
            (k.max, t.member_budget_hint),
            "decimal",
        ),
        field(
            "team_member_budget_duration",
            (k.window, k.window_hint),
            "text",
        ),
        field("team_member_rpm_limit", (k.rpm, k.limit_hint), "numeric"),
        field("team_member_tpm_limit", (k.tpm, k.limit_hint), "numeric"),
    ];
    let mut sections = vec![(t.team, whose)];
    sections.extend(allowance_sections(app, draft, problems));
    sections.push((t.each_member, each));
    sections
}

fn user_sections(
    app: &AppState,
    is_new: bool,
    draft: &Draft,
    problems: &[Problem],
) -> Vec<(&'static str, Vec<FormField>)> {
    let t = &texts().teams;
    let k = &texts().key_form;
    let field = |name, words, mode| draft.field(name, words, mode, problems);
    let mut whose = vec![
        field("user_alias", (k.alias, t.alias_hint), "text"),
        field("user_email", (t.email, t.email_hint), "email"),
    ];
    if is_new {
        whose.insert(0, field("user_id", (t.id, t.id_hint), "text"));
    }
    let mut sections = vec![(k.user, whose)];
    sections.extend(allowance_sections(app, draft, problems));
    sections
}

fn allowance_sections(
    app: &AppState,
    draft: &Draft,
    problems: &[Problem],
) -> [(&'static str, Vec<FormField>); 3] {
    let t = &texts().teams;
    let k = &texts().key_form;
    let field = |name, words, mode| draft.field(name, words, mode, problems);
    [
        (
            k.may,
            vec![
                FormField {
                    known_names: group_names(&app.config),
                    ..field("models", (k.models, k.models_hint), "text")
                },
                field("allowed_regions", (k.regions, k.regions_hint), "text"),
            ],
        ),
        (
            k.budget,
            vec![
                field("max_budget", (k.max, k.max_hint), "decimal"),
                field("budget_duration", (k.window, k.window_hint), "text"),
                field("soft_budget", (k.soft, k.soft_hint), "decimal"),
                field("temp_budget_increase", (t.more, t.more_hint), "decimal"),
                field("temp_budget_expiry", (t.until, t.until_hint), "text"),
            ],
        ),
        (
            k.limits,
            vec![
                field("rpm_limit", (k.rpm, k.limit_hint), "numeric"),
                field("tpm_limit", (k.tpm, k.limit_hint), "numeric"),
                field(
                    "max_parallel_requests",
                    (k.parallel, k.limit_hint),
                    "numeric",
                ),
            ],
        ),
    ]
}

/// The fields of a member. Their ids are apart from those of the team's form, which has fields of the same names.
fn member_fields(draft: &Draft, problems: &[Problem]) -> Vec<FormField> {
    let t = &texts().teams;
    let k = &texts().key_form;
    let field = |name, words, mode| FormField {
        id: format!("member-{name}"),
        ..draft.field(name, words, mode, problems)
    };
    let role = FormField {
        choices: vec![("user", t.role_user), ("admin", t.role_admin)],
        ..field("role", (t.role, t.role_hint), "text")
    };
    vec![
        field("user_id", (k.user, t.member_hint), "text"),
        role,
        field("max_budget_in_team", (k.max, t.in_team_hint), "decimal"),
        field("budget_duration", (k.window, k.window_hint), "text"),
        field("temp_budget_increase", (t.more, t.more_hint), "decimal"),
        field("temp_budget_expiry", (t.until, t.until_hint), "text"),
        field("allowed_models", (k.models, t.member_models_hint), "text"),
        field("rpm_limit", (k.rpm, k.limit_hint), "numeric"),
        field("tpm_limit", (k.tpm, k.limit_hint), "numeric"),
    ]
}

//! The page of one team, with its members.

use axum::Extension;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::future::try_join_all;
use http::StatusCode;

use super::super::budget_bar::BudgetBar;
use super::super::confirm::ConfirmPage;
use super::super::draft::{Draft, Problem};
use super::super::error::PageError;
use super::super::form::SubmittedForm;
use super::super::keys::holder_badge;
use super::super::layout::{Layout, NavPage, render};
use super::super::links;
use super::super::session::Session;
use super::super::texts::texts;
use super::draft;
use super::form::{self, ExistingHolder, HolderPage, address};
use super::saving::{Named, chosen, note_id, problem, saved};
use super::{MAKER, PAGE, READS_AT_ONCE, TEAM};
use crate::app::AppState;
use crate::audit::NotedRequest;
use crate::identity::{Member, Team};
use crate::keys::{BudgetUsage, KeyError};

/// `GET /ui/team/new`.
pub(in crate::admin) async fn blank(State(app): State<AppState>, session: Session) -> Response {
    let page = HolderPage::team(&app, &session, None, &Draft::default(), &[]);
    render(StatusCode::OK, &page)
}

/// `POST /ui/team/new`.
pub(in crate::admin) async fn make(
    State(app): State<AppState>,
    noted: Option<Extension<NotedRequest>>,
    form: SubmittedForm,
) -> Result<Response, PageError> {
    let draft = Draft::read(&form.fields, &draft::team_fields());
    let id = chosen(draft.typed("team_id"));
    let is_chosen = id.is_some();
    let made = match draft::team_changes(&draft) {
        Ok(changes) => app.keys.directory.new_team(id, &changes, MAKER).await,
        Err(problems) => return Ok(not_made(&app, &form.session, &draft, &problems)),
    };
    match made {
        Ok(team) => {
            if !is_chosen {
                note_id(noted, "team_id", &team.team_id);
            }
            tracing::info!(team = team.team_id, "a team was made on the admin pages");
            Ok(saved(TEAM, &team.team_id))
        }
        Err(error) => {
            let problem = problem("team_id", error)?;
            Ok(not_made(&app, &form.session, &draft, &[problem]))
        }
    }
}

fn not_made(app: &AppState, session: &Session, draft: &Draft, problems: &[Problem]) -> Response {
    let page = HolderPage::team(app, session, None, draft, problems);
    render(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

/// `GET /ui/team`: with `member`, that one in the form of a member.
pub(in crate::admin) async fn page(
    State(app): State<AppState>,
    session: Session,
    Query(named): Query<Named>,
) -> Result<Response, PageError> {
    let team = app.keys.directory.team(&named.id).await?;
    let form = TeamForms {
        team: (draft::of_team(&team), Vec::new()),
        member: (Draft::default(), Vec::new()),
        changes: named.member,
    };
    let page = team_page(&app, &session, &team, form).await?;
    let page = page.saying(named.saved.is_some());
    Ok(render(StatusCode::OK, &page))
}

/// What stands in the forms of a team's page.
pub(super) struct TeamForms {
    pub(super) team: (Draft, Vec<Problem>),
    /// Where nothing was sent, and a member is named who is there, that one is put here.
    pub(super) member: (Draft, Vec<Problem>),
    /// The member who is changed; `None`: one is added.
    pub(super) changes: Option<String>,
}

pub(super) async fn team_page(
    app: &AppState,
    session: &Session,
    team: &Team,
    form: TeamForms,
) -> Result<HolderPage, PageError> {
    let directory = &app.keys.directory;
    let id = &team.team_id;
    let budget = app.keys.team_budget_usage(team);
    let budget = budget.await.map_err(KeyError::Store)?;
    let soft = team.settings.allowance.soft_budget;
    let keys = app.keys.keys_of(Some(id), None).await?;
    let existing = ExistingHolder {
        id: id.clone(),
        in_file: team.in_file,
        badge: holder_badge(team.settings.blocked, budget.as_ref(), soft),
        budget: (budget.as_ref()).map(|budget| BudgetBar::of(budget, soft)),
        keys: form::links(&keys),
        teams: Vec::new(),
        requests: links::to("/ui/logs", &[("team", id)]),
        usage: links::to("/ui/usage", &[("team", id)]),
        delete: (!team.in_file).then(|| address(&format!("{TEAM}/delete"), id)),
    };
    let existing = Some((team.label().to_owned(), existing));
    let (draft, problems) = &form.team;
    let page = HolderPage::team(app, session, existing, draft, problems);
    let members = with_budgets(app, team, directory.members(id).await?).await?;
    let changed = members
        .iter()
        .find(|(member, _)| Some(&member.user_id) == form.changes.as_ref());
    let (mut draft, problems) = form.member;
    if let Some((member, _)) = changed.filter(|_| draft == Draft::default()) {
        draft = draft::of_member(member);
    }
    let is_change = changed.is_some();
    Ok(page.with_members(id, &members, &draft, &problems, is_change))
}

async fn with_budgets(
    app: &AppState,
    team: &Team,
    members: Vec<Member>,
) -> Result<Vec<(Member, Option<BudgetUsage>)>, PageError> {
    let mut both = Vec::with_capacity(members.len());
    let mut members = members.into_iter().peekable();
    while members.peek().is_some() {
        let some: Vec<_> = members.by_ref().take(READS_AT_ONCE).collect();
        let budgets = some
            .iter()
            .map(|one| app.keys.member_budget_usage(team, one));
        let budgets = try_join_all(budgets).await.map_err(KeyError::Store)?;
        both.extend(some.into_iter().zip(budgets));
    }
    Ok(both)
}

/// `POST /ui/team`: changes what was changed in the form, and nothing else.
pub(in crate::admin) async fn change(
    State(app): State<AppState>,
    Query(named): Query<Named>,
    form: SubmittedForm,
) -> Result<Response, PageError> {
    let directory = &app.keys.directory;
    let team = directory.team(&named.id).await?;
    let draft = Draft::read(&form.fields, &draft::team_fields());
    let problems = match draft::team_changes(&draft) {
        Ok(changes) => match directory.update_team(&team.team_id, &changes).await {
            Ok(team) => {
                tracing::info!(team = team.team_id, "a team was changed on the admin pages");
                return Ok(saved(TEAM, &team.team_id));
            }
            Err(error) => vec![problem("team_id", error)?],
        },
        Err(problems) => problems,
    };
    let forms = TeamForms {
        team: (draft, problems),
        member: (Draft::default(), Vec::new()),
        changes: None,
    };
    let page = team_page(&app, &form.session, &team, forms).await?;
    Ok(render(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

/// `GET /ui/team/delete`.
pub(in crate::admin) async fn confirm_delete(
    State(app): State<AppState>,
    session: Session,
    Query(named): Query<Named>,
) -> Result<Response, PageError> {
    let team = app.keys.directory.team(&named.id).await?;
    let t = &texts().teams;
    let page = ConfirmPage {
        layout: Layout::of(NavPage::Teams, &session),
        title: t.delete_title,
        name: team.label().to_owned(),
        text: t.delete_text,
        action: address(&format!("{TEAM}/delete"), &team.team_id),
        button: texts().keys.delete,
        back: address(TEAM, &team.team_id),
    };
    Ok(render(StatusCode::OK, &page))
}

/// `POST /ui/team/delete`.
pub(in crate::admin) async fn delete(
    State(app): State<AppState>,
    Query(named): Query<Named>,
    _: SubmittedForm,
) -> Result<Response, PageError> {
    let team = app.keys.directory.delete_team(&named.id).await?;
    tracing::info!(team = team.team_id, "a team was deleted on the admin pages");
    Ok(Redirect::to(&format!("{PAGE}?saved")).into_response())
}

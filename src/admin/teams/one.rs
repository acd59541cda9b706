//! One team, its members, and one user.

use axum::Extension;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::future::try_join_all;
use http::StatusCode;
use serde::Deserialize;

use super::super::budget_bar::BudgetBar;
use super::super::confirm::ConfirmPage;
use super::super::draft::{Draft, Problem};
use super::super::error::PageError;
use super::super::form::SubmittedForm;
use super::super::keys::holder_badge;
use super::super::layout::{Layout, NavPage, render};
use super::super::links;
use super::super::session::Session;
use super::super::texts::{Told, texts};
use super::draft;
use super::form::{self, ExistingHolder, HolderPage, address};
use super::{MAKER, PAGE, READS_AT_ONCE, TEAM, USER, name_of};
use crate::app::AppState;
use crate::audit::NotedRequest;
use crate::identity::{IdentityError, Member, MemberChanges, Team, User, UserChanges};
use crate::keys::{BudgetUsage, KeyError};

/// Which one, and what is said or shown beside it.
#[derive(Debug, Deserialize)]
pub(in crate::admin) struct Named {
    id: String,
    member: Option<String>,
    saved: Option<String>,
}

/// `GET /ui/team/new`.
pub(in crate::admin) async fn blank_team(
    State(app): State<AppState>,
    session: Session,
) -> Response {
    let page = HolderPage::team(&app, &session, None, &Draft::default(), &[]);
    render(StatusCode::OK, &page)
}

/// `POST /ui/team/new`.
pub(in crate::admin) async fn make_team(
    State(app): State<AppState>,
    noted: Option<Extension<NotedRequest>>,
    form: SubmittedForm,
) -> Result<Response, PageError> {
    let draft = Draft::read(&form.fields, &draft::team_fields());
    let id = chosen(draft.typed("team_id"));
    let is_chosen = id.is_some();
    let made = match draft::team_changes(&draft) {
        Ok(changes) => app.keys.directory.new_team(id, &changes, MAKER).await,
        Err(problems) => return Ok(team_not_made(&app, &form.session, &draft, &problems)),
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
            Ok(team_not_made(&app, &form.session, &draft, &[problem]))
        }
    }
}

fn team_not_made(
    app: &AppState,
    session: &Session,
    draft: &Draft,
    problems: &[Problem],
) -> Response {
    let page = HolderPage::team(app, session, None, draft, problems);
    render(StatusCode::UNPROCESSABLE_ENTITY, &page)
}

/// `GET /ui/team`: with `member`, that one in the form of a member.
pub(in crate::admin) async fn team(
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
struct TeamForms {
    team: (Draft, Vec<Problem>),
    /// Where nothing was sent, and a member is named who is there, that one is put here.
    member: (Draft, Vec<Problem>),
    /// The member who is changed; `None`: one is added.
    changes: Option<String>,
}

async fn team_page(
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
pub(in crate::admin) async fn change_team(
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

/// `POST /ui/team/member`: adds a member to a `team`, changes or removes one, as `do` says.
pub(in crate::admin) async fn member(
    State(app): State<AppState>,
    form: SubmittedForm,
) -> Result<Response, PageError> {
    let directory = &app.keys.directory;
    let team = directory.team(form.fields.get("team")).await?;
    let draft = Draft::read(&form.fields, &draft::OF_MEMBER);
    let (id, user) = (team.team_id.clone(), draft.typed("user_id").to_owned());
    let action = form.fields.get("do");
    let outcome = match (action, draft::member_changes(&draft)) {
        ("remove", _) => {
            let member = directory.member_id(&id, Some(&user), None).await?;
            let removed = directory.remove_member(&id, &member).await;
            removed.map_err(|error| problem("user_id", error))
        }
        ("add" | "change", Err(problems)) => {
            return member_not_saved(&app, &form, &team, draft, problems).await;
        }
        ("add", Ok(changes)) => {
            let added = add(&app, &id, &user, &changes).await;
            added.map_err(|error| problem("user_id", error))
        }
        ("change", Ok(changes)) => {
            let changed = directory.update_member(&id, &user, &changes).await;
            changed.map(drop).map_err(|error| problem("user_id", error))
        }
        _ => {
            let unknown = texts().settings.unknown_button;
            return Err(PageError::new(StatusCode::BAD_REQUEST, unknown));
        }
    };
    match outcome {
        Ok(()) => {
            tracing::info!(
                team = id,
                user,
                action,
                "a member of a team was changed on the admin pages"
            );
            Ok(saved(TEAM, &id))
        }
        Err(problem) => member_not_saved(&app, &form, &team, draft, vec![problem?]).await,
    }
}

async fn member_not_saved(
    app: &AppState,
    form: &SubmittedForm,
    team: &Team,
    draft: Draft,
    problems: Vec<Problem>,
) -> Result<Response, PageError> {
    let is_change = form.fields.get("do") == "change";
    let forms = TeamForms {
        team: (draft::of_team(team), Vec::new()),
        changes: is_change.then(|| draft.typed("user_id").to_owned()),
        member: (draft, problems),
    };
    let page = team_page(app, &form.session, team, forms).await?;
    Ok(render(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

/// Makes a user a member. One who is not known yet is made.
async fn add(
    app: &AppState,
    team: &str,
    user: &str,
    changes: &MemberChanges,
) -> Result<(), IdentityError> {
    let directory = &app.keys.directory;
    let user = match directory.user(user).await {
        Err(IdentityError::NotFound { .. }) => {
            let nothing = UserChanges::default();
            directory.new_user(Some(user.to_owned()), &nothing).await?
        }
        found => found?,
    };
    let email = user.settings.user_email.clone();
    let added = directory.add_member(team, &user.user_id, email, changes);
    added.await.map(drop)
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

/// `GET /ui/user/new`.
pub(in crate::admin) async fn blank_user(
    State(app): State<AppState>,
    session: Session,
) -> Response {
    let page = HolderPage::user(&app, &session, None, &Draft::default(), &[]);
    render(StatusCode::OK, &page)
}

/// `POST /ui/user/new`.
pub(in crate::admin) async fn make_user(
    State(app): State<AppState>,
    noted: Option<Extension<NotedRequest>>,
    form: SubmittedForm,
) -> Result<Response, PageError> {
    let draft = Draft::read(&form.fields, &draft::user_fields());
    let id = chosen(draft.typed("user_id"));
    let is_chosen = id.is_some();
    let problems = match draft::user_changes(&draft) {
        Ok(changes) => match app.keys.directory.new_user(id, &changes).await {
            Ok(user) => {
                if !is_chosen {
                    note_id(noted, "user_id", &user.user_id);
                }
                tracing::info!(user = user.user_id, "a user was made on the admin pages");
                return Ok(saved(USER, &user.user_id));
            }
            Err(error) => vec![problem("user_id", error)?],
        },
        Err(problems) => problems,
    };
    let page = HolderPage::user(&app, &form.session, None, &draft, &problems);
    Ok(render(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

/// `GET /ui/user`.
pub(in crate::admin) async fn user(
    State(app): State<AppState>,
    session: Session,
    Query(named): Query<Named>,
) -> Result<Response, PageError> {
    let user = app.keys.directory.user(&named.id).await?;
    let existing = Some(existing_user(&app, &user).await?);
    let page = HolderPage::user(&app, &session, existing, &draft::of_user(&user), &[]);
    let page = page.saying(named.saved.is_some());
    Ok(render(StatusCode::OK, &page))
}

/// `POST /ui/user`: changes what was changed in the form, and nothing else.
pub(in crate::admin) async fn change_user(
    State(app): State<AppState>,
    Query(named): Query<Named>,
    form: SubmittedForm,
) -> Result<Response, PageError> {
    let directory = &app.keys.directory;
    let user = directory.user(&named.id).await?;
    let draft = Draft::read(&form.fields, &draft::user_fields());
    let problems = match draft::user_changes(&draft) {
        Ok(changes) => match directory.update_user(&user.user_id, &changes).await {
            Ok(user) => {
                tracing::info!(user = user.user_id, "a user was changed on the admin pages");
                return Ok(saved(USER, &user.user_id));
            }
            Err(error) => vec![problem("user_id", error)?],
        },
        Err(problems) => problems,
    };
    let existing = Some(existing_user(&app, &user).await?);
    let page = HolderPage::user(&app, &form.session, existing, &draft, &problems);
    Ok(render(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

async fn existing_user(app: &AppState, user: &User) -> Result<(String, ExistingHolder), PageError> {
    let id = &user.user_id;
    let budget = app.keys.user_budget_usage(user);
    let budget = budget.await.map_err(KeyError::Store)?;
    let soft = user.settings.allowance.soft_budget;
    let keys = app.keys.keys_of(None, Some(id)).await?;
    let memberships = app.keys.directory.memberships(id).await?;
    let teams = memberships.iter().map(|member| {
        let team = &member.team_id;
        (team.clone(), address(TEAM, team))
    });
    let existing = ExistingHolder {
        id: id.clone(),
        in_file: false,
        badge: holder_badge(user.settings.blocked, budget.as_ref(), soft),
        budget: (budget.as_ref()).map(|budget| BudgetBar::of(budget, soft)),
        keys: form::links(&keys),
        teams: teams.collect(),
        requests: links::to("/ui/logs", &[("user", id)]),
        usage: links::to("/ui/usage", &[("user", id)]),
        delete: None,
    };
    Ok((name_of(user).to_owned(), existing))
}

/// An id that was typed; `None`: one is made.
fn chosen(typed: &str) -> Option<String> {
    (!typed.is_empty()).then(|| typed.to_owned())
}

/// Tells the audit log the id that was made.
fn note_id(noted: Option<Extension<NotedRequest>>, name: &str, id: &str) {
    if let Some(Extension(noted)) = noted {
        noted.add_made(name, id);
    }
}

fn saved(page: &str, id: &str) -> Response {
    Redirect::to(&format!("{}&saved", address(page, id))).into_response()
}

/// What the form itself can say; anything else is an error of the page.
fn problem(id: &'static str, error: IdentityError) -> Result<Problem, PageError> {
    match error {
        IdentityError::Invalid(invalid) => Ok(Problem::new(invalid.param, invalid.wanted.told())),
        IdentityError::Exists(exists) => Ok(Problem::new(id, exists.told())),
        other => Err(other.into()),
    }
}

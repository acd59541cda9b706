//! The page of one user.

use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Response;
use http::StatusCode;

use super::super::budget_bar::BudgetBar;
use super::super::draft::Draft;
use super::super::error::PageError;
use super::super::form::SubmittedForm;
use super::super::keys::holder_badge;
use super::super::layout::render;
use super::super::links;
use super::super::session::Session;
use super::draft;
use super::form::{self, ExistingHolder, HolderPage, address};
use super::saving::{Named, chosen, note_id, problem, saved};
use super::{TEAM, USER, name_of};
use crate::app::AppState;
use crate::audit::NotedRequest;
use crate::identity::User;
use crate::keys::KeyError;

/// `GET /ui/user/new`.
pub(in crate::admin) async fn blank(State(app): State<AppState>, session: Session) -> Response {
    let page = HolderPage::user(&app, &session, None, &Draft::default(), &[]);
    render(StatusCode::OK, &page)
}

/// `POST /ui/user/new`.
pub(in crate::admin) async fn make(
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
pub(in crate::admin) async fn page(
    State(app): State<AppState>,
    session: Session,
    Query(named): Query<Named>,
) -> Result<Response, PageError> {
    let user = app.keys.directory.user(&named.id).await?;
    let existing = Some(existing_holder(&app, &user).await?);
    let page = HolderPage::user(&app, &session, existing, &draft::of_user(&user), &[]);
    let page = page.saying(named.saved.is_some());
    Ok(render(StatusCode::OK, &page))
}

/// `POST /ui/user`: changes what was changed in the form, and nothing else.
pub(in crate::admin) async fn change(
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
    let existing = Some(existing_holder(&app, &user).await?);
    let page = HolderPage::user(&app, &form.session, existing, &draft, &problems);
    Ok(render(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

async fn existing_holder(
    app: &AppState,
    user: &User,
) -> Result<(String, ExistingHolder), PageError> {
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

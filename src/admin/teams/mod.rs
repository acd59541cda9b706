//! Teams, users and customers: what they may spend, and whether they are let in. Made and changed through the same API as
//! `/team/…`, `/user/…` and `/customer/…`.

mod draft;
mod form;
pub(super) mod member;
mod saving;
pub(super) mod team;
pub(super) mod user;
mod view;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::future::try_join_all;
use http::StatusCode;

use super::error::PageError;
use super::form::SubmittedForm;
use super::layout::render;
use super::session::Session;
use super::texts::{Told, texts};
use crate::app::AppState;
use crate::identity::{IdentityError, Team, TeamChanges, User, UserChanges};
use crate::keys::KeyError;
use view::{ListedTeam, TeamsPage};

const PAGE: &str = "/ui/teams";
const TEAM: &str = "/ui/team";
const USER: &str = "/ui/user";
/// What teams say of their creator.
const MAKER: &str = "admin page";
/// So many of each are shown; the API lists all.
const MOST_SHOWN: usize = 200;
const READS_AT_ONCE: usize = 16;

/// `GET /ui/teams`.
pub(super) async fn page(
    State(app): State<AppState>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let directory = &app.keys.directory;
    let (teams, users, customers, keys) = tokio::join!(
        directory.teams(),
        directory.users(),
        app.customers.list(),
        app.keys.list(),
    );
    let (teams, mut users, mut customers, keys) = (teams?, users?, customers?, keys?);
    let is_cut = teams.len().max(users.len()).max(customers.len()) > MOST_SHOWN;
    let teams = teams.into_iter().filter(|team| team.deleted_at.is_none());
    let teams: Vec<_> = teams.take(MOST_SHOWN).collect();
    users.truncate(MOST_SHOWN);
    customers.truncate(MOST_SHOWN);
    let mut listed = Vec::with_capacity(teams.len());
    for some in teams.chunks(READS_AT_ONCE) {
        listed.extend(try_join_all(some.iter().map(|team| read(&app, team))).await?);
    }
    let mut with_budgets = Vec::with_capacity(users.len());
    for some in users.chunks(READS_AT_ONCE) {
        let budgets = some.iter().map(|user| app.keys.user_budget_usage(user));
        let budgets = try_join_all(budgets).await.map_err(KeyError::Store)?;
        with_budgets.extend(some.iter().zip(budgets));
    }
    let is_saved = query.is_some_and(|query| query == "saved");
    let page = TeamsPage::new(&session, &listed, &with_budgets, &customers, &keys)
        .saying(is_saved, is_cut);
    Ok(render(StatusCode::OK, &page))
}

async fn read<'t>(app: &AppState, team: &'t Team) -> Result<ListedTeam<'t>, PageError> {
    let members = app.keys.directory.members(&team.team_id).await?;
    let budget = app
        .keys
        .team_budget_usage(team)
        .await
        .map_err(KeyError::Store)?;
    Ok(ListedTeam {
        team,
        members: members.len(),
        budget,
    })
}

/// `POST /ui/teams`: blocks a `team`, a `user` or a `customer`, or lets it in again, with `blocked` `yes` or `no`.
pub(super) async fn block(
    State(app): State<AppState>,
    form: SubmittedForm,
) -> Result<Response, PageError> {
    let unknown = || PageError::new(StatusCode::BAD_REQUEST, texts().settings.unknown_button);
    let blocked = match form.fields.get("blocked") {
        "yes" => true,
        "no" => false,
        _ => return Err(unknown()),
    };
    let (kind, id) = (form.fields.get("kind"), form.fields.get("id"));
    let directory = &app.keys.directory;
    let change = Some(Some(blocked));
    match kind {
        "team" => {
            let changes = TeamChanges {
                blocked: change,
                ..TeamChanges::default()
            };
            directory.update_team(id, &changes).await.map(drop)
        }
        "user" => {
            let changes = UserChanges {
                blocked: change,
                ..UserChanges::default()
            };
            directory.update_user(id, &changes).await.map(drop)
        }
        "customer" => app.customers.block(id, blocked).await.map(drop),
        _ => return Err(unknown()),
    }?;
    tracing::info!(
        kind,
        id,
        blocked,
        "somebody was blocked or let in on the admin pages"
    );
    Ok(Redirect::to(&format!("{PAGE}?saved")).into_response())
}

impl From<IdentityError> for PageError {
    fn from(error: IdentityError) -> Self {
        let status = match error {
            IdentityError::Store(error) => return error.into(),
            IdentityError::NotFound { .. } => StatusCode::NOT_FOUND,
            IdentityError::InFile(_) | IdentityError::Contended => StatusCode::CONFLICT,
            IdentityError::Exists(_) | IdentityError::Invalid(_) => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
        };
        Self::new(status, error.told())
    }
}

/// The name that people know a user by.
fn name_of(user: &User) -> &str {
    let settings = &user.settings;
    let names = [&settings.user_alias, &settings.user_email];
    let name = names.into_iter().flatten().next();
    name.map_or(&user.user_id, String::as_str)
}

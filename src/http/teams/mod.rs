//! `/team/…`: teams and their members, in LiteLLM's shapes. For the master key.

mod body;
mod list;
mod members;
mod view;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, patch, post};
use axum::{Json, Router};
use futures_util::future::try_join_all;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::app::AppState;
use crate::identity::{IdentityError, Member, Team, TeamChanges};
use crate::keys::KeyError;
use crate::wire::ApiError;

use super::auth::Admin;
use super::body::RequestBody;
use super::keys::view::KeyDetails;
use body::{NewTeamMembers, TeamNames};
use view::{MembershipView, TeamView};

/// Every route of teams.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/team/new", post(new))
        .route("/team/update", post(update))
        .route("/team/{team_id}", patch(update_named))
        .route("/team/info", get(info))
        .route("/team/list", get(list::list))
        .route("/v2/team/list", get(list::pages))
        .route("/team/delete", post(delete))
        .route("/team/block", set_blocked(true))
        .route("/team/unblock", set_blocked(false))
        .route("/team/member_add", post(members::add))
        .route("/team/member_update", post(members::update))
        .route("/team/member_delete", post(members::delete))
}

/// What the answers to a change say of other instances.
pub(super) const NOTE: &str = "effective on every instance within 10 s";

/// `POST /team/new`.
async fn new(
    State(app): State<AppState>,
    Admin(caller): Admin,
    RequestBody(body): RequestBody,
) -> Result<Response, ApiError> {
    let (named, changes) = body::changes(&body)?;
    let NewTeamMembers(members) = body::new_members(&body)?;
    let directory = &app.keys.directory;
    let team = directory
        .new_team(named.team_id, &changes, &caller.alias)
        .await?;
    for member in members {
        members::add_one(&app, &team.team_id, &member).await?;
    }
    shown(&app, &team).await
}

/// `POST /team/update`: changes what the body names, and nothing else.
async fn update(
    State(app): State<AppState>,
    Admin(_): Admin,
    RequestBody(body): RequestBody,
) -> Result<Response, ApiError> {
    let (named, changes) = body::changes(&body)?;
    let team_id = named
        .team_id
        .ok_or_else(|| ApiError::missing_value("team_id", "a team's id"))?;
    changed(&app, &team_id, &changes).await
}

/// `PATCH /team/{team_id}`.
async fn update_named(
    State(app): State<AppState>,
    Admin(_): Admin,
    Path(team_id): Path<String>,
    RequestBody(body): RequestBody,
) -> Result<Response, ApiError> {
    let (_, changes) = body::changes(&body)?;
    changed(&app, &team_id, &changes).await
}

async fn changed(
    app: &AppState,
    team_id: &str,
    changes: &TeamChanges,
) -> Result<Response, ApiError> {
    #[derive(Serialize)]
    struct TeamChanged<'a> {
        team_id: &'a str,
        data: TeamView<'a>,
    }
    let team = app.keys.directory.update_team(team_id, changes).await?;
    let members = app.keys.directory.members(team_id).await?;
    let budget_usage = app
        .keys
        .team_budget_usage(&team)
        .await
        .map_err(KeyError::Store)?;
    let data = TeamView::of(&team, &members, budget_usage).with_note(NOTE);
    Ok(Json(TeamChanged { team_id, data }).into_response())
}

async fn shown(app: &AppState, team: &Team) -> Result<Response, ApiError> {
    let members = app.keys.directory.members(&team.team_id).await?;
    let budget_usage = app
        .keys
        .team_budget_usage(team)
        .await
        .map_err(KeyError::Store)?;
    let view = TeamView::of(team, &members, budget_usage).with_note(NOTE);
    Ok(Json(view).into_response())
}

/// Query of `GET /team/info`.
#[derive(Debug, Deserialize)]
struct TeamQuery {
    team_id: Option<String>,
    key_limit: Option<usize>,
}

/// `GET /team/info`: the team, its keys and its members.
async fn info(
    State(app): State<AppState>,
    Admin(_): Admin,
    query: Result<Query<TeamQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    #[derive(Serialize)]
    struct TeamInfo<'a> {
        team_id: &'a str,
        team_info: TeamView<'a>,
        keys: Vec<KeyDetails<'a>>,
        team_memberships: Vec<MembershipView<'a>>,
    }
    let Query(query) = query.map_err(|query| ApiError::bad_request(query.body_text(), "query"))?;
    let team_id = query.team_id.filter(|id| !id.is_empty()).ok_or_else(|| {
        let missing = ApiError::missing_value("team_id", "a team's id");
        ApiError {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            ..missing
        }
    })?;
    let team = app.keys.directory.team(&team_id).await?;
    let members = app.keys.directory.members(&team_id).await?;
    let budget_usage = app
        .keys
        .team_budget_usage(&team)
        .await
        .map_err(KeyError::Store)?;
    let mut keys = app.keys.keys_of(Some(&team_id), None).await?;
    keys.truncate(query.key_limit.unwrap_or(usize::MAX));
    let now = app.keys.now();
    let keys = keys
        .iter()
        .map(|key| KeyDetails::of(key, now).without_hash());
    let info = TeamInfo {
        team_id: &team_id,
        team_info: TeamView::of(&team, &members, budget_usage),
        keys: keys.collect(),
        team_memberships: memberships(&app, &team, &members).await?,
    };
    Ok(Json(info).into_response())
}

/// The members with what they have spent.
async fn memberships<'m>(
    app: &AppState,
    team: &Team,
    members: &'m [Member],
) -> Result<Vec<MembershipView<'m>>, ApiError> {
    let mut views = Vec::with_capacity(members.len());
    for some in members.chunks(16) {
        let budget_usages = some
            .iter()
            .map(|member| app.keys.member_budget_usage(team, member));
        let budget_usages = try_join_all(budget_usages).await.map_err(KeyError::Store)?;
        let both = some.iter().zip(budget_usages);
        views.extend(both.map(|(member, budget_usage)| MembershipView::of(member, budget_usage)));
    }
    Ok(views)
}

/// `POST /team/delete`: the teams are gone, and their keys are refused from now on.
async fn delete(
    State(app): State<AppState>,
    Admin(_): Admin,
    RequestBody(body): RequestBody,
) -> Result<Response, ApiError> {
    let TeamNames { team_ids } = crate::wire::read(&body)?;
    if team_ids.is_empty() {
        return Err(ApiError::missing_value("team_ids", "the ids of teams"));
    }
    let directory = &app.keys.directory;
    // All or none, unless another request deletes one in between.
    for team_id in &team_ids {
        directory.team(team_id).await?;
    }
    let mut deleted = Vec::with_capacity(team_ids.len());
    for team_id in &team_ids {
        deleted.push(directory.delete_team(team_id).await?);
    }
    let keys = app.keys.list().await?;
    let of = |team: &Team| {
        let keys = keys.iter();
        keys.filter(|key| key.settings.team_id.as_deref() == Some(&team.team_id))
            .count()
    };
    let views = deleted.iter().map(|team| {
        let keys = of(team);
        let note = format!("{keys} keys of this team are refused from now on: {NOTE}");
        TeamView::of(team, &[], None).with_note(note)
    });
    Ok(Json(views.collect::<Vec<_>>()).into_response())
}

/// `POST /team/block` and `/team/unblock`: from now on the team's keys are refused, or let in again.
fn set_blocked(blocked: bool) -> MethodRouter<AppState> {
    post(
        async move |State(app): State<AppState>,
                    Admin(_): Admin,
                    RequestBody(body): RequestBody| {
            let (named, _) = body::changes(&body)?;
            let missing = || ApiError::missing_value("team_id", "a team's id");
            let team_id = named.team_id.ok_or_else(missing)?;
            let changes = TeamChanges {
                blocked: Some(Some(blocked)),
                ..TeamChanges::default()
            };
            let team = app.keys.directory.update_team(&team_id, &changes).await?;
            shown(&app, &team).await
        },
    )
}

impl From<IdentityError> for ApiError {
    fn from(error: IdentityError) -> Self {
        let message = error.to_string();
        match error {
            IdentityError::NotFound { .. } => ApiError::not_found(message),
            IdentityError::Exists(_) => ApiError::bad_request(message, "id"),
            IdentityError::Invalid(invalid) => ApiError::bad_request(message, invalid.param),
            IdentityError::InFile(_) | IdentityError::Contended => {
                ApiError::new(StatusCode::CONFLICT, "invalid_request_error", message)
            }
            IdentityError::Store(error) => error.into(),
        }
    }
}

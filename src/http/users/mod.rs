//! `/user/…`: users, in LiteLLM's shapes. For the master key.

mod body;
pub(super) mod view;

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::app::AppState;
use crate::identity::{MemberChanges, User};
use crate::keys::{KeyChanges, KeyError};
use crate::spend::ErasedPerson;
use crate::wire::{ApiError, read};

use super::auth::Admin;
use super::body::RequestBody;
use super::erased::{self, ErasedView, share};
use super::keys::view::KeyDetails;
use super::teams::NOTE;
use view::UserView;

/// Every route of users.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/user/new", post(new))
        .route("/user/update", post(update))
        .route("/user/info", get(info))
        .route("/v2/user/info", get(info_alone))
        .route("/user/list", get(list))
        .route("/user/delete", post(delete))
}

/// `POST /user/new`: the user, a member of these teams, and a key unless `auto_create_key` is false.
async fn new(
    State(app): State<AppState>,
    Admin(caller): Admin,
    RequestBody(body): RequestBody,
) -> Result<Response, ApiError> {
    #[derive(Serialize)]
    struct WithKey<'a> {
        #[serde(flatten)]
        user: UserView<'a>,
        key: &'a str,
        token_id: &'a str,
        expires: Option<Timestamp>,
    }
    let (named, changes) = body::changes(&body)?;
    let new = body::new(&body)?;
    let directory = &app.keys.directory;
    // Before the user is there: a team that is not would leave a half.
    for team in &new.teams {
        directory.team(team).await?;
    }
    let user = directory.new_user(named.user_id, &changes).await?;
    for team in &new.teams {
        let email = user.settings.user_email.clone();
        let none = MemberChanges::default();
        directory
            .add_member(team, &user.user_id, email, &none)
            .await?;
    }
    let mut view = UserView::of(&user, None);
    view.teams = Some(new.teams);
    if !new.auto_create_key {
        return Ok(Json(view).into_response());
    }
    let settings = KeyChanges {
        user_id: Some(Some(user.user_id.clone())),
        key_alias: new.key_alias.map(Some),
        duration: new.duration.map(Some),
        ..KeyChanges::default()
    };
    let made = app.keys.generate(&settings, None, &caller.alias).await?;
    let with_key = WithKey {
        user: view,
        key: &made.key,
        token_id: &made.stored.hash,
        expires: made.stored.expires,
    };
    Ok(Json(with_key).into_response())
}

/// `POST /user/update`: changes what the body names, and nothing else.
async fn update(
    State(app): State<AppState>,
    Admin(_): Admin,
    RequestBody(body): RequestBody,
) -> Result<Response, ApiError> {
    #[derive(Serialize)]
    struct UserChanged<'a> {
        user_id: &'a str,
        data: UserView<'a>,
    }
    let (named, changes) = body::changes(&body)?;
    let missing = || ApiError::missing_value("user_id", "a user's id");
    let user_id = named.user_id.ok_or_else(missing)?;
    let user = app.keys.directory.update_user(&user_id, &changes).await?;
    let budget_usage = app
        .keys
        .user_budget_usage(&user)
        .await
        .map_err(KeyError::Store)?;
    let mut data = UserView::of(&user, budget_usage);
    data.note = Some(NOTE);
    let user_id = &user_id;
    Ok(Json(UserChanged { user_id, data }).into_response())
}

/// Query of `GET /user/info`.
#[derive(Debug, Deserialize)]
struct UserQuery {
    user_id: Option<String>,
}

/// A team of a user.
#[derive(Debug, Serialize)]
struct TeamOf {
    team_id: String,
    team_alias: Option<String>,
}

/// `GET /user/info`: the user, the keys and the teams.
async fn info(
    State(app): State<AppState>,
    Admin(_): Admin,
    query: Result<Query<UserQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    #[derive(Serialize)]
    struct UserInfo<'a> {
        user_id: &'a str,
        user_info: UserView<'a>,
        keys: Vec<KeyDetails<'a>>,
        teams: Vec<TeamOf>,
    }
    let user = queried(&app, query).await?;
    let user_id = &user.user_id;
    let (user_info, teams) = with_teams(&app, &user).await?;
    let keys = app.keys.keys_of(None, Some(user_id)).await?;
    let now = app.keys.now();
    let keys = keys
        .iter()
        .map(|key| KeyDetails::of(key, now).without_hash());
    let info = UserInfo {
        user_id,
        user_info,
        keys: keys.collect(),
        teams,
    };
    Ok(Json(info).into_response())
}

/// `GET /v2/user/info`: the user, with the ids of the teams.
async fn info_alone(
    State(app): State<AppState>,
    Admin(_): Admin,
    query: Result<Query<UserQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let user = queried(&app, query).await?;
    let (view, _) = with_teams(&app, &user).await?;
    Ok(Json(view).into_response())
}

/// The user that a query names.
async fn queried(
    app: &AppState,
    query: Result<Query<UserQuery>, QueryRejection>,
) -> Result<Arc<User>, ApiError> {
    let Query(query) = query.map_err(|query| ApiError::bad_request(query.body_text(), "query"))?;
    let missing = || ApiError::missing_value("user_id", "a user's id");
    let user_id = query.user_id.ok_or_else(missing)?;
    Ok(app.keys.directory.user(&user_id).await?)
}

/// A user with the teams that are there.
async fn with_teams<'u>(
    app: &AppState,
    user: &'u User,
) -> Result<(UserView<'u>, Vec<TeamOf>), ApiError> {
    let budget_usage = app.keys.user_budget_usage(user).await;
    let budget_usage = budget_usage.map_err(KeyError::Store)?;
    let directory = &app.keys.directory;
    let mut teams = Vec::new();
    for member in directory.memberships(&user.user_id).await? {
        let team = directory.team_or_deleted(&member.team_id).await?;
        if let Some(team) = team.filter(|team| team.deleted_at.is_none()) {
            teams.push(TeamOf {
                team_id: team.team_id.clone(),
                team_alias: team.settings.team_alias.clone(),
            });
        }
    }
    let mut view = UserView::of(user, budget_usage);
    view.teams = Some(teams.iter().map(|team| team.team_id.clone()).collect());
    Ok((view, teams))
}

/// Query of `GET /user/list`.
#[derive(Debug, Deserialize)]
struct UserFilter {
    #[serde(default = "first")]
    page: usize,
    #[serde(default = "page_size")]
    page_size: usize,
    role: Option<String>,
    user_ids: Option<String>,
    user_email: Option<String>,
    team: Option<String>,
}

fn first() -> usize {
    1
}

fn page_size() -> usize {
    25
}

/// The longest page: the reference system's.
const MOST_LISTED: usize = 100;

/// `GET /user/list`: the newest first.
async fn list(
    State(app): State<AppState>,
    Admin(_): Admin,
    query: Result<Query<UserFilter>, QueryRejection>,
) -> Result<Response, ApiError> {
    #[derive(Serialize)]
    struct UserPage<'a> {
        users: Vec<UserView<'a>>,
        total: usize,
        page: usize,
        page_size: usize,
        total_pages: usize,
    }
    let Query(filter) = query.map_err(|query| ApiError::bad_request(query.body_text(), "query"))?;
    let (page, page_size) = (filter.page, filter.page_size);
    if page == 0 || page_size == 0 || page_size > MOST_LISTED {
        let message = format!("'page' counts from 1, and 'page_size' is 1 to {MOST_LISTED}.");
        return Err(ApiError::bad_request(message, "page_size"));
    }
    let of_team = match &filter.team {
        Some(team) => Some(app.keys.directory.members(team).await?),
        None => None,
    };
    let ids: Option<Vec<&str>> = filter
        .user_ids
        .as_deref()
        .map(|ids| ids.split(',').collect());
    let is_meant = |user: &User| {
        let id = user.user_id.as_str();
        let email = user.settings.user_email.as_deref().unwrap_or_default();
        let members = of_team.as_ref();
        filter.role.as_deref().is_none_or(|role| role == view::ROLE)
            && ids.as_ref().is_none_or(|ids| ids.contains(&id))
            && filter
                .user_email
                .as_deref()
                .is_none_or(|part| email.contains(part))
            && members.is_none_or(|members| members.iter().any(|member| member.user_id == id))
    };
    let mut users = app.keys.directory.users().await?;
    users.retain(is_meant);
    let total = users.len();
    let users = users.into_iter().skip((page - 1).saturating_mul(page_size));
    let users: Vec<_> = users.take(page_size).collect();
    let keys = app.keys.list().await?;
    let mut views = Vec::with_capacity(users.len());
    for user in &users {
        let budget_usage = app
            .keys
            .user_budget_usage(user)
            .await
            .map_err(KeyError::Store)?;
        let own = keys.iter();
        let own = own.filter(|key| key.settings.user_id.as_deref() == Some(&user.user_id));
        let mut view = UserView::of(user, budget_usage);
        view.key_count = Some(own.count());
        views.push(view);
    }
    let page = UserPage {
        users: views,
        total,
        page,
        page_size,
        total_pages: total.div_ceil(page_size),
    };
    Ok(Json(page).into_response())
}

/// `POST /user/delete`: the users, their memberships and their keys are gone, and no record names them any more.
async fn delete(
    State(app): State<AppState>,
    Admin(_): Admin,
    RequestBody(body): RequestBody,
) -> Result<Response, ApiError> {
    #[derive(Deserialize)]
    struct UserErasure {
        user_ids: Vec<String>,
        before: Option<Timestamp>,
    }
    #[derive(Serialize)]
    struct UserDeleted {
        user_id: String,
        deleted_keys: usize,
        left_teams: usize,
        #[serde(flatten)]
        erased: ErasedView,
    }
    #[derive(Serialize)]
    struct AllUsersDeleted {
        deleted_users: Vec<UserDeleted>,
        note: &'static str,
    }
    let UserErasure { user_ids, before } = read(&body)?;
    let directory = &app.keys.directory;
    // All or none, unless another request deletes one in between.
    for user_id in &user_ids {
        directory.user(user_id).await?;
    }
    let limit = share(user_ids.len());
    let mut deleted = Vec::with_capacity(user_ids.len());
    for user_id in user_ids {
        let keys = app.keys.keys_of(None, Some(&user_id)).await?;
        for key in &keys {
            app.keys.erase(&key.hash).await?;
        }
        let erased =
            erased::erase(&app, ErasedPerson::User(user_id.clone()), before, limit).await?;
        // Until everything was searched the user can be named again.
        let left = if erased.complete {
            app.keys.forget_tokens_of(&user_id).await?;
            directory.delete_user(&user_id).await?.len()
        } else {
            0
        };
        deleted.push(UserDeleted {
            deleted_keys: keys.len(),
            left_teams: left,
            user_id,
            erased,
        });
    }
    let deleted = AllUsersDeleted {
        deleted_users: deleted,
        note: erased::NOTE,
    };
    Ok(Json(deleted).into_response())
}

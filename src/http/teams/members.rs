//! `/team/member_…`: who belongs to a team, and what each may do with its keys.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::Serialize;

use crate::app::AppState;
use crate::http::auth::Admin;
use crate::http::body::RequestBody;
use crate::http::users::view::UserView;
use crate::identity::{IdentityError, Member, MemberChanges, User, UserChanges};
use crate::keys::KeyError;
use crate::wire::{ApiError, read};

use super::body::{AddedMembers, MemberName, NamedMember, member_changes};
use super::view::{MembershipView, TeamView};
use super::{NOTE, memberships};

/// `POST /team/member_add`: users become members; those that are not known yet are made.
pub(super) async fn add(
    State(app): State<AppState>,
    Admin(_): Admin,
    RequestBody(body): RequestBody,
) -> Result<Response, ApiError> {
    #[derive(Serialize)]
    struct Added<'a> {
        #[serde(flatten)]
        team: TeamView<'a>,
        updated_users: Vec<UserView<'a>>,
        updated_team_memberships: Vec<MembershipView<'a>>,
    }
    let AddedMembers { team_id, member } = read(&body)?;
    let changes = member_changes(&body)?;
    let mut added = Vec::with_capacity(member.len());
    for named in &member {
        added.push(add_with(&app, &team_id, named, &changes).await?);
    }
    let directory = &app.keys.directory;
    let team = directory.team(&team_id).await?;
    let members = directory.members(&team_id).await?;
    let budget_usage = app
        .keys
        .team_budget_usage(&team)
        .await
        .map_err(KeyError::Store)?;
    let new: Vec<Member> = added.iter().map(|(_, member)| member.clone()).collect();
    let added = Added {
        team: TeamView::of(&team, &members, budget_usage).with_note(NOTE),
        updated_users: added
            .iter()
            .map(|(user, _)| UserView::of(user, None))
            .collect(),
        updated_team_memberships: memberships(&app, &team, &new).await?,
    };
    Ok(Json(added).into_response())
}

/// Makes a user a member of a team, without settings of the membership.
pub(super) async fn add_one(
    app: &AppState,
    team_id: &str,
    named: &MemberName,
) -> Result<(), ApiError> {
    add_with(app, team_id, named, &MemberChanges::default())
        .await
        .map(drop)
}

async fn add_with(
    app: &AppState,
    team_id: &str,
    named: &MemberName,
    changes: &MemberChanges,
) -> Result<(User, Member), ApiError> {
    let directory = &app.keys.directory;
    directory.team(team_id).await?;
    let user = user_of(app, named).await?;
    let changes = MemberChanges {
        role: named.role.or(changes.role),
        ..changes.clone()
    };
    let email = named
        .user_email
        .clone()
        .or(user.settings.user_email.clone());
    match directory
        .add_member(team_id, &user.user_id, email, &changes)
        .await
    {
        Ok(member) => Ok((user, Member::clone(&member))),
        Err(IdentityError::Exists(exists)) => Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "team_member_already_in_team",
            exists.to_string(),
        )
        .with_param("user_id")),
        Err(error) => Err(error.into()),
    }
}

/// The user who is named by an id or an address; one that is not known is made.
async fn user_of(app: &AppState, named: &MemberName) -> Result<User, ApiError> {
    let directory = &app.keys.directory;
    let id = match (&named.user_id, &named.user_email) {
        (None, None) => {
            return Err(ApiError::missing_value(
                "member",
                "a 'user_id' or a 'user_email'",
            ));
        }
        (Some(id), _) => match directory.user(id).await {
            Ok(user) => return Ok(User::clone(&user)),
            Err(IdentityError::NotFound { .. }) => Some(id.clone()),
            Err(error) => return Err(error.into()),
        },
        (None, Some(email)) => {
            let mut users = directory.users().await?.into_iter();
            let found = users.find(|user| user.settings.user_email.as_ref() == Some(email));
            if let Some(user) = found {
                return Ok(user);
            }
            None
        }
    };
    let changes = UserChanges {
        user_email: named.user_email.clone().map(Some),
        ..UserChanges::default()
    };
    Ok(User::clone(&*directory.new_user(id, &changes).await?))
}

/// `POST /team/member_update`.
pub(super) async fn update(
    State(app): State<AppState>,
    Admin(_): Admin,
    RequestBody(body): RequestBody,
) -> Result<Response, ApiError> {
    let NamedMember {
        team_id,
        user_id,
        user_email,
    } = read(&body)?;
    let changes = member_changes(&body)?;
    let directory = &app.keys.directory;
    let id = directory.member_id(&team_id, user_id.as_deref(), user_email.as_deref());
    let id = id.await?;
    let member = directory.update_member(&team_id, &id, &changes).await?;
    let team = directory.team(&team_id).await?;
    let budget_usage = app.keys.member_budget_usage(&team, &member).await;
    let budget_usage = budget_usage.map_err(KeyError::Store)?;
    Ok(Json(MembershipView::of(&member, budget_usage)).into_response())
}

/// `POST /team/member_delete`.
pub(super) async fn delete(
    State(app): State<AppState>,
    Admin(_): Admin,
    RequestBody(body): RequestBody,
) -> Result<Response, ApiError> {
    let NamedMember {
        team_id,
        user_id,
        user_email,
    } = read(&body)?;
    member_changes(&body)?;
    let directory = &app.keys.directory;
    let id = directory.member_id(&team_id, user_id.as_deref(), user_email.as_deref());
    directory.remove_member(&team_id, &id.await?).await?;
    let team = directory.team(&team_id).await?;
    super::shown(&app, &team).await
}

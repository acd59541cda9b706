//! The form of a team's member.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;

use super::super::draft::{Draft, Problem};
use super::super::error::PageError;
use super::super::form::SubmittedForm;
use super::super::layout::render;
use super::super::texts::texts;
use super::saving::{problem, saved};
use super::team::{TeamForms, team_page};
use super::{TEAM, draft};
use crate::app::AppState;
use crate::identity::{IdentityError, MemberChanges, Team, UserChanges};

/// `POST /ui/team/member`: adds a member to a `team`, changes or removes one, as `do` says.
pub(in crate::admin) async fn change(
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
            return not_saved(&app, &form, &team, draft, problems).await;
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
        Err(problem) => not_saved(&app, &form, &team, draft, vec![problem?]).await,
    }
}

async fn not_saved(
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

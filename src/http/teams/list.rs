//! `GET /team/list` and `/v2/team/list`.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::app::AppState;
use crate::http::auth::Admin;
use crate::http::keys::view::KeyDetails;
use crate::identity::{Member, Team};
use crate::keys::KeyError;
use crate::wire::ApiError;

use super::memberships;
use super::view::TeamView;

/// Query of both lists.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TeamFilter {
    user_id: Option<String>,
    organization_id: Option<String>,
    team_id: Option<String>,
    team_alias: Option<String>,
    search: Option<String>,
    status: Option<String>,
    sort_by: Option<String>,
    sort_order: Option<String>,
    page: Option<usize>,
    page_size: Option<usize>,
}

/// The longest page: the reference system's.
const MOST_LISTED: usize = 100;

/// `GET /team/list`: every team, by alias.
pub(super) async fn list(
    State(app): State<AppState>,
    Admin(_): Admin,
    query: Result<Query<TeamFilter>, QueryRejection>,
) -> Result<Response, ApiError> {
    let teams = found(&app, &read(query)?).await?;
    let keys = app.keys.list().await?;
    let now = app.keys.now();
    let members = members(&app, &teams).await?;
    let mut views = Vec::with_capacity(teams.len());
    for (team, members) in teams.iter().zip(&members) {
        let budget_usage = app
            .keys
            .team_budget_usage(team)
            .await
            .map_err(KeyError::Store)?;
        let mut view = TeamView::of(team, members, budget_usage);
        view.team_memberships = Some(memberships(&app, team, members).await?);
        let own = keys
            .iter()
            .filter(|key| key.settings.team_id.as_deref() == Some(&team.team_id));
        view.keys = Some(
            own.map(|key| KeyDetails::of(key, now).without_hash())
                .collect(),
        );
        views.push(view);
    }
    Ok(Json(views).into_response())
}

/// `GET /v2/team/list`: page by page.
pub(super) async fn pages(
    State(app): State<AppState>,
    Admin(_): Admin,
    query: Result<Query<TeamFilter>, QueryRejection>,
) -> Result<Response, ApiError> {
    #[derive(Serialize)]
    struct TeamPage<'a> {
        teams: Vec<TeamView<'a>>,
        total: usize,
        page: usize,
        page_size: usize,
        total_pages: usize,
    }
    let filter = read(query)?;
    let (page, page_size) = (filter.page.unwrap_or(1), filter.page_size.unwrap_or(10));
    if page == 0 || page_size == 0 || page_size > MOST_LISTED {
        let message = format!("'page' counts from 1, and 'page_size' is 1 to {MOST_LISTED}.");
        return Err(ApiError::bad_request(message, "page_size"));
    }
    let mut teams = found(&app, &filter).await?;
    sort(&mut teams, &filter)?;
    let total = teams.len();
    let teams = teams.into_iter().skip((page - 1).saturating_mul(page_size));
    let teams: Vec<_> = teams.take(page_size).collect();
    let members = members(&app, &teams).await?;
    let mut views = Vec::with_capacity(teams.len());
    for (team, members) in teams.iter().zip(&members) {
        let budget_usage = app
            .keys
            .team_budget_usage(team)
            .await
            .map_err(KeyError::Store)?;
        views.push(TeamView::of(team, members, budget_usage));
    }
    let page = TeamPage {
        teams: views,
        total,
        page,
        page_size,
        total_pages: total.div_ceil(page_size),
    };
    Ok(Json(page).into_response())
}

fn read(query: Result<Query<TeamFilter>, QueryRejection>) -> Result<TeamFilter, ApiError> {
    let Query(filter) = query.map_err(|query| ApiError::bad_request(query.body_text(), "query"))?;
    Ok(filter)
}

async fn members(app: &AppState, teams: &[Arc<Team>]) -> Result<Vec<Vec<Member>>, ApiError> {
    let mut members = Vec::with_capacity(teams.len());
    for team in teams {
        members.push(app.keys.directory.members(&team.team_id).await?);
    }
    Ok(members)
}

/// The teams that a filter means, by alias.
async fn found(app: &AppState, filter: &TeamFilter) -> Result<Vec<Arc<Team>>, ApiError> {
    let wants_deleted = match filter.status.as_deref() {
        None | Some("") => false,
        Some("deleted") => true,
        Some(_) => {
            return Err(ApiError::bad_request(
                "'status' may be 'deleted'.",
                "status",
            ));
        }
    };
    let mut teams = app.keys.directory.teams().await?;
    let of_user = match &filter.user_id {
        Some(user) => Some(app.keys.directory.memberships(user).await?),
        None => None,
    };
    // One stack is one organisation: every team is without one.
    let organization = filter.organization_id.as_deref();
    let is_elsewhere =
        organization.is_some_and(|id| !id.is_empty() && id != "default_organization");
    let has = |text: &str, part: &Option<String>| {
        let part = part.as_deref().unwrap_or_default().to_lowercase();
        text.to_lowercase().contains(&part)
    };
    teams.retain(|team| {
        let (id, alias) = (&team.team_id, team.settings.team_alias.as_deref());
        let is_of_user =
            |memberships: &Vec<Member>| memberships.iter().any(|member| member.team_id == *id);
        team.deleted_at.is_some() == wants_deleted
            && !is_elsewhere
            && filter.team_id.as_ref().is_none_or(|wanted| wanted == id)
            && has(alias.unwrap_or_default(), &filter.team_alias)
            && (has(id, &filter.search) || has(alias.unwrap_or_default(), &filter.search))
            && of_user.as_ref().is_none_or(is_of_user)
    });
    Ok(teams)
}

fn sort(teams: &mut [Arc<Team>], filter: &TeamFilter) -> Result<(), ApiError> {
    match filter.sort_by.as_deref() {
        None | Some("team_alias") => {}
        Some("team_id") => teams.sort_by(|a, b| a.team_id.cmp(&b.team_id)),
        Some("created_at") => teams.sort_by_key(|team| team.created_at),
        Some(_) => {
            let message = "'sort_by' may be 'team_id', 'team_alias' or 'created_at'.";
            return Err(ApiError::bad_request(message, "sort_by"));
        }
    }
    match filter.sort_order.as_deref() {
        None | Some("asc") => Ok(()),
        Some("desc") => {
            teams.reverse();
            Ok(())
        }
        Some(_) => {
            let message = "'sort_order' may be 'asc' or 'desc'.";
            Err(ApiError::bad_request(message, "sort_order"))
        }
    }
}

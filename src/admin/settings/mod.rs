//! The settings: which model follows which, and in which order a group's deployments are asked. What is saved here is
//! laid over the file and holds on every instance within ten seconds.

mod action;
mod capability_diff;
mod conflict;
mod draft;
mod view;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;

use super::error::PageError;
use super::form::SubmittedForm;
use super::layout::render;
use super::session::Session;
use super::texts::{Told, texts};
use crate::app::AppState;
use crate::chain::{SaveError, SavedSettings};
use crate::config::{Changes, Storing};
use action::DraftAction;
use draft::SettingsDraft;
use view::{Notice, SettingsPage};

/// Where a save leads.
const SAVED: &str = "/ui/settings?saved";

/// `GET /ui/settings`.
pub(super) async fn page(
    State(app): State<AppState>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let saved = app.routes.saved().await?;
    let draft = SettingsDraft::of(&app.config, saved.as_ref());
    let notice = query
        .filter(|query| query == "saved")
        .map(|_| Notice::Saved);
    let page = SettingsPage::new(&app, &session, draft, saved, notice);
    Ok(render(StatusCode::OK, &page))
}

/// `POST /ui/settings`: every button of the page.
pub(super) async fn change(
    State(app): State<AppState>,
    form: SubmittedForm,
) -> Result<Response, PageError> {
    let action = DraftAction::read(&form.fields);
    let action = action
        .ok_or_else(|| PageError::new(StatusCode::BAD_REQUEST, texts().settings.unknown_button))?;
    let mut draft = SettingsDraft::read(&form.fields);
    let changes = match action {
        DraftAction::Edit(edit) => {
            draft.apply(&app.config, edit);
            let saved = app.routes.saved().await?;
            let page = SettingsPage::new(&app, &form.session, draft, saved, None);
            return Ok(render(StatusCode::OK, &page));
        }
        DraftAction::Reset => {
            draft.lists = SettingsDraft::of(&app.config, None).lists;
            let saved = app.routes.saved().await?;
            let page = SettingsPage::new(&app, &form.session, draft, saved, None);
            return Ok(render(StatusCode::OK, &page));
        }
        DraftAction::Save => {
            let saved = app.routes.saved().await?;
            Changes {
                storing: saved.and_then(|saved| saved.changes.storing),
                ..draft.changes(&app.config)
            }
        }
    };
    match app.routes.save(changes, draft.seen).await {
        Ok(SavedSettings { version, .. }) => {
            tracing::info!(version, "settings were saved");
            Ok(Redirect::to(SAVED).into_response())
        }
        Err(SaveError::Conflict) => {
            // What was typed stays; an admin who saves again has seen what is there.
            let saved = app.routes.saved().await?;
            draft.seen = saved.as_ref().map(|saved| saved.version);
            let notice = Some(Notice::Conflict);
            let page = SettingsPage::new(&app, &form.session, draft, saved, notice);
            Ok(render(StatusCode::CONFLICT, &page))
        }
        Err(SaveError::Invalid(_)) => {
            // The page itself says what is wrong with a draft.
            let saved = app.routes.saved().await?;
            let page = SettingsPage::new(&app, &form.session, draft, saved, None);
            Ok(render(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /ui/settings/storing`: whether prompts and replies are stored, with `store` `yes`, `no` or `file`, and for how
/// many `days`.
pub(super) async fn store(
    State(app): State<AppState>,
    form: SubmittedForm,
) -> Result<Response, PageError> {
    let t = &texts().settings;
    let wrong = |text| PageError::new(StatusCode::UNPROCESSABLE_ENTITY, text);
    let days = match form.fields.get("days") {
        "" => None,
        days => Some(days.parse().map_err(|_| wrong(t.wants_days))?),
    };
    if days == Some(0) {
        return Err(wrong(t.wants_days));
    }
    let storing = match form.fields.get("store") {
        "yes" => Some(true),
        "no" => Some(false),
        "file" => None,
        _ => return Err(wrong(t.unknown_button)),
    };
    let saved = app.routes.saved().await?;
    let changes = Changes {
        storing: storing.map(|prompts| Storing { prompts, days }),
        ..saved.map(|saved| saved.changes).unwrap_or_default()
    };
    let seen = form.fields.get(draft::SEEN).parse().ok();
    match app.routes.save(changes, seen).await {
        Ok(SavedSettings { version, .. }) => {
            tracing::info!(
                version,
                ?storing,
                ?days,
                "what is stored of prompts was changed"
            );
            Ok(Redirect::to(SAVED).into_response())
        }
        Err(SaveError::Conflict) => Err(PageError::new(StatusCode::CONFLICT, t.storing_conflict)),
        Err(error) => Err(error.into()),
    }
}

impl From<SaveError> for PageError {
    fn from(error: SaveError) -> Self {
        let status = match error {
            SaveError::Store(error) => return error.into(),
            SaveError::Conflict => StatusCode::CONFLICT,
            SaveError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            SaveError::NoTable => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.told())
    }
}

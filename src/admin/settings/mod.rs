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
use super::texts::texts;
use crate::app::AppState;
use crate::chain::{SaveError, Saved};
use crate::config::Changes;
use action::Action;
use draft::Draft;
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
    let draft = Draft::of(&app.config, saved.as_ref());
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
    let action = Action::read(&form.fields);
    let action = action
        .ok_or_else(|| PageError::new(StatusCode::BAD_REQUEST, texts().settings.unknown_button))?;
    let mut draft = Draft::read(&form.fields);
    let changes = match action {
        Action::Edit(edit) => {
            draft.apply(&app.config, edit);
            let saved = app.routes.saved().await?;
            let page = SettingsPage::new(&app, &form.session, draft, saved, None);
            return Ok(render(StatusCode::OK, &page));
        }
        Action::Save => draft.changes(&app.config),
        Action::Reset => Changes::default(),
    };
    match app.routes.save(changes, draft.seen).await {
        Ok(Saved { version, .. }) => {
            tracing::info!(version, "settings were saved");
            Ok(Redirect::to(SAVED).into_response())
        }
        Err(SaveError::Conflict) => {
            // What was typed stays; who saves again has seen what is there.
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
        Err(SaveError::Store(error)) => Err(error.into()),
        Err(error @ SaveError::NoTable) => Err(PageError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            error.to_string(),
        )),
    }
}

//! The models: their abilities, health, prices and test requests, and the features that they turned out to lack.

mod deployment;
mod health;
mod retirement;
mod test;
mod view;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use jiff::Span;

use super::error::PageError;
use super::form::SubmittedForm;
use super::layout::render;
use super::numbers::today;
use super::session::Session;
use crate::app::AppState;
use crate::store::time;

pub(super) use health::HealthView;
pub(super) use retirement::retirements;
pub(super) use test::run as test;

/// `GET /ui/models`.
pub(super) async fn page(
    State(app): State<AppState>,
    session: Session,
) -> Result<Response, PageError> {
    let today = today();
    let yesterday = today.saturating_sub(Span::new().days(1));
    let refreshed = app.routes.refresh_shared_state();
    let totals = app.ledger.totals(yesterday, today).await?;
    refreshed.await;
    let view = view::ModelsPage::new(&app, &session, time::day(app.clock.now()), &totals);
    Ok(render(StatusCode::OK, &view))
}

/// `POST /ui/models/forget`: what a deployment turned out to lack is forgotten, on every instance.
pub(super) async fn forget(
    State(app): State<AppState>,
    form: SubmittedForm,
) -> Result<Response, PageError> {
    let deployment = form.fields.get("deployment");
    let lack = form.fields.get("lack");
    app.routes.forget_lack(deployment, lack).await?;
    Ok(Redirect::to("/ui/models").into_response())
}

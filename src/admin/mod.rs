//! The admin pages: what there is, what it costs, and how the chains run. Server-rendered, whole without a script.
//!
//! A page is a file with its handlers, a file with its view (plain data, built in one place from typed queries), and a
//! template that only lays the view out. All texts stand in `texts/`, one folder for each language. Nothing here knows
//! Bedrock's or DynamoDB's SDK, and no page is open to anybody without a session but the login.

mod assets;
mod budget_bar;
mod chart;
mod csv;
mod error;
mod form;
mod headers;
mod keys;
mod layout;
mod login;
mod logs;
mod models;
mod numbers;
mod origin;
mod period;
mod session;
mod settings;
mod texts;
mod tries;
mod usage;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn;
use axum::response::Redirect;
use axum::routing::{any, get, post};

use crate::app::AppState;

/// The largest form is the one with all chains.
const MAX_FORM_BYTES: usize = 256 * 1024;

/// Where `/ui` leads.
const HOME: &str = "/ui/models";

/// Every route of the pages.
pub(crate) fn router(app: AppState) -> Router {
    Router::new()
        .route("/ui", get(home))
        .route("/ui/", get(home))
        .route("/ui/login", get(login::page).post(login::enter))
        .route("/ui/logout", post(login::leave))
        .route("/ui/logout/everywhere", post(login::leave_everywhere))
        .route("/ui/models", get(models::page))
        .route("/ui/models/test", post(models::test))
        .route("/ui/models/forget", post(models::forget))
        .route("/ui/settings", get(settings::page).post(settings::change))
        .route("/ui/usage", get(usage::page))
        .route("/ui/usage.csv", get(usage::file))
        .route("/ui/logs", get(logs::page))
        .route("/ui/logs/session", get(logs::session))
        .route("/ui/logs/{id}", get(logs::detail))
        .route("/ui/keys", get(keys::page))
        .route("/ui/keys/new", get(keys::blank).post(keys::make))
        .route("/ui/keys/{hash}", get(keys::one).post(keys::change))
        .route("/ui/keys/{hash}/block", post(keys::block))
        .route(
            "/ui/keys/{hash}/delete",
            get(keys::confirm_delete).post(keys::delete),
        )
        .route(
            "/ui/keys/{hash}/regenerate",
            get(keys::confirm_regenerate).post(keys::regenerate),
        )
        .route("/ui/assets/{version}/{file}", get(assets::serve))
        .route("/ui/{*rest}", any(error::not_found))
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .layer(from_fn(error::caught))
        .layer(from_fn(headers::add))
        .with_state(app)
}

async fn home() -> Redirect {
    Redirect::to(HOME)
}

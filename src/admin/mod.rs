//! The admin pages: models, keys, usage, logs and the chains. Rendered by the server, complete without a script.
//!
//! A page is a file with its handlers, a file with its view (plain data, built in one place from typed queries), and a
//! template that only lays the view out. All texts stand in `texts/`, one folder for each language. Nothing here knows
//! Bedrock's or DynamoDB's SDK, and no page but those of signing in is open without a session.

mod alerts;
mod assets;
mod audit;
mod budget_bar;
mod budgets;
mod chart;
mod confirm;
mod csv;
mod docs;
mod draft;
mod error;
mod form;
mod headers;
mod keys;
mod language;
mod layout;
mod links;
mod login;
mod logs;
mod markdown;
mod me;
mod models;
mod names;
mod numbers;
mod origin;
mod overview;
mod period;
mod period_picker;
mod playground;
mod public_address;
mod session;
mod sessions;
mod settings;
mod sign_in;
mod teams;
mod texts;
mod tries;
mod usage;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::Redirect;
use axum::routing::{any, get, post};

use crate::app::AppState;
use crate::http::base_path;

/// The largest form is the one with all chains.
const MAX_FORM_BYTES: usize = 256 * 1024;

/// The first page.
const HOME: &str = "/ui";

/// Every route of the pages.
pub(crate) fn router(app: AppState) -> Router {
    Router::new()
        .route("/ui", get(overview::page))
        .route("/ui/", get(home))
        .route("/ui/login", get(login::page).post(login::enter))
        .route("/ui/login/key", post(login::enter_with_key))
        .route("/ui/sign-in/callback", get(sign_in::finish))
        .route("/ui/sign-in/{n}", get(sign_in::begin))
        .route("/ui/logout", post(login::leave))
        .route("/ui/logout/everywhere", post(login::leave_everywhere))
        .route("/ui/models", get(models::page))
        .route("/ui/models/test", post(models::test))
        .route("/ui/models/forget", post(models::forget))
        .route("/ui/settings", get(settings::page).post(settings::change))
        .route("/ui/settings/storing", post(settings::store))
        .route("/ui/usage", get(usage::page))
        .route("/ui/usage.csv", get(usage::file))
        .route("/ui/logs", get(logs::page))
        .route("/ui/logs/session", get(logs::session))
        .route("/ui/logs/{id}", get(logs::detail))
        .route("/ui/logs/{id}/picture/{place}", get(logs::picture))
        .route("/ui/sessions", get(sessions::page))
        .route(
            "/ui/playground",
            get(playground::page).post(playground::ask),
        )
        .route("/ui/playground/stream", post(playground::stream_answer))
        .route("/ui/docs", get(docs::page))
        .route("/ui/openapi.json", get(docs::file))
        .route("/ui/language", get(language::switch))
        .route("/ui/alerts", get(alerts::page))
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
        .route("/ui/teams", get(teams::page).post(teams::block))
        .route("/ui/team", get(teams::team::page).post(teams::team::change))
        .route(
            "/ui/team/new",
            get(teams::team::blank).post(teams::team::make),
        )
        .route("/ui/team/member", post(teams::member::change))
        .route(
            "/ui/team/delete",
            get(teams::team::confirm_delete).post(teams::team::delete),
        )
        .route("/ui/user", get(teams::user::page).post(teams::user::change))
        .route(
            "/ui/user/new",
            get(teams::user::blank).post(teams::user::make),
        )
        .route("/ui/audit", get(audit::page))
        .route("/ui/me", get(me::page))
        .route("/ui/me/keys", post(me::make))
        .route("/ui/me/keys/{hash}/delete", post(me::delete))
        .route("/ui/assets/{version}/{file}", get(assets::serve))
        .route("/ui/{*rest}", any(error::not_found))
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(from_fn_with_state(app.clone(), audit::note_changes))
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .layer(from_fn(error::caught))
        .layer(from_fn_with_state(app.clone(), error::with_navigation))
        .layer(from_fn(language::choose))
        .layer(from_fn_with_state(app.clone(), base_path::add))
        .layer(from_fn(headers::add))
        .with_state(app)
}

async fn home() -> Redirect {
    Redirect::to(HOME)
}

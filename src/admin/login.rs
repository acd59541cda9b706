//! In and out.

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use http::header::{RETRY_AFTER, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;

use super::HOME;
use super::error::PageError;
use super::form::{FormFields, SubmittedForm};
use super::layout::{Layout, render};
use super::numbers::Moment;
use super::origin;
use super::session::{LOGIN, Sessions, cookie};
use super::texts::texts;
use super::tries::Tries;
use crate::app::{AppState, ClientAddress};

#[derive(Template)]
#[template(path = "login.html", config = "src/admin/askama.toml")]
struct LoginPage {
    layout: Layout,
    user: String,
    problem: Option<&'static str>,
    /// When it may be tried again.
    again: Option<Moment>,
}

/// `GET /ui/login`.
pub(super) async fn page() -> Response {
    form(StatusCode::OK, String::new(), None, None)
}

/// `POST /ui/login`.
pub(super) async fn enter(
    State(app): State<AppState>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PageError> {
    let fields = FormFields::read(&headers, &body)?;
    let user = fields.get("user").trim();
    if origin::loses_cookies(&headers) {
        let status = StatusCode::BAD_REQUEST;
        let problem = Some(texts().login.needs_encryption);
        return Ok(form(status, user.to_owned(), problem, None));
    }
    let now = Timestamp::now();
    let table = &app.table;
    let tries = Tries::new(address.map(|Extension(address)| address), now);
    // Counted before the password is looked at: guesses that come together are counted too.
    let Some(counted) = tries.count(table).await? else {
        let problem = Some(texts().login.too_many);
        let status = StatusCode::TOO_MANY_REQUESTS;
        let mut response = form(status, user.to_owned(), problem, Some(tries.end()));
        let wait = tries.end().as_second() - now.as_second();
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(wait.max(1)));
        return Ok(response);
    };
    if !app
        .login
        .admits(&app.master_key, user, fields.get("password"))
    {
        tracing::warn!(
            from = tries.from(),
            "a login to the admin pages was refused"
        );
        let problem = Some(texts().login.wrong);
        let status = StatusCode::UNAUTHORIZED;
        return Ok(form(status, user.to_owned(), problem, None));
    }
    tries.succeeded(counted, table, now).await?;
    let id = Sessions::of(&app).begin(now).await?;
    tracing::info!(from = tries.from(), "a login to the admin pages");
    Ok((
        [(SET_COOKIE, cookie(Some(id), &headers))],
        Redirect::to(HOME),
    )
        .into_response())
}

/// `POST /ui/logout`.
pub(super) async fn leave(
    State(app): State<AppState>,
    headers: HeaderMap,
    form: SubmittedForm,
) -> Result<Response, PageError> {
    Sessions::of(&app).end(&form.session).await?;
    Ok(left(&headers))
}

/// `POST /ui/logout/everywhere`: ends every session, of whatever browser and whoever signed in.
pub(super) async fn leave_everywhere(
    State(app): State<AppState>,
    headers: HeaderMap,
    _: SubmittedForm,
) -> Result<Response, PageError> {
    Sessions::of(&app).end_all().await?;
    tracing::info!("all sessions of the admin pages were ended");
    Ok(left(&headers))
}

fn left(headers: &HeaderMap) -> Response {
    let gone = [(SET_COOKIE, cookie(None, headers))];
    (gone, Redirect::to(LOGIN)).into_response()
}

fn form(
    status: StatusCode,
    user: String,
    problem: Option<&'static str>,
    again: Option<Timestamp>,
) -> Response {
    let page = LoginPage {
        layout: Layout::outside(texts().login.title),
        user,
        problem,
        again: again.map(Moment::from),
    };
    render(status, &page)
}

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
use super::frame::{Frame, render};
use super::numbers::Moment;
use super::origin;
use super::posted::{Fields, Posted};
use super::session::{LOGIN, Session, cookie};
use super::texts::texts;
use crate::app::{AppState, ClientAddress};
use crate::store::{Counter, StoreError, Table, keys};

/// Tries are counted over stretches of so many seconds.
const STRETCH: i64 = 300;
/// From one address: enough for a person who mistypes.
const TRIES: u64 = 5;
/// From all addresses together: a guess among 2^256 keys gains nothing by them, but a short password of one's own
/// must not be guessed from a thousand places.
const TRIES_OVERALL: u64 = 100;
/// The address that all are counted under.
const OVERALL: &str = "overall";
const COUNT: &str = "tries";

#[derive(Template)]
#[template(path = "login.html", config = "src/admin/askama.toml")]
struct LoginPage {
    frame: Frame,
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
    let fields = Fields::read(&headers, &body)?;
    let user = fields.get("user").trim();
    if origin::loses_cookies(&headers) {
        let status = StatusCode::BAD_REQUEST;
        let problem = Some(texts().login.needs_encryption);
        return Ok(form(status, user.to_owned(), problem, None));
    }
    let now = Timestamp::now();
    let table = app.ledger.table();
    let tries = Tries::new(address.map(|Extension(address)| address), now);
    // Counted before the password is looked at: guesses that come together are counted too.
    if !tries.count(table).await? {
        let problem = Some(texts().login.too_many);
        let status = StatusCode::TOO_MANY_REQUESTS;
        let mut response = form(status, user.to_owned(), problem, Some(tries.end));
        let wait = tries.end.as_second().saturating_sub(now.as_second()).max(1);
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(wait));
        return Ok(response);
    }
    if !app
        .login
        .admits(&app.master_key, user, fields.get("password"))
    {
        tracing::warn!(from = tries.from, "a login to the admin pages was refused");
        let problem = Some(texts().login.wrong);
        let status = StatusCode::UNAUTHORIZED;
        return Ok(form(status, user.to_owned(), problem, None));
    }
    tries.give_back(table).await?;
    let id = Session::begin(table, now).await?;
    tracing::info!(from = tries.from, "a login to the admin pages");
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
    posted: Posted,
) -> Result<Response, PageError> {
    posted.session.end(app.ledger.table()).await?;
    let gone = [(SET_COOKIE, cookie(None, &headers))];
    Ok((gone, Redirect::to(LOGIN)).into_response())
}

fn form(
    status: StatusCode,
    user: String,
    problem: Option<&'static str>,
    again: Option<Timestamp>,
) -> Response {
    let page = LoginPage {
        frame: Frame::outside(texts().login.title),
        user,
        problem,
        again: again.map(Moment::from),
    };
    render(status, &page)
}

/// The tries of one address in the present stretch of time, and those of all.
struct Tries {
    from: String,
    stretch: i64,
    end: Timestamp,
}

impl Tries {
    fn new(address: Option<ClientAddress>, now: Timestamp) -> Self {
        let stretch = now.as_second().div_euclid(STRETCH);
        let end = stretch.saturating_add(1).saturating_mul(STRETCH);
        Self {
            from: address.map_or_else(
                || "unknown".to_owned(),
                |ClientAddress(address)| address.to_string(),
            ),
            stretch,
            end: Timestamp::from_second(end).unwrap_or(now),
        }
    }

    /// Counts one more. False: that would be too many.
    async fn count(&self, table: &Table) -> Result<bool, StoreError> {
        Ok(self.add(table, &self.from, 1, Some(TRIES)).await?
            && self.add(table, OVERALL, 1, Some(TRIES_OVERALL)).await?)
    }

    /// A right password does not count.
    async fn give_back(&self, table: &Table) -> Result<(), StoreError> {
        self.add(table, &self.from, -1, None).await?;
        self.add(table, OVERALL, -1, None).await?;
        Ok(())
    }

    async fn add(
        &self,
        table: &Table,
        from: &str,
        amount: i64,
        limit: Option<u64>,
    ) -> Result<bool, StoreError> {
        let counter = Counter {
            field: COUNT,
            amount,
            limit,
        };
        table
            .count(&keys::logins(from, self.stretch), &[counter], self.end)
            .await
    }
}

//! Login and logout.

use askama::Template;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;
use http::header::{RETRY_AFTER, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use url::form_urlencoded;

use super::HOME;
use super::error::PageError;
use super::form::{FormFields, OwnForm, SubmittedForm};
use super::layout::{Layout, render};
use super::numbers::TimeText;
use super::origin;
use super::session::{LOGIN, OWN_PAGE, Sessions, SignedIn, cookie, page_after_login};
use super::sign_in::{self, SignInProvider};
use super::texts::texts;
use super::tries::{CountedTry, Tries};
use crate::app::{AppState, ClientAddress};
use crate::identity::Access;
use crate::keys::KeyRefusal;

#[derive(Template)]
#[template(path = "login.html", config = "src/admin/askama.toml")]
struct LoginPage {
    layout: Layout,
    user: String,
    problem: Option<&'static str>,
    /// When it may be tried again.
    again: Option<TimeText>,
    providers: Vec<SignInProvider>,
    takes_password: bool,
    /// The page that was asked for, as its address goes on after that of all pages.
    next: String,
}

/// `GET /ui/login`.
pub(super) async fn page(State(app): State<AppState>, RawQuery(query): RawQuery) -> Response {
    let query = query.unwrap_or_default();
    let next = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "next");
    let form = LoginForm {
        next: next.map(|(_, next)| next.into_owned()).unwrap_or_default(),
        ..LoginForm::default()
    };
    form.render(&app, StatusCode::OK)
}

/// `POST /ui/login`: with the password of the admin pages.
pub(super) async fn enter(
    State(app): State<AppState>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PageError> {
    let fields = FormFields::read(&headers, &body)?;
    let user = fields.get("user").trim();
    let mut form = LoginForm {
        user: user.to_owned(),
        next: fields.get("next").to_owned(),
        ..LoginForm::default()
    };
    if !app.config.general.identity.takes_password() {
        form.problem = Some(texts().login.no_password);
        return Ok(form.render(&app, StatusCode::FORBIDDEN));
    }
    let attempt = match LoginAttempt::begin(&app, address, &headers, &mut form).await? {
        Ok(attempt) => attempt,
        Err(response) => return Ok(*response),
    };
    let admitted = app
        .login
        .admits(&app.master_key, user, fields.get("password"));
    if !admitted {
        tracing::warn!(
            from = attempt.tries.from(),
            "a login to the admin pages was refused"
        );
        form.problem = Some(texts().login.wrong);
        return Ok(form.render(&app, StatusCode::UNAUTHORIZED));
    }
    let home = page_after_login(&form.next).unwrap_or_else(|| HOME.to_owned());
    attempt
        .succeed(&app, SignedIn::Password, Access::Admin, &headers, &home)
        .await
}

/// `POST /ui/login/key`: with a key, for what is that key's own.
pub(super) async fn enter_with_key(
    State(app): State<AppState>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, PageError> {
    let fields = FormFields::read(&headers, &body)?;
    let mut form = LoginForm::default();
    let attempt = match LoginAttempt::begin(&app, address, &headers, &mut form).await? {
        Ok(attempt) => attempt,
        Err(response) => return Ok(*response),
    };
    let caller = match app.keys.present(fields.get("key").trim()).await {
        Ok(presented) => presented.revalidate().await,
        Err(refusal) => Err(refusal),
    };
    match caller {
        Ok(caller) => {
            let who = SignedIn::Key(caller.key_hash);
            attempt
                .succeed(&app, who, Access::Member, &headers, OWN_PAGE)
                .await
        }
        Err(KeyRefusal::Table(_)) => Err(PageError::new(
            StatusCode::SERVICE_UNAVAILABLE,
            texts().error.table,
        )),
        Err(_) => {
            tracing::warn!(
                from = attempt.tries.from(),
                "a sign-in with a key was refused"
            );
            form.problem = Some(texts().login.wrong_key);
            Ok(form.render(&app, StatusCode::UNAUTHORIZED))
        }
    }
}

/// A try to sign in that was counted, before it is known whether it succeeds: guesses that come together are counted too.
struct LoginAttempt {
    tries: Tries,
    counted: CountedTry,
    now: Timestamp,
}

impl LoginAttempt {
    /// Counts it; else the answer that says why it may not be made.
    async fn begin(
        app: &AppState,
        address: Option<Extension<ClientAddress>>,
        headers: &HeaderMap,
        form: &mut LoginForm,
    ) -> Result<Result<Self, Box<Response>>, PageError> {
        if origin::loses_cookies(headers) {
            form.problem = Some(texts().login.needs_encryption);
            return Ok(Err(Box::new(form.render(app, StatusCode::BAD_REQUEST))));
        }
        let now = Timestamp::now();
        let tries = Tries::new(address.map(|Extension(address)| address), now);
        let Some(counted) = tries.count(&app.table).await? else {
            form.problem = Some(texts().login.too_many);
            form.again = Some(tries.end());
            let mut response = form.render(app, StatusCode::TOO_MANY_REQUESTS);
            let wait = tries.end().as_second() - now.as_second();
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(wait.max(1)));
            return Ok(Err(Box::new(response)));
        };
        Ok(Ok(Self {
            tries,
            counted,
            now,
        }))
    }

    async fn succeed(
        self,
        app: &AppState,
        who: SignedIn,
        access: Access,
        headers: &HeaderMap,
        home: &str,
    ) -> Result<Response, PageError> {
        self.tries
            .succeeded(self.counted, &app.table, self.now)
            .await?;
        let id = Sessions::of(app)
            .begin(who, access, app.clock.now())
            .await?;
        tracing::info!(
            from = self.tries.from(),
            ?access,
            "a login to the admin pages"
        );
        let line = cookie(Some(id), app, headers);
        Ok(([(SET_COOKIE, line)], Redirect::to(home)).into_response())
    }
}

/// `POST /ui/logout`.
pub(super) async fn leave(
    State(app): State<AppState>,
    headers: HeaderMap,
    form: OwnForm,
) -> Result<Response, PageError> {
    Sessions::of(&app).end(&form.session).await?;
    Ok(left(&app, &headers))
}

/// `POST /ui/logout/everywhere`: ends every session, of whatever browser and whoever signed in.
pub(super) async fn leave_everywhere(
    State(app): State<AppState>,
    headers: HeaderMap,
    _: SubmittedForm,
) -> Result<Response, PageError> {
    Sessions::of(&app).end_all().await?;
    tracing::info!("all sessions of the admin pages were ended");
    Ok(left(&app, &headers))
}

fn left(app: &AppState, headers: &HeaderMap) -> Response {
    let gone = [(SET_COOKIE, cookie(None, app, headers))];
    (gone, Redirect::to(LOGIN)).into_response()
}

/// What the page of the login says and asks.
#[derive(Default)]
struct LoginForm {
    user: String,
    problem: Option<&'static str>,
    /// When it may be tried again.
    again: Option<Timestamp>,
    next: String,
}

impl LoginForm {
    fn render(&self, app: &AppState, status: StatusCode) -> Response {
        let page = LoginPage {
            layout: Layout::outside(texts().login.title),
            user: self.user.clone(),
            problem: self.problem,
            again: self.again.map(TimeText::from),
            providers: sign_in::providers(app),
            takes_password: app.config.general.identity.takes_password(),
            next: self.next.clone(),
        };
        render(status, &page)
    }
}

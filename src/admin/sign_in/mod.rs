//! Signing in at an identity provider: the code flow of OpenID Connect with PKCE, as a public client that has no secret.
//!
//! A link begins it ([`begin`]): what the answer has to fit is sealed into a cookie of ten minutes, so that no stranger
//! makes the table write anything. The provider sends the browser back ([`finish`]); the code becomes an identity token,
//! which is verified as any token is. The answer is a page that goes on by itself: a cookie that is `Strict` is not sent
//! along a way that began at another site.

mod begun;
mod exchange;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use url::form_urlencoded;

use super::error::PageError;
use super::layout::{Layout, render};
use super::public_address::PublicAddress;
use super::session::{CookieKind, Sessions, SignedIn, SignedInPerson, cookie};
use super::texts::{Told, texts};
use crate::app::AppState;
use crate::config::SignIn;
use crate::identity::{Access, IssuerAtWork, TokenRefusal, VerifiedToken};
use begun::BegunSignIn;

/// Where the provider sends people back to.
const CALLBACK: &str = "/ui/sign-in/callback";

/// `Lax`: it comes along when the provider sends the browser back.
const COOKIE: CookieKind = CookieKind::new("sidecar_sign_in", "Lax", 600);

#[derive(Template)]
#[template(path = "signed_in.html", config = "src/admin/askama.toml")]
struct SignedInPage {
    layout: Layout,
}

/// A provider that people may sign in at, for the login page.
pub(super) struct SignInProvider {
    pub(super) address: String,
    pub(super) name: String,
}

/// The providers that people may sign in at.
pub(super) fn providers(app: &AppState) -> Vec<SignInProvider> {
    let issuers = app.config.general.identity.issuers.iter().enumerate();
    let issuers = issuers.filter(|(_, issuer)| issuer.sign_in.is_some());
    issuers
        .map(|(n, issuer)| SignInProvider {
            address: format!("/ui/sign-in/{n}"),
            name: issuer.name.clone(),
        })
        .collect()
}

/// `GET /ui/sign-in/{n}`: sends a browser to the n-th provider.
pub(super) async fn begin(
    State(app): State<AppState>,
    Path(n): Path<usize>,
    public: PublicAddress,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let found = app.verifier.issuers().get(n);
    let (issuer, client) = found
        .and_then(with_client)
        .ok_or_else(PageError::not_found)?;
    let public = public.certain().ok_or_else(no_address)?;
    let now = app.clock.now();
    let discovery = issuer.discovery(now).await;
    let authorize = discovery.and_then(|discovery| discovery.authorization_endpoint);
    let authorize = authorize.ok_or_else(provider_away)?;
    let mut authorize = issuer.address(&authorize).map_err(|problem| {
        tracing::error!(issuer = issuer.config.issuer, problem, "nobody can sign in");
        provider_away()
    })?;
    let redirect = format!("{public}{CALLBACK}");
    let begun = BegunSignIn::new(&issuer.config.issuer, &client.client_id, &redirect, now)?;
    let scope = client.scopes.join(" ");
    authorize
        .query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &client.client_id)
        .append_pair("redirect_uri", &redirect)
        .append_pair("scope", &scope)
        .append_pair("state", &begun.state)
        .append_pair("nonce", &begun.nonce)
        .append_pair("code_challenge", &begun.challenge())
        .append_pair("code_challenge_method", "S256");
    let secret = app.secret.get().await.ok_or_else(no_secret)?;
    let sealed = begun.sealed(&secret)?;
    let line = COOKIE.line(Some(sealed), &app, &headers);
    Ok(([(SET_COOKIE, line)], Redirect::to(authorize.as_str())).into_response())
}

/// `GET /ui/sign-in/callback`: the provider has sent a browser back.
pub(super) async fn finish(
    State(app): State<AppState>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let outcome = finished(&app, &headers, &query.unwrap_or_default()).await;
    // Whatever becomes of it, the cookie has done its work.
    let used = COOKIE.line(None, &app, &headers);
    let mut response = match outcome {
        Ok(session) => {
            let layout = Layout::outside(texts().login.title);
            let mut response = render(StatusCode::OK, &SignedInPage { layout });
            append(&mut response, cookie(Some(session), &app, &headers));
            response
        }
        Err(error) => error.into_response(),
    };
    append(&mut response, used);
    Ok(response)
}

fn append(response: &mut Response, line: String) {
    if let Ok(line) = line.try_into() {
        response.headers_mut().append(SET_COOKIE, line);
    }
}

/// Begins the session of who was sent back, and returns its cookie's value.
async fn finished(app: &AppState, headers: &HeaderMap, query: &str) -> Result<String, PageError> {
    let now = app.clock.now();
    let secret = app.secret.get().await.ok_or_else(no_secret)?;
    let sealed = COOKIE.presented(app, headers).ok_or_else(not_begun)?;
    let begun = BegunSignIn::open(&sealed, &secret, now).ok_or_else(not_begun)?;
    let fields: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let code = begun.code_of(&fields)?;
    let issuers = app.verifier.issuers().iter();
    let mut issuers = issuers.filter_map(with_client);
    let is_meant = |issuer: &IssuerAtWork, client: &SignIn| {
        issuer.config.issuer == begun.issuer && client.client_id == begun.client_id
    };
    let found = issuers.find(|(issuer, client)| is_meant(issuer, client));
    let (issuer, _) = found.ok_or_else(not_begun)?;
    let discovery = issuer.discovery(now).await.ok_or_else(provider_away)?;
    begun.check_issuer(
        &fields,
        discovery.authorization_response_iss_parameter_supported,
    )?;
    let answer = exchange::exchanged(issuer, &discovery, &begun, &code).await?;
    let begun = [begun.client_id.as_str(), &begun.nonce];
    let verified = issuer.verify_sign_in(&answer, begun, &discovery, now).await;
    let verified = verified.map_err(|refusal| refused(&refusal))?;
    let access = verified.access.ok_or_else(|| {
        tracing::warn!(
            user = verified.user_id,
            "somebody without a role tried to sign in"
        );
        PageError::new(StatusCode::FORBIDDEN, texts().sign_in.no_role)
    })?;
    let team = app.keys.team_for_pages(&verified).await;
    let team = team.map_err(|refusal| refused_of_key(&verified, access, &refusal));
    let team = match (team, access) {
        (Ok(team), _) => team,
        // Who sees everything needs no team.
        (Err(_), Access::Admin | Access::Viewer) => None,
        (Err(error), Access::Member) => return Err(error),
    };
    app.keys.note(&verified).await?;
    tracing::info!(
        user = verified.user_id,
        ?access,
        "somebody has signed in at an identity provider"
    );
    let person = SignedInPerson::new(&verified, team);
    Sessions::of(app)
        .begin(SignedIn::Person(person), access, now)
        .await
}

fn with_client(issuer: &IssuerAtWork) -> Option<(&IssuerAtWork, &SignIn)> {
    Some((issuer, issuer.config.sign_in.as_ref()?))
}

fn refused(refusal: &TokenRefusal) -> PageError {
    tracing::warn!(
        reason = refusal.reason(),
        "an identity token was refused: {refusal}"
    );
    let status = if refusal.may_pass() {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::FORBIDDEN
    };
    PageError::new(
        status,
        format!("{} {}", texts().sign_in.refused, refusal.told()),
    )
}

fn refused_of_key(
    verified: &VerifiedToken,
    access: Access,
    refusal: &crate::keys::KeyRefusal,
) -> PageError {
    if access == Access::Member {
        tracing::warn!(
            user = verified.user_id,
            ?refusal,
            "somebody could not sign in"
        );
    }
    match refusal {
        crate::keys::KeyRefusal::Token(refusal) => refused(refusal),
        crate::keys::KeyRefusal::Table(_) => no_secret(),
        _ => PageError::new(StatusCode::FORBIDDEN, texts().sign_in.blocked),
    }
}

/// The cookie is missing, too old, of another sign-in or not this gateway's.
fn not_begun() -> PageError {
    PageError::new(StatusCode::BAD_REQUEST, texts().sign_in.not_begun)
}

fn no_address() -> PageError {
    PageError::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        texts().sign_in.no_address,
    )
}

fn no_secret() -> PageError {
    PageError::new(StatusCode::SERVICE_UNAVAILABLE, texts().error.table)
}

fn provider_away() -> PageError {
    PageError::new(StatusCode::BAD_GATEWAY, texts().sign_in.provider_away)
}

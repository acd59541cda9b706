//! The keys. Made, changed, blocked and deleted through the same API as `/key/…`.

mod badges;
mod draft;
mod form;
mod list;
mod made;
mod setups;

use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use jiff::Span;

use super::draft::{Draft, Problem};
use super::error::PageError;
use super::form::SubmittedForm;
use super::layout::render;
use super::names::KeysAndTeams;
use super::numbers::today;
use super::public_address::PublicAddress;
use super::session::Session;
use super::texts::{Told, texts};
use crate::app::AppState;
use crate::audit::NotedRequest;
use crate::keys::{KeyChanges, KeyError, VirtualKey, named};
use form::{FormPage, KeyQuestion};
use list::{KeyListing, KeysPage, ListQuery};

pub(super) use badges::{Badge, BlockedHolders, badges, holder_badge, of_budget, used};
pub(super) use made::MadePage;

const LIST: &str = "/ui/keys";
/// What the keys say of their creator.
const MAKER: &str = "admin page";
/// So many days the list looks back for what a key has done.
const DAYS_BACK: i64 = 29;

/// The address of a key's page.
pub(super) fn address(key: &VirtualKey) -> String {
    format!("{LIST}/{}", key.hash)
}

/// `GET /ui/keys`.
pub(super) async fn page(
    State(app): State<AppState>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let today = today();
    let first = today.saturating_sub(Span::new().days(DAYS_BACK));
    let (read, totals, users) = tokio::join!(
        KeysAndTeams::read(&app),
        app.ledger.totals(first, today),
        app.keys.directory.users(),
    );
    let KeysAndTeams { names, keys, teams } = read?;
    let holders = BlockedHolders::of(&teams, &users?);
    let budgets = app
        .keys
        .budget_usages(&keys.iter().collect::<Vec<_>>())
        .await?;
    let asked = ListQuery::read(&query.unwrap_or_default());
    let now = app.keys.now();
    let listing = KeyListing {
        keys: &keys,
        budgets: &budgets,
        totals: &totals?,
        names: &names,
        holders: &holders,
    };
    let page = KeysPage::new(&session, &listing, now, asked);
    Ok(render(StatusCode::OK, &page))
}

/// `GET /ui/keys/new`.
pub(super) async fn blank(
    State(app): State<AppState>,
    session: Session,
) -> Result<Response, PageError> {
    let page = FormPage::blank(&app, &session, &Draft::default(), &[]);
    Ok(render(StatusCode::OK, &page))
}

/// `POST /ui/keys/new`: makes a key. The answer is the only page on which it stands in full.
pub(super) async fn make(
    State(app): State<AppState>,
    public: PublicAddress,
    noted: Option<Extension<NotedRequest>>,
    form: SubmittedForm,
) -> Result<Response, PageError> {
    let draft = draft::read(&form.fields);
    let outcome = match draft::changes(&draft, &app.config) {
        Ok(changes) => app.keys.generate(&changes, None, MAKER).await,
        Err(problems) => {
            let page = FormPage::blank(&app, &form.session, &draft, &problems);
            return Ok(render(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    match outcome {
        Ok(made) => {
            if let Some(Extension(noted)) = noted {
                noted.add_made("token", &made.stored.hash);
            }
            tracing::info!(key = made.stored.hash, "a key was made on the admin pages");
            let page = MadePage::of_admin(&app, &form.session, &made, public.shown());
            Ok(render(StatusCode::OK, &page))
        }
        Err(error) => {
            let problem = Problem::of(error)?;
            let page = FormPage::blank(&app, &form.session, &draft, &[problem]);
            Ok(render(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
    }
}

/// `GET /ui/keys/{hash}`.
pub(super) async fn one(
    State(app): State<AppState>,
    session: Session,
    Path(hash): Path<String>,
    RawQuery(query): RawQuery,
    public: PublicAddress,
) -> Result<Response, PageError> {
    let key = app.keys.get(&named(&hash)?).await?;
    let t = &texts().keys;
    let notice = match query.as_deref() {
        Some("saved") => Some(t.is_saved),
        Some("blocked") => Some(t.is_blocked),
        Some("unblocked") => Some(t.is_unblocked),
        _ => None,
    };
    let budget = app.keys.budget_usage(&key).await?;
    let holders = BlockedHolders::of_key(&app, &key).await?;
    let refused = app.refused_keys.today(&key.hash).await?;
    let draft = draft::of(&key);
    let page = FormPage::of(
        &app,
        &session,
        &key,
        (budget.as_ref(), &holders),
        &draft,
        &[],
    )
    .saying(notice)
    .refused(refused)
    .with_setups(&app, &key, public.shown());
    Ok(render(StatusCode::OK, &page))
}

/// `POST /ui/keys/{hash}`: changes what was changed in the form, and nothing else.
pub(super) async fn change(
    State(app): State<AppState>,
    Path(hash): Path<String>,
    form: SubmittedForm,
) -> Result<Response, PageError> {
    let key = app.keys.get(&named(&hash)?).await?;
    let draft = draft::read(&form.fields);
    let problems = match draft::changes(&draft, &app.config) {
        Ok(changes) => match app.keys.update(&key.hash, &changes).await {
            Ok(key) => {
                tracing::info!(key = key.hash, "a key was changed on the admin pages");
                let saved = format!("{}?saved", address(&key));
                return Ok(Redirect::to(&saved).into_response());
            }
            Err(error) => vec![Problem::of(error)?],
        },
        Err(problems) => problems,
    };
    let budget = app.keys.budget_usage(&key).await?;
    let holders = BlockedHolders::of_key(&app, &key).await?;
    let page = FormPage::of(
        &app,
        &form.session,
        &key,
        (budget.as_ref(), &holders),
        &draft,
        &problems,
    );
    Ok(render(StatusCode::UNPROCESSABLE_ENTITY, &page))
}

/// `POST /ui/keys/{hash}/block`: with `blocked` `yes` or `no`.
pub(super) async fn block(
    State(app): State<AppState>,
    Path(hash): Path<String>,
    form: SubmittedForm,
) -> Result<Response, PageError> {
    let blocked = match form.fields.get("blocked") {
        "yes" => true,
        "no" => false,
        _ => {
            let unknown = texts().settings.unknown_button;
            return Err(PageError::new(StatusCode::BAD_REQUEST, unknown));
        }
    };
    let key = app.keys.block(&named(&hash)?, blocked).await?;
    tracing::info!(
        key = key.hash,
        blocked,
        "a key was blocked or let in on the admin pages"
    );
    let outcome = if blocked { "blocked" } else { "unblocked" };
    Ok(Redirect::to(&format!("{}?{outcome}", address(&key))).into_response())
}

/// `GET /ui/keys/{hash}/delete`.
pub(super) async fn confirm_delete(
    State(app): State<AppState>,
    session: Session,
    Path(hash): Path<String>,
) -> Result<Response, PageError> {
    let key = app.keys.get(&named(&hash)?).await?;
    let page = form::confirm(&session, &key, KeyQuestion::Delete);
    Ok(render(StatusCode::OK, &page))
}

/// `POST /ui/keys/{hash}/delete`.
pub(super) async fn delete(
    State(app): State<AppState>,
    Path(hash): Path<String>,
    _: SubmittedForm,
) -> Result<Response, PageError> {
    let key = app.keys.delete(&named(&hash)?).await?;
    tracing::info!(key = key.hash, "a key was deleted on the admin pages");
    Ok(Redirect::to(&format!("{LIST}?deleted")).into_response())
}

/// `GET /ui/keys/{hash}/regenerate`.
pub(super) async fn confirm_regenerate(
    State(app): State<AppState>,
    session: Session,
    Path(hash): Path<String>,
) -> Result<Response, PageError> {
    let key = app.keys.get(&named(&hash)?).await?;
    let page = form::confirm(&session, &key, KeyQuestion::Regenerate);
    Ok(render(StatusCode::OK, &page))
}

/// `POST /ui/keys/{hash}/regenerate`: another key instead of this one.
pub(super) async fn regenerate(
    State(app): State<AppState>,
    Path(hash): Path<String>,
    public: PublicAddress,
    form: SubmittedForm,
) -> Result<Response, PageError> {
    let hash = named(&hash)?;
    let made = app
        .keys
        .regenerate(&hash, &KeyChanges::default(), None)
        .await?;
    tracing::info!(
        key = hash,
        by = made.stored.hash,
        "a key was replaced on the admin pages"
    );
    let page = MadePage::of_admin(&app, &form.session, &made, public.shown());
    Ok(render(StatusCode::OK, &page))
}

impl Problem {
    /// What the form itself can say; anything else is an error of the page.
    fn of(error: KeyError) -> Result<Self, PageError> {
        let message = error.told();
        match error {
            KeyError::Invalid { param, wanted } => Ok(Problem::new(param, wanted.told())),
            KeyError::AliasTaken(_) => Ok(Problem::new("key_alias", message)),
            KeyError::NoTeam(_) => Ok(Problem::new("team_id", message)),
            other => Err(other.into()),
        }
    }
}

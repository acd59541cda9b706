//! What is somebody's own: keys, what was spent and may be, and the last requests. For a person who has signed in at an
//! identity provider, and for whoever has signed in with a key.

mod own_keys;
mod view;

use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use jiff::{SignedDuration, Span, Timestamp};

use super::HOME;
use super::error::PageError;
use super::form::OwnForm;
use super::keys::{BlockedHolders, MadePage};
use super::layout::render;
use super::numbers::today;
use super::public_address::PublicAddress;
use super::session::{AnySession, OWN_PAGE, Session, SignedIn, SignedInPerson};
use super::texts::texts;
use crate::app::AppState;
use crate::audit::NotedRequest;
use crate::identity::{Team, User};
use crate::keys::{BudgetUsage, KeyError, VirtualKey};
use crate::spend::{DayTotal, Record, RecordFilter, Search};
use crate::store::StoreError;
use own_keys::{KeyWish, longest_life};
use view::OwnPage;

/// So many days of requests and of spend are shown.
const DAYS_BACK: i64 = 29;
const MOST_REQUESTS: usize = 20;

/// Whose page it is.
enum Owner {
    Person(SignedInPerson),
    Key(Box<VirtualKey>),
}

impl Owner {
    /// `None`: the password of the admin pages is nobody's own.
    async fn of(app: &AppState, session: &Session) -> Result<Option<Self>, PageError> {
        match &session.who {
            SignedIn::Password => Ok(None),
            SignedIn::Person(person) => Ok(Some(Self::Person(person.clone()))),
            SignedIn::Key(hash) => {
                let key = app.keys.get(hash).await?;
                Ok(Some(Self::Key(Box::new(VirtualKey::clone(&key)))))
            }
        }
    }

    fn label(&self) -> &str {
        match self {
            Self::Person(person) => &person.label,
            Self::Key(key) => key.label(),
        }
    }

    fn user_id(&self) -> Option<&str> {
        match self {
            Self::Person(person) => Some(&person.user_id),
            Self::Key(key) => key.settings.user_id.as_deref(),
        }
    }

    fn team_id(&self) -> Option<&str> {
        match self {
            Self::Person(person) => person.team.as_deref(),
            Self::Key(key) => key.settings.team_id.as_deref(),
        }
    }

    /// The keys that are seen: a person's, or the one that was signed in with.
    async fn keys(&self, app: &AppState) -> Result<Vec<VirtualKey>, KeyError> {
        match self {
            Self::Person(person) => app.keys.keys_of(None, Some(&person.user_id)).await,
            Self::Key(key) => Ok(vec![VirtualKey::clone(key)]),
        }
    }
}

/// A budget that binds the owner.
struct OwnBudget {
    of: String,
    usage: BudgetUsage,
}

/// What the page shows.
struct Own {
    owner: Owner,
    team: Option<Team>,
    budgets: Vec<OwnBudget>,
    keys: Vec<VirtualKey>,
    /// The keys' budgets, in their order.
    key_budgets: Vec<Option<BudgetUsage>>,
    holders: BlockedHolders,
    totals: Vec<DayTotal>,
    records: Vec<Record>,
}

impl Own {
    async fn read(app: &AppState, owner: Owner) -> Result<Self, PageError> {
        let keys = owner.keys(app).await?;
        let (team, user) = (owner.team_id(), owner.user_id());
        app.keys.directory.refresh(team, user).await?;
        let known = app.keys.directory.known(team, user).unwrap_or_default();
        let team = known.team.map(|team| Team::clone(&team));
        let user = known.user.map(|user| User::clone(&user));
        let budgets = budgets(app, &owner, team.as_ref(), user.as_ref()).await?;
        let today = today();
        let first = today.saturating_sub(Span::new().days(DAYS_BACK));
        let totals = app.ledger.totals(first, today).await?;
        let records = records(app, &owner).await?;
        let key_budgets = app
            .keys
            .budget_usages(&keys.iter().collect::<Vec<_>>())
            .await?;
        let holders = BlockedHolders::read(app).await?;
        Ok(Self {
            owner,
            team,
            budgets,
            keys,
            key_budgets,
            holders,
            totals,
            records,
        })
    }
}

async fn budgets(
    app: &AppState,
    owner: &Owner,
    team: Option<&Team>,
    user: Option<&User>,
) -> Result<Vec<OwnBudget>, StoreError> {
    let t = &texts().me;
    let mut budgets = Vec::new();
    let mut add = |of: String, usage: Option<BudgetUsage>| {
        budgets.extend(usage.map(|usage| OwnBudget { of, usage }));
    };
    if let Owner::Key(key) = owner {
        add(t.of_key.to_owned(), app.keys.budget_usage(key).await?);
    }
    if let Some(user) = user {
        add(
            t.of_user.to_owned(),
            app.keys.user_budget_usage(user).await?,
        );
    }
    if let Some(team) = team {
        if let Some(user) = owner.user_id() {
            let usage = app.keys.own_member_budget_usage(team, user).await?;
            add(format!("{} {}", t.of_member, team.label()), usage);
        }
        let usage = app.keys.team_budget_usage(team).await?;
        add(format!("{} {}", t.of_team, team.label()), usage);
    }
    Ok(budgets)
}

/// The last requests: of a person by name, of a key by its hash.
async fn records(app: &AppState, owner: &Owner) -> Result<Vec<Record>, PageError> {
    let filter = match owner {
        Owner::Person(person) => RecordFilter {
            user: Some(person.user_id.clone()),
            ..RecordFilter::default()
        },
        Owner::Key(key) => RecordFilter {
            key_hash: Some(key.hash.clone()),
            ..RecordFilter::default()
        },
    };
    let now = Timestamp::now();
    let search = Search {
        first: now - SignedDuration::from_hours(24 * (DAYS_BACK + 1)),
        end: now + SignedDuration::from_secs(60),
        filter,
        page_size: MOST_REQUESTS,
        most_compared: Search::COMPARED,
        after: None,
    };
    Ok(app.ledger.search(&search).await?.records)
}

/// `GET /ui/me`.
pub(super) async fn page(
    State(app): State<AppState>,
    AnySession(session): AnySession,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let Some(owner) = Owner::of(&app, &session).await? else {
        return Ok(Redirect::to(HOME).into_response());
    };
    let own = Own::read(&app, owner).await?;
    let is_deleted = query.is_some_and(|query| query == "deleted");
    let page = OwnPage::new(&app, &session, &own, &KeyWish::default(), None).saying(is_deleted);
    Ok(render(StatusCode::OK, &page))
}

/// `POST /ui/me/keys`: makes a key of one's own. The answer is the only page on which it stands in full.
pub(super) async fn make(
    State(app): State<AppState>,
    public: PublicAddress,
    noted: Option<Extension<NotedRequest>>,
    form: OwnForm,
) -> Result<Response, PageError> {
    let person = person(&form.session)?;
    let wish = KeyWish::read(&form.fields);
    let made = match wish.changes(&person, longest_life(&app), app.keys.now()) {
        Ok(changes) => own_keys::make(&app, &person, &changes).await,
        Err(problem) => Err(problem),
    };
    match made {
        Ok(made) => {
            if let Some(Extension(noted)) = noted {
                noted.add_made("token", &made.stored.hash);
            }
            tracing::info!(
                key = made.stored.hash,
                user = person.user_id,
                "a member has made a key"
            );
            let page = MadePage::of_member(&app, &form.session, &made, public.shown());
            Ok(render(StatusCode::OK, &page))
        }
        Err(own_keys::NotMade::Said(problem)) => {
            let own = Own::read(&app, Owner::Person(person)).await?;
            let page = OwnPage::new(&app, &form.session, &own, &wish, Some(problem));
            Ok(render(StatusCode::UNPROCESSABLE_ENTITY, &page))
        }
        Err(own_keys::NotMade::Failed(error)) => Err(error.into()),
    }
}

/// `POST /ui/me/keys/{hash}/delete`.
pub(super) async fn delete(
    State(app): State<AppState>,
    Path(hash): Path<String>,
    form: OwnForm,
) -> Result<Response, PageError> {
    let person = person(&form.session)?;
    let key = app.keys.get(&hash).await?;
    // Whether a key of somebody else exists is not told.
    if key.settings.user_id.as_ref() != Some(&person.user_id) {
        return Err(KeyError::NotFound.into());
    }
    app.keys.delete(&hash).await?;
    tracing::info!(
        key = hash,
        user = person.user_id,
        "a member has deleted a key"
    );
    Ok(Redirect::to(&format!("{OWN_PAGE}?deleted")).into_response())
}

/// Who may make and delete keys: a person. Whoever has a key has that one alone.
fn person(session: &Session) -> Result<SignedInPerson, PageError> {
    match &session.who {
        SignedIn::Person(person) => Ok(person.clone()),
        SignedIn::Password | SignedIn::Key(_) => {
            Err(PageError::new(StatusCode::FORBIDDEN, texts().me.no_person))
        }
    }
}

//! What was used and what it cost, from the counters alone: a question about a year reads no record.

mod csv;
mod query;
mod split;
mod view;

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{HeaderValue, StatusCode};
use url::form_urlencoded;

use super::error::PageError;
use super::layout::render;
use super::names::{KeysAndTeams, Names};
use super::numbers::today;
use super::period::PagePeriod;
use super::session::Session;
use super::texts::texts;
use crate::app::AppState;
use query::UsageQuery;
use split::Totals;
use view::{UsageListing, UsagePage};

/// By what totals are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum By {
    /// Nothing but the day.
    Day,
    /// The Bedrock model.
    #[default]
    Model,
    /// The key.
    Key,
    /// The owner of the key.
    User,
    /// The team of the key.
    Team,
    /// The program that asked.
    Client,
    /// The end user that the request named.
    Customer,
    /// A tag. A request with several tags counts under each of them, one without under none.
    Tag,
}

impl By {
    const ALL: [By; 8] = [
        By::Day,
        By::Model,
        By::Key,
        By::User,
        By::Team,
        By::Client,
        By::Customer,
        By::Tag,
    ];

    /// Those that the page is split by.
    const SPLITS: [By; 7] = [
        By::Model,
        By::Key,
        By::User,
        By::Team,
        By::Client,
        By::Customer,
        By::Tag,
    ];

    /// As the address says it; where it is a filter too, by the filter's name.
    fn as_str(self) -> &'static str {
        match self {
            By::Day => "day",
            By::Model => "model",
            By::Key => "key",
            By::User => "user",
            By::Team => "team",
            By::Client => "client",
            By::Customer => "end_user",
            By::Tag => "tag",
        }
    }

    fn named(word: &str) -> Option<By> {
        By::ALL.into_iter().find(|by| by.as_str() == word)
    }

    fn split(word: &str) -> Option<By> {
        By::named(word).filter(|by| *by != By::Day)
    }
}

/// `GET /ui/usage`.
pub(super) async fn page(
    State(app): State<AppState>,
    session: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let query = query.unwrap_or_default();
    let by_session = form_urlencoded::parse(query.as_bytes())
        .any(|(name, value)| name == "split" && value == "session");
    let query = UsageQuery::read(&query);
    let (period, note) = PagePeriod::or_usual(&query.wanted, today());
    if by_session {
        // Sessions are not counted: their page reads requests.
        return Ok(Redirect::to(&query.sessions(&period)).into_response());
    }
    let before = query.compare.then(|| period.before());
    let (totals, totals_before, budgets) = tokio::join!(
        app.ledger.totals(period.first, period.last),
        async {
            match before {
                Some(before) => app.ledger.totals(before.first, before.last).await.map(Some),
                None => Ok(None),
            }
        },
        async {
            let read = KeysAndTeams::read(&app).await?;
            let budgets = super::budgets::most_spent(&app, &read).await?;
            Ok::<_, PageError>((read.names, budgets))
        },
    );
    let (names, budgets) = budgets?;
    let only = query.only(names.keys());
    let totals_of = |period: &PagePeriod, totals: &[_]| match query.tag.is_empty() {
        _ if !query.has_totals() => Totals::default(),
        true => Totals::new(period, totals, query.split, &only),
        false => Totals::of_tag(period, totals, &query.tag),
    };
    let asked = UsageListing {
        period: &period,
        query: &query,
        totals: totals_of(&period, &totals?),
        before: before
            .zip(totals_before?)
            .map(|(period, totals)| totals_of(&period, &totals)),
        names: &names,
    };
    let page = UsagePage::new(&app, &session, &asked, note, budgets);
    Ok(render(StatusCode::OK, &page))
}

/// `GET /ui/usage.csv`: one kind of line, `by=day` unless the address says otherwise, of what the filters leave.
pub(super) async fn file(
    State(app): State<AppState>,
    _: Session,
    RawQuery(query): RawQuery,
) -> Result<Response, PageError> {
    let text = query.unwrap_or_default();
    let by = by(&text)?;
    let query = UsageQuery::read(&text);
    let period = PagePeriod::of(&query.wanted, today())?;
    let (names, totals) = tokio::join!(
        Names::read(&app),
        app.ledger.totals(period.first, period.last)
    );
    let (names, totals) = (names?, totals?);
    let is_tagged = by == By::Tag || !query.tag.is_empty();
    if is_tagged && query.set().any(|(name, _)| name != "tag")
        || !query.tag.is_empty() && by != By::Tag
    {
        return Err(PageError::new(
            StatusCode::BAD_REQUEST,
            texts().usage.not_counted,
        ));
    }
    let lines = csv::Lines {
        by,
        only: &query.only(names.keys()),
        tag: Some(&query.tag).filter(|tag| !tag.is_empty()),
        alias: &|hash| {
            names
                .keys()
                .get(hash)
                .cloned()
                .or(app.master_key.alias_of(hash).map(str::to_owned))
        },
    };
    let name = format!(
        "attachment; filename=\"usage-{}-{}-by-{}.csv\"",
        period.first,
        period.last,
        by.as_str()
    );
    let mut response = lines.file(&totals).into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/csv; charset=utf-8"),
    );
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// Which kind of line is wanted.
fn by(query: &str) -> Result<By, PageError> {
    let mut fields = form_urlencoded::parse(query.as_bytes());
    let Some((_, wanted)) = fields.find(|(name, _)| name == "by") else {
        return Ok(By::Day);
    };
    By::named(&wanted).ok_or_else(|| {
        let message = format!("{} {wanted:?}", texts().usage.no_such_kind);
        PageError::new(StatusCode::BAD_REQUEST, message)
    })
}

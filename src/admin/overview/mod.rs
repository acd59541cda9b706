//! The first page: what is spent and what is wrong, so that it can stay open all day.
//!
//! It renews itself every 15 seconds where a tab shows it. What it reads each time is the totals of today, the accounts of
//! budgets, the names of keys and teams, and as many of the newest records as are looked at for the last failures; what it
//! reads every ten minutes, the totals of the days since the beginning of the month or of the last 30 days.

mod view;

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use jiff::{SignedDuration, Span};

use super::error::PageError;
use super::layout::render;
use super::logs::soon;
use super::names::KeysAndTeams;
use super::numbers::today;
use super::period::PagePeriod;
use super::session::Session;
use crate::app::AppState;
use crate::spend::{RecordFilter, Search, Status};
use view::{OverviewPage, Seen};

/// Failures that are shown.
const FAILURES: usize = 6;
/// So many of the newest records are looked at for them: some 400 kB.
const LOOKED_AT: usize = 200;
/// Failures are of the last so many hours.
const HOURS: i64 = 24;
/// Days of the sparklines.
const DAYS: i64 = 30;

/// `GET /ui`.
pub(super) async fn page(
    State(app): State<AppState>,
    session: Session,
) -> Result<Response, PageError> {
    let today = today();
    let period = PagePeriod::last_days(DAYS, today);
    // The month is within the days, but on its 31st.
    let first = period.first.min(today.first_of_month());
    let search = Search {
        first: soon() - SignedDuration::from_hours(HOURS),
        end: soon(),
        filter: RecordFilter {
            status: Some(Status::Failure),
            ..RecordFilter::default()
        },
        page_size: FAILURES,
        most_compared: LOOKED_AT,
        after: None,
    };
    let (totals, days_before, failures, budgets) = tokio::join!(
        app.ledger.totals(today, today),
        app.ledger
            .day_sums(first, today.saturating_sub(Span::new().days(1))),
        app.ledger.search(&search),
        async {
            let read = KeysAndTeams::read(&app).await?;
            let budgets = super::budgets::most_spent(&app, &read).await?;
            Ok::<_, PageError>((read.names, budgets))
        },
    );
    let (names, budgets) = budgets?;
    let seen = Seen {
        period,
        totals: totals?,
        days_before: days_before?,
        failures: failures?.records,
        names,
        budgets,
    };
    let page = OverviewPage::new(&app, &session, seen);
    Ok(render(StatusCode::OK, &page))
}

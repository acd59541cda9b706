//! Totals of a period, from the counters: no record is read, however many there are.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::app::AppState;
use crate::spend::report::{self, KeyLabels, KeySpend, Only, Split};
use crate::spend::{DayTotal, Dollars};
use crate::wire::ApiError;

use super::super::auth::Admin;
use super::json;
use super::params::Params;

/// The parameters that every report takes.
const PERIOD: [&str; 2] = ["start_date", "end_date"];

/// `GET /spend/keys`: the largest spenders first.
pub(super) async fn keys(
    State(app): State<AppState>,
    Admin(_): Admin,
    params: Params,
) -> Result<Response, ApiError> {
    params.only(&[&PERIOD[..], &["limit"]].concat())?;
    let most = params.count("limit", 1_000, 10_000)?;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let rows = report::by_key(&totals(&app, &params).await?, most);
    let labels = labels(&app, rows.iter().map(KeySpend::key_hash)).await?;
    let rows: Vec<_> = rows.into_iter().map(|row| row.named(&labels)).collect();
    Ok(json(&rows))
}

/// `GET /spend/tags`: the most expensive first.
pub(super) async fn tags(
    State(app): State<AppState>,
    Admin(_): Admin,
    params: Params,
) -> Result<Response, ApiError> {
    params.only(&PERIOD)?;
    Ok(json(&report::by_tag(&totals(&app, &params).await?)))
}

/// Body of `GET /global/spend`.
#[derive(Serialize)]
struct GlobalSpend {
    spend: Dollars,
    /// `null`: none is set.
    max_budget: Option<Dollars>,
    requests: u64,
    /// Requests whose price is unknown, and so missing in `spend`.
    unpriced_requests: u64,
}

/// `GET /global/spend`: everything of the period, which is the last 30 days where none is named.
pub(super) async fn global_spend(
    State(app): State<AppState>,
    Admin(_): Admin,
    params: Params,
) -> Result<Response, ApiError> {
    params.only(&PERIOD)?;
    let sum = report::total(&totals(&app, &params).await?, &Only::default());
    let max_budget: Option<Decimal> = app.config.general.max_budget;
    Ok(json(&GlobalSpend {
        spend: Dollars(sum.spend),
        max_budget: max_budget.map(Dollars),
        requests: sum.requests,
        unpriced_requests: sum.unpriced,
    }))
}

/// Names by which every report may be asked for some of its rows.
const NAMES: [(&str, Split); 4] = [
    ("team_id", Split::Team),
    ("internal_user_id", Split::User),
    ("customer_id", Split::Customer),
    ("client", Split::Client),
];

/// `GET /global/spend/report?group_by=api_key|team|user|customer|client`.
pub(super) async fn report(
    State(app): State<AppState>,
    Admin(_): Admin,
    params: Params,
) -> Result<Response, ApiError> {
    let names = NAMES.map(|(name, _)| name);
    params.only(&[&PERIOD[..], &["group_by", "api_key"], &names].concat())?;
    for name in PERIOD {
        if params.text(name).is_none() {
            return Err(ApiError::missing_value(name, "such as 2026-11-23"));
        }
    }
    let mut only = only(&params);
    only.named = named(&params, &NAMES);
    // LiteLLM groups by team where nothing is said, and by key and model where one key or user is meant.
    let of_one = only.key_hash.is_some() || params.text("internal_user_id").is_some();
    let usual = if of_one { "api_key" } else { "team" };
    let group_by = params.text("group_by").unwrap_or(usual);
    let split = Split::ALL
        .into_iter()
        .find(|split| split.as_str() == group_by);
    if split.is_none() && group_by != "api_key" {
        let message = format!(
            "'group_by' is '{group_by}'; it must be 'api_key', 'team', 'user', 'customer' or 'client'. For tags there \
             is GET /spend/tags."
        );
        return Err(ApiError::bad_request(message, "group_by"));
    }
    let totals = totals(&app, &params).await?;
    if let Some(split) = split {
        let mut days = report::by_name(&totals, split, &only);
        if split == Split::Team {
            report::with_aliases(&mut days, &team_aliases(&app).await?);
        }
        return Ok(json(&days));
    }
    let labels = labels(&app, report::keys(&totals, &only)).await?;
    Ok(json(&report::keys_and_models(&totals, &only, &labels)))
}

/// The parameters that every day's activity takes, beside those of names.
const OF_ACTIVITY: [&str; 6] = [
    "start_date",
    "end_date",
    "api_key",
    "model",
    "page",
    "page_size",
];
/// Those that ask for some names, as LiteLLM calls them.
const NAMED: [(&str, Split); 4] = [
    ("team_ids", Split::Team),
    ("user_id", Split::User),
    ("end_user_ids", Split::Customer),
    ("client", Split::Client),
];
/// Those that leave out some.
const NOT_NAMED: [(&str, Split); 2] = [
    ("exclude_team_ids", Split::Team),
    ("exclude_end_user_ids", Split::Customer),
];

/// `GET /user/daily/activity`: what a usage page shows, and of each user.
pub(super) async fn users(
    State(app): State<AppState>,
    Admin(_): Admin,
    params: Params,
) -> Result<Response, ApiError> {
    activity(&app, &params, Split::User).await
}

/// `GET /team/daily/activity`: the same of teams.
pub(super) async fn teams(
    State(app): State<AppState>,
    Admin(_): Admin,
    params: Params,
) -> Result<Response, ApiError> {
    activity(&app, &params, Split::Team).await
}

/// `GET /customer/daily/activity`: the same of the end users that requests name.
pub(super) async fn customers(
    State(app): State<AppState>,
    Admin(_): Admin,
    params: Params,
) -> Result<Response, ApiError> {
    activity(&app, &params, Split::Customer).await
}

async fn activity(app: &AppState, params: &Params, split: Split) -> Result<Response, ApiError> {
    let of_names = NAMED.iter().chain(&NOT_NAMED).map(|(name, _)| *name);
    params.only(&OF_ACTIVITY.into_iter().chain(of_names).collect::<Vec<_>>())?;
    let page = params.count("page", 1, u64::from(u32::MAX))?;
    let only = Only {
        named: named(params, &NAMED),
        not_named: named(params, &NOT_NAMED),
        ..only(params)
    };
    let totals = totals(app, params).await?;
    let labels = labels(app, report::keys(&totals, &only)).await?;
    Ok(json(&report::activity(
        &totals, split, &only, &labels, page,
    )))
}

fn only(params: &Params) -> Only {
    Only {
        key_hash: params.key_hash(),
        model: params.text("model").map(str::to_owned),
        ..Only::default()
    }
}

/// The names that these parameters list, with commas between them.
fn named(params: &Params, names: &[(&str, Split)]) -> Vec<(Split, Vec<String>)> {
    let named = names.iter().filter_map(|(name, split)| {
        let listed = params
            .text(name)?
            .split(',')
            .map(|name| name.trim().to_owned());
        Some((*split, listed.collect()))
    });
    named.collect()
}

/// What these keys are called: as in their records.
pub(in crate::http) async fn labels<'a>(
    app: &AppState,
    hashes: impl IntoIterator<Item = &'a str>,
) -> Result<KeyLabels, ApiError> {
    let mut labels = KeyLabels::new();
    let mut made = Vec::new();
    for hash in hashes {
        match app.master_key.alias_of(hash) {
            Some(alias) => drop(labels.insert(hash.to_owned(), alias.to_owned())),
            None => made.push(hash),
        }
    }
    labels.extend(app.keys.labels_of(&made).await?);
    Ok(labels)
}

/// What people call the teams that have an alias, by id; deleted ones too.
async fn team_aliases(app: &AppState) -> Result<BTreeMap<String, String>, ApiError> {
    let teams = app.keys.directory.teams().await?;
    let aliases = teams.iter().filter_map(|team| {
        let alias = team.settings.team_alias.clone()?;
        Some((team.team_id.clone(), alias))
    });
    Ok(aliases.collect())
}

async fn totals(app: &AppState, params: &Params) -> Result<Vec<DayTotal>, ApiError> {
    let (first, last) = params.days()?;
    Ok(app.ledger.totals(first, last).await?)
}

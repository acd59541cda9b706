//! The list of requests, with its filters.

use askama::Template;
use rust_decimal::Decimal;

use super::super::chart::{Chart, Column, Series};
use super::super::layout::{Layout, NavPage};
use super::super::names::{self, Names};
use super::super::numbers::{TimeText, short};
use super::super::period::{Name, PagePeriod};
use super::super::period_picker::PeriodPicker;
use super::super::session::Session;
use super::super::texts::{filled, texts};
use super::LIST;
use super::query::{LogQuery, word_of};
use super::row::LogRow;
use crate::app::AppState;
use crate::spend::report::{Only, rows};
use crate::spend::{Counters, DayTotal, FailureCause, RecordPage, Unnamed};
use crate::wire::ClientApp;

/// Names that a field suggests.
const MOST_SUGGESTED: usize = 200;

#[derive(Template)]
#[template(path = "logs.html", config = "src/admin/askama.toml")]
pub(super) struct LogsPage {
    layout: Layout,
    picker: PeriodPicker,
    /// What is wrong with the id that was looked for.
    problem: Option<&'static str>,
    /// Filters that ask nothing, and names that nothing has.
    notes: Vec<String>,
    id: String,
    is_filtered: bool,
    /// The filters that are set: what they are, and the address without them.
    set: Vec<(String, String)>,
    fields: Vec<FilterField>,
    chart: Option<Chart>,
    /// The filters are not counted by day.
    has_no_chart: bool,
    rows: Vec<LogRow>,
    refresh: String,
    newest: Option<String>,
    older: Option<String>,
    clear: String,
    searched_to: TimeText,
    /// The period, for the form.
    hidden: Vec<(&'static str, String)>,
}

struct FilterField {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    value: String,
    /// Instead of any text, one of these: value, name, and whether it is chosen.
    choices: Vec<(String, String, bool)>,
    /// What there is, to be chosen from or not.
    suggestions: Vec<String>,
}

/// What was asked, and what was found.
pub(super) struct RequestListing<'a> {
    pub(super) query: &'a LogQuery,
    pub(super) period: &'a PagePeriod,
    pub(super) note: Option<String>,
    pub(super) names: &'a Names,
    pub(super) found: &'a RecordPage,
    /// The period's totals with what of them is meant, where that is counted.
    pub(super) totals: Option<(Vec<DayTotal>, Only)>,
    pub(super) problem: Option<&'static str>,
}

impl LogsPage {
    pub(super) fn new(app: &AppState, session: &Session, asked: RequestListing<'_>) -> Self {
        let RequestListing {
            query,
            period,
            note,
            names,
            found,
            totals,
            problem,
        } = asked;
        let at = |query: String| format!("{LIST}?{query}");
        let others = query.set().map(|(name, value)| (name, value.to_owned()));
        let refresh = at(query.query(period, None));
        let hidden = match period.name {
            Name::Days => vec![
                ("from", period.first.to_string()),
                ("to", period.last.to_string()),
            ],
            name => vec![("period", name.as_str().to_owned())],
        };
        Self {
            layout: Layout::of(NavPage::Logs, session),
            picker: PeriodPicker::new(LIST, period, note, others.collect()),
            problem,
            notes: notes(app, query, names, found.records.is_empty()),
            id: query.id.clone(),
            is_filtered: query.is_filtered(),
            set: set(query, period),
            fields: fields(app, query, names),
            has_no_chart: totals.is_none() && period.first < period.last,
            chart: totals.map(|(totals, only)| chart(query, period, &totals, &only)),
            rows: (found.records.iter())
                .map(|record| LogRow::new(record, record.spend_known(), &period.query()))
                .collect(),
            newest: query.is_later().then(|| refresh.clone()),
            refresh,
            older: (found.next.as_ref()).map(|next| at(query.query(period, Some(next)))),
            clear: at(period.query()),
            searched_to: found.searched_until.into(),
            hidden,
        }
    }
}

/// What is to be said of the filters: values that are none, and, where nothing was found, names that nothing has.
fn notes(app: &AppState, query: &LogQuery, names: &Names, is_empty: bool) -> Vec<String> {
    let t = &texts().logs;
    let left_out = (query.left_out())
        .map(|(name, value)| filled(t.left_out, [label(name), &format!("{value:?}")]));
    let is_unknown = |(name, value): &(&str, &str)| match *name {
        "key" => value.len() != 64 && !names.keys().values().any(|label| label == value),
        "team" => !names.team_ids().iter().any(|id| id == value),
        "model" => !models(app).iter().any(|model| model.starts_with(value)),
        _ => false,
    };
    let unknown = (query.set())
        .filter(|set| is_empty && is_unknown(set))
        .map(|(name, value)| filled(t.no_such_name, [label(name), &format!("{value:?}")]));
    left_out.chain(unknown).collect()
}

fn set(query: &LogQuery, period: &PagePeriod) -> Vec<(String, String)> {
    let is_left_out = |name: &str| query.left_out().any(|(other, _)| other == name);
    let set = query.set().filter(|(name, _)| !is_left_out(name));
    let set = set.map(|(name, value)| {
        let shown = match name {
            "failure" => FailureCause::named(value)
                .map_or_else(|| value.to_owned(), |cause| names::cause(cause).to_owned()),
            "client" => names::client(value),
            "unnamed" => nobody(value).to_owned(),
            "status" => match value {
                "success" => texts().logs.success.to_owned(),
                "failure" => texts().logs.failure.to_owned(),
                _ => texts().logs.lost.to_owned(),
            },
            "key" if value.len() == 64 => format!("{}…", value.get(..12).unwrap_or(value)),
            _ => value.to_owned(),
        };
        let mut rest = url::form_urlencoded::Serializer::new(period.query());
        rest.extend_pairs(query.set().filter(|(other, _)| *other != name));
        (
            format!("{}: {shown}", label(name)),
            format!("{LIST}?{}", rest.finish()),
        )
    });
    set.collect()
}

fn label(name: &str) -> &'static str {
    let (t, u) = (&texts().logs, &texts().usage);
    match name {
        "status" => t.status,
        "failure" => u.why,
        "model" => u.model,
        "key" => u.key,
        "user" => u.user,
        "team" => u.team,
        "client" => u.client,
        "session" => t.session,
        "tag" => u.tag,
        "min_seconds" => t.min_seconds,
        "text" => t.text,
        "unnamed" => t.unnamed,
        _ => u.customer,
    }
}

/// That a request does not name what is called so.
fn nobody(filter: &str) -> &'static str {
    let u = &texts().usage;
    match filter {
        "user" => u.no_user,
        "team" => u.no_team,
        _ => u.no_customer,
    }
}

fn fields(app: &AppState, query: &LogQuery, names: &Names) -> Vec<FilterField> {
    let t = &texts().logs;
    let fields = query.filters().map(|(name, value)| {
        let choice = |other: &str, text: &str| (other.to_owned(), text.to_owned(), other == value);
        let any = choice("", t.any);
        let choices = match name {
            "status" => vec![
                any,
                choice("success", t.success),
                choice("failure", t.failure),
                choice("lost", t.lost),
            ],
            "failure" => {
                let causes = FailureCause::ALL.into_iter();
                let causes = causes.map(|cause| choice(cause.as_str(), names::cause(cause)));
                std::iter::once(any).chain(causes).collect()
            }
            "client" => {
                let clients = ClientApp::ALL.into_iter();
                let clients =
                    clients.map(|client| choice(client.as_str(), &names::client(client.as_str())));
                std::iter::once(any).chain(clients).collect()
            }
            "unnamed" => {
                let all = Unnamed::ALL.map(word_of).into_iter();
                let all = all.map(|word| choice(word, nobody(word)));
                std::iter::once(any).chain(all).collect()
            }
            _ => Vec::new(),
        };
        let mut suggestions = match name {
            "model" => models(app),
            "key" => names.keys().values().cloned().collect(),
            "team" => names.team_ids(),
            _ => Vec::new(),
        };
        suggestions.sort();
        suggestions.dedup();
        suggestions.truncate(MOST_SUGGESTED);
        FilterField {
            name,
            label: label(name),
            hint: match name {
                "key" => t.key_hint,
                "model" => t.model_hint,
                "text" => t.text_hint,
                _ => "",
            },
            value: value.to_owned(),
            choices,
            suggestions,
        }
    });
    fields.into()
}

/// What a model may be called.
fn models(app: &AppState) -> Vec<String> {
    let groups = app.config.groups().iter();
    let groups = groups.filter(|group| !group.is_pattern());
    groups
        .flat_map(|group| {
            let ids = group
                .deployments
                .iter()
                .map(|deployment| deployment.model_id.clone());
            std::iter::once(group.name.clone()).chain(ids)
        })
        .collect()
}

/// How many requests there were on each day, those that failed apart.
fn chart(query: &LogQuery, period: &PagePeriod, totals: &[DayTotal], only: &Only) -> Chart {
    let (t, u) = (&texts().logs, &texts().usage);
    let columns = period.days().map(|day| {
        let mut sum = Counters::default();
        let of_day = rows(totals, only).filter(|row| row.day == day);
        of_day.for_each(|row| sum += row.counters);
        let well = match &*query.status {
            "failure" => 0,
            _ => sum.requests.saturating_sub(sum.failures),
        };
        let failed = if query.status == "success" {
            0
        } else {
            sum.failures
        };
        let day_alone = PagePeriod {
            first: day,
            last: day,
            name: Name::Days,
        };
        Column {
            label: day.strftime("%m-%d").to_string(),
            values: vec![Some(Decimal::from(well)), Some(Decimal::from(failed))],
            title: format!(
                "{day}: {}: {well}, {}: {failed}",
                u.answered, u.column_failed
            ),
            address: format!("{LIST}?{}", query.query(&day_alone, None)),
        }
    });
    let series = vec![
        Series::new(u.answered, "s0"),
        Series::new(u.column_failed, "bad"),
    ];
    Chart::bars(t.by_day, series, columns.collect(), Decimal::ONE, short)
}

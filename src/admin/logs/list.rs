//! The list of requests, with its filters.

use askama::Template;

use super::super::layout::{Layout, NavPage};
use super::super::numbers::Moment;
use super::super::period::{Name, Period};
use super::super::session::Session;
use super::super::texts::texts;
use super::LIST;
use super::query::LogQuery;
use super::row::LogRow;
use crate::spend::Found;

#[derive(Template)]
#[template(path = "logs.html", config = "src/admin/askama.toml")]
pub(super) struct LogsPage {
    layout: Layout,
    /// What is wrong with the id that was looked for.
    problem: Option<&'static str>,
    id: String,
    periods: Vec<FilterChoice>,
    first: String,
    last: String,
    is_filtered: bool,
    statuses: Vec<FilterChoice>,
    filters: Vec<Field>,
    rows: Vec<LogRow>,
    refresh: String,
    newest: Option<String>,
    older: Option<String>,
    clear: String,
    searched_to: Moment,
}

struct FilterChoice {
    value: String,
    name: &'static str,
    is_current: bool,
}

struct Field {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    value: String,
}

impl LogsPage {
    pub(super) fn new(
        session: &Session,
        asked: &LogQuery,
        period: &Period,
        found: &Found,
        problem: Option<&'static str>,
    ) -> Self {
        let t = &texts().logs;
        let of = &texts().usage;
        let at = |query: String| format!("{LIST}?{query}");
        let names = [of.today, of.week, of.days30, of.month];
        let periods = Name::ALL.into_iter().zip(names).map(|(name, text)| {
            let other = Period { name, ..*period };
            FilterChoice {
                value: at(asked.query(&other, None)),
                name: text,
                is_current: name == period.name,
            }
        });
        let statuses = [
            ("", t.any),
            ("success", t.success),
            ("failure", t.failure),
            ("lost", t.lost),
        ];
        let statuses = statuses.into_iter().map(|(value, name)| FilterChoice {
            value: value.to_owned(),
            name,
            is_current: value == asked.status,
        });
        let labels = [t.model, t.key, t.user, t.end_user, t.session, t.tag];
        let filters = asked.filters().into_iter().zip(labels);
        let filters = filters.map(|((name, value), label)| Field {
            name,
            label,
            hint: if name == "key" { t.key_hint } else { "" },
            value: value.to_owned(),
        });
        let refresh = at(asked.query(period, None));
        Self {
            layout: Layout::of(NavPage::Logs, session),
            problem,
            id: asked.id.clone(),
            periods: periods.collect(),
            first: period.first.to_string(),
            last: period.last.to_string(),
            is_filtered: asked.is_filtered(),
            statuses: statuses.collect(),
            filters: filters.collect(),
            rows: found
                .records
                .iter()
                .map(|record| LogRow::new(record, record.spend_known()))
                .collect(),
            newest: asked.is_later().then(|| refresh.clone()),
            refresh,
            older: found
                .next
                .as_ref()
                .map(|next| at(asked.query(period, Some(next)))),
            clear: at(period.query()),
            searched_to: found.searched_until.into(),
        }
    }
}

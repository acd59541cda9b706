//! One agent's session: its requests in order, and what they have cost together.

use askama::Template;
use rust_decimal::Decimal;

use super::super::layout::{Layout, NavPage};
use super::super::numbers::{Moment, count, dollars, percent, tokens};
use super::super::session::Session;
use super::super::texts::texts;
use super::query::LogQuery;
use super::row::{LogRow, of_session};
use crate::conversation::Usage;
use crate::spend::{Found, Status};

#[derive(Template)]
#[template(path = "session.html", config = "src/admin/askama.toml")]
pub(super) struct SessionPage {
    layout: Layout,
    session: String,
    cards: Vec<(&'static str, String, String)>,
    began: Option<Moment>,
    ended: Option<Moment>,
    rows: Vec<LogRow>,
    /// Requests before these: more than one page has room for.
    earlier: Option<String>,
    newest: Option<String>,
}

impl SessionPage {
    pub(super) fn new(session: &Session, asked: &LogQuery, found: &Found) -> Self {
        let mut sum = Decimal::ZERO;
        let records = || found.records.iter().rev();
        let rows: Vec<LogRow> = records()
            .map(|record| {
                sum += record.spend_known();
                LogRow::new(record, sum)
            })
            .collect();
        let used: Vec<Usage> = records().map(|record| record.usage()).collect();
        let all = |tokens: fn(&Usage) -> u64| used.iter().map(tokens).fold(0, u64::saturating_add);
        let prompt = all(Usage::prompt);
        let read = all(|usage| usage.cache_read);
        let failed = records().filter(|record| record.status != Status::Success);
        let (t, of) = (&texts().logs, &texts().usage);
        let requests = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        let failed = u64::try_from(failed.count()).unwrap_or(u64::MAX);
        let rate = percent(read, prompt).unwrap_or_else(|| of.none.to_owned());
        let newest = of_session(&asked.session);
        Self {
            layout: Layout::of(NavPage::Logs, session),
            session: asked.session.clone(),
            cards: vec![
                (t.spent, dollars(sum), String::new()),
                (
                    t.requests,
                    count(requests),
                    format!("{} {}", count(failed), t.failed),
                ),
                (of.tokens_in, tokens(prompt), String::new()),
                (
                    of.tokens_out,
                    tokens(all(|usage| usage.output)),
                    String::new(),
                ),
                (of.hit_rate, rate, format!("{} {}", tokens(read), of.read)),
            ],
            began: records().next().map(|record| record.start.into()),
            ended: records().next_back().map(|record| record.start.into()),
            rows,
            earlier: found.next.map(|next| format!("{newest}&after={next}")),
            newest: asked.is_later().then_some(newest),
        }
    }
}

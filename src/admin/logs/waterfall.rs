//! The attempts of a request on its time: when each began, how long it took, and the pauses between them.

use std::time::Duration;

use rust_decimal::Decimal;

use super::super::names;
use super::super::numbers::{count, dollars, seconds};
use super::super::texts::{filled, texts};
use super::row::since;
use crate::spend::{Attempt, Cost, Record};

/// Shorter gaps are the gateway's own work.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);

/// An attempt, or the pause before one.
pub(super) struct WaterfallRow {
    /// Where it lies on the request's time, in percent of it; `None`: a record of version 0.1 does not say it.
    pub(super) place: Option<(Decimal, Decimal)>,
    /// Where the first token came, in the same way.
    pub(super) first_token: Option<Decimal>,
    pub(super) time: String,
    /// `None`: it is a pause.
    pub(super) attempt: Option<AttemptView>,
}

/// An attempt.
pub(super) struct AttemptView {
    pub(super) tone: &'static str,
    pub(super) outcome: String,
    /// The gateway's own word for it.
    pub(super) class: String,
    pub(super) group: String,
    pub(super) model: String,
    pub(super) region: String,
    /// Where there may be more than one.
    pub(super) calls: Option<String>,
    pub(super) bytes: String,
    pub(super) tokens: String,
    pub(super) cost: String,
}

/// The rows of a request.
pub(super) fn waterfall(record: &Record) -> Vec<WaterfallRow> {
    let whole = since(record.start, record.end);
    let percent = |time: Duration| {
        let share = Decimal::from(time.as_millis()).checked_div(Decimal::from(whole.as_millis()));
        let percent = share.unwrap_or_default() * Decimal::ONE_HUNDRED;
        percent.round_dp(1).normalize().min(Decimal::ONE_HUNDRED)
    };
    let mut rows = Vec::new();
    let mut end = Duration::ZERO;
    let last = record.attempts.len().saturating_sub(1);
    for (place, attempt) in record.attempts.iter().enumerate() {
        let took = Duration::from_millis(attempt.ms);
        let begins = attempt.began.map(|began| since(record.start, began));
        if let Some(begins) = begins {
            let pause = begins.saturating_sub(end);
            if place > 0 && pause >= SHORTEST_PAUSE {
                rows.push(WaterfallRow {
                    place: Some((percent(end), percent(pause))),
                    first_token: None,
                    time: seconds(pause),
                    attempt: None,
                });
            }
            end = begins + took;
        }
        let first = record
            .first_token
            .filter(|_| place == last && begins.is_some());
        rows.push(WaterfallRow {
            place: begins.map(|begins| (percent(begins), percent(took))),
            first_token: first.map(|at| percent(since(record.start, at))),
            time: seconds(took),
            attempt: Some(AttemptView::from(attempt)),
        });
    }
    rows
}

impl From<&Attempt> for AttemptView {
    fn from(attempt: &Attempt) -> Self {
        let none = || texts().logs.none.to_owned();
        let word = names::outcome(&attempt.outcome);
        let status = attempt.status.map(|status| format!(" {status}"));
        let cost = |cost: Cost| dollars(cost.total);
        Self {
            tone: match &*attempt.outcome {
                "ok" => "good",
                _ if attempt.was_called() => "bad",
                _ => "",
            },
            outcome: format!("{word}{}", status.unwrap_or_default()),
            class: attempt.outcome.clone(),
            group: attempt.group.clone(),
            model: attempt.model.clone(),
            region: attempt.region.clone(),
            calls: (attempt.calls > 1).then(|| count(attempt.calls.into())),
            bytes: count(attempt.bytes),
            tokens: attempt.usage.map_or_else(none, |usage| {
                let (prompt, output) = (count(usage.prompt()), count(usage.output));
                filled(texts().log.tokens_in_out, [&prompt, &output])
            }),
            cost: match attempt.cost {
                None if attempt.is_unpriced() => texts().logs.not_priced.to_owned(),
                known => known.map_or_else(none, cost),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::spend::{RecordCaller, RequestId};

    #[test]
    fn attempts_lie_on_the_time_of_their_request_with_the_pauses_between_them() {
        let start: Timestamp = "2026-03-03T00:00:00Z".parse().unwrap();
        let at = |ms: i64| start + SignedDuration::from_millis(ms);
        let mut record = Record::new(RequestId::new(start), "m", RecordCaller::default());
        record.end = at(10_000);
        record.first_token = Some(at(6_000));
        let attempt = |began, ms, outcome: &str| Attempt {
            began: Some(at(began)),
            ms,
            outcome: outcome.to_owned(),
            ..Attempt::default()
        };
        record.attempts = vec![
            attempt(0, 1_000, "throttled"),
            attempt(3_000, 1_000, "cut"),
            attempt(4_010, 5_990, "ok"),
        ];
        let rows = waterfall(&record);
        let places: Vec<_> = rows
            .iter()
            .map(|row| (row.place.unwrap(), row.attempt.is_some()))
            .collect();
        let place = |from: &str, width: &str| (from.parse().unwrap(), width.parse().unwrap());
        assert_eq!(
            places,
            [
                (place("0", "10"), true),
                (place("10", "20"), false),
                (place("30", "10"), true),
                (place("40.1", "59.9"), true),
            ]
        );
        assert_eq!(rows[1].time, "2.00 s");
        assert_eq!(rows[3].first_token, Some(Decimal::from(60)));

        record
            .attempts
            .iter_mut()
            .for_each(|attempt| attempt.began = None);
        assert!(
            waterfall(&record)
                .iter()
                .all(|row| row.place.is_none() && row.attempt.is_some())
        );
    }
}

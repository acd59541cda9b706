//! The filters of the logs, as the query of their address has them.

use std::collections::HashMap;
use std::time::Duration;

use http::StatusCode;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use url::form_urlencoded;

use super::super::error::PageError;
use super::super::period::{PagePeriod, PeriodQuery};
use super::super::texts::texts;
use crate::spend::report::{Only, Split};
use crate::spend::{Cursor, FailureCause, RecordFilter, Status, Unnamed};
use crate::wire::ClientApp;

/// The query of the pages. Empty fields ask nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LogQuery {
    pub(super) wanted: PeriodQuery,
    pub(super) id: String,
    pub(super) status: String,
    /// Why a request failed.
    pub(super) failure: String,
    /// How long it took, in seconds at least.
    pub(super) min_seconds: String,
    pub(super) model: String,
    pub(super) key: String,
    pub(super) user: String,
    pub(super) team: String,
    pub(super) end_user: String,
    pub(super) session: String,
    pub(super) client: String,
    pub(super) tag: String,
    /// What a request does not name.
    pub(super) unnamed: String,
    /// What stands in the stored prompt or reply.
    pub(super) text: String,
    after: String,
}

impl LogQuery {
    pub(super) fn read(query: &str) -> Self {
        let mut asked = Self {
            wanted: PeriodQuery::read(query),
            ..Self::default()
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let field = match &*name {
                "id" => &mut asked.id,
                "status" => &mut asked.status,
                "failure" => &mut asked.failure,
                "min_seconds" => &mut asked.min_seconds,
                "model" => &mut asked.model,
                "key" => &mut asked.key,
                "user" => &mut asked.user,
                "team" => &mut asked.team,
                "end_user" => &mut asked.end_user,
                "session" => &mut asked.session,
                "client" => &mut asked.client,
                "tag" => &mut asked.tag,
                "unnamed" => &mut asked.unnamed,
                "text" => &mut asked.text,
                "after" => &mut asked.after,
                _ => continue,
            };
            value.trim().clone_into(field);
        }
        asked
    }

    /// The filters by their names in the address.
    pub(super) fn filters(&self) -> [(&'static str, &str); 13] {
        [
            ("status", &self.status),
            ("failure", &self.failure),
            ("model", &self.model),
            ("key", &self.key),
            ("user", &self.user),
            ("team", &self.team),
            ("client", &self.client),
            ("session", &self.session),
            ("tag", &self.tag),
            ("end_user", &self.end_user),
            ("unnamed", &self.unnamed),
            ("min_seconds", &self.min_seconds),
            ("text", &self.text),
        ]
    }

    /// Those that ask something.
    pub(super) fn set(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.filters()
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
    }

    /// The filters whose values are none, each with its value: they ask nothing.
    pub(super) fn left_out(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.set().filter(|(name, value)| match *name {
            "status" => status(value).is_none(),
            "failure" => FailureCause::named(value).is_none(),
            "unnamed" => unnamed(value).is_none(),
            "client" => !ClientApp::ALL
                .iter()
                .any(|client| client.as_str() == *value),
            "min_seconds" => duration(value).is_none(),
            _ => false,
        })
    }

    /// Whether anything but a period is asked.
    pub(super) fn is_filtered(&self) -> bool {
        self.set().next().is_some()
    }

    /// The same question about a period, from its newest request on or from where a page ended.
    pub(super) fn query(&self, period: &PagePeriod, after: Option<&Cursor>) -> String {
        let mut query = form_urlencoded::Serializer::new(period.query());
        query.extend_pairs(self.set());
        if let Some(after) = after {
            query.append_pair("after", &after.to_string());
        }
        query.finish()
    }

    /// Where the page begins.
    pub(super) fn cursor(&self) -> Result<Option<Cursor>, PageError> {
        if self.after.is_empty() {
            return Ok(None);
        }
        let wrong = |_| PageError::new(StatusCode::BAD_REQUEST, texts().logs.wrong_cursor);
        self.after.parse().map(Some).map_err(wrong)
    }

    /// Whether this is not the first page.
    pub(super) fn is_later(&self) -> bool {
        !self.after.is_empty()
    }

    /// What must hold of the requests. A key is meant by its hash, by the one label that `labels` has for it, or by the
    /// name that its requests were recorded under; a model by the beginning of a name.
    pub(super) fn filter(&self, labels: &HashMap<String, String>) -> RecordFilter {
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        let mut filter = RecordFilter {
            session: given(&self.session),
            status: status(&self.status),
            cause: FailureCause::named(&self.failure),
            min_duration: duration(&self.min_seconds),
            model_begins: given(&self.model),
            user: given(&self.user),
            team: given(&self.team),
            end_user: given(&self.end_user),
            client_app: given(&self.client)
                .filter(|_| !self.left_out().any(|(name, _)| name == "client")),
            tag: given(&self.tag),
            unnamed: unnamed(&self.unnamed),
            ..RecordFilter::default()
        };
        let is_hash = self.key.len() == 64 && self.key.bytes().all(|b| b.is_ascii_hexdigit());
        let mut called = labels.iter().filter(|(_, label)| **label == self.key);
        match (called.next(), called.next()) {
            _ if is_hash => filter.key_hash = Some(self.key.to_ascii_lowercase()),
            (Some((hash, _)), None) => filter.key_hash = Some(hash.clone()),
            _ => filter.key_alias = given(&self.key),
        }
        filter
    }

    /// The counters of these requests; `None`: they are not counted by all that is asked.
    pub(super) fn counted(&self, labels: &HashMap<String, String>) -> Option<Only> {
        let filter = self.filter(labels);
        let is_counted = self.set().all(|(name, value)| match name {
            "status" => value != "lost",
            name => matches!(name, "key" | "user" | "team" | "client" | "end_user"),
        });
        let names = [
            (Split::User, &filter.user),
            (Split::Team, &filter.team),
            (Split::Client, &filter.client_app),
            (Split::Customer, &filter.end_user),
        ];
        let named = names
            .into_iter()
            .filter_map(|(split, name)| Some((split, vec![name.clone()?])));
        (is_counted && filter.key_alias.is_none()).then(|| Only {
            key_hash: filter.key_hash.clone(),
            named: named.collect(),
            ..Only::default()
        })
    }
}

/// By its name in the address.
fn status(text: &str) -> Option<Status> {
    match text {
        "success" => Some(Status::Success),
        "failure" => Some(Status::Failure),
        "lost" => Some(Status::Lost),
        _ => None,
    }
}

/// By the name of its filter.
fn unnamed(filter: &str) -> Option<Unnamed> {
    let mut all = Unnamed::ALL.into_iter();
    all.find(|unnamed| word_of(*unnamed) == filter)
}

/// The name of the filter for what is not named.
pub(super) fn word_of(unnamed: Unnamed) -> &'static str {
    match unnamed {
        Unnamed::User => "user",
        Unnamed::Team => "team",
        Unnamed::EndUser => "end_user",
    }
}

fn duration(seconds: &str) -> Option<Duration> {
    let seconds: Decimal = seconds.parse().ok()?;
    let milliseconds = seconds.checked_mul(Decimal::ONE_THOUSAND)?.to_u64()?;
    Some(Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_survives_its_address() {
        let asked = LogQuery::read(
            "status=failure&failure=budget&model=a%26b&tag=+x+y+&period=7&nonsense=1&min_seconds=1.5",
        );
        let today = "2026-03-03".parse().unwrap();
        let period = PagePeriod::of(&asked.wanted, today).unwrap();
        let query = asked.query(&period, None);
        assert_eq!(
            query,
            "period=7&status=failure&failure=budget&model=a%26b&tag=x+y&min_seconds=1.5"
        );
        assert_eq!(LogQuery::read(&query), asked);
        assert!(asked.is_filtered() && !asked.is_later());
        let filter = asked.filter(&HashMap::new());
        assert_eq!(filter.status, Some(Status::Failure));
        assert_eq!(filter.cause, Some(FailureCause::Budget));
        assert_eq!(filter.model_begins.as_deref(), Some("a&b"));
        assert_eq!(filter.min_duration, Some(Duration::from_millis(1_500)));
        assert!(LogQuery::read("after=nonsense").cursor().is_err());
        let wrong =
            LogQuery::read("status=foo&failure=x&client=y&unnamed=z&min_seconds=1,5&user=anybody");
        let left_out: Vec<_> = wrong.left_out().map(|(name, _)| name).collect();
        assert_eq!(
            left_out,
            ["status", "failure", "client", "unnamed", "min_seconds"]
        );
        let filter = wrong.filter(&HashMap::new());
        assert_eq!((filter.status, filter.client_app), (None, None));
        assert_eq!(
            LogQuery::read("min_seconds=-1")
                .filter(&HashMap::new())
                .min_duration,
            None
        );
    }

    #[test]
    fn a_key_is_meant_by_its_hash_where_that_is_known() {
        let hash = "ab".repeat(32);
        let labels = [("1", "one"), ("2", "two"), ("3", "two")];
        let labels = labels.map(|(hash, label)| (hash.to_owned(), label.to_owned()));
        let labels = HashMap::from(labels);
        for (key, by_hash, by_alias) in [
            (&*hash, Some(&*hash), None),
            ("one", Some("1"), None),
            ("two", None, Some("two")),
            ("other", None, Some("other")),
            ("", None, None),
        ] {
            let asked = LogQuery::read(&format!("key={key}"));
            let filter = asked.filter(&labels);
            assert_eq!(filter.key_hash.as_deref(), by_hash, "{key}");
            assert_eq!(filter.key_alias.as_deref(), by_alias, "{key}");
            let counted = asked.counted(&labels);
            assert_eq!(counted.is_some(), by_alias.is_none(), "{key}");
        }
        assert_eq!(LogQuery::read("model=a").counted(&labels), None);
    }
}

//! What the logs are asked, in the query of their address.

use std::collections::HashMap;

use http::StatusCode;
use url::form_urlencoded;

use super::super::error::PageError;
use super::super::period::{Period, PeriodQuery};
use super::super::texts::texts;
use crate::spend::{Cursor, Filter, Status};

/// The query of the pages. Empty fields ask nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LogQuery {
    pub(super) wanted: PeriodQuery,
    pub(super) id: String,
    pub(super) status: String,
    pub(super) model: String,
    pub(super) key: String,
    pub(super) user: String,
    pub(super) end_user: String,
    pub(super) session: String,
    pub(super) tag: String,
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
                "model" => &mut asked.model,
                "key" => &mut asked.key,
                "user" => &mut asked.user,
                "end_user" => &mut asked.end_user,
                "session" => &mut asked.session,
                "tag" => &mut asked.tag,
                "after" => &mut asked.after,
                _ => continue,
            };
            value.trim().clone_into(field);
        }
        asked
    }

    /// The filters by their names in the address, without the status.
    pub(super) fn filters(&self) -> [(&'static str, &str); 6] {
        [
            ("model", &self.model),
            ("key", &self.key),
            ("user", &self.user),
            ("end_user", &self.end_user),
            ("session", &self.session),
            ("tag", &self.tag),
        ]
    }

    /// Whether anything but a period is asked.
    pub(super) fn is_filtered(&self) -> bool {
        !self.status.is_empty() || self.filters().iter().any(|(_, value)| !value.is_empty())
    }

    /// The same question about a period, from its newest request on or from where a page ended.
    pub(super) fn query(&self, period: &Period, after: Option<&Cursor>) -> String {
        let mut query = form_urlencoded::Serializer::new(period.query());
        let status = [("status", &*self.status)];
        for (name, value) in status.into_iter().chain(self.filters()) {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
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
    /// name that its requests were recorded under.
    pub(super) fn filter(&self, labels: &HashMap<String, String>) -> Filter {
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        let mut filter = Filter {
            session: given(&self.session),
            status: status(&self.status),
            model: given(&self.model),
            user: given(&self.user),
            end_user: given(&self.end_user),
            tag: given(&self.tag),
            ..Filter::default()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_survives_its_address() {
        let asked = LogQuery::read("status=failure&model=a%26b&tag=+x+y+&period=7&nonsense=1");
        let today = "2026-03-03".parse().unwrap();
        let period = Period::of(&asked.wanted, today).unwrap();
        let query = asked.query(&period, None);
        assert_eq!(query, "period=7&status=failure&model=a%26b&tag=x+y");
        assert_eq!(LogQuery::read(&query), asked);
        assert!(asked.is_filtered() && !asked.is_later());
        let filter = asked.filter(&HashMap::new());
        assert_eq!(filter.status, Some(Status::Failure));
        assert_eq!(filter.model.as_deref(), Some("a&b"));
        assert!(LogQuery::read("after=nonsense").cursor().is_err());
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
            let filter = LogQuery::read(&format!("key={key}")).filter(&labels);
            assert_eq!(filter.key_hash.as_deref(), by_hash, "{key}");
            assert_eq!(filter.key_alias.as_deref(), by_alias, "{key}");
        }
    }
}

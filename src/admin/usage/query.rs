//! What the usage page is asked: a period, by what it is split, and which requests it is about. All of it stands in the
//! address, so that it can be kept and linked.

use std::collections::HashMap;

use url::form_urlencoded;

use super::super::period::{PagePeriod, PeriodQuery};
use super::By;
use crate::spend::report::{Only, Split};

/// The query of the page. Empty fields ask nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct UsageQuery {
    pub(super) wanted: PeriodQuery,
    /// By what the totals are split.
    pub(super) split: By,
    /// Beside the period before.
    pub(super) compare: bool,
    /// The days as a table instead of charts: both in one page would be long to load.
    pub(super) table: bool,
    /// How many rows come before those of this page; of a page after the first, charts and times are left out.
    pub(super) rows_before: usize,
    pub(super) model: String,
    pub(super) key: String,
    pub(super) user: String,
    pub(super) team: String,
    pub(super) client: String,
    pub(super) end_user: String,
    pub(super) tag: String,
}

impl UsageQuery {
    pub(super) fn read(query: &str) -> Self {
        let mut asked = Self {
            wanted: PeriodQuery::read(query),
            ..Self::default()
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let value = value.trim();
            match &*name {
                "split" => asked.split = By::split(value).unwrap_or_default(),
                "compare" => asked.compare = !value.is_empty(),
                "table" => asked.table = !value.is_empty(),
                "after" => asked.rows_before = value.parse().unwrap_or_default(),
                name => {
                    if let Some(field) = asked.field(name) {
                        value.clone_into(field);
                    }
                }
            }
        }
        asked
    }

    fn field(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "model" => &mut self.model,
            "key" => &mut self.key,
            "user" => &mut self.user,
            "team" => &mut self.team,
            "client" => &mut self.client,
            "end_user" => &mut self.end_user,
            "tag" => &mut self.tag,
            _ => return None,
        })
    }

    /// The filters by their names in the address, here and in the logs.
    pub(super) fn filters(&self) -> [(&'static str, &String); 7] {
        [
            ("model", &self.model),
            ("key", &self.key),
            ("user", &self.user),
            ("team", &self.team),
            ("client", &self.client),
            ("end_user", &self.end_user),
            ("tag", &self.tag),
        ]
    }

    /// Those that ask something.
    pub(super) fn set(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let filters = self.filters().into_iter();
        filters.filter(|(_, value)| !value.is_empty())
    }

    /// Whether a tag stands beside something that it is not counted with: requests are counted by model, key, team,
    /// user, customer and program together, and by tag alone.
    pub(super) fn is_not_counted(&self) -> bool {
        let others = self.set().filter(|(name, _)| *name != "tag").count();
        match (self.tag.is_empty(), self.split) {
            (true, By::Tag) => others > 0,
            (true, _) => false,
            (false, By::Tag) => others > 0,
            (false, _) => true,
        }
    }

    /// Whether there are totals of what all its filters admit.
    pub(super) fn has_totals(&self) -> bool {
        self.tag.is_empty() || self.set().all(|(name, _)| name == "tag")
    }

    /// Which counters it is about. A key is meant by its hash, or by its label.
    pub(super) fn only(&self, labels: &HashMap<String, String>) -> Only {
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        let names = [
            (Split::User, &self.user),
            (Split::Team, &self.team),
            (Split::Client, &self.client),
            (Split::Customer, &self.end_user),
        ];
        let named = names.into_iter().filter(|(_, name)| !name.is_empty());
        let by_label = labels.iter().find(|(_, label)| **label == self.key);
        Only {
            key_hash: by_label.map(|(hash, _)| hash.clone()).or(given(&self.key)),
            model: given(&self.model),
            named: named
                .map(|(split, name)| (split, vec![name.clone()]))
                .collect(),
            not_named: Vec::new(),
        }
    }

    /// All but the period, as pairs.
    pub(super) fn others(&self) -> Vec<(&'static str, String)> {
        let mut others = vec![("split", self.split.as_str().to_owned())];
        if self.compare {
            others.push(("compare", "1".to_owned()));
        }
        if self.table {
            others.push(("table", "1".to_owned()));
        }
        if self.rows_before > 0 {
            others.push(("after", self.rows_before.to_string()));
        }
        others.extend(self.set().map(|(name, value)| (name, value.clone())));
        others
    }

    /// The address of this page.
    pub(super) fn address(&self, period: &PagePeriod) -> String {
        let mut query = form_urlencoded::Serializer::new(period.query());
        query.extend_pairs(self.others());
        format!("/ui/usage?{}", query.finish())
    }

    /// The address of the requests that it is about.
    pub(super) fn requests(&self, period: &PagePeriod, more: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(period.query());
        let set = self.set();
        let set = set.filter(|(name, _)| more.iter().all(|(other, _)| other != name));
        query.extend_pairs(set);
        query.extend_pairs(more);
        format!("/ui/logs?{}", query.finish())
    }

    /// The address of the sessions of these requests.
    pub(super) fn sessions(&self, period: &PagePeriod) -> String {
        let mut query = form_urlencoded::Serializer::new(period.query());
        let filters = [
            ("client", &self.client),
            ("user", &self.user),
            ("key", &self.key),
        ];
        query.extend_pairs(filters.iter().filter(|(_, value)| !value.is_empty()));
        format!("/ui/sessions?{}", query.finish())
    }

    /// Without one of its filters.
    pub(super) fn without(&self, name: &str) -> Self {
        let mut other = self.clone();
        if let Some(field) = other.field(name) {
            field.clear();
        }
        other
    }

    /// With one more.
    pub(super) fn narrowed(&self, name: &str, value: &str) -> Self {
        let mut other = self.clone();
        if let Some(field) = other.field(name) {
            value.clone_into(field);
        }
        other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_survives_its_address() {
        let asked = UsageQuery::read(
            "split=team&model=a%26b&user=+x+&period=7&compare=1&table=1&nonsense=2",
        );
        let period = PagePeriod::of(&asked.wanted, "2026-03-03".parse().unwrap()).unwrap();
        let address = asked.address(&period);
        assert_eq!(
            address,
            "/ui/usage?period=7&split=team&compare=1&table=1&model=a%26b&user=x"
        );
        let query = address.split_once('?').unwrap().1;
        assert_eq!(UsageQuery::read(query), asked);
        assert_eq!(asked.without("user").user, "");
        assert_eq!(
            asked.requests(&period, &[("user", "y"), ("status", "failure")]),
            "/ui/logs?period=7&model=a%26b&user=y&status=failure"
        );
    }

    #[test]
    fn a_tag_is_counted_alone() {
        for (query, is_not_counted) in [
            ("split=model&user=x&model=m", false),
            ("split=tag", false),
            ("split=tag&user=x", true),
            ("split=model&tag=a", true),
        ] {
            assert_eq!(
                UsageQuery::read(query).is_not_counted(),
                is_not_counted,
                "{query}"
            );
        }
        for (query, has_totals) in [
            ("user=maria", true),
            ("tag=job", true),
            ("tag=job&user=maria", false),
            ("split=tag&user=maria", true),
        ] {
            assert_eq!(UsageQuery::read(query).has_totals(), has_totals, "{query}");
        }
    }

    #[test]
    fn a_key_is_meant_by_its_label_or_its_hash() {
        let labels = HashMap::from([("h1".to_owned(), "laptop".to_owned())]);
        for (key, hash) in [("laptop", Some("h1")), ("h2", Some("h2")), ("", None)] {
            let only = UsageQuery::read(&format!("key={key}")).only(&labels);
            assert_eq!(only.key_hash.as_deref(), hash);
        }
    }
}

//! `GET /global/spend/report?group_by=team|user|customer|client`: day by day, what each name has spent.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::super::money::Dollars;
use super::super::totals::{Counters, DayTotal};
use super::{Only, Split, rows};

/// A day of the report, in LiteLLM's shape: `teams` with a `team_name` each, `customers` with a `customer` each, and in
/// the same way `users` and `clients`.
#[derive(Debug)]
pub struct NamedDay {
    day: Date,
    split: Split,
    rows: Vec<NamedSpend>,
}

#[derive(Debug)]
struct NamedSpend {
    split: Split,
    /// `None`: these requests were counted before they were told apart.
    name: Option<String>,
    /// What people call it, where that is something else.
    alias: Option<String>,
    total: Counters,
    details: Vec<NamedDetail>,
}

/// One model as used by one key.
#[derive(Debug, Serialize)]
struct NamedDetail {
    model: String,
    api_key: String,
    spend: Dollars,
    total_tokens: u64,
}

/// The days of a period, the oldest first, and in each the names, the largest spender first.
pub fn by_name(totals: &[DayTotal], split: Split, only: &Only) -> Vec<NamedDay> {
    type DetailCounters<'a> = BTreeMap<(&'a str, &'a str), Counters>;
    let mut days = BTreeMap::<Date, BTreeMap<Option<&str>, DetailCounters<'_>>>::new();
    for row in rows(totals, only) {
        let names = days.entry(row.day).or_default();
        let details = names.entry(row.name(split)).or_default();
        *details.entry((row.model, row.key_hash)).or_default() += row.counters;
    }
    let named = |(name, details): (Option<&str>, DetailCounters<'_>)| {
        let mut total = Counters::default();
        details.values().for_each(|counters| total += *counters);
        let details = details.into_iter();
        let details = details.map(|((model, api_key), counters)| NamedDetail {
            model: model.to_owned(),
            api_key: api_key.to_owned(),
            spend: Dollars(counters.spend),
            total_tokens: counters.total_tokens(),
        });
        NamedSpend {
            split,
            name: name.map(str::to_owned),
            alias: None,
            total,
            details: details.collect(),
        }
    };
    let days = days.into_iter().map(|(day, names)| {
        let mut rows: Vec<NamedSpend> = names.into_iter().map(named).collect();
        rows.sort_by_key(|row| Reverse(row.total.spend));
        NamedDay { day, split, rows }
    });
    days.collect()
}

impl NamedDay {
    /// The names of the day, without those of nobody.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.rows.iter().filter_map(|row| row.name.as_deref());
        names.filter(|name| !name.is_empty())
    }
}

/// Gives the names of a report their aliases, by name.
pub fn with_aliases(days: &mut [NamedDay], aliases: &BTreeMap<String, String>) {
    for row in days.iter_mut().flat_map(|day| &mut day.rows) {
        let alias = row.name.as_ref().and_then(|name| aliases.get(name));
        row.alias = alias.cloned();
    }
}

impl Serialize for NamedDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("group_by_day", &self.day)?;
        map.serialize_entry(&format!("{}s", self.split.as_str()), &self.rows)?;
        map.end()
    }
}

impl Serialize for NamedSpend {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let name = self.name.as_ref().filter(|name| !name.is_empty());
        let called = match self.split {
            Split::Team => "team_name",
            split => split.as_str(),
        };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(called, &self.alias.as_ref().or(name))?;
        if self.split == Split::Team {
            map.serialize_entry("team_id", &name)?;
        }
        if self.name.is_none() {
            map.serialize_entry("not_told_apart", &true)?;
        }
        map.serialize_entry("total_spend", &Dollars(self.total.spend))?;
        map.serialize_entry("requests", &self.total.requests)?;
        map.serialize_entry("metadata", &self.details)?;
        map.end()
    }
}

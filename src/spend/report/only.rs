//! Which counters a report is about.

use jiff::civil::Date;

use super::super::totals::{CountedBy, Counters, DayTotal, TotalOf};

/// By what requests are told apart beside model, key and tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// The team of the key.
    Team,
    /// The owner of the key.
    User,
    /// The end user that the request named.
    Customer,
    /// The program that asked.
    Client,
}

impl Split {
    /// All of them.
    pub const ALL: [Split; 4] = [Split::Team, Split::User, Split::Customer, Split::Client];

    /// As addresses and reports have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Split::Team => "team",
            Split::User => "user",
            Split::Customer => "customer",
            Split::Client => "client",
        }
    }

    /// The name in a row; empty: none.
    pub fn name(self, by: &CountedBy) -> &str {
        match self {
            Split::Team => &by.team,
            Split::User => &by.user,
            Split::Customer => &by.customer,
            Split::Client => &by.client,
        }
    }
}

/// Which counters a report is about. All of it must hold. A row that does not tell requests apart is in no report that
/// asks for some of them, and is not left out by one that excludes some.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Only {
    /// One key, by its SHA-256.
    pub key_hash: Option<String>,
    /// One model, by its Bedrock id.
    pub model: Option<String>,
    /// One of these names.
    pub named: Vec<(Split, Vec<String>)>,
    /// None of these names.
    pub not_named: Vec<(Split, Vec<String>)>,
}

impl Only {
    fn admits(&self, row: &ReportRow<'_>) -> bool {
        let is_one = |(split, names): &(Split, Vec<String>)| {
            let name = row.name(*split);
            name.is_some_and(|name| names.iter().any(|one| one == name))
        };
        (self.key_hash.as_deref()).is_none_or(|only| only == row.key_hash)
            && self.model.as_deref().is_none_or(|only| only == row.model)
            && self.named.iter().all(is_one)
            && !self.not_named.iter().any(is_one)
    }
}

/// A row of a single model and key.
#[derive(Debug, Clone, Copy)]
pub struct ReportRow<'a> {
    /// The UTC day on which its requests began.
    pub day: Date,
    /// The Bedrock model id; empty for requests that matched no configured model.
    pub model: &'a str,
    /// The SHA-256 of the key, in hex.
    pub key_hash: &'a str,
    /// `None`: the row is older than that.
    pub by: Option<&'a CountedBy>,
    /// How much.
    pub counters: Counters,
}

impl<'a> ReportRow<'a> {
    /// The name that its requests have in common, which may be empty; `None`: they are not told apart.
    pub fn name(&self, split: Split) -> Option<&'a str> {
        self.by.map(|by| split.name(by))
    }
}

/// The rows of single models and keys: each request is in them once.
pub fn rows<'a>(totals: &'a [DayTotal], only: &'a Only) -> impl Iterator<Item = ReportRow<'a>> {
    let rows = totals.iter().filter_map(|total| match &total.of {
        TotalOf::Model {
            model,
            key_hash,
            by,
        } => Some(ReportRow {
            day: total.day,
            model,
            key_hash,
            by: by.as_ref(),
            counters: total.counters,
        }),
        TotalOf::Tag(_) => None,
    });
    rows.filter(|row| only.admits(row))
}

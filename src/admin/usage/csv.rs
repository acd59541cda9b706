//! The totals of a period as a file for a spreadsheet. All lines of a file count one kind of thing, so that a column can
//! be added up.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;

use jiff::civil::Date;

use super::super::csv::field;
use super::aggregate::written;
use crate::spend::{Counters, DayTotal, TotalOf};

/// The same for every kind of file; what a kind does not tell apart is empty.
const HEAD: &str = "day,model,key_sha256,key_alias,tag,requests,failures,unpriced,spend_usd,cache_saving_usd,\
                    input_tokens,output_tokens,cache_read_tokens,cache_write_tokens\r\n";

/// What the lines of a file tell apart, beside the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    /// Nothing: a line is a day.
    Day,
    /// A line is a model on a day.
    Model,
    /// A line is a key on a day.
    Key,
    /// A line is a tag on a day. A request with several tags counts under each of them, one without under none.
    Tag,
}

impl By {
    pub(super) const ALL: [By; 4] = [By::Day, By::Model, By::Key, By::Tag];

    /// As the address says it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            By::Day => "day",
            By::Model => "model",
            By::Key => "key",
            By::Tag => "tag",
        }
    }

    /// The line that a total belongs to, within its day; `None`: to none of this file.
    fn line(self, of: &TotalOf) -> Option<&str> {
        match (self, of) {
            (By::Day, TotalOf::Model { .. }) => Some(""),
            (By::Model, TotalOf::Model { model, .. }) => Some(model),
            (By::Key, TotalOf::Model { key_hash, .. }) => Some(key_hash),
            (By::Tag, TotalOf::Tag(tag)) => Some(tag),
            (By::Tag, TotalOf::Model { .. }) | (_, TotalOf::Tag(_)) => None,
        }
    }
}

/// The file, as RFC 4180 has it: by day, and within a day by name. `aliases` are the keys', by their hashes.
pub(super) fn file(by: By, totals: &[DayTotal], aliases: &HashMap<String, String>) -> String {
    let mut lines: BTreeMap<(Date, &str), Counters> = BTreeMap::new();
    for DayTotal { day, of, counters } in totals {
        if let Some(name) = by.line(of) {
            *lines.entry((*day, name)).or_default() += *counters;
        }
    }
    let mut file = HEAD.to_owned();
    for ((day, name), counters) in lines {
        let (mut model, mut key, mut alias, mut tag) = ("", "", "", "");
        match by {
            By::Day => {}
            By::Model => model = name,
            By::Key => {
                key = name;
                alias = aliases.get(name).map_or("", String::as_str);
            }
            By::Tag => tag = name,
        }
        // Writing to a String never fails.
        let _ = write!(
            file,
            "{day},{},{},{},{},{},{},{},{},{},{},{},{},{}\r\n",
            field(model),
            field(key),
            field(alias),
            field(tag),
            counters.requests,
            counters.failures,
            counters.unpriced,
            counters.spend.normalize(),
            counters.cache_saving.normalize(),
            counters.input,
            counters.output,
            counters.cache_read,
            written(&counters),
        );
    }
    file
}

//! The totals of a period as a file for a spreadsheet. All lines of a file count one kind of thing, so that a column can
//! be added up.

use std::collections::BTreeMap;
use std::fmt::Write;

use jiff::civil::Date;

use super::super::csv::field;
use super::By;
use crate::spend::report::{Only, ReportRow, Split, rows};
use crate::spend::{Counters, DayTotal, TotalOf};

/// The same for every kind of file; what a kind does not tell apart is empty.
const HEAD: &str = "day,model,key_sha256,key_alias,tag,requests,failures,unpriced,spend_usd,cache_saving_usd,\
                    input_tokens,output_tokens,cache_read_tokens,cache_write_tokens,user,team,client,end_user,\
                    first_token_p50_ms,first_token_p95_ms,duration_p50_ms,duration_p95_ms\r\n";

/// Which lines a file has.
pub(super) struct Lines<'a> {
    pub(super) by: By,
    /// What is counted. A file by tag counts everything.
    pub(super) only: &'a Only,
    /// Of a file by tag, this one alone.
    pub(super) tag: Option<&'a String>,
    /// What a key is called, by its hash.
    pub(super) alias: &'a dyn Fn(&str) -> Option<String>,
}

impl Lines<'_> {
    /// The file, as RFC 4180 has it: by day, and within a day by name.
    pub(super) fn file(&self, totals: &[DayTotal]) -> String {
        let mut lines: BTreeMap<(Date, &str), Counters> = BTreeMap::new();
        if self.by == By::Tag {
            for DayTotal { day, of, counters } in totals {
                if let TotalOf::Tag(tag) = of
                    && self.tag.is_none_or(|only| only == tag)
                {
                    *lines.entry((*day, tag)).or_default() += *counters;
                }
            }
        } else {
            for row in rows(totals, self.only) {
                *lines.entry((row.day, self.name(&row))).or_default() += row.counters;
            }
        }
        let mut file = HEAD.to_owned();
        for ((day, name), counters) in lines {
            self.write(&mut file, day, name, &counters);
        }
        file
    }

    /// The name that a row's requests have in common.
    fn name<'r>(&self, row: &ReportRow<'r>) -> &'r str {
        match self.by {
            By::Day | By::Tag => "",
            By::Model => row.model,
            By::Key => row.key_hash,
            By::User => row.name(Split::User).unwrap_or_default(),
            By::Team => row.name(Split::Team).unwrap_or_default(),
            By::Client => row.name(Split::Client).unwrap_or_default(),
            By::Customer => row.name(Split::Customer).unwrap_or_default(),
        }
    }

    fn write(&self, file: &mut String, day: Date, name: &str, counters: &Counters) {
        let of = |by: By| {
            if self.by == by {
                field(name)
            } else {
                String::new()
            }
        };
        let alias = match self.by {
            By::Key => (self.alias)(name).unwrap_or_default(),
            _ => String::new(),
        };
        let cells = [
            day.to_string(),
            of(By::Model),
            of(By::Key),
            field(&alias),
            of(By::Tag),
            counters.requests.to_string(),
            counters.failures.to_string(),
            counters.unpriced.to_string(),
            counters.spend.normalize().to_string(),
            counters.cache_saving.normalize().to_string(),
            counters.input.to_string(),
            counters.output.to_string(),
            counters.cache_read.to_string(),
            counters.cache_write().to_string(),
            of(By::User),
            of(By::Team),
            of(By::Client),
            of(By::Customer),
            milliseconds(counters.first_token.percentile(50)),
            milliseconds(counters.first_token.percentile(95)),
            milliseconds(counters.duration.percentile(50)),
            milliseconds(counters.duration.percentile(95)),
        ];
        // Writing to a String never fails.
        let _ = write!(file, "{}\r\n", cells.join(","));
    }
}

fn milliseconds(measured: Option<u64>) -> String {
    measured.map(|ms| ms.to_string()).unwrap_or_default()
}

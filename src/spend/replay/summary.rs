//! What a replay found and did, for people.

use std::fmt;

use rust_decimal::Decimal;

use super::super::RequestId;
use super::super::record::{Record, Status};
use super::{Logs, ReplayOptions};

/// What a replay found and did.
#[derive(Debug, Default)]
pub struct Summary {
    /// Lines read.
    pub lines: u64,
    /// Different requests that the logs saw begin.
    pub opened: usize,
    /// Different records that the table had not taken in time.
    pub unrecorded: usize,
    /// Requests whose record was in the table before.
    pub recorded: usize,
    /// Records written as they were logged.
    pub written: usize,
    /// Lost requests written with an estimate.
    pub lost: usize,
    /// US dollars of both, as far as prices are known.
    pub spend: Decimal,
    /// Requests without a record that may still get theirs.
    pub too_young: Vec<RequestId>,
    /// Requests of a time whose records are not kept any more.
    pub expired: usize,
    /// `file:line` of what should be an entry and does not read as one.
    pub unreadable: Vec<String>,
    /// `file:line` of what has no signature and was passed over.
    pub unsigned: Vec<String>,
    /// `file:line` of what has a signature that no gateway of this table made.
    pub forged: Vec<String>,
    /// Requests of which an unsigned line says what cannot be.
    pub impossible: Vec<RequestId>,
    /// What could not be written.
    pub failed: Vec<Failed>,
    /// Nothing was written, only found out.
    pub dry_run: bool,
}

/// A record that could not be written, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The request.
    pub id: RequestId,
    /// What the table said.
    pub why: String,
}

/// The most examples of each kind that are shown.
const SHOWN: usize = 10;

impl Summary {
    pub(super) fn of(logs: &Logs, options: &ReplayOptions) -> Summary {
        Summary {
            lines: logs.lines,
            opened: logs.opened.len(),
            unrecorded: logs.unrecorded.len(),
            unreadable: logs.unreadable.clone(),
            unsigned: logs.unsigned.clone(),
            forged: logs.forged.clone(),
            dry_run: options.dry_run,
            ..Summary::default()
        }
    }

    pub(super) fn write(&mut self, record: &Record) {
        match record.status {
            Status::Lost => self.lost += 1,
            Status::Success | Status::Failure => self.written += 1,
        }
        self.spend += record.spend_known();
    }

    pub(super) fn fail(&mut self, id: RequestId, why: String) {
        self.failed.push(Failed { id, why });
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary {
            lines,
            opened,
            unrecorded,
            recorded,
            written,
            lost,
            spend,
            expired,
            ..
        } = self;
        writeln!(
            f,
            "found in {lines} lines: {opened} requests, {unrecorded} records that the table had not taken"
        )?;
        let verb = if self.dry_run {
            "would be written"
        } else {
            "written"
        };
        writeln!(
            f,
            "{verb}: {written} records, {lost} lost requests (their prompts estimated), together ${}",
            spend.normalize()
        )?;
        writeln!(f, "in the table already: {recorded}")?;
        if !self.too_young.is_empty() {
            let ids = self.too_young.iter().map(RequestId::to_string);
            let what = "too young to be lost, their records may still come";
            some(f, what, ids.collect())?;
        }
        if *expired > 0 {
            writeln!(
                f,
                "older than records are kept, so perhaps counted once already, and left alone: {expired}"
            )?;
        }
        if !self.unreadable.is_empty() {
            some(f, "unreadable", self.unreadable.clone())?;
        }
        if !self.unsigned.is_empty() {
            let what = "without a signature, and so passed over (as version 0.1 wrote them, and newer ones while their \
                        table did not answer; --accept-unsigned takes them: anything that can write into the log can \
                        forge such lines)";
            some(f, what, self.unsigned.clone())?;
        }
        if !self.forged.is_empty() {
            let what = "with a wrong signature, and so passed over (changed, or written by the gateway of another table)";
            some(f, what, self.forged.clone())?;
        }
        if !self.impossible.is_empty() {
            let ids = self.impossible.iter().map(RequestId::to_string);
            let what =
                "without a signature and with amounts that no request has, and so passed over";
            some(f, what, ids.collect())?;
        }
        if !self.failed.is_empty() {
            let failed = self
                .failed
                .iter()
                .map(|Failed { id, why }| format!("{id}: {why}"));
            some(f, "NOT WRITTEN, replay again", failed.collect())?;
        }
        Ok(())
    }
}

/// How many there are, and the first of them.
fn some(f: &mut fmt::Formatter<'_>, what: &str, all: Vec<String>) -> fmt::Result {
    writeln!(f, "{what}: {}", all.len())?;
    for one in all.iter().take(SHOWN) {
        writeln!(f, "  {one}")?;
    }
    if all.len() > SHOWN {
        writeln!(f, "  …")?;
    }
    Ok(())
}

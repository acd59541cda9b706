//! What an import found and did, for people. It names a key by its alias and the beginning of its hash.

use std::fmt;

use serde_json::{Map, Value};

use super::listed::{Balance, ListedKey, LostField};

/// What an import found and did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImportSummary {
    dry_run: bool,
    /// Keys of LiteLLM that are in none of the pages.
    absent: u64,
    /// Keys that were made, each with what it has spent.
    made: Vec<String>,
    /// Keys that were here before, or were deleted here.
    existing: Vec<String>,
    /// Keys that were not made, each with the reason.
    refused: Vec<String>,
    /// Fields that do nothing here.
    lost: Vec<LostKind>,
    /// Budgets whose window ends here at another time than in LiteLLM.
    windows: Vec<String>,
}

/// A field that does nothing here, and whose.
#[derive(Debug, Clone, PartialEq, Eq)]
struct LostKind {
    field: LostField,
    labels: Vec<String>,
}

/// What a key is called here: its alias, and the beginning of its hash.
pub(super) fn label(key: &Map<String, Value>, hash: &str) -> String {
    let begins = hash.get(..8).unwrap_or(hash);
    match key.get("key_alias").and_then(Value::as_str) {
        Some(alias) if !alias.is_empty() => format!("{} ({begins}…)", printable(alias)),
        _ => format!("{begins}…"),
    }
}

/// A text of the list without what a terminal would obey.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() {
            printable.extend(char.escape_unicode());
        } else {
            printable.push(char);
        }
    }
    printable
}

impl ImportSummary {
    pub(super) fn new(dry_run: bool, absent: u64) -> Self {
        Self {
            dry_run,
            absent,
            ..Self::default()
        }
    }

    /// Whether every key of LiteLLM's is here now, or would be.
    pub fn is_complete(&self) -> bool {
        self.refused.is_empty() && self.absent == 0
    }

    pub(super) fn made(&mut self, label: String, key: &ListedKey) {
        let settings = &key.imported.settings;
        let spent = key.imported.spent.normalize();
        let of = settings
            .max_budget
            .map(|max| format!(" of ${}", max.normalize()));
        let of = of.unwrap_or_default();
        match key.balance {
            Balance::Same => {}
            Balance::Over(end) => self.windows.push(format!(
                "{label}: LiteLLM's ended {end}, so the budget begins anew"
            )),
            Balance::Until { here, there } => self.windows.push(format!(
                "{label}: what is spent counts until {here}; in LiteLLM until {there}"
            )),
        }
        self.made.push(format!("{label}: ${spent}{of} spent"));
    }

    pub(super) fn exists(&mut self, label: String, deleted: bool) {
        let deleted = if deleted { ": deleted here" } else { "" };
        self.existing.push(format!("{label}{deleted}"));
    }

    pub(super) fn refuse(&mut self, label: String, why: String) {
        self.refused.push(format!("{label}: {}", printable(&why)));
    }

    pub(super) fn note_lost(&mut self, label: &str, fields: &[LostField]) {
        for field in fields {
            let mut kinds = self.lost.iter_mut();
            match kinds.find(|kind| kind.field == *field) {
                Some(kind) => kind.labels.push(label.to_owned()),
                None => self.lost.push(LostKind {
                    field: field.clone(),
                    labels: vec![label.to_owned()],
                }),
            }
        }
    }

    fn lost(&self, protects: bool) -> Vec<String> {
        let kinds = self
            .lost
            .iter()
            .filter(|kind| kind.field.protects == protects);
        let lines = kinds.map(|kind| {
            let LostField { name, what, .. } = &kind.field;
            format!("{}: {what}: {}", printable(name), kind.labels.join(", "))
        });
        lines.collect()
    }
}

impl fmt::Display for ImportSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let made = if self.dry_run {
            "would be made"
        } else {
            "made"
        };
        section(f, made, &self.made)?;
        section(f, "left alone, for they are here already", &self.existing)?;
        section(f, "NOT made", &self.refused)?;
        part(
            f,
            "What protects these keys in LiteLLM and not here; --accept-missing NAME makes them without it:",
            &self.lost(true),
        )?;
        part(
            f,
            "What else these keys have in LiteLLM and not here:",
            &self.lost(false),
        )?;
        part(f, "Budgets whose windows differ:", &self.windows)?;
        if self.absent > 0 {
            writeln!(
                f,
                "\nLiteLLM has {} further keys: give every page of its list (?page=2&size=100 and so on)",
                self.absent
            )?;
        }
        Ok(())
    }
}

fn section(f: &mut fmt::Formatter<'_>, what: &str, lines: &[String]) -> fmt::Result {
    writeln!(f, "{what}: {}", lines.len())?;
    lines.iter().try_for_each(|line| writeln!(f, "  {line}"))
}

fn part(f: &mut fmt::Formatter<'_>, title: &str, lines: &[String]) -> fmt::Result {
    if lines.is_empty() {
        return Ok(());
    }
    writeln!(f, "\n{title}")?;
    lines.iter().try_for_each(|line| writeln!(f, "  {line}"))
}

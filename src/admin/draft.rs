//! What is typed into a form, as text, and what it changes.

use std::collections::BTreeMap;
use std::str::FromStr;

use rust_decimal::Decimal;

use super::form::FormFields;
use super::texts::texts;
use crate::config::Config;
use crate::identity::Change;

/// A form's texts. What was not changed since the page was made changes nothing, so that two people who edit different
/// settings of one thing do not undo each other's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Draft {
    typed: BTreeMap<&'static str, String>,
    was: BTreeMap<&'static str, String>,
}

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) field: &'static str,
    pub(super) message: String,
}

/// A field of a form, as a page shows it.
pub(super) struct FormField {
    /// Its id in the page.
    pub(super) id: String,
    pub(super) name: &'static str,
    pub(super) was_name: String,
    pub(super) label: &'static str,
    pub(super) hint: String,
    /// Names that the field may have, shown below its hint.
    pub(super) known_names: Vec<String>,
    pub(super) value: String,
    pub(super) was: String,
    pub(super) error: Option<String>,
    /// What a phone's keyboard shows.
    pub(super) mode: &'static str,
    /// Instead of any text, one of these: value and name.
    pub(super) choices: Vec<(&'static str, &'static str)>,
}

/// How the names of fields begin that keep what others were.
const BEFORE: &str = "was-";

impl Problem {
    pub(super) fn new(field: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { field, message }
    }
}

/// The models that the configuration names.
pub(super) fn group_names(config: &Config) -> Vec<String> {
    let groups = config.groups().iter();
    groups.map(|group| group.name.clone()).collect()
}

/// The field that keeps what a field was.
pub(super) fn before(field: &str) -> String {
    format!("{BEFORE}{field}")
}

/// Whether a field keeps what another was.
pub(super) fn is_before(field: &str) -> bool {
    field.starts_with(BEFORE)
}

/// A number as it stands in a field.
pub(super) fn number(n: Option<u64>) -> String {
    n.map(|n| n.to_string()).unwrap_or_default()
}

/// Dollars as they stand in a field.
pub(super) fn amount(amount: Option<Decimal>) -> String {
    let amount = amount.map(|amount| amount.normalize().to_string());
    amount.unwrap_or_default()
}

impl Draft {
    /// What is there, unchanged.
    pub(super) fn of(typed: BTreeMap<&'static str, String>) -> Self {
        let was = typed.clone();
        Self { typed, was }
    }

    /// A form with these fields as it was sent.
    pub(super) fn read(fields: &FormFields, names: &[&'static str]) -> Self {
        let all = |name: fn(&str) -> String| {
            let each = names.iter().copied();
            let typed = each.map(|field| (field, fields.get(&name(field)).trim().to_owned()));
            typed.collect()
        };
        Self {
            typed: all(str::to_owned),
            was: all(before),
        }
    }

    /// What stands in a field now.
    pub(super) fn typed(&self, field: &str) -> &str {
        self.typed.get(field).map_or("", String::as_str)
    }

    /// What stood in it when the page was made.
    fn was(&self, field: &str) -> &str {
        self.was.get(field).map_or("", String::as_str)
    }

    /// The field with what stands in it, and what is wrong with that.
    pub(super) fn field(
        &self,
        name: &'static str,
        (label, hint): (&'static str, &str),
        mode: &'static str,
        problems: &[Problem],
    ) -> FormField {
        let problem = problems.iter().find(|problem| problem.field == name);
        FormField {
            id: name.to_owned(),
            name,
            was_name: before(name),
            label,
            hint: hint.to_owned(),
            known_names: Vec::new(),
            value: self.typed(name).to_owned(),
            was: self.was(name).to_owned(),
            error: problem.map(|problem| problem.message.clone()),
            mode,
            choices: Vec::new(),
        }
    }

    /// What was typed, where it is something else than it was.
    pub(super) fn changed(&self, field: &str) -> Option<&str> {
        let typed = self.typed(field);
        (typed != self.was(field)).then_some(typed)
    }

    pub(super) fn text(&self, field: &str) -> Change<String> {
        let typed = self.changed(field)?;
        Some((!typed.is_empty()).then(|| typed.to_owned()))
    }

    /// Names with commas between them.
    pub(super) fn names(&self, field: &str) -> Change<Vec<String>> {
        let names = self.changed(field)?.split(',').map(str::trim);
        let names = names.filter(|name| !name.is_empty());
        Some(Some(names.map(str::to_owned).collect()))
    }

    pub(super) fn parsed<T: FromStr>(
        &self,
        field: &'static str,
        wanted: &str,
        wrong: &mut Vec<Problem>,
    ) -> Change<T> {
        let parse = |typed: &str| typed.trim_start_matches('$').parse().ok();
        self.parsed_by(parse, field, wanted, wrong)
    }

    pub(super) fn parsed_by<T>(
        &self,
        parse: impl Fn(&str) -> Option<T>,
        field: &'static str,
        wanted: &str,
        wrong: &mut Vec<Problem>,
    ) -> Change<T> {
        let typed = self.changed(field)?;
        if typed.is_empty() {
            return Some(None);
        }
        let value = parse(typed);
        if value.is_none() {
            wrong.push(Problem::new(field, wanted));
        }
        value.map(Some)
    }

    /// One of these choices: what stands in the field, and what it means.
    pub(super) fn choice<T: Copy>(
        &self,
        field: &'static str,
        choices: &[(&str, T)],
        wrong: &mut Vec<Problem>,
    ) -> Change<T> {
        let parse = |typed: &str| {
            let chosen = choices.iter().find(|(name, _)| *name == typed);
            chosen.map(|(_, value)| *value)
        };
        self.parsed_by(parse, field, texts().key_form.wants_choice, wrong)
    }
}

/// The problems that stand beside none of these fields, in words.
pub(super) fn elsewhere<'f>(
    problems: &[Problem],
    fields: impl Iterator<Item = &'f FormField> + Clone,
) -> Vec<String> {
    let is_beside = |problem: &&Problem| !fields.clone().any(|field| field.name == problem.field);
    let elsewhere = problems.iter().filter(is_beside);
    elsewhere
        .map(|problem| format!("{} {}", problem.field, problem.message))
        .collect()
}

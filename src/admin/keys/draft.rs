//! What is typed into the form of a key, as text, and what it changes.

use std::collections::BTreeMap;
use std::str::FromStr;

use rust_decimal::Decimal;

use super::super::form::FormFields;
use super::super::texts::texts;
use crate::config::Period;
use crate::keys::{Change, KeyChanges, VirtualKey};
/// The fields of the form, by the names of the settings.
pub(super) const FIELDS: [&str; 13] = [
    "key_alias",
    "user_id",
    "team_id",
    "tags",
    "models",
    "max_budget",
    "soft_budget",
    "budget_duration",
    "rpm_limit",
    "tpm_limit",
    "max_parallel_requests",
    "duration",
    "store_prompts_in_spend_logs",
];

/// In the field for a key's end: it has none.
pub(super) const NEVER: &str = "never";

/// The form's texts. What was not changed since the page was made changes nothing, so that two people who edit
/// different settings of one key do not undo each other's.
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

impl Problem {
    pub(super) fn new(field: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { field, message }
    }
}

/// The field that keeps what a field was.
pub(super) fn was(field: &str) -> String {
    format!("was-{field}")
}

impl Draft {
    /// A key as it is.
    pub(super) fn of(key: &VirtualKey) -> Self {
        let settings = &key.settings;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let number = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
        let amount = |amount: Option<Decimal>| {
            let amount = amount.map(|amount| amount.normalize().to_string());
            amount.unwrap_or_default()
        };
        let window = settings.budget_duration.map(|period| period.to_string());
        let stores = match settings.store_prompts_in_spend_logs {
            None => "",
            Some(true) => "yes",
            Some(false) => "no",
        };
        let typed = BTreeMap::from([
            ("key_alias", text(&settings.key_alias)),
            ("user_id", text(&settings.user_id)),
            ("team_id", text(&settings.team_id)),
            ("tags", settings.tags.join(", ")),
            ("models", settings.models.join(", ")),
            ("max_budget", amount(settings.max_budget)),
            ("soft_budget", amount(settings.soft_budget)),
            ("budget_duration", window.unwrap_or_default()),
            ("rpm_limit", number(settings.rpm_limit)),
            ("tpm_limit", number(settings.tpm_limit)),
            (
                "max_parallel_requests",
                number(settings.max_parallel_requests),
            ),
            ("duration", String::new()),
            ("store_prompts_in_spend_logs", stores.to_owned()),
        ]);
        let was = typed.clone();
        Self { typed, was }
    }

    /// The form as it was sent.
    pub(super) fn read(fields: &FormFields) -> Self {
        let all = |name: fn(&str) -> String| {
            let each = FIELDS.into_iter();
            let typed = each.map(|field| (field, fields.get(&name(field)).trim().to_owned()));
            typed.collect()
        };
        Self {
            typed: all(str::to_owned),
            was: all(was),
        }
    }

    /// What stands in a field now.
    pub(super) fn typed(&self, field: &str) -> &str {
        self.typed.get(field).map_or("", String::as_str)
    }

    /// What stood in it when the page was made.
    pub(super) fn was(&self, field: &str) -> &str {
        self.was.get(field).map_or("", String::as_str)
    }

    /// What the form changes, or everything that is wrong with it.
    pub(super) fn changes(&self) -> Result<KeyChanges, Vec<Problem>> {
        let t = &texts().key_form;
        let mut wrong = Vec::new();
        let changes = KeyChanges {
            key_alias: self.text("key_alias"),
            user_id: self.text("user_id"),
            team_id: self.text("team_id"),
            tags: self.names("tags"),
            models: self.names("models"),
            max_budget: self.parsed("max_budget", t.wants_amount, &mut wrong),
            soft_budget: self.parsed("soft_budget", t.wants_amount, &mut wrong),
            budget_duration: self.parsed("budget_duration", t.wants_period, &mut wrong),
            rpm_limit: self.parsed("rpm_limit", t.wants_number, &mut wrong),
            tpm_limit: self.parsed("tpm_limit", t.wants_number, &mut wrong),
            max_parallel_requests: self.parsed("max_parallel_requests", t.wants_number, &mut wrong),
            duration: self.ends(&mut wrong),
            store_prompts_in_spend_logs: self.stores(&mut wrong),
            ..KeyChanges::default()
        };
        if wrong.is_empty() {
            Ok(changes)
        } else {
            Err(wrong)
        }
    }

    /// What was typed, where it is something else than it was.
    fn changed(&self, field: &str) -> Option<&str> {
        let typed = self.typed(field);
        (typed != self.was(field)).then_some(typed)
    }

    fn text(&self, field: &str) -> Change<String> {
        let typed = self.changed(field)?;
        Some((!typed.is_empty()).then(|| typed.to_owned()))
    }

    /// Names with commas between them.
    fn names(&self, field: &str) -> Change<Vec<String>> {
        let names = self.changed(field)?.split(',').map(str::trim);
        let names = names.filter(|name| !name.is_empty());
        Some(Some(names.map(str::to_owned).collect()))
    }

    fn parsed<T: FromStr>(
        &self,
        field: &'static str,
        wanted: &str,
        wrong: &mut Vec<Problem>,
    ) -> Change<T> {
        let typed = self.changed(field)?;
        if typed.is_empty() {
            return Some(None);
        }
        match typed.trim_start_matches('$').parse() {
            Ok(value) => Some(Some(value)),
            Err(_) => {
                wrong.push(Problem::new(field, wanted));
                None
            }
        }
    }

    /// Empty leaves the end as it is.
    fn ends(&self, wrong: &mut Vec<Problem>) -> Change<Period> {
        let field = "duration";
        match self.typed(field) {
            "" => None,
            NEVER => Some(None),
            _ => self.parsed(field, texts().key_form.wants_end, wrong),
        }
    }

    fn stores(&self, wrong: &mut Vec<Problem>) -> Change<bool> {
        let field = "store_prompts_in_spend_logs";
        match self.changed(field)? {
            "" => Some(None),
            "yes" => Some(Some(true)),
            "no" => Some(Some(false)),
            _ => {
                wrong.push(Problem::new(field, texts().key_form.wants_choice));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(typed: &[(&str, &str)], before: &[(&str, &str)]) -> Draft {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let before = before
            .iter()
            .map(|(name, value)| (was(name), (*value).to_owned()));
        Draft::read(&FormFields(typed.iter().map(own).chain(before).collect()))
    }

    #[test]
    fn only_what_was_changed_changes() {
        let before = [("key_alias", "ci"), ("max_budget", "5"), ("models", "a, b")];
        assert_eq!(draft(&before, &before).changes(), Ok(KeyChanges::default()));
        let typed = [
            ("key_alias", "ci"),
            ("max_budget", " $7.50 "),
            ("models", ""),
            ("rpm_limit", "60"),
            ("duration", "30d"),
            ("store_prompts_in_spend_logs", "no"),
        ];
        let changes = draft(&typed, &before).changes().unwrap();
        let expected = KeyChanges {
            max_budget: Some(Some(Decimal::new(750, 2))),
            models: Some(Some(Vec::new())),
            rpm_limit: Some(Some(60)),
            duration: Some(Some("30d".parse().unwrap())),
            store_prompts_in_spend_logs: Some(Some(false)),
            ..KeyChanges::default()
        };
        assert_eq!(changes, expected);
        let emptied = draft(&[("key_alias", ""), ("duration", NEVER)], &before);
        let changes = emptied.changes().unwrap();
        assert_eq!(
            (changes.key_alias, changes.duration),
            (Some(None), Some(None))
        );
        assert_eq!(changes.max_budget, Some(None));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let wrong = draft(
            &[
                ("max_budget", "much"),
                ("budget_duration", "30"),
                ("rpm_limit", "-1"),
                ("duration", "soon"),
                ("store_prompts_in_spend_logs", "maybe"),
            ],
            &[],
        );
        let problems = wrong.changes().unwrap_err();
        let fields: Vec<_> = problems.iter().map(|problem| problem.field).collect();
        let expected = [
            "max_budget",
            "budget_duration",
            "rpm_limit",
            "duration",
            "store_prompts_in_spend_logs",
        ];
        assert_eq!(fields, expected);
    }
}

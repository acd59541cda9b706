//! The fields of a key's form, and what they change.

use std::collections::BTreeMap;

use super::super::draft::{Draft, Problem, amount, number};
use super::super::form::FormFields;
use super::super::texts::texts;
use crate::config::{Config, Period};
use crate::keys::{Change, KeyChanges, VirtualKey};

/// The fields of the form, by the names of the settings.
const FIELDS: [&str; 16] = [
    "key_alias",
    "user_id",
    "team_id",
    "tags",
    "models",
    "allowed_regions",
    "max_budget",
    "soft_budget",
    "budget_duration",
    "rpm_limit",
    "tpm_limit",
    "max_parallel_requests",
    "duration",
    "store_prompts_in_spend_logs",
    "maximum_spend_logs_content_retention_period",
    "store_responses",
];

/// In the field for a key's end: it has none.
pub(super) const NEVER: &str = "never";

/// A key as it is.
pub(super) fn of(key: &VirtualKey) -> Draft {
    let settings = &key.settings;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let window = settings.budget_duration.map(|period| period.to_string());
    let responses = settings.store_responses.map(|stored| stored.to_string());
    let kept = settings.maximum_spend_logs_content_retention_period;
    let stores = match settings.store_prompts_in_spend_logs {
        None => "",
        Some(true) => "yes",
        Some(false) => "no",
    };
    Draft::of(BTreeMap::from([
        ("key_alias", text(&settings.key_alias)),
        ("user_id", text(&settings.user_id)),
        ("team_id", text(&settings.team_id)),
        ("tags", settings.tags.join(", ")),
        ("models", settings.models.join(", ")),
        ("allowed_regions", settings.allowed_regions.join(", ")),
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
        (
            "maximum_spend_logs_content_retention_period",
            kept.map(|period| period.to_string()).unwrap_or_default(),
        ),
        ("store_responses", responses.unwrap_or_default()),
    ]))
}

/// The form as it was sent.
pub(super) fn read(fields: &FormFields) -> Draft {
    Draft::read(fields, &FIELDS)
}

/// The models among these that the configuration does not have.
pub(super) fn strangers(config: &Config, models: &[String]) -> Vec<String> {
    let is_strange = |name: &&String| {
        let is_pattern = name.contains('*') || name.starts_with("all-");
        !is_pattern && config.resolve_name(name).is_none()
    };
    models.iter().filter(is_strange).cloned().collect()
}

/// What the form changes, or everything that is wrong with it. A model that the configuration does not have is taken for
/// a slip; the API takes it, for it may come.
pub(super) fn changes(draft: &Draft, config: &Config) -> Result<KeyChanges, Vec<Problem>> {
    let t = &texts().key_form;
    let mut wrong = Vec::new();
    let changes = KeyChanges {
        key_alias: draft.text("key_alias"),
        user_id: draft.text("user_id"),
        team_id: draft.text("team_id"),
        tags: draft.names("tags"),
        models: draft.names("models"),
        allowed_regions: draft.names("allowed_regions"),
        max_budget: draft.parsed("max_budget", t.wants_amount, &mut wrong),
        soft_budget: draft.parsed("soft_budget", t.wants_amount, &mut wrong),
        budget_duration: draft.parsed("budget_duration", t.wants_period, &mut wrong),
        rpm_limit: draft.parsed("rpm_limit", t.wants_number, &mut wrong),
        tpm_limit: draft.parsed("tpm_limit", t.wants_number, &mut wrong),
        max_parallel_requests: draft.parsed("max_parallel_requests", t.wants_number, &mut wrong),
        duration: ends(draft, &mut wrong),
        store_prompts_in_spend_logs: draft.choice(
            "store_prompts_in_spend_logs",
            &[("yes", true), ("no", false)],
            &mut wrong,
        ),
        maximum_spend_logs_content_retention_period: draft.parsed(
            "maximum_spend_logs_content_retention_period",
            t.wants_period,
            &mut wrong,
        ),
        store_responses: draft.parsed("store_responses", t.wants_responses, &mut wrong),
        ..KeyChanges::default()
    };
    let named = changes.models.as_ref().and_then(Option::as_ref);
    let strangers = strangers(config, named.map_or(&[], Vec::as_slice));
    if !strangers.is_empty() {
        let message = format!("{} {}.", t.no_such_model, strangers.join(", "));
        wrong.push(Problem::new("models", message));
    }
    if wrong.is_empty() {
        Ok(changes)
    } else {
        Err(wrong)
    }
}

/// Empty leaves the end as it is.
fn ends(draft: &Draft, wrong: &mut Vec<Problem>) -> Change<Period> {
    let field = "duration";
    match draft.typed(field) {
        "" => None,
        NEVER => Some(None),
        _ => draft.parsed(field, texts().key_form.wants_end, wrong),
    }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    fn changes(
        typed: &[(&str, &str)],
        before: &[(&str, &str)],
    ) -> Result<KeyChanges, Vec<Problem>> {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let before = before
            .iter()
            .map(|(name, value)| (format!("was-{name}"), (*value).to_owned()));
        let deployment = "litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0}";
        let models = ["a", "b"].map(|name| format!("{{model_name: {name}, {deployment}}}"));
        let yaml = format!("model_list: [{}]", models.join(", "));
        let (config, _) = Config::parse("test.yml", &yaml, &|_| None).unwrap();
        let fields = FormFields(typed.iter().map(own).chain(before).collect());
        super::changes(&read(&fields), &config)
    }

    #[test]
    fn only_what_was_changed_changes() {
        let before = [("key_alias", "ci"), ("max_budget", "5"), ("models", "a, b")];
        assert_eq!(changes(&before, &before), Ok(KeyChanges::default()));
        let typed = [
            ("key_alias", "ci"),
            ("max_budget", " $7.50 "),
            ("models", ""),
            ("rpm_limit", "60"),
            ("duration", "30d"),
            ("store_prompts_in_spend_logs", "no"),
            ("maximum_spend_logs_content_retention_period", "3d"),
            ("allowed_regions", "eu-*, us-east-1"),
            ("store_responses", "14d"),
        ];
        let changed = changes(&typed, &before).unwrap();
        let expected = KeyChanges {
            max_budget: Some(Some(Decimal::new(750, 2))),
            models: Some(Some(Vec::new())),
            rpm_limit: Some(Some(60)),
            duration: Some(Some("30d".parse().unwrap())),
            store_prompts_in_spend_logs: Some(Some(false)),
            maximum_spend_logs_content_retention_period: Some(Some("3d".parse().unwrap())),
            allowed_regions: Some(Some(vec!["eu-*".to_owned(), "us-east-1".to_owned()])),
            store_responses: Some(Some("14d".parse().unwrap())),
            ..KeyChanges::default()
        };
        assert_eq!(changed, expected);
        let emptied = changes(&[("key_alias", ""), ("duration", NEVER)], &before).unwrap();
        assert_eq!(
            (emptied.key_alias, emptied.duration),
            (Some(None), Some(None))
        );
        assert_eq!(emptied.max_budget, Some(None));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let wrong = changes(
            &[
                ("max_budget", "much"),
                ("budget_duration", "30"),
                ("rpm_limit", "-1"),
                ("duration", "soon"),
                ("store_prompts_in_spend_logs", "maybe"),
                ("maximum_spend_logs_content_retention_period", "0d"),
                ("store_responses", "some"),
                ("models", "a, nova-*, all-team-models, aa, bb"),
            ],
            &[],
        );
        let problems = wrong.unwrap_err();
        let fields: Vec<_> = problems.iter().map(|problem| problem.field).collect();
        let expected = [
            "max_budget",
            "budget_duration",
            "rpm_limit",
            "duration",
            "store_prompts_in_spend_logs",
            "maximum_spend_logs_content_retention_period",
            "store_responses",
            "models",
        ];
        assert_eq!(fields, expected);
        assert!(problems[7].message.ends_with(" aa, bb."), "{problems:?}");
    }
}

//! What the rest of the gateway says in English, errors and alerts, as a page tells it in the language of its reader.
//!
//! The English words are the type's own, so that a page, the API, the log and the channels of alerts never differ. Every
//! other language has a function for each type beside its texts.

use std::fmt::Display;

use super::ja;
use crate::admin::language::{self, Language};
use crate::alerts::StoredAlert;

/// What has English words of its own.
pub(in crate::admin) trait Told: Display {
    /// The same in Japanese.
    fn japanese(&self) -> String;

    /// The words in the language of the page that is rendered.
    fn told(&self) -> String {
        match language::current() {
            Language::English => self.to_string(),
            Language::Japanese => self.japanese(),
        }
    }
}

/// What an alert says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::admin) struct AlertWords {
    /// One line.
    pub(in crate::admin) title: String,
    /// What else there is to say, in sentences.
    pub(in crate::admin) text: String,
}

/// An alert in the language of the page that is rendered; as it was stored, in English, where its detail lacks what the
/// words are made of: it is of an earlier version, or of a later one.
pub(in crate::admin) fn alert_words(alert: &StoredAlert) -> AlertWords {
    let translated = match language::current() {
        Language::English => None,
        Language::Japanese => ja::alerts::words(alert),
    };
    translated.unwrap_or_else(|| AlertWords {
        title: alert.title.clone(),
        text: alert.text.clone(),
    })
}

/// Whether a text is Japanese, names and words of code apart: no two English words stand beside each other.
#[cfg(test)]
pub(super) fn is_japanese(text: &str) -> bool {
    let has_kana = text.chars().any(|c| matches!(c, '\u{3040}'..='\u{30ff}'));
    let words: Vec<&str> = text.split(' ').collect();
    let is_word = |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase());
    let mut pairs = words.windows(2);
    has_kana && !pairs.any(|pair| pair.iter().all(is_word))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use rust_decimal::Decimal;
    use serde_json::{Value, json};

    use super::*;
    use crate::alerts::{Alert, AlertKind, BudgetUse};
    use crate::store::Key;

    async fn in_language(language: Language, alert: &StoredAlert) -> AlertWords {
        language::within(language, async { alert_words(alert) }).await
    }

    /// An alert of each kind.
    fn alerts(now: Timestamp) -> Vec<Alert> {
        let used = BudgetUse {
            account: Key {
                pk: "key#h".to_owned(),
                sk: "budget#d".to_owned(),
            },
            group: "key",
            label: "Key=予算 {} of <b>maria</b>".to_owned(),
            max: Some(Decimal::from(2_000)),
            soft: Some(Decimal::from(500)),
            spent: "1800.5".parse().unwrap(),
            resets_at: Some(now + Duration::from_secs(3_600)),
        };
        let for_ever = BudgetUse {
            spent: Decimal::from(2_000),
            soft: None,
            resets_at: None,
            ..used.clone()
        };
        let mut alerts = used.alerts(&[80]);
        alerts.extend(for_ever.alerts(&[100]));
        alerts.extend([
            Alert::deployment_rests("d-1", "sonnet", "access_denied", now, now),
            Alert::requests_fail(1_020, 2_000, 5, now),
            Alert::spend_unrecorded("0.00495".parse().unwrap(), now),
        ]);
        alerts
    }

    #[tokio::test]
    async fn an_alert_of_each_kind_is_told_in_each_language() {
        let now: Timestamp = "2026-11-23T12:00:30Z".parse().unwrap();
        let japanese = [
            (
                AlertKind::ThresholdCrossed,
                "予算の 80 % を使用しました：Key=予算 {} of <b>maria</b>",
                "$2,000.00 のうち $1,800.50 を使用しました。使い切ると、リクエストは拒否されます。\
                 次のリセットは 2026-11-23 13:00:30 UTC です。",
            ),
            (
                AlertKind::SoftBudgetCrossed,
                "ソフト予算に達しました：Key=予算 {} of <b>maria</b>",
                "ソフト予算 $500.00 に対して $1,800.50 を使用しました。リクエストは引き続き処理されます。\
                 次のリセットは 2026-11-23 13:00:30 UTC です。",
            ),
            (
                AlertKind::BudgetCrossed,
                "予算の 100 % を使用しました：Key=予算 {} of <b>maria</b>",
                "$2,000.00 のうち $2,000.00 を使用しました。リクエストは拒否されます。\
                 この予算はリセットされません。増額するまでこの状態が続きます。",
            ),
            (
                AlertKind::DeploymentRests,
                "sonnet のデプロイメントがクールダウンに入りました：access_denied",
                "2026-11-23 12:00:30 UTC まで呼び出しません。失敗が続く間は繰り返します：d-1。理由はモデルの画面にあります。",
            ),
            (
                AlertKind::RequestsFail,
                "5 分間に 2,000 件中 1,020 件のリクエストが失敗しました",
                "1 つのプロセスでの集計です。失敗したリクエストとその理由はリクエストの画面にあります。",
            ),
            (
                AlertKind::SpendUnrecorded,
                "利用料金がテーブルではなくログに残っています",
                "料金 $0.004950 のリクエストの記録をテーブルに書き込めませんでした。ほかにもある可能性があります。\
                 記録はログに spend_unrecorded として残っており、`bedrock-sidecar replay` でそれぞれ 1 回だけ書き込めます。",
            ),
        ];
        let alerts = alerts(now);
        assert_eq!(alerts.len(), japanese.len());
        for (alert, (kind, title, text)) in alerts.iter().zip(japanese) {
            assert_eq!(alert.kind, kind);
            let stored = StoredAlert::new(alert, now);
            let words = in_language(Language::Japanese, &stored).await;
            assert_eq!((words.title.as_str(), words.text.as_str()), (title, text));
            let words = in_language(Language::English, &stored).await;
            assert_eq!((&words.title, &words.text), (&alert.title, &alert.text));
        }
    }

    #[tokio::test]
    async fn an_alert_whose_detail_says_too_little_keeps_its_words() {
        let now = Timestamp::now();
        for alert in alerts(now) {
            let stored = StoredAlert::new(&alert, now);
            let without = |field: Option<&str>, kind| {
                let mut other = stored.clone();
                other.kind = kind;
                match field {
                    Some(field) => drop(other.detail.insert(field.to_owned(), json!({}))),
                    None => other.detail.clear(),
                }
                other
            };
            let mut unlike = vec![
                without(Some("later"), AlertKind::Other),
                without(None, alert.kind),
            ];
            let needed: &[&str] = match alert.kind {
                AlertKind::ThresholdCrossed | AlertKind::BudgetCrossed => {
                    &["threshold", "spend", "max_budget", "budget_reset_at"]
                }
                AlertKind::SoftBudgetCrossed => &["spend", "soft_budget", "budget_reset_at"],
                AlertKind::DeploymentRests => &["failure_class", "rests_until", "deployment"],
                AlertKind::RequestsFail => &["failures", "requests", "minutes"],
                AlertKind::SpendUnrecorded => &["spend"],
                AlertKind::Other => &[],
            };
            unlike.extend(needed.iter().map(|field| without(Some(field), alert.kind)));
            // As version 0.2.0 has stored it.
            let mut item = serde_json::to_value(&stored).unwrap();
            item.as_object_mut().unwrap().remove("detail");
            unlike.push(serde_json::from_value(item).unwrap());
            for stored in unlike {
                let words = in_language(Language::Japanese, &stored).await;
                assert_eq!(
                    (words.title, words.text),
                    (alert.title.clone(), alert.text.clone()),
                    "{stored:?}"
                );
            }
            // Nothing that is there beside is in the way.
            let mut later = stored;
            later.detail.insert("later".to_owned(), Value::Null);
            let words = in_language(Language::Japanese, &later).await;
            assert_ne!(words.title, alert.title);
        }
    }
}

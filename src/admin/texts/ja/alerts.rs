//! Japanese: what alerts say, from their detail.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use super::super::told::AlertWords;
use crate::admin::numbers::{TimeText, count, dollars};
use crate::alerts::{AlertKind, StoredAlert};

/// What the alert says; `None`: its detail lacks something, or its kind is not known.
pub(in crate::admin::texts) fn words(alert: &StoredAlert) -> Option<AlertWords> {
    let detail = Detail(alert);
    let subject = &alert.subject;
    let (title, text) = match alert.kind {
        AlertKind::ThresholdCrossed | AlertKind::BudgetCrossed => {
            let outlook = match alert.kind {
                AlertKind::BudgetCrossed => "リクエストは拒否されます。",
                _ => "使い切ると、リクエストは拒否されます。",
            };
            let (spent, max) = (detail.dollars("spend")?, detail.dollars("max_budget")?);
            (
                format!(
                    "予算の {} % を使用しました：{subject}",
                    detail.text("threshold")?
                ),
                format!(
                    "{max} のうち {spent} を使用しました。{outlook}{}",
                    detail.window()?
                ),
            )
        }
        AlertKind::SoftBudgetCrossed => {
            let (spent, soft) = (detail.dollars("spend")?, detail.dollars("soft_budget")?);
            (
                format!("ソフト予算に達しました：{subject}"),
                format!(
                    "ソフト予算 {soft} に対して {spent} を使用しました。リクエストは引き続き処理されます。{}",
                    detail.window()?
                ),
            )
        }
        AlertKind::DeploymentRests => (
            format!(
                "{subject} のデプロイメントがクールダウンに入りました：{}",
                detail.text("failure_class")?
            ),
            format!(
                "{} まで呼び出しません。失敗が続く間は繰り返します：{}。理由はモデルの画面にあります。",
                detail.time("rests_until")?,
                detail.text("deployment")?
            ),
        ),
        AlertKind::RequestsFail => (
            format!(
                "{} 分間に {} 件中 {} 件のリクエストが失敗しました",
                detail.count("minutes")?,
                detail.count("requests")?,
                detail.count("failures")?
            ),
            "1 つのプロセスでの集計です。失敗したリクエストとその理由はリクエストの画面にあります。"
                .to_owned(),
        ),
        AlertKind::SpendUnrecorded => (
            "利用料金がテーブルではなくログに残っています".to_owned(),
            format!(
                "料金 {} のリクエストの記録をテーブルに書き込めませんでした。ほかにもある可能性があります。記録はログに spend_unrecorded として残っており、\
                 `bedrock-sidecar replay` でそれぞれ 1 回だけ書き込めます。",
                detail.dollars("spend")?
            ),
        ),
        AlertKind::Other => return None,
    };
    Some(AlertWords { title, text })
}

/// The fields of an alert, as the pages write such values.
struct Detail<'a>(&'a StoredAlert);

impl Detail<'_> {
    fn text(&self, field: &str) -> Option<&str> {
        self.0.detail.get(field)?.as_str()
    }

    fn count(&self, field: &str) -> Option<String> {
        self.0.detail.get(field)?.as_u64().map(count)
    }

    fn dollars(&self, field: &str) -> Option<String> {
        let amount: Decimal = self.text(field)?.parse().ok()?;
        Some(dollars(amount))
    }

    fn time(&self, field: &str) -> Option<String> {
        let at: Timestamp = self.text(field)?.parse().ok()?;
        Some(TimeText::from(at).text)
    }

    /// When the budget resets, or that it does not.
    fn window(&self) -> Option<String> {
        match self.0.detail.get("budget_reset_at")? {
            Value::Null => {
                Some("この予算はリセットされません。増額するまでこの状態が続きます。".to_owned())
            }
            _ => Some(format!(
                "次のリセットは {} です。",
                self.time("budget_reset_at")?
            )),
        }
    }
}

//! When the use of a budget is worth an alert.

use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use super::alert::fields;
use super::{Alert, AlertKind};
use crate::store::{Key, time};

/// How long the alerts of a window are known after its end: no process asks for them later.
const RETENTION: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// How much of a budget is spent in its window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BudgetUse {
    /// The account of the budget and its window.
    pub account: Key,
    /// Whose it is, in LiteLLM's words: `key`, `team`, `user`, `team_member` or `proxy`.
    pub group: &'static str,
    /// Whose it is, for people.
    pub label: String,
    /// US dollars in the window; `None`: it has no limit.
    pub max: Option<Decimal>,
    /// US dollars above which people want to know.
    pub soft: Option<Decimal>,
    /// US dollars, paid or held for too long.
    pub spent: Decimal,
    /// When the next window begins; `None`: never.
    pub resets_at: Option<Timestamp>,
}

impl BudgetUse {
    /// What it has reached: a threshold stays reached, also where the limit is raised afterwards.
    pub(crate) fn alerts(&self, percents: &[u32]) -> Vec<Alert> {
        let max = self.max.filter(|max| !max.is_zero());
        let reached = |percent: &u32| {
            let share = max.and_then(|max| max.checked_mul(Decimal::from(*percent)));
            share.is_some_and(|share| self.spent * Decimal::ONE_HUNDRED >= share)
        };
        let mut alerts: Vec<Alert> = (percents.iter().filter(|percent| reached(percent)))
            .map(|percent| self.of_percent(*percent))
            .collect();
        if self.soft.is_some_and(|soft| self.spent >= soft) {
            alerts.push(self.of_soft());
        }
        alerts
    }

    fn of_percent(&self, percent: u32) -> Alert {
        let (spent, max) = (dollars(self.spent), dollars(self.max.unwrap_or_default()));
        let kind = match percent >= 100 {
            true => AlertKind::BudgetCrossed,
            false => AlertKind::ThresholdCrossed,
        };
        let title = format!("{percent} % of the budget is spent: {}", self.label);
        let end = match percent >= 100 {
            true => "Requests are refused",
            false => "Requests are refused once all of it is spent",
        };
        let text = format!("${spent} of ${max}. {end}. {}", self.window());
        self.alert(kind, &percent.to_string(), title, text)
    }

    fn of_soft(&self) -> Alert {
        let (spent, soft) = (dollars(self.spent), dollars(self.soft.unwrap_or_default()));
        let title = format!("The soft budget is spent: {}", self.label);
        let text = format!(
            "${spent}, and the soft budget is ${soft}. Requests are still served. {}",
            self.window()
        );
        self.alert(AlertKind::SoftBudgetCrossed, "soft", title, text)
    }

    fn window(&self) -> String {
        match self.resets_at {
            Some(at) => format!("The budget resets at {}.", time::sortable(at)),
            None => "The budget has no window: it stays spent until it is raised.".to_owned(),
        }
    }

    fn alert(&self, kind: AlertKind, threshold: &str, title: String, text: String) -> Alert {
        let amount = |amount: Decimal| Value::from(amount.normalize().to_string());
        let percent = self.max.filter(|max| !max.is_zero());
        let percent = percent.and_then(|max| (self.spent * Decimal::ONE_HUNDRED).checked_div(max));
        let Key { pk, sk } = &self.account;
        let window = sk.trim_start_matches("budget#");
        Alert {
            id: format!("{window}#{pk}#{threshold}"),
            kind,
            subject: self.label.clone(),
            title,
            text,
            detail: fields(&[
                ("event_group", self.group.into()),
                ("threshold", threshold.into()),
                ("spend", amount(self.spent)),
                ("max_budget", self.max.map_or(Value::Null, amount)),
                ("soft_budget", self.soft.map_or(Value::Null, amount)),
                (
                    "budget_percentage_used",
                    percent.map_or(Value::Null, |percent| amount(percent.round_dp(1))),
                ),
                (
                    "budget_reset_at",
                    self.resets_at
                        .map_or(Value::Null, |at| time::sortable(at).into()),
                ),
            ]),
            expires: self
                .resets_at
                .and_then(|end| end.checked_add(RETENTION).ok()),
        }
    }
}

/// An amount as people read it.
fn dollars(amount: Decimal) -> Decimal {
    amount.round_sf(5).unwrap_or(amount).normalize()
}

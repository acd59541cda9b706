//! How much of a budget is spent, as a bar and in words.

use rust_decimal::{Decimal, RoundingStrategy};

use super::keys::of_budget;
use super::numbers::{TimeText, dollars};
use super::texts::texts;
use crate::keys::BudgetUsage;

/// A budget, ready to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BudgetBar {
    /// How far the bar reaches, in percent; `None`: there is no limit, and so no bar.
    pub(super) width: Option<Decimal>,
    /// The class of its colour.
    pub(super) tone: &'static str,
    /// `$3.75 of $10.00`.
    pub(super) text: String,
    /// When the next window begins.
    pub(super) resets: Option<TimeText>,
}

impl BudgetBar {
    /// Of what is spent, in the colour of the badge that stands beside it: `soft` is where a warning begins.
    pub(super) fn of(budget: &BudgetUsage, soft: Option<Decimal>) -> Self {
        let t = &texts().budget;
        let spent = dollars(budget.spent);
        let width = budget.max.map(|max| share(budget.spent, max));
        let mut text = match budget.max {
            Some(max) => format!("{spent} {} {}", t.of, dollars(max)),
            None => format!("{spent}, {}", t.no_limit),
        };
        let held = budget.max.zip(budget.remaining);
        let held = held.map(|(max, remaining)| max - remaining - budget.spent);
        if let Some(held) = held.filter(|held| *held > Decimal::ZERO) {
            text.push_str(&format!(", {} {}", dollars(held), t.held));
        }
        Self {
            width,
            tone: match of_budget(budget, soft).map(|badge| badge.tone) {
                Some("bad") => "bar bad",
                Some(_) => "bar warn",
                None => "bar",
            },
            text,
            resets: budget.resets_at.map(TimeText::from),
        }
    }
}

/// A budget of nothing is spent from the beginning.
fn share(spent: Decimal, max: Decimal) -> Decimal {
    let share = spent.checked_div(max).unwrap_or(Decimal::ONE);
    let percent = share.saturating_mul(Decimal::ONE_HUNDRED);
    // A bar that is full says that nothing is left.
    let rounded = percent.round_dp_with_strategy(1, RoundingStrategy::ToZero);
    rounded.clamp(Decimal::ZERO, Decimal::ONE_HUNDRED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(max: Option<&str>, spent: &str, remaining: Option<&str>) -> BudgetBar {
        let amount = |text: &str| text.parse().unwrap();
        let budget = BudgetUsage {
            max: max.map(amount),
            spent: amount(spent),
            remaining: remaining.map(amount),
            resets_at: None,
        };
        BudgetBar::of(&budget, Some(Decimal::from(9)))
    }

    #[test]
    fn a_bar_reaches_as_far_as_the_money_is_spent() {
        for (max, spent, remaining, width, tone, text) in [
            ("10", "0", "10", "0", "bar", "$0.00 of $10.00"),
            ("10", "3.75", "6.25", "37.5", "bar", "$3.75 of $10.00"),
            (
                "10",
                "3.75",
                "5.25",
                "37.5",
                "bar",
                "$3.75 of $10.00, $1.00 held for requests under way",
            ),
            (
                "10",
                "9.9999",
                "0.0001",
                "99.9",
                "bar warn",
                "$10.00 of $10.00",
            ),
            // Over the soft budget, which is 9.
            ("100", "9.5", "90.5", "9.5", "bar warn", "$9.50 of $100.00"),
            ("10", "12", "0", "100", "bar bad", "$12.00 of $10.00"),
            ("0", "0", "0", "100", "bar bad", "$0.00 of $0.00"),
        ] {
            let bar = bar(Some(max), spent, Some(remaining));
            assert_eq!(bar.width, Some(width.parse().unwrap()), "{spent}");
            assert_eq!((bar.tone, &*bar.text), (tone, text));
        }
        let watched = bar(None, "3", None);
        assert_eq!((watched.width, &*watched.text), (None, "$3.00, no limit"));
    }
}

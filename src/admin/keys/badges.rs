//! The status badges of keys, teams and users: whether they are let in, and how much of their budget is used.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::super::error::PageError;
use super::super::texts::texts;
use crate::app::AppState;
use crate::identity::{Team, User};
use crate::keys::{BudgetUsage, KeyStatus, VirtualKey};

/// From here on a budget is nearly spent, in percent of its limit.
const NEAR: Decimal = Decimal::from_parts(80, 0, 0, false, 0);

/// A word with its colour, which is never the only sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Badge {
    pub(in super::super) tone: &'static str,
    pub(in super::super) word: &'static str,
}

/// The teams and users that are blocked: their keys are refused.
#[derive(Debug, Default)]
pub(in super::super) struct BlockedHolders {
    teams: HashSet<String>,
    users: HashSet<String>,
}

impl BlockedHolders {
    /// As the table has them now.
    pub(in super::super) async fn read(app: &AppState) -> Result<Self, PageError> {
        let directory = &app.keys.directory;
        let (teams, users) = tokio::join!(directory.teams(), directory.users());
        Ok(Self::of(&teams?, &users?))
    }

    /// Those among these.
    pub(in super::super) fn of<'a>(
        teams: impl IntoIterator<Item = &'a Arc<Team>>,
        users: impl IntoIterator<Item = &'a User>,
    ) -> Self {
        let teams = teams.into_iter().filter(|team| team.settings.blocked);
        let users = users.into_iter().filter(|user| user.settings.blocked);
        Self {
            teams: teams.map(|team| team.team_id.clone()).collect(),
            users: users.map(|user| user.user_id.clone()).collect(),
        }
    }

    /// The team and the user of a key, as far as they are.
    pub(in super::super) async fn of_key(
        app: &AppState,
        key: &VirtualKey,
    ) -> Result<Self, PageError> {
        let owners = app.keys.owners_of(key).await?;
        Ok(Self::of(&owners.team, owners.user.as_deref()))
    }

    fn badge(&self, key: &VirtualKey) -> Option<Badge> {
        let t = &texts().keys;
        let of = |blocked: &HashSet<String>, id: &Option<String>| {
            id.as_ref().is_some_and(|id| blocked.contains(id))
        };
        let word = if of(&self.teams, &key.settings.team_id) {
            t.team_blocked
        } else if of(&self.users, &key.settings.user_id) {
            t.user_blocked
        } else {
            return None;
        };
        Some(Badge { tone: "bad", word })
    }
}

/// The badges of a key: that it is not good, and that its budget is spent or nearly so; a key with nothing of this is
/// active.
pub(in super::super) fn badges(
    key: &VirtualKey,
    budget: Option<&BudgetUsage>,
    holders: &BlockedHolders,
    now: Timestamp,
) -> Vec<Badge> {
    let t = &texts().keys;
    let badge = |tone, word| Badge { tone, word };
    let status = match key.status(now) {
        KeyStatus::Active => None,
        KeyStatus::Blocked => Some(badge("bad", t.blocked)),
        KeyStatus::Expired => Some(badge("bad", t.expired)),
        KeyStatus::Deleted => Some(badge("bad", t.deleted)),
    };
    let money = budget.and_then(|budget| of_budget(budget, key.settings.soft_budget));
    let of_holder = holders.badge(key);
    let badges: Vec<Badge> = status.into_iter().chain(of_holder).chain(money).collect();
    if badges.is_empty() {
        vec![badge("good", t.active)]
    } else {
        badges
    }
}

/// The badge of a team or a user: blocked, its budget spent or nearly so, or active.
pub(in super::super) fn holder_badge(
    is_blocked: bool,
    budget: Option<&BudgetUsage>,
    soft: Option<Decimal>,
) -> Badge {
    let t = &texts().keys;
    if is_blocked {
        return Badge {
            tone: "bad",
            word: t.blocked,
        };
    }
    let money = budget.and_then(|budget| of_budget(budget, soft));
    money.unwrap_or(Badge {
        tone: "good",
        word: t.active,
    })
}

/// `None`: there is enough left.
pub(in super::super) fn of_budget(budget: &BudgetUsage, soft: Option<Decimal>) -> Option<Badge> {
    let t = &texts().keys;
    let is_over = budget.max.is_some_and(|max| budget.spent >= max);
    let is_near = used(budget).is_some_and(|percent| percent >= NEAR);
    let (tone, word) = if is_over {
        ("bad", t.over_budget)
    } else if soft.is_some_and(|soft| budget.spent > soft) {
        ("warn", t.over_soft)
    } else if is_near {
        ("warn", t.near_budget)
    } else {
        return None;
    };
    Some(Badge { tone, word })
}

/// How much of a limit is spent, in percent; of a limit of nothing, all. `None`: there is none.
pub(in super::super) fn used(budget: &BudgetUsage) -> Option<Decimal> {
    let max = budget.max?;
    let share = budget.spent.checked_div(max).unwrap_or(Decimal::ONE);
    Some(share.saturating_mul(Decimal::ONE_HUNDRED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_said_to_be_over_before_it_is_said_to_be_near() {
        let t = &texts().keys;
        for (max, soft, spent, word) in [
            (Some(10), None, 10, Some(t.over_budget)),
            (Some(10), Some(2), 12, Some(t.over_budget)),
            (Some(0), None, 0, Some(t.over_budget)),
            (Some(10), Some(8), 9, Some(t.over_soft)),
            (None, Some(8), 9, Some(t.over_soft)),
            (Some(10), Some(9), 8, Some(t.near_budget)),
            (Some(10), Some(8), 7, None),
            (None, Some(8), 8, None),
        ] {
            let budget = BudgetUsage {
                max: max.map(Decimal::from),
                spent: Decimal::from(spent),
                remaining: None,
                resets_at: None,
            };
            let found = of_budget(&budget, soft.map(Decimal::from));
            assert_eq!(
                found.map(|badge| badge.word),
                word,
                "{max:?} {soft:?} {spent}"
            );
        }
    }
}

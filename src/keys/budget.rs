//! Budgets: what may be spent in a window, and how much of it is left.

use std::time::Duration;

use futures_util::future::try_join_all;
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::config::Period;
use crate::store::{Account, Key, StoreError, keys};

use super::{Denied, Keyring, OverBudget, VirtualKey};

/// An account outlives its window, for records that are replayed late.
const ACCOUNT_RETENTION: Duration = Duration::from_secs(90 * 24 * 60 * 60);
const READS_AT_ONCE: usize = 16;

/// What may be spent in a window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Budget {
    /// Whose, for the caller.
    pub(super) label: String,
    /// Its account in the window.
    pub(super) key: Key,
    /// The first instant after the window; `None`: it is for ever.
    ends: Option<Timestamp>,
    /// US dollars; `None`: it is only watched.
    pub(super) max: Option<Decimal>,
    /// US dollars above which the log is warned.
    pub(super) soft: Option<Decimal>,
    /// It is that of all keys together, not the key's own.
    pub(super) is_common: bool,
}

/// How a budget stands, for its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetStanding {
    /// US dollars in a window.
    pub max: Option<Decimal>,
    /// US dollars spent in this one.
    pub spent: Decimal,
    /// US dollars that are neither spent nor held for requests under way; of a budget without a limit, none.
    pub remaining: Option<Decimal>,
    /// When the next window begins.
    pub resets_at: Option<Timestamp>,
}

/// The budget of all virtual keys together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CommonBudget {
    /// US dollars.
    pub max: Decimal,
    /// The window; `None`: for ever.
    pub period: Option<Period>,
}

impl Budget {
    /// The budget that a key has in the window of this instant, if it has one.
    pub(super) fn of_key(key: &VirtualKey, now: Timestamp) -> Option<Budget> {
        let settings = &key.settings;
        if settings.max_budget.is_none() && settings.soft_budget.is_none() {
            return None;
        }
        let window = settings.budget_duration.map(|period| period.window(now));
        Some(Budget {
            label: format!("Key={}", key.label()),
            key: keys::budget(&key.account, window.map(|window| window.start)),
            ends: window.map(|window| window.end),
            max: settings.max_budget,
            soft: settings.soft_budget,
            is_common: false,
        })
    }

    /// The budget of all virtual keys in the window of this instant.
    pub(super) fn of_all(common: CommonBudget, now: Timestamp) -> Budget {
        let window = common.period.map(|period| period.window(now));
        Budget {
            label: "all keys together".to_owned(),
            key: keys::common_budget(window.map(|window| window.start)),
            ends: window.map(|window| window.end),
            max: Some(common.max),
            soft: None,
            is_common: true,
        }
    }

    /// When its account may be forgotten; `None`: never.
    pub(super) fn expires(&self) -> Option<Timestamp> {
        self.ends?.checked_add(ACCOUNT_RETENTION).ok()
    }

    /// The refusal of a request that has a prompt of this cost, in US dollars, and no answer.
    fn lacks(&self, account: &Account, prompt: Decimal, now: Timestamp) -> Denied {
        let (spent, max) = (account.spent_at(now), self.max.unwrap_or_default());
        Denied::OverBudget(Box::new(OverBudget {
            label: self.label.clone(),
            spent,
            held: account.committed - spent,
            left: (max - account.committed).max(Decimal::ZERO),
            max,
            cost: prompt,
            prompt,
            longest_answer: None,
        }))
    }

    pub(super) fn standing(&self, account: &Account, now: Timestamp) -> BudgetStanding {
        let remaining = self.max.map(|max| max - account.committed);
        BudgetStanding {
            max: self.max,
            spent: account.spent_at(now),
            remaining: remaining.map(|left| left.max(Decimal::ZERO)),
            resets_at: self.ends,
        }
    }
}

impl Keyring {
    /// How a key's budget stands now; `None`: it has none.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn standing(&self, key: &VirtualKey) -> Result<Option<BudgetStanding>, StoreError> {
        let now = self.clock.now();
        let Some(budget) = Budget::of_key(key, now) else {
            return Ok(None);
        };
        let account = self.table.account(&budget.key).await?.unwrap_or_default();
        if let Err(error) = self.table.expire_holds(&budget.key, &account, now).await {
            tracing::warn!(%error, "holds whose time is over could not be moved");
        }
        Ok(Some(budget.standing(&account, now)))
    }

    /// The same for many keys, in their order.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn standings(
        &self,
        keys: &[&VirtualKey],
    ) -> Result<Vec<Option<BudgetStanding>>, StoreError> {
        let mut standings = Vec::with_capacity(keys.len());
        for some in keys.chunks(READS_AT_ONCE) {
            let mut reads = Vec::with_capacity(some.len());
            for key in some {
                reads.push(self.standing(key));
            }
            standings.extend(try_join_all(reads).await?);
        }
        Ok(standings)
    }

    /// Refuses a request of a key whose budget is known to be spent, without asking the table.
    pub(super) fn check_known_spent(&self, key: &VirtualKey) -> Result<(), Denied> {
        let now = self.clock.now();
        for budget in self.budgets(key, now).into_iter().flatten() {
            let known = self.reached.spent(&budget.key, now);
            if let (Some(max), Some(spent)) = (budget.max, known)
                && spent >= max
                && !spent.is_zero()
            {
                return Err(budget.lacks(&paid(spent), Decimal::ZERO, now));
            }
        }
        Ok(())
    }

    /// Refuses a request that costs nothing where a budget of the key is spent, or has not even what its prompt would
    /// cost: US dollars.
    pub(super) async fn check_spent(
        &self,
        key: &VirtualKey,
        prompt: Decimal,
    ) -> Result<(), Denied> {
        self.check_known_spent(key)?;
        let now = self.clock.now();
        for budget in self.budgets(key, now).into_iter().flatten() {
            let Some(max) = budget.max else { continue };
            let account = self.table.account(&budget.key).await;
            let account = account.map_err(|error| Denied::of_table(&error))?;
            let account = account.unwrap_or_default();
            let spent = account.spent_at(now);
            if spent >= max || spent + prompt > max {
                self.reached.overspent(&budget.key, &account, now);
                return Err(budget.lacks(&account, prompt, now));
            }
        }
        Ok(())
    }

    /// The key's own and that of all keys together, as far as there are any.
    pub(super) fn budgets(&self, key: &VirtualKey, now: Timestamp) -> [Option<Budget>; 2] {
        let common = self.options.common;
        let common = common.map(|common| Budget::of_all(common, now));
        [Budget::of_key(key, now), common]
    }
}

/// An account of which no more is known than what was paid.
pub(super) fn paid(spent: Decimal) -> Account {
    Account {
        committed: spent,
        spent,
        ..Account::default()
    }
}

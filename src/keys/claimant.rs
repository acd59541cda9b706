//! What holds an amount of every budget of one request, in a task of its own: in the account of one key by a hold, in
//! one that many share by the request's marker.

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::spend::{RequestId, SETTLING_LIMIT, settle_left};
use crate::store::{Account, Hold, HoldClaim, Reserved, SharedClaim, SharedSettlement, StoreError};

use super::budget::{Budget, Level};
use super::{Denied, Keyring};

/// A request that began so long ago may have ended, and what it holds may have been left.
const MAY_BE_LEFT: SignedDuration = SignedDuration::from_secs(10);

/// One budget, and what is held of it.
#[derive(Debug, Clone)]
pub(super) struct HeldBudget {
    pub(super) budget: Budget,
    pub(super) held: Option<Decimal>,
    /// As the table last said.
    pub(super) account: Option<Account>,
}

/// What became of a raise.
#[derive(Debug, Default)]
pub(super) struct Raised {
    /// The budgets of which the amount is held now.
    pub(super) held: Vec<(usize, Decimal, Account)>,
    /// The budget of which it is not, and why.
    pub(super) refused: Option<(usize, ClaimRefusal)>,
}

/// Why a budget does not hold an amount.
#[derive(Debug)]
pub(super) enum ClaimRefusal {
    /// The amount does not fit.
    DoesNotFit(Account),
    /// Whether it is held is not known.
    Failed(StoreError),
    /// The account's lock was not free in time.
    NotLocked(Denied),
}

/// Raises one request's holds in a background task.
pub(super) struct Claimant {
    pub(super) keyring: Keyring,
    /// Its name in accounts of one key.
    pub(super) holder: String,
    /// Its name in accounts that many share, and the bucket there.
    pub(super) marker: String,
    pub(super) bucket: i64,
}

impl Claimant {
    /// Raises the holds, those of one person's budgets at the same time, then the team's, then that of all keys: what
    /// is refused for a narrow budget never holds anything of a wider one, which others need. A raise that was begun is
    /// made to its end, whatever becomes of the request.
    pub(super) async fn raise(self, claims: Vec<(usize, HeldBudget)>, amount: Decimal) -> Raised {
        let now = self.keyring.clock.now();
        let mut raised = Raised::default();
        for width in Level::WIDTHS {
            let claims = claims.iter();
            let claims =
                claims.filter(|(_, held_budget)| held_budget.budget.level.width() == width);
            let claims: Vec<_> = claims.collect();
            let claimed = claims
                .iter()
                .map(|(_, held_budget)| self.claim_and_tidy(held_budget, amount, now));
            for ((at, _), claimed) in claims.iter().zip(join_all(claimed).await) {
                match claimed {
                    Ok(account) => raised.held.push((*at, amount, account)),
                    Err(refusal) if raised.refused.is_none() => {
                        raised.refused = Some((*at, refusal));
                    }
                    Err(_) => {}
                }
            }
            if raised.refused.is_some() {
                break;
            }
        }
        raised
    }

    async fn claim_and_tidy(
        &self,
        held_budget: &HeldBudget,
        amount: Decimal,
        now: Timestamp,
    ) -> Result<Account, ClaimRefusal> {
        let account = self.claim(held_budget, amount, now).await?;
        if held_budget.held.is_none() {
            let budget = &held_budget.budget;
            self.keyring.expire(budget, &account, now).await;
        }
        Ok(account)
    }

    async fn claim(
        &self,
        held_budget: &HeldBudget,
        amount: Decimal,
        now: Timestamp,
    ) -> Result<Account, ClaimRefusal> {
        let budget = &held_budget.budget;
        let reserved = if budget.level.is_shared() {
            self.reserve_of_many(held_budget, amount, now).await
        } else {
            let guard = self.keyring.account_locks.lock(&budget.key.pk).await;
            let guard = guard.map_err(ClaimRefusal::NotLocked)?;
            let reserved = self.reserve(held_budget, amount, now).await;
            guard.end(&reserved);
            reserved
        };
        match reserved {
            Ok(Reserved::Held(account)) => Ok(account),
            Ok(Reserved::Full(account)) => {
                self.keyring
                    .reached
                    .record_spent(&budget.key, &account, now);
                Err(ClaimRefusal::DoesNotFit(account))
            }
            Err(error) => {
                if held_budget.held.is_none() {
                    self.release_in_background(budget, amount);
                }
                Err(ClaimRefusal::Failed(error))
            }
        }
    }

    async fn reserve(
        &self,
        held_budget: &HeldBudget,
        amount: Decimal,
        now: Timestamp,
    ) -> Result<Reserved, StoreError> {
        let until = now + self.keyring.options.hold;
        let claim = HoldClaim {
            holder: &self.holder,
            before: held_budget.held,
            hold: Hold { amount, until },
            most: held_budget.budget.max.unwrap_or(Decimal::MAX),
            expires: held_budget.budget.expires(),
        };
        let key = &held_budget.budget.key;
        self.keyring.table.reserve(key, &claim).await
    }

    /// Holds the amount of a budget that many share. Where it has no room only for what others hold, what is held for
    /// requests that have ended is settled first.
    async fn reserve_of_many(
        &self,
        held_budget: &HeldBudget,
        amount: Decimal,
        now: Timestamp,
    ) -> Result<Reserved, StoreError> {
        let reserved = self.reserve_shared(held_budget, amount).await?;
        let Reserved::Full(account) = &reserved else {
            return Ok(reserved);
        };
        let budget = &held_budget.budget;
        let may_fit = budget.max.is_none_or(|max| account.spent + amount <= max);
        if may_fit && self.keyring.settle_left(budget, account, now).await {
            return self.reserve_shared(held_budget, amount).await;
        }
        Ok(reserved)
    }

    async fn reserve_shared(
        &self,
        held_budget: &HeldBudget,
        amount: Decimal,
    ) -> Result<Reserved, StoreError> {
        let claim = SharedClaim {
            marker: &self.marker,
            bucket: self.bucket,
            before: held_budget.held,
            amount,
            most: held_budget.budget.max.unwrap_or(Decimal::MAX),
            expires: held_budget.budget.expires(),
        };
        let key = &held_budget.budget.key;
        self.keyring.table.reserve_shared(key, &claim).await
    }

    /// The table did not say whether it holds the amount: if it does, the attempt that it is for will not begin. No
    /// answer waits until it is given back, but the end of the invocation or of the process does.
    fn release_in_background(&self, budget: &Budget, amount: Decimal) {
        let table = self.keyring.table.clone();
        let key = budget.key.clone();
        let (is_shared, bucket) = (budget.level.is_shared(), self.bucket);
        let (holder, marker) = (self.holder.clone(), self.marker.clone());
        self.keyring.tasks.spawn(async move {
            let released = if is_shared {
                let settled = SharedSettlement {
                    key: &key,
                    marker: &marker,
                    bucket,
                    held: amount,
                    actual: Decimal::ZERO,
                };
                table.settle_shared(settled, SETTLING_LIMIT).await
            } else {
                table.release(&key, &holder, amount).await
            };
            if let Err(error) = released {
                tracing::warn!(%error, "money stays held until its time is over");
            }
        });
    }
}

impl Keyring {
    /// Clears away what dead requests have left.
    async fn expire(&self, budget: &Budget, account: &Account, now: Timestamp) {
        if let Err(error) = self.tidy(budget, account, now).await {
            tracing::warn!(%error, "holds whose time is over could not be moved");
        }
    }

    pub(super) async fn tidy(
        &self,
        budget: &Budget,
        account: &Account,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.table.expire_holds(&budget.key, account, now).await?;
        if account.buckets.is_empty() {
            return Ok(());
        }
        self.table.tidy_buckets(&budget.key, account, now).await?;
        // Of requests that have no record yet nothing can be said: once a minute is often enough to ask.
        if account.overdue(now).next().is_none() || !self.reached.may_ask_overdue(&budget.key, now)
        {
            return Ok(());
        }
        settle_left(&self.table, account.overdue(now)).await?;
        Ok(())
    }

    /// Settles what is held of a budget without room for requests that have ended, and returns whether there were any.
    async fn settle_left(&self, budget: &Budget, account: &Account, now: Timestamp) -> bool {
        let may_be_left = |marker: &&str| {
            let id = RequestId::from_marker(marker);
            id.is_some_and(|id| now.duration_since(id.time()) >= MAY_BE_LEFT)
        };
        let mut left = account.markers().filter(may_be_left).peekable();
        if left.peek().is_none() || !self.reached.may_ask_left(&budget.key, now) {
            return false;
        }
        match settle_left(&self.table, left).await {
            Ok(were_any) => were_any,
            Err(error) => {
                tracing::warn!(%error, "what ended requests have left in a budget could not be settled");
                false
            }
        }
    }
}

#[cfg(all(test, feature = "local"))]
mod tests {
    use std::time::Duration;

    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::clock::Clock;
    use crate::keys::{CommonBudget, KeyOptions};
    use crate::store::{Embedded, Key, keys};

    #[tokio::test]
    async fn whoever_ends_the_process_waits_until_what_may_be_held_is_given_back() {
        const HOUR: Duration = Duration::from_secs(60 * 60);
        let embedded = Embedded::in_memory().await.unwrap();
        let table = embedded.table("test").await.unwrap();
        let key = keys::budget("k", None);
        let (holder, amount) = ("r", Decimal::ONE);
        let claim = HoldClaim {
            holder,
            before: None,
            hold: Hold {
                amount,
                until: Timestamp::now() + HOUR,
            },
            most: Decimal::TEN,
            expires: None,
        };
        table.reserve(&key, &claim).await.unwrap();
        let options = KeyOptions {
            common: None,
            hold: HOUR,
            user_budget_on_team_keys: false,
        };
        let tasks = TaskTracker::new();
        let keyring = Keyring::new(table.clone(), Clock::default(), options, tasks.clone());
        let claimant = Claimant {
            keyring,
            holder: holder.to_owned(),
            marker: "m".to_owned(),
            bucket: 0,
        };
        let budget = |key: &Key, level| Budget {
            key: key.clone(),
            level,
            ..Budget::of_all(
                CommonBudget {
                    max: Decimal::TEN,
                    period: None,
                },
                Timestamp::now(),
            )
        };
        let shared = SharedClaim {
            marker: "m",
            bucket: 0,
            before: None,
            amount,
            most: Decimal::TEN,
            expires: None,
        };
        let all = keys::common_budget(None);
        table.reserve_shared(&all, &shared).await.unwrap();
        claimant.release_in_background(&budget(&key, Level::Key), amount);
        claimant.release_in_background(&budget(&all, Level::All), amount);
        assert_eq!(tasks.len(), 2);
        tasks.close();
        tasks.wait().await;
        for key in [&key, &all] {
            let account = table.account(key).await.unwrap().unwrap();
            assert_eq!((account.committed, account.holds.len()), (Decimal::ZERO, 0));
        }
    }
}

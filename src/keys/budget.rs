//! Budgets: money held in the table before a request begins, so that no number of concurrent requests spends more.

use std::time::Duration;

use futures_util::future::try_join_all;
use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::chain::{Ask, Routes};
use crate::config::Period;
use crate::conversation::Request;
use crate::spend::{RequestId, Reservation};
use crate::store::{Account, Claim, Hold, Key, Reserved, StoreError, Table, keys};
use crate::task;

use super::quote::{self, Unpriced, legs};
use super::{Denied, Keyring, VirtualKey};

/// An account outlives its window, for records that are replayed late.
const KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// How often an answer is made shorter before somebody else's requests are the reason that it does not fit.
const TRIES: usize = 3;
const READS_AT_ONCE: usize = 16;

/// What may be spent in a window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Budget {
    /// Whose, for the caller.
    pub(super) label: String,
    /// Its account in the window.
    key: Key,
    /// The first instant after the window; `None`: it is for ever.
    pub(super) ends: Option<Timestamp>,
    /// US dollars; `None`: it is only watched.
    pub(super) max: Option<Decimal>,
    /// US dollars above which the log is warned.
    soft: Option<Decimal>,
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
        })
    }

    fn of_all(common: CommonBudget, now: Timestamp) -> Budget {
        let window = common.period.map(|period| period.window(now));
        Budget {
            label: "all keys together".to_owned(),
            key: keys::common_budget(window.map(|window| window.start)),
            ends: window.map(|window| window.end),
            max: Some(common.max),
            soft: None,
        }
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

    fn exceeded(&self, account: &Account, now: Timestamp) -> Denied {
        Denied::BudgetExceeded {
            label: self.label.clone(),
            spent: account.spent_at(now),
            held: account.committed - account.spent_at(now),
            max: self.max.unwrap_or_default(),
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
            {
                return Err(budget.exceeded(&paid(spent), now));
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
                return Err(budget.exceeded(&account, now));
            }
        }
        Ok(())
    }

    /// The key's own and that of all keys together, as far as there are any.
    fn budgets(&self, key: &VirtualKey, now: Timestamp) -> [Option<Budget>; 2] {
        let common = self.options.common;
        let common = common.map(|common| Budget::of_all(common, now));
        [Budget::of_key(key, now), common]
    }

    /// Holds what the request may cost at most against every budget of the key, or against none. An answer for which
    /// the client has set no length becomes as short as the budget needs it to be.
    pub(super) async fn reserve(
        &self,
        key: &VirtualKey,
        id: RequestId,
        routes: &Routes,
        request: &mut Request,
        ask: &mut Ask,
    ) -> Result<(Vec<Reservation>, Option<BudgetStanding>), Denied> {
        let now = self.clock.now();
        let [own, common] = self.budgets(key, now);
        let mut held = Vec::new();
        let mut standing = None;
        for (budget, is_own) in [(own, true), (common, false)] {
            let Some(budget) = budget else { continue };
            match self.hold(&budget, id, routes, request, ask).await {
                Ok((reservation, account)) => {
                    held.push(reservation);
                    if is_own {
                        standing = Some(budget.standing(&account, now));
                    }
                }
                Err(denied) => {
                    self.release(id, &held).await;
                    return Err(denied);
                }
            }
        }
        Ok((held, standing))
    }

    async fn hold(
        &self,
        budget: &Budget,
        id: RequestId,
        routes: &Routes,
        request: &mut Request,
        ask: &mut Ask,
    ) -> Result<(Reservation, Account), Denied> {
        let now = self.clock.now();
        let holder = id.to_string();
        let mut full = Account::default();
        for _ in 0..TRIES {
            let chain = routes.reachable(ask).await;
            let most = quote::most(&legs(&chain, request));
            let amount = match (most, budget.max) {
                (Ok(amount), _) => amount,
                (Err(_), None) => Decimal::ZERO,
                (Err(Unpriced { group }), Some(_)) => return Err(Denied::Unpriced { group }),
            };
            let until = now + self.options.hold;
            let claim = Claim {
                holder: &holder,
                hold: Hold { amount, until },
                most: budget.max.unwrap_or(Decimal::MAX),
                expires: budget.ends.and_then(|end| end.checked_add(KEPT).ok()),
            };
            let known = self.reached.spent(&budget.key, now);
            let reserved = match known.filter(|spent| *spent + amount > claim.most) {
                Some(spent) => Ok(Reserved::Full(paid(spent))),
                None => {
                    let turn = self.queues.turn(&budget.key.pk).await?;
                    let reserved = self.table.reserve(&budget.key, &claim).await;
                    turn.end(&reserved);
                    if let Ok(Reserved::Full(account)) = &reserved {
                        self.reached.overspent(&budget.key, account, now);
                    }
                    reserved
                }
            };
            match reserved {
                Ok(Reserved::Held(account)) => {
                    self.note(budget, &account, now).await;
                    let key = budget.key.clone();
                    return Ok((Reservation { key, held: amount }, account));
                }
                Ok(Reserved::Full(account)) => {
                    let left = claim.most - account.committed;
                    let fitting = quote::fitting_answer(&legs(&chain, request), left);
                    full = account;
                    let Ok(Some(tokens)) = fitting else { break };
                    shorten(request, ask, tokens);
                }
                Err(error) => {
                    self.perhaps_held(&budget.key, holder, amount);
                    return Err(Denied::of_table(&error));
                }
            }
        }
        Err(budget.exceeded(&full, now))
    }

    /// Warns of a soft budget, and clears away what dead requests have left.
    async fn note(&self, budget: &Budget, account: &Account, now: Timestamp) {
        let spent = account.spent_at(now);
        if budget.soft.is_some_and(|soft| spent >= soft) {
            tracing::warn!(key = budget.label, %spent, soft_budget = ?budget.soft, "the soft budget is spent");
        }
        if let Err(error) = self.table.expire_holds(&budget.key, account, now).await {
            tracing::warn!(%error, "holds whose time is over could not be moved");
        }
    }

    /// Gives back what a request holds that will not run.
    pub(super) async fn release(&self, id: RequestId, held: &[Reservation]) {
        for reservation in held {
            release(
                &self.table,
                &reservation.key,
                &id.to_string(),
                reservation.held,
            )
            .await;
        }
    }

    /// The table did not say whether it holds the amount: if it does, the request that it is for will not run. Nobody's
    /// answer waits until it is given back, but the end of the invocation or of the process does.
    fn perhaps_held(&self, key: &Key, holder: String, amount: Decimal) {
        let (table, key) = (self.table.clone(), key.clone());
        self.tasks.spawn(task::boxed(async move {
            release(&table, &key, &holder, amount).await
        }));
    }
}

/// An account of which no more is known than what was paid.
fn paid(spent: Decimal) -> Account {
    Account {
        committed: spent,
        spent,
        ..Account::default()
    }
}

async fn release(table: &Table, key: &Key, holder: &str, amount: Decimal) {
    if let Err(error) = table.release(key, holder, amount).await {
        tracing::warn!(%error, "money stays held until its time is over");
    }
}

/// Limits every answer for which the client has set no length.
fn shorten(request: &mut Request, ask: &mut Ask, tokens: u32) {
    request.sampling.max_tokens.get_or_insert(tokens);
    for fallback in ask.fallbacks.iter_mut().flatten() {
        if let Some(own) = &mut fallback.request {
            own.shorten_answer(tokens);
        }
    }
}

#[cfg(all(test, feature = "local"))]
mod tests {
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::chain::Clock;
    use crate::keys::KeyOptions;
    use crate::store::Embedded;

    #[tokio::test]
    async fn whoever_ends_the_process_waits_until_what_may_be_held_is_given_back() {
        let embedded = Embedded::in_memory().await.unwrap();
        let table = embedded.table("test").await.unwrap();
        let key = keys::budget("k", None);
        let (holder, amount) = ("r", Decimal::ONE);
        let until = Timestamp::now() + KEPT;
        let claim = Claim {
            holder,
            hold: Hold { amount, until },
            most: Decimal::TEN,
            expires: None,
        };
        table.reserve(&key, &claim).await.unwrap();
        let options = KeyOptions {
            common: None,
            hold: KEPT,
        };
        let tasks = TaskTracker::new();
        let keyring = Keyring::new(table.clone(), Clock::default(), options, tasks.clone());
        keyring.perhaps_held(&key, holder.to_owned(), amount);
        assert_eq!(tasks.len(), 1);
        tasks.close();
        tasks.wait().await;
        let account = table.account(&key).await.unwrap().unwrap();
        assert_eq!((account.committed, account.holds.len()), (Decimal::ZERO, 0));
    }
}

//! Money that one request holds in the table before each attempt begins, so that no number of requests, and no number of
//! attempts of one request, spends more than a budget has.
//!
//! The first attempt takes the hold. Each further one raises it by what its predecessors may have cost, or is not begun.

use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::bedrock::plan::Plan;
use crate::chain::{self, Afforded, AttemptOffer, Target};
use crate::spend::{RequestId, Reservation};
use crate::store::{Account, Claim, Hold, Key, Reserved, StoreError, Table};

use super::bound;
use super::budget::{Budget, paid};
use super::cost_bound::{CostBound, LEAST_ANSWER};
use super::counted_prompts::PromptHashes;
use super::{BudgetStanding, Caller, Denied, Keyring, OverBudget};

/// How long a request that does not fit waits for Bedrock to count its prompt.
const COUNTING: Duration = Duration::from_secs(3);
/// A prompt that would not fit with so many times fewer tokens than it may have is not worth being counted.
const LOOSEST_PROMPT: u64 = 32;

/// What one request holds of the budgets that apply to it.
#[derive(Debug)]
pub struct Holds {
    keyring: Keyring,
    id: RequestId,
    owner: String,
    lines: Vec<HeldBudget>,
    /// A raise that is under way. The request's time limit may end the wait for it, and it must be known all the same
    /// before the request is settled.
    raising: Option<JoinHandle<Raised>>,
    /// The last prompt that was paid for.
    prompt: Option<PromptHashes>,
}

/// One budget, and what is held of it.
#[derive(Debug, Clone)]
struct HeldBudget {
    budget: Budget,
    held: Option<Decimal>,
    /// As the table last said.
    account: Option<Account>,
}

/// What became of a raise.
#[derive(Debug, Default)]
struct Raised {
    /// The lines that hold the amount now.
    held: Vec<(usize, Decimal, Account)>,
    /// The line that does not, and why.
    refused: Option<(usize, Refusal)>,
}

#[derive(Debug)]
enum Refusal {
    /// The amount does not fit.
    Full(Account),
    /// Whether it is held is not known.
    Failed(StoreError),
    /// It was not its turn at the account in time.
    NoTurn(Denied),
}

/// A budget that does not have the amount.
struct Full {
    line: HeldBudget,
    /// US dollars that this request may hold in all.
    left: Decimal,
}

impl Keyring {
    /// What a request of this caller will have to hold: nothing yet.
    pub fn holds(&self, caller: &Caller, id: RequestId) -> Holds {
        let now = self.clock.now();
        let key = caller.virtual_key.as_deref();
        let budgets = key.map(|key| self.budgets(key, now)).into_iter().flatten();
        let lines = budgets.flatten().map(|budget| HeldBudget {
            budget,
            held: None,
            account: None,
        });
        Holds {
            keyring: self.clone(),
            id,
            owner: caller.key_hash.clone(),
            lines: lines.collect(),
            raising: None,
            prompt: None,
        }
    }
}

impl Holds {
    /// Whether no budget applies: then nothing is held, and nothing costs a call of the table.
    pub fn is_free(&self) -> bool {
        self.lines.is_empty()
    }

    /// How the key's own budget stands with what is held; `None`: it has none, or nothing is held yet.
    pub fn standing(&self) -> Option<BudgetStanding> {
        let own = self.lines.iter().find(|line| !line.budget.is_common)?;
        let account = own.account.as_ref()?;
        Some(own.budget.standing(account, self.keyring.clock.now()))
    }

    /// Holds what this attempt may cost, beside what the earlier ones may have.
    ///
    /// # Errors
    /// When a budget does not have it, or that cannot be known: the attempt must not begin.
    pub async fn afford(&mut self, offer: &AttemptOffer<'_>) -> Result<Afforded, Denied> {
        if self.is_free() {
            return Ok(Afforded::Yes(Decimal::ZERO));
        }
        let (target, plan) = (offer.target, offer.plan);
        let price = target.price();
        let cost_of = |tokens| price.and_then(|price| CostBound::new(price, plan, tokens));
        let hashes = PromptHashes::of(&self.owner, target.model_id(), plan);
        let family = target.model().family;
        let mut tokens = bound::prompt_tokens(plan, target.model());
        let remembered = self.keyring.counted.remembered(&hashes, plan, family);
        tokens = remembered.map_or(tokens, |remembered| remembered.min(tokens));
        let mut ways = [Way::Table, Way::Bedrock].into_iter();
        loop {
            let Some(cost) = cost_of(tokens) else {
                return self.unpriced(offer).await;
            };
            let full = match self.raise(offer.sunk + cost.total()).await? {
                None => {
                    self.prompt = Some(hashes);
                    return Ok(Afforded::Yes(cost.total()));
                }
                Some(full) => full,
            };
            let left = full.left - offer.sunk;
            let shortest = if offer.may_shorten {
                LEAST_ANSWER.min(cost.answer)
            } else {
                cost.answer
            };
            let loosest = cost_of(tokens / LOOSEST_PROMPT).and_then(|cost| cost.answer_for(left));
            let may_fit = loosest >= Some(shortest);
            if let Some(way) = ways.next().filter(|_| may_fit) {
                let counted = match way {
                    Way::Table => self.keyring.stored_count(&hashes, plan, family).await,
                    Way::Bedrock => self.count(&hashes, target, plan).await,
                };
                tokens = counted.map_or(tokens, |counted| counted.min(tokens));
                continue;
            }
            let answer = cost.answer_for(left).unwrap_or(0).min(cost.answer);
            if offer.may_shorten && (LEAST_ANSWER..cost.answer).contains(&answer) {
                return Ok(Afforded::Shorter(answer));
            }
            return Err(over_budget(&full, &cost, self.keyring.clock.now()));
        }
    }

    /// What is held, for the record to settle.
    pub async fn reservations(&mut self) -> Vec<Reservation> {
        self.finish_raise().await;
        let lines = self.lines.iter();
        lines
            .filter_map(|line| {
                Some(Reservation {
                    key: line.budget.key.clone(),
                    held: line.held?,
                })
            })
            .collect()
    }

    /// Bedrock has counted the last prompt that was paid for: the next one of its session is held for by that.
    pub async fn counted(&self, prompt_tokens: u64) {
        if let Some(hashes) = &self.prompt {
            self.keyring.remember_count(hashes, prompt_tokens).await;
        }
    }

    /// The prompt's length as Bedrock counts it, which costs nothing; `None`: it has no count for the model, or gave none
    /// in time. Fields for the model are not counted with it.
    async fn count(&self, hashes: &PromptHashes, target: &Target, plan: &Plan) -> Option<u64> {
        let counted = timeout(COUNTING, chain::count_plan(target, plan)).await;
        let tokens = counted.ok()?? + bound::fields_tokens(plan);
        self.keyring.counted.remember(hashes, tokens);
        Some(tokens)
    }

    /// A budget with a limit cannot be kept with a model whose price is unknown; one that is only watched can.
    async fn unpriced(&mut self, offer: &AttemptOffer<'_>) -> Result<Afforded, Denied> {
        if self.lines.iter().any(|line| line.budget.max.is_some()) {
            let group = offer.target.group().to_owned();
            return Err(Denied::Unpriced { group });
        }
        self.raise(offer.sunk).await?;
        Ok(Afforded::Yes(Decimal::ZERO))
    }

    /// Holds this much in all of every budget. `Some`: the first that does not have it.
    async fn raise(&mut self, amount: Decimal) -> Result<Option<Full>, Denied> {
        // What the table said a moment ago, to this request or to another one, needs no further call.
        let now = self.keyring.clock.now();
        for line in self.lines.iter_mut().filter(|line| line.account.is_none()) {
            let spent = self.keyring.reached.spent(&line.budget.key, now);
            let max = line.budget.max;
            let known = spent.filter(|spent| max.is_some_and(|max| spent + amount > max));
            line.account = known.map(paid);
        }
        let known = self.lines.iter().find_map(|line| line.lacks(amount));
        if known.is_some() {
            return Ok(known);
        }
        let claims = self.lines.iter().cloned().enumerate();
        let claims: Vec<_> = claims
            .filter(|(_, line)| line.held.is_none_or(|held| held < amount))
            .collect();
        if claims.is_empty() {
            return Ok(None);
        }
        let (keyring, holder) = (self.keyring.clone(), self.id.to_string());
        let tasks = keyring.tasks.clone();
        self.raising = Some(tasks.spawn(raise(keyring, holder, claims, amount)));
        match self.finish_raise().await {
            None => Ok(None),
            Some((at, Refusal::Full(account))) => {
                let line = self.lines.get_mut(at).ok_or(Denied::Contended)?;
                line.account = Some(account);
                // Its hold is gone if it does not lack the amount: the request has outlived its time.
                line.lacks(amount).ok_or(Denied::Contended).map(Some)
            }
            Some((_, Refusal::Failed(error))) => Err(Denied::of_table(&error)),
            Some((_, Refusal::NoTurn(denied))) => Err(denied),
        }
    }

    /// Waits for the raise that is under way, if there is one.
    async fn finish_raise(&mut self) -> Option<(usize, Refusal)> {
        let raised = self.raising.as_mut()?.await.unwrap_or_default();
        self.raising = None;
        for (at, amount, account) in raised.held {
            if let Some(line) = self.lines.get_mut(at) {
                line.held = Some(amount);
                line.account = Some(account);
            }
        }
        raised.refused
    }
}

/// Who may know how long a prompt is, where the bound of it does not fit.
enum Way {
    /// Another instance that has answered the turn before.
    Table,
    Bedrock,
}

impl HeldBudget {
    /// What this request may hold in all, where that is known to be less than `amount`.
    fn lacks(&self, amount: Decimal) -> Option<Full> {
        let account = self.account.as_ref()?;
        let left = self.budget.max? - account.committed + self.held.unwrap_or_default();
        (amount > left).then(|| Full {
            line: self.clone(),
            left,
        })
    }
}

/// Raises each line in turn, up to the first that has no room. A raise that was begun is made to its end, whatever becomes
/// of the request.
async fn raise(
    keyring: Keyring,
    holder: String,
    claims: Vec<(usize, HeldBudget)>,
    amount: Decimal,
) -> Raised {
    let mut raised = Raised::default();
    for (at, line) in claims {
        let now = keyring.clock.now();
        match keyring.claim(&line, &holder, amount, now).await {
            Ok(account) => {
                if line.held.is_none() {
                    keyring.watch(&line.budget, &account, now).await;
                }
                raised.held.push((at, amount, account));
            }
            Err(refusal) => {
                raised.refused = Some((at, refusal));
                break;
            }
        }
    }
    raised
}

impl Keyring {
    async fn claim(
        &self,
        line: &HeldBudget,
        holder: &str,
        amount: Decimal,
        now: Timestamp,
    ) -> Result<Account, Refusal> {
        let until = now + self.options.hold;
        let claim = Claim {
            holder,
            before: line.held,
            hold: Hold { amount, until },
            most: line.budget.max.unwrap_or(Decimal::MAX),
            expires: line.budget.expires(),
        };
        let key = &line.budget.key;
        let turn = self.account_locks.turn(&key.pk).await;
        let turn = turn.map_err(Refusal::NoTurn)?;
        let reserved = self.table.reserve(key, &claim).await;
        turn.end(&reserved);
        match reserved {
            Ok(Reserved::Held(account)) => Ok(account),
            Ok(Reserved::Full(account)) => {
                self.reached.overspent(key, &account, now);
                Err(Refusal::Full(account))
            }
            Err(error) => {
                if line.held.is_none() {
                    self.perhaps_held(key, holder.to_owned(), amount);
                }
                Err(Refusal::Failed(error))
            }
        }
    }

    /// Warns of a soft budget, and clears away what dead requests have left.
    async fn watch(&self, budget: &Budget, account: &Account, now: Timestamp) {
        let spent = account.spent_at(now);
        if budget.soft.is_some_and(|soft| spent >= soft) {
            tracing::warn!(key = budget.label, %spent, soft_budget = ?budget.soft, "the soft budget is spent");
        }
        if let Err(error) = self.table.expire_holds(&budget.key, account, now).await {
            tracing::warn!(%error, "holds whose time is over could not be moved");
        }
    }

    /// The table did not say whether it holds the amount: if it does, the attempt that it is for will not begin. No answer
    /// waits until it is given back, but the end of the invocation or of the process does.
    fn perhaps_held(&self, key: &Key, holder: String, amount: Decimal) {
        let (table, key) = (self.table.clone(), key.clone());
        self.tasks
            .spawn(async move { release(&table, &key, &holder, amount).await });
    }
}

async fn release(table: &Table, key: &Key, holder: &str, amount: Decimal) {
    if let Err(error) = table.release(key, holder, amount).await {
        tracing::warn!(%error, "money stays held until its time is over");
    }
}

fn over_budget(full: &Full, cost: &CostBound, now: Timestamp) -> Denied {
    let Full { line, left } = full;
    let account = line.account.clone().unwrap_or_default();
    let spent = account.spent_at(now);
    Denied::OverBudget(Box::new(OverBudget {
        label: line.budget.label.clone(),
        spent,
        held: account.committed - spent,
        left: (*left).max(Decimal::ZERO),
        max: line.budget.max.unwrap_or_default(),
        cost: cost.total(),
        prompt: cost.prompt,
        longest_answer: cost.answer_for(*left).filter(|tokens| *tokens > 0),
    }))
}

#[cfg(all(test, feature = "local"))]
mod tests {
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::clock::Clock;
    use crate::keys::KeyOptions;
    use crate::store::{Embedded, keys};

    #[tokio::test]
    async fn whoever_ends_the_process_waits_until_what_may_be_held_is_given_back() {
        const HOUR: Duration = Duration::from_secs(60 * 60);
        let embedded = Embedded::in_memory().await.unwrap();
        let table = embedded.table("test").await.unwrap();
        let key = keys::budget("k", None);
        let (holder, amount) = ("r", Decimal::ONE);
        let claim = Claim {
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

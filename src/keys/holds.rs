//! Money that one request holds in the table before each attempt begins, so that no number of requests, and no number
//! of attempts of one request, spends more than a budget has.
//!
//! The first attempt takes the hold. Each further one raises it by what its predecessors may have cost, or is not
//! begun.

use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::alerts::BudgetUse;
use crate::bedrock::plan::Plan;
use crate::chain::{self, Afforded, AttemptOffer, RetrievalOffer, Target};
use crate::spend::{RequestId, Reservation, Reservations, SharedReservation};
use crate::store::bucket_of;

use super::bound::{self, retrieval_cost};
use super::budget::{Level, paid};
use super::claimant::{ClaimRefusal, Claimant, HeldBudget, Raised};
use super::cost_bound::{CostBound, LEAST_ANSWER};
use super::counted_prompts::PromptHashes;
use super::{BudgetUsage, Caller, Denied, Keyring, OverBudget};

/// How long a request that does not fit waits for Bedrock to count its prompt.
const COUNT_LIMIT: Duration = Duration::from_secs(3);
/// A prompt that would not fit with so many times fewer tokens than it may have is not worth being counted.
const LOOSEST_PROMPT: u64 = 32;

/// What one request holds of the budgets that apply to it.
#[derive(Debug)]
pub struct Holds {
    keyring: Keyring,
    id: RequestId,
    owner: String,
    budgets: Vec<HeldBudget>,
    /// Where accounts that many share keep what is held for this request.
    bucket: i64,
    /// A raise that is under way. The request's time limit may end the wait for it, and it must be known all the same
    /// before the request is settled.
    raising: Option<JoinHandle<Raised>>,
    /// The last prompt that was paid for.
    prompt: Option<PromptHashes>,
}

/// A budget that does not have the amount.
struct Shortfall {
    held_budget: HeldBudget,
    /// US dollars that this request may hold in all.
    left: Decimal,
}

impl Keyring {
    /// What a request of this caller will have to hold: nothing yet.
    pub fn holds(&self, caller: &Caller, id: RequestId) -> Holds {
        let now = self.clock.now();
        let budgets = self.budgets(caller, now).into_iter();
        let budgets = budgets.map(|budget| HeldBudget {
            budget,
            held: None,
            account: None,
        });
        Holds {
            keyring: self.clone(),
            id,
            owner: caller.key_hash.clone(),
            budgets: budgets.collect(),
            bucket: bucket_of(now + self.options.hold),
            raising: None,
            prompt: None,
        }
    }
}

impl Holds {
    /// Whether no budget applies: then nothing is held, and nothing costs a call of the table.
    pub fn has_no_budget(&self) -> bool {
        self.budgets.is_empty()
    }

    /// How the key's own budget stands with what is held; `None`: it has none, or nothing is held yet.
    pub fn budget_usage(&self) -> Option<BudgetUsage> {
        let own = self
            .budgets
            .iter()
            .find(|held_budget| held_budget.budget.level == Level::Key)?;
        let account = own.account.as_ref()?;
        Some(own.budget.usage(account, self.keyring.clock.now()))
    }

    /// Holds what this attempt may cost, beside what the earlier ones may have.
    ///
    /// # Errors
    /// When a budget does not have it, or that cannot be known: the attempt must not begin.
    pub async fn afford(&mut self, offer: &AttemptOffer<'_>) -> Result<Afforded, Denied> {
        if self.has_no_budget() {
            return Ok(Afforded::Yes(Decimal::ZERO));
        }
        let (target, plan) = (offer.target, offer.plan);
        let price = target.price(offer.began_at);
        let price = price.as_deref();
        let cost_of = |tokens| price.and_then(|price| CostBound::new(price, plan, tokens));
        let hashes = PromptHashes::of(&self.owner, target.model_id(), plan);
        let family = target.model().family;
        let mut tokens = bound::prompt_tokens(plan, target.model());
        let remembered = self
            .keyring
            .counted_prompts
            .remembered(&hashes, plan, family);
        tokens = remembered.map_or(tokens, |remembered| remembered.min(tokens));
        let mut sources = [CountSource::Table, CountSource::Bedrock].into_iter();
        loop {
            let Some(cost) = cost_of(tokens) else {
                self.unpriced(target, offer.cost_so_far).await?;
                return Ok(Afforded::Yes(Decimal::ZERO));
            };
            let shortfall = match self.raise(offer.cost_so_far + cost.total()).await? {
                None => {
                    self.prompt = Some(hashes);
                    return Ok(Afforded::Yes(cost.total()));
                }
                Some(full) => full,
            };
            let left = shortfall.left - offer.cost_so_far;
            let shortest = if offer.may_shorten {
                LEAST_ANSWER.min(cost.answer)
            } else {
                cost.answer
            };
            let loosest = cost_of(tokens / LOOSEST_PROMPT).and_then(|cost| cost.answer_for(left));
            let may_fit = loosest >= Some(shortest);
            if let Some(source) = sources.next().filter(|_| may_fit) {
                let tokens_counted = match source {
                    CountSource::Table => self.keyring.stored_count(&hashes, plan, family).await,
                    CountSource::Bedrock => self.count_on_bedrock(&hashes, target, plan).await,
                };
                tokens = tokens_counted.map_or(tokens, |counted| counted.min(tokens));
                continue;
            }
            let answer = cost.answer_for(left).unwrap_or(0).min(cost.answer);
            if offer.may_shorten && (LEAST_ANSWER..cost.answer).contains(&answer) {
                return Ok(Afforded::Shorter(answer));
            }
            return Err(over_budget(&shortfall, &cost, self.keyring.clock.now()));
        }
    }

    /// Holds what these calls for vectors or for the order of documents may cost, beside what the earlier ones may
    /// have.
    ///
    /// # Errors
    /// As [`Self::afford`].
    pub async fn afford_retrieval(&mut self, offer: &RetrievalOffer<'_>) -> Result<(), Denied> {
        if self.has_no_budget() {
            return Ok(());
        }
        let price = offer.target.price(offer.began_at);
        let Some(amount) = price.and_then(|price| retrieval_cost(offer, &price)) else {
            return self.unpriced(offer.target, offer.cost_so_far).await;
        };
        let shortfall = self.raise(offer.cost_so_far + amount).await?;
        let cost = CostBound::of_prompt(amount);
        let now = self.keyring.clock.now();
        shortfall.map_or(Ok(()), |full| {
            let left = full.left - offer.cost_so_far;
            Err(over_budget(&Shortfall { left, ..full }, &cost, now))
        })
    }

    /// Holds what a search of the web costs.
    ///
    /// # Errors
    /// As [`Self::afford`].
    pub async fn afford_search(&mut self, price: Decimal) -> Result<(), Denied> {
        if self.has_no_budget() {
            return Ok(());
        }
        let shortfall = self.raise(price).await?;
        let now = self.keyring.clock.now();
        let cost = CostBound::of_prompt(price);
        shortfall.map_or(Ok(()), |full| Err(over_budget(&full, &cost, now)))
    }

    /// US dollars that these calls may cost at most; 0 where no budget applies.
    pub fn retrieval_bound(&self, offer: &RetrievalOffer<'_>) -> Decimal {
        if self.has_no_budget() {
            return Decimal::ZERO;
        }
        let price = offer.target.price(offer.began_at);
        let bound = price.and_then(|price| retrieval_cost(offer, &price));
        bound.unwrap_or_default()
    }

    /// What is held, for the record to settle.
    pub async fn reservations(&mut self) -> Reservations {
        self.finish_raise().await;
        let mut reservations = Reservations::default();
        for HeldBudget { budget, held, .. } in &self.budgets {
            let (key, bucket) = (budget.key.clone(), self.bucket);
            match *held {
                Some(held) if budget.level.is_shared() => {
                    let shared = SharedReservation { key, bucket, held };
                    reservations.shared.push(shared);
                }
                Some(held) => reservations.own.push(Reservation { key, held }),
                None => {}
            }
        }
        reservations
    }

    /// How much of each budget is spent with this request, which has cost so many US dollars, as far as the table has
    /// said.
    pub fn budget_uses(&self, cost: Decimal) -> Vec<BudgetUse> {
        let now = self.keyring.clock.now();
        let budgets = self.budgets.iter().filter_map(|held_budget| {
            let account = held_budget.account.as_ref()?;
            let spent = account.spent_at(now) + cost;
            Some(held_budget.budget.used(spent))
        });
        budgets.collect()
    }

    /// Bedrock has counted the last prompt that was paid for: the next one of its session is held for by that.
    pub async fn remember_prompt_tokens(&self, prompt_tokens: u64) {
        if let Some(hashes) = &self.prompt {
            self.keyring.remember_count(hashes, prompt_tokens).await;
        }
    }

    /// The prompt's length as Bedrock counts it, which costs nothing; `None`: it has no count for the model, or gave
    /// none in time. Fields for the model are not counted with it.
    async fn count_on_bedrock(
        &self,
        hashes: &PromptHashes,
        target: &Target,
        plan: &Plan,
    ) -> Option<u64> {
        let tokens_counted = timeout(COUNT_LIMIT, chain::count_plan(target, plan)).await;
        let tokens = tokens_counted.ok()?? + bound::fields_tokens(plan);
        self.keyring.counted_prompts.remember(hashes, tokens);
        Some(tokens)
    }

    /// A budget with a limit cannot be kept with a model whose price is unknown; one that is only watched can.
    async fn unpriced(&mut self, target: &Target, cost_so_far: Decimal) -> Result<(), Denied> {
        if self
            .budgets
            .iter()
            .any(|held_budget| held_budget.budget.max.is_some())
        {
            let group = target.group().to_owned();
            return Err(Denied::Unpriced { group });
        }
        self.raise(cost_so_far).await?;
        Ok(())
    }

    /// Holds this much in all of every budget. `Some`: the first that does not have it.
    async fn raise(&mut self, amount: Decimal) -> Result<Option<Shortfall>, Denied> {
        // What the table said a moment ago, to this request or to another one, needs no further call.
        let now = self.keyring.clock.now();
        for held_budget in self
            .budgets
            .iter_mut()
            .filter(|held_budget| held_budget.account.is_none())
        {
            let spent = self.keyring.reached.spent(&held_budget.budget.key, now);
            let max = held_budget.budget.max;
            let known = spent.filter(|spent| max.is_some_and(|max| spent + amount > max));
            held_budget.account = known.map(paid);
        }
        let known = self
            .budgets
            .iter()
            .find_map(|held_budget| held_budget.shortfall(amount));
        if known.is_some() {
            return Ok(known);
        }
        let claims = self.budgets.iter().cloned().enumerate();
        let claims: Vec<_> = claims
            .filter(|(_, held_budget)| held_budget.held.is_none_or(|held| held < amount))
            .collect();
        if claims.is_empty() {
            return Ok(None);
        }
        let claimant = Claimant {
            keyring: self.keyring.clone(),
            holder: self.id.to_string(),
            marker: self.id.marker(),
            bucket: self.bucket,
        };
        let tasks = &self.keyring.tasks;
        self.raising = Some(tasks.spawn(claimant.raise(claims, amount)));
        match self.finish_raise().await {
            None => Ok(None),
            Some((at, ClaimRefusal::DoesNotFit(account))) => {
                let held_budget = self.budgets.get_mut(at).ok_or(Denied::Contended)?;
                held_budget.account = Some(account);
                // Its hold is gone if it does not lack the amount: the request has outlived its time.
                held_budget
                    .shortfall(amount)
                    .ok_or(Denied::Contended)
                    .map(Some)
            }
            Some((_, ClaimRefusal::Failed(error))) => Err(Denied::of_table(&error)),
            Some((_, ClaimRefusal::NotLocked(denied))) => Err(denied),
        }
    }

    /// Waits for the raise that is under way, if there is one.
    async fn finish_raise(&mut self) -> Option<(usize, ClaimRefusal)> {
        let raised = self.raising.as_mut()?.await.unwrap_or_default();
        self.raising = None;
        for (at, amount, account) in raised.held {
            if let Some(held_budget) = self.budgets.get_mut(at) {
                held_budget.held = Some(amount);
                held_budget.account = Some(account);
            }
        }
        raised.refused
    }
}

/// A source of a prompt's length, where the upper bound of it does not fit.
enum CountSource {
    /// Another instance that has answered the turn before.
    Table,
    Bedrock,
}

impl HeldBudget {
    /// What this request may hold in all, where that is known to be less than `amount`.
    fn shortfall(&self, amount: Decimal) -> Option<Shortfall> {
        let account = self.account.as_ref()?;
        let left = self.budget.max? - account.committed + self.held.unwrap_or_default();
        (amount > left).then(|| Shortfall {
            held_budget: self.clone(),
            left,
        })
    }
}

fn over_budget(shortfall: &Shortfall, cost: &CostBound, now: Timestamp) -> Denied {
    let Shortfall { held_budget, left } = shortfall;
    let account = held_budget.account.clone().unwrap_or_default();
    let spent = account.spent_at(now);
    Denied::OverBudget(Box::new(OverBudget {
        label: held_budget.budget.label.clone(),
        spent,
        held: account.committed - spent,
        left: (*left).max(Decimal::ZERO),
        max: held_budget.budget.max.unwrap_or_default(),
        cost: cost.total(),
        prompt: cost.prompt,
        resets_at: held_budget.budget.ends,
        raised_by: held_budget.budget.level.raised_by(),
        longest_answer: cost.answer_for(*left).filter(|tokens| *tokens > 0),
    }))
}

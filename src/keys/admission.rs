//! Whether a request may run now, and what it has taken of its key's limits: `admit` before the chain, `release_slot`
//! before the end goes out, `release_limits` while the record is written. What it may cost is held attempt by
//! attempt: see [`super::Holds`].

use jiff::Timestamp;
use rust_decimal::Decimal;

use crate::chain::Routes;
use crate::conversation::Request;
use crate::spend::RequestId;
use crate::store::{StoreError, TableFault};

use super::limit::{REQUESTS, TOKENS};
use super::{BudgetUsage, Caller, KeyRates, Keyring, LimitScope, LimitsTaken, Remaining};

/// A request that may run.
#[derive(Debug, Default)]
pub struct Admission {
    /// What [`Keyring::release_limits`] gives back.
    pub limits_taken: LimitsTaken,
    /// How its key stands with it.
    pub key_usage: KeyUsage,
}

/// How a key stands, for the headers of its replies.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct KeyUsage {
    /// Its budget.
    pub budget: Option<BudgetUsage>,
    /// Its limits of the minute.
    pub rates: KeyRates,
    /// Its limits for the model.
    pub model_rates: KeyRates,
}

/// A budget that does not have what an attempt may cost. All amounts are US dollars.
#[derive(Debug, Clone, PartialEq)]
pub struct OverBudget {
    /// The budget's owner, as the caller knows it.
    pub label: String,
    /// Spent in the window.
    pub spent: Decimal,
    /// Held for requests under way.
    pub held: Decimal,
    /// What this request may hold.
    pub left: Decimal,
    /// In the window.
    pub max: Decimal,
    /// What the attempt may cost.
    pub cost: Decimal,
    /// How much of it is for the prompt.
    pub prompt: Decimal,
    /// When the next window begins; `None`: never.
    pub resets_at: Option<Timestamp>,
    /// How it is raised.
    pub raised_by: &'static str,
    /// The longest answer, in tokens, that there is room for; `None`: the prompt alone may cost more.
    pub longest_answer: Option<u32>,
}

/// Why a request may not run.
#[derive(Debug, Clone, PartialEq)]
pub enum Denied {
    /// A budget does not have what the next attempt may cost.
    OverBudget(Box<OverBudget>),
    /// The key has a budget, and the price of the model is unknown.
    Unpriced {
        /// The model's group.
        group: String,
    },
    /// A limit of the key, its team, member or user is reached.
    LimitReached {
        /// Whose limit it is.
        scope: LimitScope,
        /// The name of its holder, as the caller knows it.
        label: String,
        /// What is limited: `requests`, `tokens` or `max_parallel_requests`.
        kind: &'static str,
        /// How many there may be.
        limit: u64,
        /// When there is room again; `None`: as soon as another request ends.
        resets_at: Option<Timestamp>,
    },
    /// Too many requests of the key at the same time want to know how it stands.
    Contended,
    /// Something is wrong with the table, so nothing can be promised.
    Table(TableFault),
}

impl Denied {
    /// Why what a request needs could not be taken from the table.
    pub(super) fn of_table(error: &StoreError) -> Self {
        match error.fault() {
            None => Denied::Contended,
            Some(fault) => {
                tracing::error!(%error, "a key's budget or limits could not be checked");
                Denied::Table(fault)
            }
        }
    }

    /// What it says of how the key stands.
    pub fn key_usage(&self) -> KeyUsage {
        let mut key_usage = KeyUsage::default();
        if let Denied::LimitReached {
            scope, kind, limit, ..
        } = self
        {
            let left = Some(Remaining {
                limit: *limit,
                remaining: 0,
            });
            let rates = match scope {
                LimitScope::Key => &mut key_usage.rates,
                LimitScope::Model => &mut key_usage.model_rates,
                _ => return key_usage,
            };
            match *kind {
                REQUESTS => rates.requests = left,
                TOKENS => rates.tokens = left,
                _ => {}
            }
        }
        key_usage
    }
}

impl Keyring {
    /// Takes what a request of so many estimated tokens needs of its key's limits, all or nothing. The master key, and
    /// a key without limits, wait for nothing.
    ///
    /// # Errors
    /// When something is used up, or that cannot be known. Slots and tokens are given back then; limits that counted
    /// the request keep it.
    pub async fn admit(
        &self,
        caller: &Caller,
        id: RequestId,
        routes: &Routes,
        group: &str,
        estimate: impl FnOnce() -> u64,
    ) -> Result<Admission, Denied> {
        if caller.is_admin() {
            return Ok(Admission::default());
        }
        self.check_known_spent(caller)?;
        let (limits_taken, [rates, model_rates]) = self
            .take_key_limits(caller, id, routes, group, estimate())
            .await?;
        Ok(Admission {
            limits_taken,
            key_usage: KeyUsage {
                rates,
                model_rates,
                ..KeyUsage::default()
            },
        })
    }

    /// Counts a request that has its tokens counted: it is one of its minute, uses no tokens, and costs nothing.
    ///
    /// # Errors
    /// As [`Keyring::admit`], where the minute's requests or tokens or the budget are used up.
    pub async fn admit_count(
        &self,
        caller: &Caller,
        routes: &Routes,
        group: &str,
        request: &Request,
    ) -> Result<(), Denied> {
        if caller.is_admin() {
            return Ok(());
        }
        self.count_request(caller, routes, group).await?;
        let tokens = request.estimated_prompt_tokens();
        let targets = routes.targets(group);
        let now = self.clock.now();
        let price = targets.first().and_then(|target| target.price(now));
        let rate = price.map_or(Decimal::ZERO, |price| price.rates(tokens).input);
        let prompt = Decimal::from(tokens) * rate / Decimal::from(1_000_000);
        self.check_spent(caller, prompt).await
    }

    /// Refuses a request of a key that is known to have reached a limit of the minute, before it is read.
    ///
    /// # Errors
    /// [`Denied::LimitReached`].
    pub fn check_known_limits(&self, caller: &Caller) -> Result<(), Denied> {
        self.check_common(caller)
    }

    /// Counts a request that asks no model, for it is refused for another reason or reads what is stored: it is one of
    /// its minute too.
    ///
    /// # Errors
    /// [`Denied::LimitReached`]: that is the reason then.
    pub async fn count_rejected(&self, caller: &Caller) -> Result<(), Denied> {
        let Some(key) = &caller.virtual_key else {
            return Ok(());
        };
        match self.count_rejected_of_key(key).await {
            Err(denied @ Denied::LimitReached { .. }) => Err(denied),
            // What is wrong with the request is so whatever is wrong with the table.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Whether a refused request is to be a record: the first ones of a key's minute are, and all of the master key.
    pub fn records_rejection(&self, caller: &Caller) -> bool {
        let now = self.clock.now();
        caller.is_admin() || self.reached.records_rejection(&caller.key_hash, now)
    }
}

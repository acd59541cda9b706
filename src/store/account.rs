//! Accounts: how much of an amount is committed. Each is one item, which all instances share.
//!
//! `committed` is always the sum of `spent` and of what is held for requests under way: a request takes a hold before
//! it begins, and replaces it by its cost when it ends. The hold of a request that never ended moves to `spent` when
//! its time is over: it is not handed back before the request's record corrects it.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, Update};
use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::attributes::{Attributes, decimal, seconds, to_decimal};
use super::item::{TTL, key_attributes};
use super::shared_account::{self, Bucket};
use super::update::{self, Updated};
use super::{Item, Key, StoreError, Table, Write, WriteLimits};

/// How often a reservation is tried again when others change the account at the same time.
const RESERVE_RETRIES: usize = 5;
/// Holds in one update: a condition of 4 KB has room for so many.
const MOST_HOLDS: usize = 100;

pub(super) const COMMITTED: &str = "committed";
const SPENT: &str = "spent";
const HOLDS: &str = "holds";
const AMOUNT: &str = "amount";
const UNTIL: &str = "until";

/// An account as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// Spent and held together.
    pub committed: Decimal,
    /// What has been paid, and the holds whose time is over.
    pub spent: Decimal,
    /// What is held, by holder.
    pub holds: BTreeMap<String, Hold>,
    /// What is held of an account that many share: see [`super::shared_account`].
    pub buckets: BTreeMap<i64, Bucket>,
}

/// An amount that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// How much.
    pub amount: Decimal,
    /// From this instant on it counts as spent.
    pub until: Timestamp,
}

/// What is to be held.
#[derive(Debug, Clone, Copy)]
pub struct HoldClaim<'a> {
    /// The holder: a name that is used once.
    pub holder: &'a str,
    /// What this holder holds already; `None`: nothing. The hold is raised from there.
    pub before: Option<Decimal>,
    /// How much, and how long at most.
    pub hold: Hold,
    /// How much may be committed in all.
    pub most: Decimal,
    /// The account is gone from this instant on; `None`: it stays.
    pub expires: Option<Timestamp>,
}

/// Whether an amount is held now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// It is held; the account with it.
    Held(Account),
    /// It does not fit; the account without it.
    Full(Account),
}

/// What replaces a hold, or several, in a transaction ([`Write::Settle`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    /// The account.
    pub key: Key,
    /// The holders, and how much each holds.
    pub holds: Vec<(String, Decimal)>,
    /// How much was spent instead.
    pub actual: Decimal,
    /// The holds have moved to `spent` already, because their time was over.
    pub moved: bool,
}

impl Account {
    /// What is spent at an instant: paid, or held for too long.
    pub fn spent_at(&self, now: Timestamp) -> Decimal {
        let over = self.holds.values().filter(|hold| hold.until <= now);
        let own = over.map(|hold| hold.amount).sum::<Decimal>();
        let buckets = self.buckets.iter();
        let over = buckets.filter(|(bucket, _)| shared_account::is_over(**bucket, now));
        let shared = over
            .flat_map(|(_, bucket)| bucket.values())
            .sum::<Decimal>();
        self.spent + own + shared
    }

    /// The item of a new account of which this much is spent already; `expires` as in [`HoldClaim`].
    pub fn new_item(key: &Key, spent: Decimal, expires: Option<Timestamp>) -> Item {
        let mut attributes = key_attributes(key);
        attributes.extend([
            (COMMITTED.to_owned(), decimal(spent)),
            (SPENT.to_owned(), decimal(spent)),
            (HOLDS.to_owned(), AttributeValue::M(Attributes::new())),
        ]);
        let item = Item {
            key: key.clone(),
            attributes: attributes.into(),
        };
        match expires {
            Some(at) => item.expires(at),
            None => item,
        }
    }

    pub(super) fn read(attributes: &Attributes) -> Account {
        let holds = attributes.get(HOLDS).and_then(|holds| holds.as_m().ok());
        let holds = holds.into_iter().flatten().filter_map(|(holder, hold)| {
            let hold = hold.as_m().ok()?;
            let hold = Hold {
                amount: amount(hold, AMOUNT)?,
                until: Timestamp::from_second(amount(hold, UNTIL)?.try_into().ok()?).ok()?,
            };
            Some((holder.clone(), hold))
        });
        Account {
            committed: amount(attributes, COMMITTED).unwrap_or_default(),
            spent: amount(attributes, SPENT).unwrap_or_default(),
            holds: holds.collect(),
            buckets: shared_account::read(attributes),
        }
    }
}

fn amount(attributes: &Attributes, name: &str) -> Option<Decimal> {
    attributes.get(name).and_then(to_decimal)
}

fn stored(hold: Hold) -> AttributeValue {
    AttributeValue::M(Attributes::from([
        (AMOUNT.to_owned(), decimal(hold.amount)),
        (UNTIL.to_owned(), seconds(hold.until)),
    ]))
}

impl Settlement {
    /// Both settlements of one account as one; `None`: they cannot be merged.
    pub(super) fn merged_with(&self, other: &Settlement) -> Option<Settlement> {
        let holds = [&*self.holds, &*other.holds].concat();
        let fits = self.moved == other.moved && holds.len() <= MOST_HOLDS;
        Some(Settlement {
            key: self.key.clone(),
            holds: fits.then_some(holds)?,
            actual: self.actual.checked_add(other.actual)?,
            moved: self.moved,
        })
    }

    fn held(&self) -> Decimal {
        self.holds.iter().map(|(_, held)| held).sum()
    }

    /// The update of the account. Its condition fails when a hold is not there as it was when it was taken; of holds
    /// that have moved, when there is no account any more.
    ///
    /// A hold that differs is one whose raise is not known to have been made. It stays until its time is over and is
    /// spent then, so that what is committed is still what is spent and held.
    pub(super) fn update(&self, table: &str) -> Result<Update, StoreError> {
        let correction = decimal(self.actual - self.held());
        let mut update = Update::builder()
            .table_name(table)
            .set_key(Some(key_attributes(&self.key)))
            .expression_attribute_values(":correction", correction);
        if self.moved {
            update = update
                .update_expression(
                    "SET committed = committed + :correction, spent = spent + :correction",
                )
                .condition_expression("attribute_exists(committed)");
            return Ok(update.build()?);
        }
        let mut holds = Vec::with_capacity(self.holds.len());
        let mut there = Vec::with_capacity(self.holds.len());
        for (i, (holder, held)) in self.holds.iter().enumerate() {
            holds.push(format!("holds.#{i}"));
            there.push(format!("holds.#{i}.#a = :{i}"));
            update = update
                .expression_attribute_names(format!("#{i}"), holder)
                .expression_attribute_values(format!(":{i}"), decimal(*held));
        }
        let update = update
            .update_expression(format!(
                "SET committed = committed + :correction, spent = spent + :actual REMOVE {}",
                holds.join(", ")
            ))
            .condition_expression(there.join(" AND "))
            .expression_attribute_names("#a", AMOUNT)
            .expression_attribute_values(":actual", decimal(self.actual));
        Ok(update.build()?)
    }
}

/// The paths of so many holds, named `#0` and on, as a list; and the condition that all of them are there.
fn paths(many: usize) -> (String, String) {
    let paths: Vec<String> = (0..many).map(|i| format!("holds.#{i}")).collect();
    let there: Vec<String> = paths
        .iter()
        .map(|path| format!("attribute_exists({path})"))
        .collect();
    (paths.join(", "), there.join(" AND "))
}

/// The result of an update of an account on a condition.
enum UpdatedAccount {
    /// The account after the update.
    Done(Account),
    /// The account that the condition did not allow; `None`: there is none.
    Refused(Option<Account>),
}

impl Table {
    /// Holds an amount, if what is committed then is not more than the claim allows.
    ///
    /// # Errors
    /// When the table does not answer, or too many others use the account at the same time. The amount may be held or
    /// not: see [`Table::release`].
    pub async fn reserve(&self, key: &Key, claim: &HoldClaim<'_>) -> Result<Reserved, StoreError> {
        let left = claim.most - (claim.hold.amount - claim.before.unwrap_or_default());
        if left.is_sign_negative() && !left.is_zero() {
            let account = self.account(key).await?;
            return Ok(Reserved::Full(account.unwrap_or_default()));
        }
        let pauses = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(5))
            .with_max_delay(Duration::from_millis(80))
            .with_max_times(RESERVE_RETRIES)
            .with_jitter();
        let mut pauses = pauses.build();
        loop {
            let error = match self.try_reserve(key, claim, left).await {
                Ok(Some(reserved)) => return Ok(reserved),
                Ok(None) => StoreError::contended("others use the account at the same time"),
                Err(error) if error.is_contention() => error,
                Err(error) => return Err(error),
            };
            let Some(pause) = pauses.next() else {
                return Err(error);
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// `None`: another update of the account was quicker.
    async fn try_reserve(
        &self,
        key: &Key,
        claim: &HoldClaim<'_>,
        left: Decimal,
    ) -> Result<Option<Reserved>, StoreError> {
        // The second condition makes it harmless to repeat an update whose answer was lost.
        let update = expiring(
            self.update(key),
            claim.expires,
            "committed = committed + :more, holds.#holder = :hold",
        )
        .expression_attribute_names("#holder", claim.holder)
        .expression_attribute_values(":hold", stored(claim.hold))
        .expression_attribute_values(":left", decimal(left));
        let update = match claim.before {
            None => update
                .condition_expression("committed <= :left AND attribute_not_exists(holds.#holder)")
                .expression_attribute_values(":more", decimal(claim.hold.amount)),
            Some(before) => update
                .condition_expression("committed <= :left AND holds.#holder.#amount = :before")
                .expression_attribute_names("#amount", AMOUNT)
                .expression_attribute_values(":before", decimal(before))
                .expression_attribute_values(":more", decimal(claim.hold.amount - before)),
        };
        let account = match send(update).await? {
            UpdatedAccount::Done(account) => return Ok(Some(Reserved::Held(account))),
            UpdatedAccount::Refused(Some(account)) => account,
            UpdatedAccount::Refused(None) if claim.before.is_none() => {
                return self.open_account(key, claim).await;
            }
            // The account is gone, and the hold with it: the window is long over.
            UpdatedAccount::Refused(None) => return Ok(Some(Reserved::Full(Account::default()))),
        };
        let held = account.holds.get(claim.holder).map(|hold| hold.amount);
        Ok(match held {
            Some(amount) if amount == claim.hold.amount => Some(Reserved::Held(account)),
            _ if account.committed > left || held != claim.before => Some(Reserved::Full(account)),
            _ => None,
        })
    }

    async fn open_account(
        &self,
        key: &Key,
        claim: &HoldClaim<'_>,
    ) -> Result<Option<Reserved>, StoreError> {
        let holds = Attributes::from([(claim.holder.to_owned(), stored(claim.hold))]);
        let update = expiring(
            self.update(key),
            claim.expires,
            "committed = :amount, spent = :nothing, holds = :holds",
        )
        .condition_expression("attribute_not_exists(committed)")
        .expression_attribute_values(":amount", decimal(claim.hold.amount))
        .expression_attribute_values(":nothing", decimal(Decimal::ZERO))
        .expression_attribute_values(":holds", AttributeValue::M(holds));
        match send(update).await? {
            UpdatedAccount::Done(account) => Ok(Some(Reserved::Held(account))),
            UpdatedAccount::Refused(_) => Ok(None),
        }
    }

    /// Gives back what is held, if it is held.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn release(
        &self,
        key: &Key,
        holder: &str,
        amount: Decimal,
    ) -> Result<(), StoreError> {
        let settlement = Settlement {
            key: key.clone(),
            holds: vec![(holder.to_owned(), amount)],
            actual: Decimal::ZERO,
            moved: false,
        };
        let writes = [Write::Settle(settlement)];
        match self.transact(&writes, WriteLimits::default()).await {
            Ok(()) | Err(StoreError::ConditionFailed { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Moves the holds whose time is over to what is spent, if they are still there as `seen`.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn expire_holds(
        &self,
        key: &Key,
        seen: &Account,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let over = seen.holds.iter().filter(|(_, hold)| hold.until <= now);
        // Further ones are moved the next time.
        let over: Vec<_> = over.take(MOST_HOLDS).collect();
        if over.is_empty() {
            return Ok(());
        }
        let sum: Decimal = over.iter().map(|(_, hold)| hold.amount).sum();
        let (holds, there) = paths(over.len());
        let mut update = self
            .update(key)
            .update_expression(format!("SET spent = spent + :sum REMOVE {holds}"))
            .condition_expression(there)
            .expression_attribute_values(":sum", decimal(sum));
        for (i, (holder, _)) in over.iter().enumerate() {
            update = update.expression_attribute_names(format!("#{i}"), *holder);
        }
        // Refused: another instance has moved or settled one of them.
        send(update).await.map(|_| ())
    }

    /// The account at this key.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn account(&self, key: &Key) -> Result<Option<Account>, StoreError> {
        Ok(self.attributes(key).await?.as_ref().map(Account::read))
    }
}

/// Sets these fields, and the item's time to live if it has one.
pub(super) fn expiring(
    update: UpdateItemFluentBuilder,
    expires: Option<Timestamp>,
    fields: &str,
) -> UpdateItemFluentBuilder {
    match expires {
        None => update.update_expression(format!("SET {fields}")),
        Some(at) => update
            .update_expression(format!("SET {fields}, #ttl = :ttl"))
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":ttl", seconds(at)),
    }
}

async fn send(update: UpdateItemFluentBuilder) -> Result<UpdatedAccount, StoreError> {
    let update = update.return_values(ReturnValue::AllNew);
    Ok(match update::send(update).await? {
        Updated::Done(item) => {
            UpdatedAccount::Done(item.as_ref().map(Account::read).unwrap_or_default())
        }
        Updated::Refused(item) => {
            let account = item.filter(|item| item.contains_key(COMMITTED));
            UpdatedAccount::Refused(account.as_ref().map(Account::read))
        }
    })
}

#[cfg(all(test, feature = "local"))]
mod tests;

//! Accounts: how much of an amount is committed, shared by all instances through one item each.
//!
//! `committed` is what has been `spent` and what is held for requests under way, always: a hold is taken out of the
//! amount before a request begins and replaced by what the request has cost when it ends. A hold whose request never
//! ended moves to `spent` when its time is over, so it is not handed back before its record corrects it.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::operation::update_item::{UpdateItemError, UpdateItemOutput};
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::FutureExt;
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::body::{self, Update, Values};
use super::item::{Attributes, PK, SK, TTL, digits};
use super::{Key, StoreError, Table, Write, WriteLimits};

/// One update, with the SDK's own tries.
const UPDATE: Duration = Duration::from_secs(5);
/// Who lost against others this often is told that the table is busy.
const RETRIES: usize = 5;
/// As many as a condition of 4 KB has room for.
const MOST_HOLDS: usize = 100;

const COMMITTED: &str = "committed";
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
}

/// An amount that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    /// How much.
    pub amount: Decimal,
    /// From then on it counts as spent.
    pub until: Timestamp,
}

/// What is to be held.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// By whom: a name that nobody uses twice.
    pub holder: &'a str,
    /// What this holder holds already; `None`: nothing. The hold is raised from there.
    pub before: Option<Decimal>,
    /// How much, and how long at most.
    pub hold: Hold,
    /// As much as may be committed in all.
    pub most: Decimal,
    /// The account is gone from this instant on; `None`: it stays.
    pub expires: Option<Timestamp>,
}

/// Whether an amount is held now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// It is. The account with it.
    Held(Account),
    /// It does not fit. The account without it.
    Full(Account),
}

/// What replaces a hold, or several, in a transaction ([`Write::Settle`]).
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    /// The account.
    pub key: Key,
    /// Whose holds, and how much each holds.
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
        self.spent + over.map(|hold| hold.amount).sum::<Decimal>()
    }

    fn read(attributes: &Attributes) -> Account {
        let holds = attributes.get(HOLDS).and_then(|holds| holds.as_m().ok());
        let holds = holds.into_iter().flatten().filter_map(|(holder, hold)| {
            let hold = hold.as_m().ok()?;
            let hold = Hold {
                amount: number(hold, AMOUNT)?,
                until: Timestamp::from_second(number(hold, UNTIL)?.try_into().ok()?).ok()?,
            };
            Some((holder.clone(), hold))
        });
        Account {
            committed: number(attributes, COMMITTED).unwrap_or_default(),
            spent: number(attributes, SPENT).unwrap_or_default(),
            holds: holds.collect(),
        }
    }
}

fn number(attributes: &Attributes, name: &str) -> Option<Decimal> {
    let text = attributes.get(name)?.as_n().ok()?;
    text.parse()
        .or_else(|_| Decimal::from_scientific(text))
        .ok()
}

fn n(amount: Decimal) -> AttributeValue {
    AttributeValue::N(digits(amount))
}

fn stored(hold: Hold) -> AttributeValue {
    let until = AttributeValue::N(hold.until.as_second().to_string());
    AttributeValue::M(Attributes::from([
        (AMOUNT.to_owned(), n(hold.amount)),
        (UNTIL.to_owned(), until),
    ]))
}

impl Settlement {
    /// Both settlements of one account as one, where that can be said.
    pub(super) fn with(&self, other: &Settlement) -> Option<Settlement> {
        let holds = [&*self.holds, &*other.holds].concat();
        let together = self.moved == other.moved && holds.len() <= MOST_HOLDS;
        Some(Settlement {
            key: self.key.clone(),
            holds: together.then_some(holds)?,
            actual: self.actual.checked_add(other.actual)?,
            moved: self.moved,
        })
    }

    fn held(&self) -> Decimal {
        self.holds.iter().map(|(_, held)| held).sum()
    }

    /// As a part of a transaction. Its condition fails when a hold is not there as it was when it was taken; of those
    /// that have moved, when there is no account any more.
    ///
    /// A hold that differs is one whose raise is not known to have been made. It stays until its time is over and is
    /// spent then, so that what is committed is still what is spent and held.
    pub(super) fn update<'a>(&'a self, table: &'a str) -> Update<'a> {
        let mut values = Values::from([(
            ":correction".to_owned(),
            body::number(self.actual - self.held()),
        )]);
        let mut names = BTreeMap::new();
        let (expression, condition) = if self.moved {
            (
                "SET committed = committed + :correction, spent = spent + :correction".to_owned(),
                "attribute_exists(committed)".to_owned(),
            )
        } else {
            let mut holds = Vec::with_capacity(self.holds.len());
            let mut there = Vec::with_capacity(self.holds.len());
            names.insert("#a".to_owned(), AMOUNT);
            values.insert(":actual".to_owned(), body::number(self.actual));
            for (i, (holder, held)) in self.holds.iter().enumerate() {
                names.insert(format!("#{i}"), &**holder);
                values.insert(format!(":{i}"), body::number(*held));
                holds.push(format!("holds.#{i}"));
                there.push(format!("holds.#{i}.#a = :{i}"));
            }
            (
                format!(
                    "SET committed = committed + :correction, spent = spent + :actual REMOVE {}",
                    holds.join(", ")
                ),
                there.join(" AND "),
            )
        };
        Update {
            table_name: table,
            key: &self.key,
            update_expression: expression,
            condition_expression: Some(condition),
            expression_attribute_names: names,
            expression_attribute_values: values,
        }
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

/// What an update on a condition came to: the item after it, or the one that the condition did not allow.
enum Updated {
    Done(Account),
    Refused(Option<Account>),
}

impl Table {
    /// Holds an amount, if what is committed then is not more than the claim allows.
    ///
    /// # Errors
    /// When the table does not answer, or too many others use the account at the same time. The amount may be held or
    /// not: see [`Table::release`].
    pub async fn reserve(&self, key: &Key, claim: &Claim<'_>) -> Result<Reserved, StoreError> {
        let left = claim.most - (claim.hold.amount - claim.before.unwrap_or_default());
        if left.is_sign_negative() && !left.is_zero() {
            let account = self.account(key).await?;
            return Ok(Reserved::Full(account.unwrap_or_default()));
        }
        let pauses = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(5))
            .with_max_delay(Duration::from_millis(80))
            .with_max_times(RETRIES)
            .with_jitter();
        let mut pauses = pauses.build();
        loop {
            let error = match self.try_reserve(key, claim, left).await {
                Ok(Some(reserved)) => return Ok(reserved),
                Ok(None) => StoreError::Busy {
                    code: "ConditionalCheckFailedException".to_owned(),
                    message: "others use the account at the same time".to_owned(),
                },
                Err(error) if error.is_contention() => error,
                Err(error) => return Err(error),
            };
            let Some(pause) = pauses.next() else {
                return Err(error);
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// `None`: another was quicker.
    async fn try_reserve(
        &self,
        key: &Key,
        claim: &Claim<'_>,
        left: Decimal,
    ) -> Result<Option<Reserved>, StoreError> {
        // The second condition makes a repetition harmless whose first answer was lost.
        let update = expiring(
            self.account_update(key),
            claim.expires,
            "committed = committed + :more, holds.#holder = :hold",
        )
        .expression_attribute_names("#holder", claim.holder)
        .expression_attribute_values(":hold", stored(claim.hold))
        .expression_attribute_values(":left", n(left));
        let update = match claim.before {
            None => update
                .condition_expression("committed <= :left AND attribute_not_exists(holds.#holder)")
                .expression_attribute_values(":more", n(claim.hold.amount)),
            Some(before) => update
                .condition_expression("committed <= :left AND holds.#holder.#amount = :before")
                .expression_attribute_names("#amount", AMOUNT)
                .expression_attribute_values(":before", n(before))
                .expression_attribute_values(":more", n(claim.hold.amount - before)),
        };
        let account = match outcome(update.send().boxed().await)? {
            Updated::Done(account) => return Ok(Some(Reserved::Held(account))),
            Updated::Refused(Some(account)) => account,
            Updated::Refused(None) if claim.before.is_none() => {
                return self.open_account(key, claim).await;
            }
            // Its account is gone, or its hold is: the window is long over.
            Updated::Refused(None) => return Ok(Some(Reserved::Full(Account::default()))),
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
        claim: &Claim<'_>,
    ) -> Result<Option<Reserved>, StoreError> {
        let holds = Attributes::from([(claim.holder.to_owned(), stored(claim.hold))]);
        let update = expiring(
            self.account_update(key),
            claim.expires,
            "committed = :amount, spent = :nothing, holds = :holds",
        )
        .condition_expression("attribute_not_exists(committed)")
        .expression_attribute_values(":amount", n(claim.hold.amount))
        .expression_attribute_values(":nothing", n(Decimal::ZERO))
        .expression_attribute_values(":holds", AttributeValue::M(holds));
        match outcome(update.send().boxed().await)? {
            Updated::Done(account) => Ok(Some(Reserved::Held(account))),
            Updated::Refused(_) => Ok(None),
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
        // The others wait for the next time.
        let over = seen.holds.iter().filter(|(_, hold)| hold.until <= now);
        let over: Vec<_> = over.take(MOST_HOLDS).collect();
        if over.is_empty() {
            return Ok(());
        }
        let sum: Decimal = over.iter().map(|(_, hold)| hold.amount).sum();
        let (holds, there) = paths(over.len());
        let mut update = self
            .account_update(key)
            .update_expression(format!("SET spent = spent + :sum REMOVE {holds}"))
            .condition_expression(there)
            .expression_attribute_values(":sum", n(sum));
        for (i, (holder, _)) in over.iter().enumerate() {
            update = update.expression_attribute_names(format!("#{i}"), *holder);
        }
        // Refused: somebody else has moved or settled one of them.
        outcome(update.send().boxed().await).map(|_| ())
    }

    /// The account at this key.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn account(&self, key: &Key) -> Result<Option<Account>, StoreError> {
        Ok(self.attributes(key).await?.as_ref().map(Account::read))
    }

    fn account_update(&self, key: &Key) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&*self.name)
            .key(PK, AttributeValue::S(key.pk.clone()))
            .key(SK, AttributeValue::S(key.sk.clone()))
            .return_values(ReturnValue::AllNew)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

/// Sets these fields, and the item's time to live if it has one.
fn expiring(
    update: UpdateItemFluentBuilder,
    expires: Option<Timestamp>,
    fields: &str,
) -> UpdateItemFluentBuilder {
    match expires {
        None => update.update_expression(format!("SET {fields}")),
        Some(at) => update
            .update_expression(format!("SET {fields}, #ttl = :ttl"))
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":ttl", AttributeValue::N(at.as_second().to_string())),
    }
}

fn outcome(
    answer: Result<UpdateItemOutput, SdkError<UpdateItemError>>,
) -> Result<Updated, StoreError> {
    match answer {
        Ok(done) => Ok(Updated::Done(
            done.attributes
                .as_ref()
                .map(Account::read)
                .unwrap_or_default(),
        )),
        Err(error) => match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                let seen = refused
                    .item
                    .as_ref()
                    .filter(|item| item.contains_key(COMMITTED));
                Ok(Updated::Refused(seen.map(Account::read)))
            }
            _ => Err(StoreError::from_sdk(error, UPDATE)),
        },
    }
}

#[cfg(all(test, feature = "local"))]
mod tests;

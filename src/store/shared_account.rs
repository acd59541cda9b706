//! Accounts that many requests use at the same time: of a team, of a user, of all keys together.
//!
//! A shared account is an [`Account`] whose holds lie in buckets, one for each minute in which holds end. In its bucket
//! a request has a marker, with what it holds, until it is settled: twenty-some bytes, so that the item stays small,
//! and its updates cheap, with hundreds of requests under way. Every change is an update of this one item, never a part
//! of a transaction: transactions on an item that changes all the time would fail each other.
//!
//! The marker makes each change count once, however often it is tried: what has no marker has been settled. So a bucket
//! stays when its minute is over; what it holds counts as spent until the request's record settles it.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use backon::{ExponentialBuilder, Retryable};
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::account::{COMMITTED, expiring};
use super::attributes::{Attributes, decimal, to_decimal};
use super::update::{self, Updated};
use super::{Account, Key, Reserved, StoreError, Table};

const BUCKETS: &str = "buckets";
const MINUTE: i64 = 60;
/// How often a reservation is tried again when the item changed in a way that it has to look at.
const TRIES: usize = 8;
/// One attempt at a settlement. No client waits for it, and an answer that is late is seldom lost: another attempt
/// would make a busy table busier.
const SETTLING_ATTEMPT: Duration = Duration::from_secs(4);
/// A bucket whose minute is over for so many minutes is moved to what is spent: its requests' records will not come.
const BUCKET_KEPT: i64 = 60 * 24 * 60;
/// Empty buckets are removed once there are so many.
const MOST_EMPTY: usize = 8;

/// The holds of an account that end in one minute, by the marker of their request.
pub type Bucket = BTreeMap<String, Decimal>;

/// What is to be held of a shared account.
#[derive(Debug, Clone, Copy)]
pub struct SharedClaim<'a> {
    /// The marker of the request: a short name that is used once.
    pub marker: &'a str,
    /// The minute, counted from 1970, from whose end on what is held counts as spent.
    pub bucket: i64,
    /// What the request holds already; `None`: nothing.
    pub before: Option<Decimal>,
    /// How much it is to hold in all.
    pub amount: Decimal,
    /// How much may be committed in all.
    pub most: Decimal,
    /// The account is gone from this instant on; `None`: it stays.
    pub expires: Option<Timestamp>,
}

/// What replaces a hold of a shared account.
#[derive(Debug, Clone, Copy)]
pub struct SharedSettlement<'a> {
    /// The account.
    pub key: &'a Key,
    /// The request's marker.
    pub marker: &'a str,
    /// The bucket that it is in.
    pub bucket: i64,
    /// What it holds, as far as is known.
    pub held: Decimal,
    /// How much was spent instead.
    pub actual: Decimal,
}

/// What is known of an account's item before it is updated.
enum KnownItem {
    /// It was not read: most often it has the claim's bucket.
    NotRead,
    /// There is no account in it.
    NoAccount,
    /// The item as it was read.
    Item(Attributes),
}

/// The bucket of what ends at this instant.
pub fn bucket_of(until: Timestamp) -> i64 {
    until.as_second().div_euclid(MINUTE)
}

/// Whether what is in a bucket counts as spent.
pub(super) fn is_over(bucket: i64, now: Timestamp) -> bool {
    bucket < bucket_of(now)
}

/// The buckets of an item.
pub(super) fn read(attributes: &Attributes) -> BTreeMap<i64, Bucket> {
    let buckets = attributes.get(BUCKETS).and_then(|map| map.as_m().ok());
    let buckets = buckets.into_iter().flatten();
    let read = |map: &Attributes| {
        let markers = map.iter();
        markers
            .filter_map(|(marker, amount)| Some((marker.clone(), to_decimal(amount)?)))
            .collect()
    };
    buckets
        .filter_map(|(minute, bucket)| Some((minute.parse().ok()?, read(bucket.as_m().ok()?))))
        .collect()
}

/// A bucket as an attribute.
fn stored(bucket: &Bucket) -> AttributeValue {
    let markers = bucket.iter();
    let markers = markers.map(|(marker, amount)| (marker.clone(), decimal(*amount)));
    AttributeValue::M(markers.collect())
}

impl Account {
    /// What the marker's request holds in a bucket.
    pub fn held_in(&self, bucket: i64, marker: &str) -> Option<Decimal> {
        self.buckets.get(&bucket)?.get(marker).copied()
    }

    /// The markers of all requests that hold something.
    pub fn markers(&self) -> impl Iterator<Item = &str> {
        self.buckets
            .values()
            .flat_map(|markers| markers.keys().map(String::as_str))
    }

    /// The markers of requests whose time is over.
    pub fn overdue(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let over = self
            .buckets
            .iter()
            .filter(move |(bucket, _)| is_over(**bucket, now));
        over.flat_map(|(_, markers)| markers.keys().map(String::as_str))
    }
}

impl Table {
    /// Holds an amount of a shared account, if what is committed then is not more than the claim allows.
    ///
    /// # Errors
    /// When the table does not answer. The amount may be held or not: see [`Table::settle_shared`].
    pub async fn reserve_shared(
        &self,
        key: &Key,
        claim: &SharedClaim<'_>,
    ) -> Result<Reserved, StoreError> {
        let more = claim.amount - claim.before.unwrap_or_default();
        let left = claim.most - more;
        if left.is_sign_negative() && !left.is_zero() {
            let account = self.account(key).await?;
            return Ok(Reserved::Full(account.unwrap_or_default()));
        }
        // Every further try follows from what another request has done meanwhile, so they are few.
        let mut known = KnownItem::NotRead;
        for _ in 0..TRIES {
            let update = self.reserving(key, claim, [more, left], &known);
            let item = match update::send(update.return_values(ReturnValue::AllNew)).await? {
                Updated::Done(item) => {
                    let account = item.as_ref().map(Account::read).unwrap_or_default();
                    return Ok(Reserved::Held(account));
                }
                Updated::Refused(item) => item.filter(|item| item.contains_key(COMMITTED)),
            };
            let account = item.as_ref().map(Account::read).unwrap_or_default();
            let held = account.held_in(claim.bucket, claim.marker);
            if held == Some(claim.amount) {
                return Ok(Reserved::Held(account));
            }
            if account.committed > left || held != claim.before {
                return Ok(Reserved::Full(account));
            }
            known = item.map_or(KnownItem::NoAccount, KnownItem::Item);
        }
        Err(StoreError::contended(
            "others use the account at the same time",
        ))
    }

    /// The update that takes a hold of the item, as far as it is known.
    fn reserving(
        &self,
        key: &Key,
        claim: &SharedClaim<'_>,
        [more, left]: [Decimal; 2],
        known: &KnownItem,
    ) -> UpdateItemFluentBuilder {
        let bucket = claim.bucket.to_string();
        let marker = Bucket::from([(claim.marker.to_owned(), claim.amount)]);
        let update = self.update(key);
        let of_item = |fields: &str, condition: &str| {
            expiring(self.update(key), claim.expires, fields)
                .condition_expression(condition)
                .expression_attribute_values(":more", decimal(more))
                .expression_attribute_values(":left", decimal(left))
        };
        let buckets =
            |item: &Attributes| item.get(BUCKETS).and_then(|map| map.as_m().ok().cloned());
        match known {
            KnownItem::NoAccount => {
                let all = Attributes::from([(bucket, stored(&marker))]);
                let nothing = AttributeValue::M(Attributes::new());
                // Version 0.1 holds in `holds`.
                let fields = "committed = :more, spent = :zero, holds = :nothing, buckets = :all";
                expiring(update, claim.expires, fields)
                    .condition_expression("attribute_not_exists(committed)")
                    .expression_attribute_values(":more", decimal(more))
                    .expression_attribute_values(":zero", decimal(Decimal::ZERO))
                    .expression_attribute_values(":nothing", nothing)
                    .expression_attribute_values(":all", AttributeValue::M(all))
            }
            KnownItem::Item(item) if buckets(item).is_none() => {
                let all = Attributes::from([(bucket, stored(&marker))]);
                of_item(
                    "committed = committed + :more, buckets = :all",
                    "committed <= :left AND attribute_not_exists(buckets)",
                )
                .expression_attribute_values(":all", AttributeValue::M(all))
            }
            KnownItem::Item(item)
                if buckets(item).is_some_and(|all| !all.contains_key(&bucket)) =>
            {
                of_item(
                    "committed = committed + :more, buckets.#b = :bucket",
                    "committed <= :left AND attribute_exists(buckets) AND attribute_not_exists(buckets.#b)",
                )
                .expression_attribute_names("#b", bucket)
                .expression_attribute_values(":bucket", stored(&marker))
            }
            KnownItem::NotRead | KnownItem::Item(_) => {
                let update = match claim.before {
                    None => of_item(
                        "committed = committed + :more, buckets.#b.#m = :amount",
                        "committed <= :left AND attribute_exists(buckets.#b) AND attribute_not_exists(buckets.#b.#m)",
                    ),
                    Some(before) => of_item(
                        "committed = committed + :more, buckets.#b.#m = :amount",
                        "committed <= :left AND buckets.#b.#m = :before",
                    )
                    .expression_attribute_values(":before", decimal(before)),
                };
                update
                    .expression_attribute_names("#b", bucket)
                    .expression_attribute_names("#m", claim.marker)
                    .expression_attribute_values(":amount", decimal(claim.amount))
            }
        }
    }

    /// Replaces a hold of a shared account by what was spent, once: what has no marker there has been settled before.
    /// It is tried again for so long while that can help: what stays held is room that others lack.
    ///
    /// # Errors
    /// When the table does not answer. It may be made again.
    pub async fn settle_shared(
        &self,
        settled: SharedSettlement<'_>,
        limit: Duration,
    ) -> Result<(), StoreError> {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(50))
            .with_max_delay(Duration::from_secs(1))
            .with_jitter()
            .without_max_times();
        let mut last = None;
        let tries = (|| self.try_to_settle(settled))
            .retry(pauses)
            .sleep(tokio::time::sleep)
            .when(StoreError::is_transient)
            .notify(|error, pause| {
                tracing::debug!(%error, ?pause, "settling again");
                last = Some(error.clone());
            });
        // The last attempt's error says more than that the time is over.
        match tokio::time::timeout(limit, tries).await {
            Ok(outcome) => outcome,
            Err(_) => Err(last.unwrap_or(StoreError::Timeout(limit))),
        }
    }

    async fn try_to_settle(&self, settled: SharedSettlement<'_>) -> Result<(), StoreError> {
        let mut held = settled.held;
        for _ in 0..TRIES {
            let update = self
                .update(settled.key)
                .update_expression(
                    "SET committed = committed + :correction, spent = spent + :actual REMOVE buckets.#b.#m",
                )
                .condition_expression("buckets.#b.#m = :held")
                .expression_attribute_names("#b", settled.bucket.to_string())
                .expression_attribute_names("#m", settled.marker)
                .expression_attribute_values(":held", decimal(held))
                .expression_attribute_values(":correction", decimal(settled.actual - held))
                .expression_attribute_values(":actual", decimal(settled.actual));
            let sent = update::send_once(update, SETTLING_ATTEMPT);
            let Updated::Refused(Some(item)) = sent.await? else {
                return Ok(());
            };
            // A process can die between a raise and its line in the log.
            match Account::read(&item).held_in(settled.bucket, settled.marker) {
                Some(there) => held = there,
                None => return Ok(()),
            }
        }
        Err(StoreError::contended(
            "others change the hold at the same time",
        ))
    }

    /// Removes buckets of a shared account whose minute is over: empty ones, and such of requests whose record will not
    /// come any more, whose holds are spent for good. All as they were `seen`.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn tidy_buckets(
        &self,
        key: &Key,
        seen: &Account,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let over = seen
            .buckets
            .iter()
            .filter(|(minute, _)| is_over(**minute, now));
        let is_lost = |minute: i64| minute + BUCKET_KEPT < bucket_of(now);
        let mut gone: Vec<_> = over
            .filter(|(minute, bucket)| bucket.is_empty() || is_lost(**minute))
            .collect();
        if gone.len() < MOST_EMPTY && gone.iter().all(|(_, bucket)| bucket.is_empty()) {
            return Ok(());
        }
        gone.truncate(MOST_EMPTY);
        let lost: Decimal = gone.iter().flat_map(|(_, bucket)| bucket.values()).sum();
        let paths: Vec<_> = (0..gone.len()).map(|i| format!("buckets.#{i}")).collect();
        let as_seen: Vec<_> = (0..gone.len())
            .map(|i| format!("buckets.#{i} = :{i}"))
            .collect();
        let mut update = self
            .update(key)
            .update_expression(format!(
                "SET spent = spent + :lost REMOVE {}",
                paths.join(", ")
            ))
            .condition_expression(as_seen.join(" AND "))
            .expression_attribute_values(":lost", decimal(lost));
        for (i, (minute, bucket)) in gone.into_iter().enumerate() {
            update = update
                .expression_attribute_names(format!("#{i}"), minute.to_string())
                .expression_attribute_values(format!(":{i}"), stored(bucket));
        }
        // Refused: another request has changed one of them.
        update::send(update).await.map(drop)
    }
}

#[cfg(all(test, feature = "local"))]
mod tests;

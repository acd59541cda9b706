//! Slots: a limit of requests at once. They are one item, which all instances share, with a hold for each request.
//!
//! A hold ends by itself at a time that its taker names, so that an instance that dies keeps no slot for ever.

use std::time::Duration;

use aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::Timestamp;

use super::attributes::{Attributes, number, seconds};
use super::item::TTL;
use super::update::{Updated, send};
use super::{Key, StoreError, Table};

/// How often taking a slot is tried again when others take and free slots at the same time.
const TAKE_RETRIES: usize = 5;
/// How long the item outlives a hold. Its ttl is that of the last taker, whose hold may end before another's.
const ITEM_RETENTION: Duration = Duration::from_secs(24 * 60 * 60);
const HOLDS: &str = "holds";

/// Holder and the millisecond at which its hold ends.
type SlotHolds = Attributes;

impl Table {
    /// Takes one of `most` slots for `holder` until `until`, if one is free `now`. False: all are taken. A
    /// holder that has a slot already does not get a second one.
    ///
    /// # Errors
    /// When the table does not answer, or too many others take and free at the same time.
    pub async fn take_slot(
        &self,
        key: &Key,
        holder: &str,
        most: u64,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        if most == 0 {
            return Ok(false);
        }
        let pauses = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(5))
            .with_max_delay(Duration::from_millis(40))
            .with_max_times(TAKE_RETRIES)
            .with_jitter();
        let mut pauses = pauses.build();
        loop {
            let seen = match self.add_hold(key, holder, most, until).await? {
                Updated::Done(_) => return Ok(true),
                Updated::Refused(item) => item.and_then(holds_of),
            };
            let mut holds = seen.clone().unwrap_or_default();
            holds.retain(|_, ends| is_after(ends, now));
            if holds.len() as u64 >= most {
                return Ok(false);
            }
            holds.insert(holder.to_owned(), ends(until));
            if let Updated::Done(_) = self.replace_holds(key, seen, holds, until).await? {
                return Ok(true);
            }
            let Some(pause) = pauses.next() else {
                return Err(StoreError::contended(
                    "others took and freed slots at the same time",
                ));
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Holds the slot that `holder` has until `until`. False: it has none any more, for its hold had ended and others
    /// needed the room.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn renew_slot(
        &self,
        key: &Key,
        holder: &str,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let update = expiring(self.update_holds(key), until)
            .update_expression("SET #holds.#holder = :until, #ttl = :ttl")
            .condition_expression("attribute_exists(#holds.#holder)")
            .expression_attribute_names("#holder", holder)
            .expression_attribute_values(":until", ends(until));
        Ok(matches!(send(update).await?, Updated::Done(_)))
    }

    /// Frees the slot that `holder` has, if it still has one.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn free_slot(&self, key: &Key, holder: &str) -> Result<(), StoreError> {
        let update = self
            .update_holds(key)
            .update_expression("REMOVE #holds.#holder")
            .condition_expression("attribute_exists(#holds.#holder)")
            .expression_attribute_names("#holder", holder);
        // Where the condition does not hold, the slot has expired and may be another's.
        send(update).await.map(|_| ())
    }

    /// Adds a hold where there is room, expired holds counted. Others that do the same at once are no obstacle.
    async fn add_hold(
        &self,
        key: &Key,
        holder: &str,
        most: u64,
        until: Timestamp,
    ) -> Result<Updated, StoreError> {
        let update = expiring(self.update_holds(key), until)
            .update_expression("SET #holds.#holder = :until, #ttl = :ttl")
            .condition_expression(
                "attribute_exists(#holds) AND (size(#holds) < :most OR attribute_exists(#holds.#holder))",
            )
            .expression_attribute_names("#holder", holder)
            .expression_attribute_values(":until", ends(until))
            .expression_attribute_values(":most", number(most));
        send(update).await
    }

    /// Replaces the holds that were seen by these, unless they have changed since.
    async fn replace_holds(
        &self,
        key: &Key,
        seen: Option<SlotHolds>,
        holds: SlotHolds,
        until: Timestamp,
    ) -> Result<Updated, StoreError> {
        let update = expiring(self.update_holds(key), until)
            .update_expression("SET #holds = :holds, #ttl = :ttl")
            .expression_attribute_values(":holds", AttributeValue::M(holds));
        let update = match seen {
            None => update.condition_expression("attribute_not_exists(#holds)"),
            Some(seen) => update
                .condition_expression("#holds = :seen")
                .expression_attribute_values(":seen", AttributeValue::M(seen)),
        };
        send(update).await
    }

    /// An update of the item at this key, in which `#holds` names the holds.
    fn update_holds(&self, key: &Key) -> UpdateItemFluentBuilder {
        self.update(key).expression_attribute_names("#holds", HOLDS)
    }
}

/// Sets the item's time to live, `#ttl` and `:ttl` of the update, some time after this hold.
fn expiring(update: UpdateItemFluentBuilder, until: Timestamp) -> UpdateItemFluentBuilder {
    let gone = until.checked_add(ITEM_RETENTION).unwrap_or(Timestamp::MAX);
    update
        .expression_attribute_names("#ttl", TTL)
        .expression_attribute_values(":ttl", seconds(gone))
}

/// The holds of the item; `None`: there never were any.
fn holds_of(mut item: Attributes) -> Option<SlotHolds> {
    match item.remove(HOLDS) {
        Some(AttributeValue::M(holds)) => Some(holds),
        _ => None,
    }
}

/// The end of a hold as an attribute.
fn ends(until: Timestamp) -> AttributeValue {
    number(until.as_millisecond())
}

/// Whether a hold has not ended yet. An attribute that is no time is no hold.
fn is_after(ends: &AttributeValue, now: Timestamp) -> bool {
    let ends = ends.as_n().ok().and_then(|ends| ends.parse::<i64>().ok());
    ends.is_some_and(|ends| ends > now.as_millisecond())
}

#[cfg(all(test, feature = "local"))]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use futures_util::future::join_all;
    use serde_json::Value;

    use super::*;
    use crate::store::{Embedded, keys};

    const SECOND: Duration = Duration::from_secs(1);

    async fn table() -> (Embedded, Table) {
        let embedded = Embedded::in_memory().await.unwrap();
        let table = embedded.table("test").await.unwrap();
        (embedded, table)
    }

    #[tokio::test]
    async fn slots_are_taken_freed_and_taken_again() {
        let (_embedded, table) = table().await;
        let key = keys::slots("deployment");
        let now = Timestamp::now();
        let take = async |holder: &str| {
            table
                .take_slot(&key, holder, 2, now, now + SECOND)
                .await
                .unwrap()
        };
        assert!(take("a").await && take("b").await);
        assert!(!take("c").await);
        assert!(take("a").await, "it has one already");
        table.free_slot(&key, "a").await.unwrap();
        table.free_slot(&key, "a").await.unwrap();
        assert!(take("c").await);
        assert!(!take("a").await);
        assert!(
            !table
                .take_slot(&key, "a", 0, now, now + SECOND)
                .await
                .unwrap()
        );
        table
            .free_slot(&keys::slots("never used"), "a")
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_hold_whose_time_has_passed_is_replaced_and_not_freed_by_its_former_holder() {
        let (_embedded, table) = table().await;
        let key = keys::slots("deployment");
        let now = Timestamp::now();
        for dead in ["a", "b", "c"] {
            assert!(
                table
                    .take_slot(&key, dead, 3, now, now + SECOND)
                    .await
                    .unwrap()
            );
        }
        let later = now + SECOND;
        // Fewer than before: what has expired does not stand in the way.
        assert!(
            table
                .take_slot(&key, "d", 1, later, later + SECOND)
                .await
                .unwrap()
        );
        table.free_slot(&key, "a").await.unwrap();
        assert!(
            !table
                .take_slot(&key, "e", 1, later, later + SECOND)
                .await
                .unwrap()
        );
        let item: Value = table.get(&key).await.unwrap().unwrap();
        let holders: Vec<&String> = item["holds"].as_object().unwrap().keys().collect();
        assert_eq!(holders, ["d"]);
        let ttl = item["ttl"].as_i64().unwrap();
        assert!(
            ttl > (later + SECOND).as_second(),
            "the item outlives its holds"
        );
    }

    #[tokio::test]
    async fn a_hold_is_renewed_while_it_is_there_and_never_beside_those_who_took_its_room() {
        let (_embedded, table) = table().await;
        let key = keys::slots("deployment");
        let now = Timestamp::now();
        let later = now + 2 * SECOND;
        let take = async |holder: &str, now: Timestamp| {
            let until = now + SECOND;
            table.take_slot(&key, holder, 1, now, until).await.unwrap()
        };
        let renew = async |holder: &str, until: Timestamp| {
            table.renew_slot(&key, holder, until).await.unwrap()
        };
        assert!(!renew("a", later).await, "nothing was ever taken");
        assert!(take("a", now).await);
        assert!(renew("a", later + SECOND).await);
        assert!(!take("b", later).await, "it was renewed");
        // Late, and no other holder has needed its room.
        assert!(renew("a", later + 2 * SECOND).await);
        let much_later = later + 9 * SECOND;
        assert!(take("b", much_later).await);
        assert!(!renew("a", much_later + SECOND).await);
        let item: Value = table.get(&key).await.unwrap().unwrap();
        let holders: Vec<&String> = item["holds"].as_object().unwrap().keys().collect();
        assert_eq!(holders, ["b"]);
    }

    /// Many takers at the same time, some of which die with their slot: never more than `MOST` are at work, every slot
    /// is used, and in the end all are free.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn takers_at_the_same_time_never_have_more_slots_than_there_are() {
        const MOST: u64 = 3;
        let (_embedded, table) = table().await;
        let key = keys::slots("deployment");
        let began = Timestamp::now();
        for dead in 0..MOST {
            let holder = format!("dead-{dead}");
            assert!(
                table
                    .take_slot(&key, &holder, MOST, began, began)
                    .await
                    .unwrap()
            );
        }
        let (at_work, most_at_work) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let served = Arc::new(AtomicU64::new(0));
        let takers = (0..24).map(|taker| {
            let (table, key) = (table.clone(), key.clone());
            let (at_work, most_at_work) = (Arc::clone(&at_work), Arc::clone(&most_at_work));
            let served = Arc::clone(&served);
            tokio::spawn(async move {
                for round in 0..12 {
                    let (holder, now) = (format!("{taker}-{round}"), Timestamp::now());
                    let until = now + 60 * SECOND;
                    match table.take_slot(&key, &holder, MOST, now, until).await {
                        Ok(true) => {}
                        Ok(false) => continue,
                        Err(error) if error.is_transient() => continue,
                        Err(error) => panic!("{error}"),
                    }
                    let now_at_work = at_work.fetch_add(1, Ordering::SeqCst) + 1;
                    most_at_work.fetch_max(now_at_work, Ordering::SeqCst);
                    served.fetch_add(1, Ordering::SeqCst);
                    tokio::task::yield_now().await;
                    at_work.fetch_sub(1, Ordering::SeqCst);
                    table.free_slot(&key, &holder).await.unwrap();
                }
            })
        });
        for taker in join_all(takers).await {
            taker.unwrap();
        }
        assert!(most_at_work.load(Ordering::SeqCst) <= MOST);
        assert!(
            served.load(Ordering::SeqCst) >= MOST,
            "the dead ones' slots are used"
        );
        let item: Value = table.get(&key).await.unwrap().unwrap();
        assert_eq!(item["holds"], serde_json::json!({}));
    }
}

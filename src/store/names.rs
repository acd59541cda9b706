//! Sets of names that stop growing at a size. Each is one item, which all instances share.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;

use super::attributes::{Attributes, number, seconds};
use super::item::TTL;
use super::update::{Updated, send};
use super::{Key, StoreError, Table};

/// How often names are added when other processes take the room meanwhile.
const ADD_ATTEMPTS: usize = 5;
const NAMES: &str = "names";

impl Table {
    /// Adds names to the set at this key as long as it has no more than `most`, the first ones first. Returns the set;
    /// names that it does not have found no room. Costs a read where all of them are there already.
    ///
    /// # Errors
    /// When the table does not answer, or others add too many at the same time.
    pub async fn add_names(
        &self,
        key: &Key,
        names: &[String],
        most: usize,
        expires: Timestamp,
    ) -> Result<HashSet<String>, StoreError> {
        let mut known = names_of(self.attributes(key).await?.as_ref());
        for _ in 0..ADD_ATTEMPTS {
            let new = missing(names, &known, most);
            if new.is_empty() {
                return Ok(known);
            }
            match self.try_add(key, new, most, expires).await? {
                Updated::Done(item) => return Ok(names_of(item.as_ref())),
                Updated::Refused(item) => known = names_of(item.as_ref()),
            }
        }
        Err(StoreError::contended("others add names at the same time"))
    }

    async fn try_add(
        &self,
        key: &Key,
        new: Vec<String>,
        most: usize,
        expires: Timestamp,
    ) -> Result<Updated, StoreError> {
        // Others may have added some of these since. The update is refused then, and what is missing counted again.
        let room = most.saturating_sub(new.len());
        let update = self
            .update(key)
            .update_expression("ADD #names :new SET #ttl = :ttl")
            .condition_expression("attribute_not_exists(#names) OR size(#names) <= :room")
            .expression_attribute_names("#names", NAMES)
            .expression_attribute_names("#ttl", TTL)
            .expression_attribute_values(":new", AttributeValue::Ss(new))
            .expression_attribute_values(":room", number(room))
            .expression_attribute_values(":ttl", seconds(expires))
            .return_values(ReturnValue::AllNew);
        send(update).await
    }
}

/// The names that are not known, as far as there is room for them.
fn missing(names: &[String], known: &HashSet<String>, most: usize) -> Vec<String> {
    let room = most.saturating_sub(known.len());
    let mut new = Vec::new();
    for name in names {
        if new.len() < room && !known.contains(name) && !new.contains(name) {
            new.push(name.clone());
        }
    }
    new
}

fn names_of(item: Option<&Attributes>) -> HashSet<String> {
    let names = item.and_then(|item| item.get(NAMES)?.as_ss().ok());
    names.into_iter().flatten().cloned().collect()
}

#[cfg(all(test, feature = "local"))]
mod tests {
    use std::time::Duration;

    use futures_util::future::join_all;

    use super::*;
    use crate::store::{Embedded, keys};

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn a_set_stops_at_its_size_whoever_adds_to_it() {
        let embedded = Embedded::in_memory().await.unwrap();
        let table = embedded.table("test").await.unwrap();
        let key = keys::tags("k", "2026-11-23".parse().unwrap());
        let later = Timestamp::now() + Duration::from_secs(60);
        let add = async |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            table.add_names(&key, &names, 20, later).await.unwrap()
        };
        assert_eq!(add(&["a", "b", "a"]).await.len(), 2);
        assert_eq!(add(&["b"]).await.len(), 2);
        let adding = (0..30).map(|n| {
            let (table, key) = (table.clone(), key.clone());
            let names = vec![format!("x{n}"), format!("x{}", n + 1)];
            tokio::spawn(async move {
                loop {
                    match table.add_names(&key, &names, 20, later).await {
                        Ok(names) => return names,
                        Err(error) if error.is_contention() => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            })
        });
        for names in join_all(adding).await {
            assert!(names.unwrap().len() <= 20);
        }
        let full = add(&["b", "y", "z"]).await;
        assert_eq!(full.len(), 20);
        assert!(full.contains("b") && !full.contains("z"));
    }
}

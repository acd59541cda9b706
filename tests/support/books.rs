//! The books that real binaries write: a table in this process, the network in front of it, and what stands in it.

use std::collections::BTreeMap;

use bedrock_sidecar::simulator::Simulated;
use bedrock_sidecar::spend::{Counters, Ledger, LedgerOptions, Record, TotalOf};
use bedrock_sidecar::store::keys::{self, SHARDS};
use bedrock_sidecar::store::{Account, Embedded, Key, Order, Range, TableSecret, time};
use jiff::Timestamp;
use jiff::civil::Date;

use super::keys::sha256;
use super::table_proxy::TableProxy;

/// What the table of [`super::TestApp`] and of the processes here is called.
const TABLE: &str = "test";

/// A table behind a network.
pub struct Books {
    pub proxy: TableProxy,
    ledger: Ledger,
    _embedded: Embedded,
}

/// All that stands in the books of these days.
#[derive(Debug, PartialEq)]
pub struct Contents {
    /// By id.
    pub records: Vec<Record>,
    /// The sum over all models.
    pub totals: Counters,
    /// By tag.
    pub tags: BTreeMap<String, Counters>,
}

impl Books {
    pub async fn new() -> Self {
        let embedded = Embedded::in_memory().await.unwrap();
        let table = embedded.table(TABLE).await.unwrap();
        // It has a secret, as the table of a gateway that has been at work before. Under tests a table may be slow.
        while TableSecret::new(table.clone()).get().await.is_none() {}
        let ledger = Ledger::new(table, LedgerOptions::default());
        Self {
            proxy: TableProxy::start(embedded.endpoint()).await,
            ledger,
            _embedded: embedded,
        }
    }

    /// What a process needs to write these books, and to call this Bedrock.
    pub fn variables(&self, bedrock: &Simulated) -> Vec<(&'static str, String)> {
        let [one, two, three] = [
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ]
        .map(|(name, value)| (name, value.to_owned()));
        vec![
            one,
            two,
            three,
            ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", bedrock.url()),
            ("AWS_ENDPOINT_URL_DYNAMODB", self.proxy.url.clone()),
            ("TABLE_NAME", TABLE.to_owned()),
        ]
    }

    /// What stands in the books of yesterday and today.
    pub async fn contents(&self) -> Contents {
        let today = time::day(Timestamp::now());
        let yesterday = today.yesterday().unwrap();
        let mut records = Vec::new();
        for day in [yesterday, today] {
            records.extend(self.records(day).await);
        }
        records.sort_by_key(|record| record.request_id);
        let mut totals = Counters::default();
        let mut tags = BTreeMap::<String, Counters>::new();
        for total in self.ledger.totals(yesterday, today).await.unwrap() {
            match total.of {
                TotalOf::Model { .. } => totals += total.counters,
                TotalOf::Tag(tag) => *tags.entry(tag).or_default() += total.counters,
            }
        }
        Contents {
            records,
            totals,
            tags,
        }
    }

    /// The models that the totals of yesterday and today have rows of.
    pub async fn models(&self) -> Vec<String> {
        let today = time::day(Timestamp::now());
        let totals = self.ledger.totals(today.yesterday().unwrap(), today).await;
        let models = totals
            .unwrap()
            .into_iter()
            .filter_map(|total| match total.of {
                TotalOf::Model { model, .. } => Some(model),
                TotalOf::Tag(_) => None,
            });
        models
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect()
    }

    /// The budget of this key, which has no window.
    pub async fn budget(&self, key: &str) -> Account {
        self.account(&keys::budget(&sha256(key), None)).await
    }

    /// The account of a budget.
    pub async fn account(&self, key: &Key) -> Account {
        let account = self.ledger.table().account(key).await.unwrap();
        account.expect("something was spent")
    }

    async fn records(&self, day: Date) -> Vec<Record> {
        let mut records = Vec::new();
        for shard in 0..SHARDS {
            let partition = keys::spend_partition(day, shard);
            let found = self.ledger.table();
            let found = found.query(&partition, &Range::All, Order::Ascending, usize::MAX);
            records.extend(found.await.unwrap());
        }
        records
    }
}

impl Contents {
    /// The records and the totals must tell the same.
    pub fn assert_balanced(&self) {
        assert_eq!(self.totals.requests, self.records.len() as u64);
        let spend: rust_decimal::Decimal = self.records.iter().map(Record::spend_known).sum();
        assert_eq!(self.totals.spend, spend);
    }
}

//! Reading: one item by its key, or a run of items of one partition or index. Expired items are left out.

use futures_util::FutureExt;
use jiff::Timestamp;
use serde::de::DeserializeOwned;

use super::attributes::{Attributes, from_attributes, text};
use super::item::{BY_KEY, BY_SESSION, PK, SK, expired, key_attributes};
use super::{Key, StoreError, Table};

/// Which sort keys of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Range {
    /// All of them.
    All,
    /// From the first to the second, both included.
    Between(String, String),
}

/// In which order of their sort keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the first.
    Ascending,
    /// From the last.
    Descending,
}

/// An index: its items have the table's keys and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// Under [`super::keys::by_key`].
    ByKey,
    /// Under [`super::keys::by_session`].
    BySession,
}

/// What the table compares itself, so that it sends only the items for which it holds. An item that was compared costs as
/// much as one that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The attribute.
    pub attribute: &'static str,
    /// What must hold of it.
    pub wanted: Wanted,
}

/// What must hold of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// It is this text.
    Is(String),
    /// It is a list that has this text.
    Has(String),
    /// There is none.
    Nothing,
}

/// A run of items of one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The partition, or the index's.
    pub partition: String,
    /// `None`: the table itself.
    pub index: Option<Index>,
    /// The sort keys.
    pub range: Range,
    /// From which end.
    pub order: Order,
    /// All of these must hold. Not for an index, which has keys alone.
    pub comparisons: Vec<Comparison>,
    /// The items as they were after the last finished write, for twice the price. Without it, and in an index always,
    /// items written within the last second may be missing.
    pub consistent: bool,
}

/// Where a run goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Position(Attributes);

/// A piece of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    /// May be fewer than asked for, or none, although the run goes on: what has expired, and what the comparisons sort
    /// out, is left out.
    pub items: Vec<T>,
    /// The items that were looked at for it.
    pub looked_at: usize,
    /// `None`: the run has ended.
    pub next: Option<Position>,
}

impl Position {
    /// The sort key of the last item that was looked at.
    pub fn sort_key(&self) -> &str {
        let key = self.0.get(SK).and_then(|key| key.as_s().ok());
        key.map_or("", String::as_str)
    }
}

impl Index {
    /// Its name, which is its partition key's too.
    fn name(self) -> &'static str {
        match self {
            Index::ByKey => BY_KEY,
            Index::BySession => BY_SESSION,
        }
    }
}

impl Comparison {
    /// The condition of a query's comparison with this number, in DynamoDB's words.
    fn condition(&self, n: usize) -> String {
        match self.wanted {
            Wanted::Is(_) => format!("#a{n} = :a{n}"),
            Wanted::Has(_) => format!("contains(#a{n}, :a{n})"),
            Wanted::Nothing => format!("attribute_not_exists(#a{n})"),
        }
    }
}

impl Query {
    /// All of a partition of the table, from its first item on.
    pub fn all(partition: String) -> Query {
        Query {
            partition,
            index: None,
            range: Range::All,
            order: Order::Ascending,
            comparisons: Vec::new(),
            consistent: false,
        }
    }
}

impl Table {
    /// The item at this key, as it was after the last finished write.
    ///
    /// # Errors
    /// When the table does not answer, or the item does not read as a `T`.
    pub async fn get<T: DeserializeOwned>(&self, key: &Key) -> Result<Option<T>, StoreError> {
        let found = self.attributes(key).await?;
        Ok(found.as_ref().map(from_attributes).transpose()?)
    }

    pub(super) async fn attributes(&self, key: &Key) -> Result<Option<Attributes>, StoreError> {
        let call = self
            .client
            .get_item()
            .table_name(&*self.name)
            .set_key(Some(key_attributes(key)))
            .consistent_read(true)
            .send()
            .boxed();
        let found = call.await?.item;
        Ok(found.filter(|item| !expired(item, Timestamp::now())))
    }

    /// At most `most` items of one partition. Items written within the last second may be missing.
    ///
    /// # Errors
    /// When the table does not answer, or an item does not read as a `T`.
    pub async fn query<T: DeserializeOwned>(
        &self,
        partition: &str,
        range: &Range,
        order: Order,
        most: usize,
    ) -> Result<Vec<T>, StoreError> {
        let query = Query {
            range: range.clone(),
            order,
            ..Query::all(partition.to_owned())
        };
        self.run(&query, most).await
    }

    /// At most `most` items of a run.
    ///
    /// # Errors
    /// When the table does not answer, or an item does not read as a `T`.
    pub async fn run<T: DeserializeOwned>(
        &self,
        query: &Query,
        most: usize,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        let mut from = None;
        while found.len() < most {
            let mut page = self.page(query, most - found.len(), from).await?;
            found.append(&mut page.items);
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        Ok(found)
    }

    /// One piece of a run: at most `most` items are looked at, and at most 1 MB of them.
    ///
    /// # Errors
    /// When the table does not answer, or an item does not read as a `T`.
    pub async fn page<T: DeserializeOwned>(
        &self,
        query: &Query,
        most: usize,
        from: Option<Position>,
    ) -> Result<Page<T>, StoreError> {
        let partition_key = query.index.map_or(PK, Index::name);
        let mut call = self
            .client
            .query()
            .table_name(&*self.name)
            .set_index_name(query.index.map(|index| index.name().to_owned()))
            .consistent_read(query.consistent && query.index.is_none())
            .scan_index_forward(query.order == Order::Ascending)
            .limit(i32::try_from(most).unwrap_or(i32::MAX))
            .set_exclusive_start_key(from.map(|position| position.0))
            .expression_attribute_values(":pk", text(&query.partition));
        call = match &query.range {
            Range::All => call.key_condition_expression(format!("{partition_key} = :pk")),
            Range::Between(first, last) => call
                .key_condition_expression(format!(
                    "{partition_key} = :pk AND {SK} BETWEEN :first AND :last"
                ))
                .expression_attribute_values(":first", text(first))
                .expression_attribute_values(":last", text(last)),
        };
        let conditions: Vec<String> = (query.comparisons.iter().enumerate())
            .map(|(n, comparison)| comparison.condition(n))
            .collect();
        if !conditions.is_empty() {
            call = call.filter_expression(conditions.join(" AND "));
        }
        for (n, Comparison { attribute, wanted }) in query.comparisons.iter().enumerate() {
            call = call.expression_attribute_names(format!("#a{n}"), *attribute);
            if let Wanted::Is(value) | Wanted::Has(value) = wanted {
                call = call.expression_attribute_values(format!(":a{n}"), text(value));
            }
        }
        let answer = call.send().boxed().await?;
        let next = answer.last_evaluated_key.filter(|key| !key.is_empty());
        let now = Timestamp::now();
        let items = answer.items.unwrap_or_default();
        let living = items.iter().filter(|item| !expired(item, now));
        Ok(Page {
            looked_at: usize::try_from(answer.scanned_count).unwrap_or_default(),
            items: living.map(from_attributes).collect::<Result<_, _>>()?,
            next: next.map(Position),
        })
    }
}

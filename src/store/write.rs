//! Writing: several items at once, all or nothing.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use backon::{ExponentialBuilder, Retryable};
use bytes::Bytes;
use futures_util::FutureExt;
use jiff::Timestamp;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::sdk::put_body;

use super::body::{self, Part, Transaction, Update, number};
use super::error::not_sent;
use super::{Item, Key, Settlement, StoreError, Table};

/// One write of a transaction. No two of a transaction may meet the same item.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Puts an item that must not be there yet.
    Create(Item),
    /// Puts an item over the one of this version, a number among its fields.
    Replace(Item, u64),
    /// Puts an item where none is, where its time is over, or where one of these has it by now.
    Claim(Claimed),
    /// Adds to the numbers of an item, each of which, and the item itself, begins at 0.
    Add {
        /// The item.
        key: Key,
        /// Field and what is added to it; not empty.
        amounts: Vec<(String, Decimal)>,
    },
    /// Replaces what an account holds by what was spent.
    Settle(Settlement),
}

/// A name that only one may have at a time. Given up, it is an item whose time is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The item, whose field [`Claimed::HOLDER`] names the holder.
    pub item: Item,
    /// Holders from whom it may be taken; not empty.
    pub holders: Vec<String>,
    /// The time by which the item that is there may be over.
    pub now: Timestamp,
}

impl Claimed {
    /// The field of the item that names the holder.
    pub const HOLDER: &str = "holder";
}

/// How long a write may take. Between attempts it pauses 25 to 50 ms at first and 200 to 400 ms at last, by chance,
/// so that instances that collided on a counter do not collide again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteLimits {
    /// Everything: attempts and pauses.
    pub total: Duration,
    /// One attempt.
    pub attempt: Duration,
}

impl Default for WriteLimits {
    fn default() -> Self {
        WriteLimits {
            total: Duration::from_secs(5),
            attempt: Duration::from_millis(1500),
        }
    }
}

impl Write {
    fn key(&self) -> &Key {
        match self {
            Write::Create(item) | Write::Replace(item, _) => &item.key,
            Write::Claim(claimed) => &claimed.item.key,
            Write::Add { key, .. } => key,
            Write::Settle(settlement) => &settlement.key,
        }
    }

    /// Whether both write the same item.
    pub(super) fn meets(&self, other: &Write) -> bool {
        self.key() == other.key()
    }

    /// Both writes of one item as one, where that can be said.
    pub(super) fn with(&self, other: &Write) -> Option<Write> {
        match (self, other) {
            (
                Write::Add { key, amounts },
                Write::Add {
                    amounts: others, ..
                },
            ) => {
                let mut sums: BTreeMap<&String, Decimal> = BTreeMap::new();
                for (field, amount) in amounts.iter().chain(others) {
                    let sum = sums.entry(field).or_default();
                    *sum = sum.checked_add(*amount)?;
                }
                let sums = sums.into_iter().map(|(field, sum)| (field.clone(), sum));
                Some(Write::Add {
                    key: key.clone(),
                    amounts: sums.collect(),
                })
            }
            (Write::Settle(one), Write::Settle(other)) => one.with(other).map(Write::Settle),
            _ => None,
        }
    }
}

impl Table {
    /// Makes all of these writes or none, in one `TransactWriteItems`, trying again while that can help.
    ///
    /// A token makes the attempts of this one call count once, also where an answer was lost on its way. What must
    /// hold from call to call needs a condition ([`Write::Create`]).
    ///
    /// # Errors
    /// [`StoreError::ConditionFailed`] when an item to create is there, or another version of one to
    /// replace, or when another has what is claimed, or when a hold to settle is not; a transient error when time ran out, after
    /// which the writes may or may not have happened.
    pub async fn transact(&self, writes: &[Write], limits: WriteLimits) -> Result<(), StoreError> {
        let parts = writes.iter().map(|write| self.part(write));
        let transaction = Transaction {
            client_request_token: &Uuid::new_v4().to_string(),
            transact_items: parts.collect(),
        };
        let body = Bytes::from(serde_json::to_vec(&transaction)?);
        let attempt = || self.transact_once(body.clone(), limits.attempt);
        let pauses = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(25))
            .with_max_delay(Duration::from_millis(200))
            .with_jitter()
            .without_max_times();
        let mut last = None;
        let attempts = attempt
            .retry(pauses)
            .sleep(tokio::time::sleep)
            .when(StoreError::is_transient)
            .notify(|error, pause| {
                tracing::debug!(%error, ?pause, "writing again");
                last = Some(error.clone());
            });
        // What the last attempt was refused for says more than that the time is over.
        match tokio::time::timeout(limits.total, attempts).await {
            Ok(outcome) => outcome,
            Err(_) => Err(last.unwrap_or(StoreError::Timeout(limits.total))),
        }
    }

    async fn transact_once(&self, body: Bytes, limit: Duration) -> Result<(), StoreError> {
        let call = self
            .untried
            .transact_write_items()
            .set_transact_items(Some(vec![self.named()?]))
            .customize()
            .mutate_request(move |request| put_body(request, &body))
            .send()
            .boxed();
        match tokio::time::timeout(limit, call).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(refusal(error, limit)),
            Err(_) => Err(StoreError::Timeout(limit)),
        }
    }

    /// The SDK finds the endpoint by the table's name, which may be the ARN of another account's.
    fn named(&self) -> Result<TransactWriteItem, StoreError> {
        let put = Put::builder()
            .table_name(&*self.name)
            .set_item(Some(HashMap::new()));
        let put = put.build().map_err(not_sent)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    fn part<'a>(&'a self, write: &'a Write) -> Part<'a> {
        match write {
            Write::Create(item) => Part::Put(body::Put::new(&self.name, item)),
            Write::Replace(item, version) => {
                Part::Put(body::Put::over_version(&self.name, item, *version))
            }
            Write::Claim(claimed) => Part::Put(body::Put::claim(&self.name, claimed)),
            Write::Add { key, amounts } => Part::Update(self.add(key, amounts)),
            Write::Settle(settlement) => Part::Update(settlement.update(&self.name)),
        }
    }

    fn add<'a>(&'a self, key: &'a Key, amounts: &'a [(String, Decimal)]) -> Update<'a> {
        let terms: Vec<String> = (0..amounts.len()).map(|i| format!("#{i} :{i}")).collect();
        let amounts = amounts.iter().enumerate();
        let (names, values) = amounts
            .map(|(i, (field, amount))| {
                (
                    (format!("#{i}"), &**field),
                    (format!(":{i}"), number(*amount)),
                )
            })
            .unzip();
        Update {
            table_name: &self.name,
            key,
            update_expression: format!("ADD {}", terms.join(", ")),
            condition_expression: None,
            expression_attribute_names: names,
            expression_attribute_values: values,
        }
    }
}

/// What a failed transaction means. One reason per write, in order: a condition that does not hold decides; else a
/// reason that will not pass by itself; else it was busy.
fn refusal(error: SdkError<TransactWriteItemsError>, limit: Duration) -> StoreError {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return StoreError::from_sdk(error, limit);
    };
    let mut outcome = None;
    for (write, reason) in cancelled.cancellation_reasons().iter().enumerate() {
        match reason.code().unwrap_or("None") {
            "None" => {}
            "ConditionalCheckFailed" => return StoreError::ConditionFailed { write },
            code => {
                let reason = StoreError::from_code(code, reason.message().unwrap_or_default());
                if outcome.as_ref().is_none_or(StoreError::is_transient) {
                    outcome = Some(reason);
                }
            }
        }
    }
    outcome.unwrap_or_else(|| StoreError::from_sdk(error, limit))
}

#[cfg(all(test, feature = "local"))]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Instant;

    use axum::{Router, http::StatusCode, routing::post};
    use serde_json::json;

    use super::*;
    use crate::store::{TableOptions, embedded::local_config};

    /// A table that gives these answers, one after the other and the last for ever, and keeps the tokens it was sent.
    async fn scripted(answers: Vec<(u16, serde_json::Value)>) -> (Table, Arc<Mutex<Vec<String>>>) {
        let tokens = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&tokens);
        let answer = move |body: String| {
            let call: serde_json::Value = serde_json::from_str(&body).unwrap();
            let mut seen = seen.lock().unwrap();
            seen.push(call["ClientRequestToken"].as_str().unwrap().to_owned());
            let (status, body) = answers[(seen.len() - 1).min(answers.len() - 1)].clone();
            let status = StatusCode::from_u16(status).unwrap();
            async move { (status, body.to_string()) }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let options = TableOptions {
            name: "scripted".into(),
            endpoint: Some(format!("http://{}", listener.local_addr().unwrap())),
            region: None,
        };
        let app = Router::new().route("/", post(answer));
        tokio::spawn(async move { axum::serve(listener, app).await });
        (Table::connect(&local_config(), &options), tokens)
    }

    fn cancelled(reasons: &[&str]) -> (u16, serde_json::Value) {
        let reasons: Vec<_> = reasons.iter().map(|code| json!({ "Code": code })).collect();
        let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
        let body = json!({ "__type": kind, "CancellationReasons": reasons });
        (400, body)
    }

    fn error(status: u16, code: &str) -> (u16, serde_json::Value) {
        (status, json!({ "__type": code, "message": "so it is" }))
    }

    async fn write(table: &Table, total: Duration) -> Result<(), StoreError> {
        let key = Key {
            pk: "p".into(),
            sk: "s".into(),
        };
        let amounts = vec![("spend".to_owned(), Decimal::new(1, 3))];
        let limits = WriteLimits {
            total,
            attempt: Duration::from_secs(1),
        };
        table.transact(&[Write::Add { key, amounts }], limits).await
    }

    #[tokio::test]
    async fn what_passes_by_itself_is_tried_again_with_the_same_token() {
        let (table, tokens) = scripted(vec![
            cancelled(&["None", "TransactionConflict"]),
            cancelled(&["ThrottlingError", "None"]),
            error(400, "ThrottlingException"),
            error(400, "TransactionInProgressException"),
            error(500, "InternalServerError"),
            error(503, "whatever"),
            (200, json!({})),
        ])
        .await;
        write(&table, Duration::from_secs(5)).await.unwrap();
        let tokens = tokens.lock().unwrap();
        assert_eq!(tokens.len(), 7);
        assert!(tokens.iter().all(|token| *token == tokens[0]));
        assert!(tokens[0].len() <= 36);
    }

    #[tokio::test]
    async fn what_does_not_pass_is_said_at_once() {
        for answer in [
            error(400, "AccessDeniedException"),
            error(400, "ResourceNotFoundException"),
            cancelled(&["TransactionConflict", "ValidationError"]),
        ] {
            let (table, tokens) = scripted(vec![answer]).await;
            let outcome = write(&table, Duration::from_secs(5)).await;
            assert!(
                matches!(outcome, Err(StoreError::Refused { .. })),
                "{outcome:?}"
            );
            assert_eq!(tokens.lock().unwrap().len(), 1);
        }
    }

    #[tokio::test]
    async fn a_condition_that_does_not_hold_decides_whatever_else_happened() {
        let reasons = ["TransactionConflict", "ConditionalCheckFailed", "None"];
        let (table, _) = scripted(vec![cancelled(&reasons)]).await;
        let outcome = write(&table, Duration::from_secs(5)).await;
        assert!(
            matches!(outcome, Err(StoreError::ConditionFailed { write: 1 })),
            "{outcome:?}"
        );
    }

    #[tokio::test]
    async fn a_table_that_stays_busy_costs_its_time_limit() {
        let (table, tokens) = scripted(vec![cancelled(&["TransactionConflict"])]).await;
        let began = Instant::now();
        let outcome = write(&table, Duration::from_millis(700)).await;
        assert!(matches!(outcome, Err(ref error) if error.is_transient()));
        assert!(began.elapsed() < Duration::from_secs(2));
        assert!(tokens.lock().unwrap().len() > 2);
    }
}

//! Transactions: several writes at once, all or none of them.

use std::time::Duration;

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::operation::transact_write_items::builders::TransactWriteItemsFluentBuilder;
use backon::{ExponentialBuilder, Retryable};
use futures_util::FutureExt;
use uuid::Uuid;

use super::{StoreError, Table, Write};

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

impl Table {
    /// Makes all of these writes or none, in one `TransactWriteItems`, trying again while that can help.
    ///
    /// A token makes the attempts of this one call count once, also where an answer was lost on its way. What must
    /// hold from call to call needs a condition ([`Write::Create`]).
    ///
    /// # Errors
    /// [`StoreError::ConditionFailed`] when an item to create is there, or another version of one to replace, or when
    /// another has what is claimed, or when a hold to settle is not; a transient error when time ran out, after which
    /// the writes may or may not have happened.
    pub async fn transact(&self, writes: &[Write], limits: WriteLimits) -> Result<(), StoreError> {
        let token = Uuid::new_v4();
        let attempt = || async {
            let parts = writes.iter().map(|write| write.to_part(&self.name));
            let call = self
                .without_retries
                .transact_write_items()
                .set_transact_items(Some(parts.collect::<Result<_, _>>()?))
                .client_request_token(token);
            send(call, limits.attempt).await
        };
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
        // The last attempt's error says more than that the time is over.
        match tokio::time::timeout(limits.total, attempts).await {
            Ok(outcome) => outcome,
            Err(_) => Err(last.unwrap_or(StoreError::Timeout(limits.total))),
        }
    }
}

async fn send(call: TransactWriteItemsFluentBuilder, limit: Duration) -> Result<(), StoreError> {
    match tokio::time::timeout(limit, call.send().boxed()).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) => Err(refusal(error, limit)),
        Err(_) => Err(StoreError::Timeout(limit)),
    }
}

/// The error of a failed transaction. DynamoDB gives one reason per write, in order: a condition that does not hold
/// decides; else a reason that does not pass by itself; else the table was busy.
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
    use rust_decimal::Decimal;
    use serde_json::json;

    use super::*;
    use crate::store::{Key, TableOptions, embedded::local_config};

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

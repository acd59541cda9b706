//! Runs a request in a task of its own: runs its chain, sends the end to the client's side, and writes the record. It
//! lives on when the client goes away, so that what Bedrock bills is known.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use rust_decimal::Decimal;
use tokio::sync::oneshot::{self, Receiver, Sender};
use tokio::time::Instant;

use crate::app::AppState;
use crate::bedrock::{Class, Failure};
use crate::chain::{self, ChainOptions, Purse, RetrievalOffer, RetrievalOutcome, Target};
use crate::conversation::Usage;
use crate::http::record::{self, ContentCapture};
use crate::http::{denied, log};
use crate::keys::{Caller, Denied, Holds, KeyUsage};
use crate::retrieval::{RetrievalRequest, Retrieved, most_search_units};
use crate::spend::{Attempt, PendingRequest, Record, RecordFailure, RequestId, Status};
use crate::wire::{ApiError, Labels};

/// A request that is ready to run.
#[derive(Debug)]
pub(in crate::http) struct PendingRetrieval {
    pub(in crate::http) id: RequestId,
    /// By which wire it came.
    pub(in crate::http) call_type: &'static str,
    pub(in crate::http) caller: Caller,
    pub(in crate::http) request: RetrievalRequest,
    pub(in crate::http) chain_options: ChainOptions,
    pub(in crate::http) model_asked: String,
    pub(in crate::http) labels: Labels,
    /// Collected where it is to be stored: what was sent, for vectors are no reading.
    pub(in crate::http) content: Option<ContentCapture>,
    pub(in crate::http) return_documents: bool,
}

/// How a run ended.
#[derive(Debug)]
pub(in crate::http) struct RetrievalEnd {
    pub(in crate::http) key_usage: KeyUsage,
    /// Every attempt, in order.
    pub(in crate::http) attempts: Vec<Attempt>,
    pub(in crate::http) result: Result<RetrievedAnswer, Box<ApiError>>,
}

/// A whole answer.
#[derive(Debug)]
pub(in crate::http) struct RetrievedAnswer {
    pub(in crate::http) target: Arc<Target>,
    pub(in crate::http) retrieved: Retrieved,
    /// The documents, where the client wants them back.
    pub(in crate::http) documents: Option<Vec<String>>,
    pub(in crate::http) usage: Usage,
    /// US dollars of all attempts; `None` where a price is unknown.
    pub(in crate::http) cost: Option<Decimal>,
}

impl PendingRetrieval {
    /// Starts its task. A dropped receiver tells the task that the client has gone.
    pub(in crate::http) fn start(self, app: &AppState) -> Receiver<RetrievalEnd> {
        let (client, end) = oneshot::channel();
        app.tasks.spawn(self.run(app.clone(), client));
        end
    }

    async fn run(mut self, app: AppState, client: Sender<RetrievalEnd>) {
        let started = Instant::now();
        let mut record = self.begin_record();
        let group = &self.chain_options.group;
        let estimate = self.request.estimated_tokens();
        let admitted = app
            .keys
            .admit(&self.caller, self.id, &app.routes, group, || estimate)
            .await;
        let mut admitted = match admitted {
            Ok(admitted) => admitted,
            Err(denied) => return self.reject(&app, record, denied, client).await,
        };
        let mut funds = RetrievalFunds {
            app: &app,
            client: &client,
            holds: app.keys.holds(&self.caller, self.id),
            key_usage: admitted.key_usage,
            estimate,
            search_units: search_units(&self.request),
            record: &mut record,
            denied: None,
        };
        if funds.holds.has_no_budget() {
            funds.log_pending(true).await;
        }
        let outcome =
            chain::retrieve(&app.routes, &self.request, &self.chain_options, &mut funds).await;
        let reservations = funds.holds.reservations().await;
        let (holds, key_usage, denied) = (funds.holds, funds.key_usage, funds.denied);
        record.reservations = reservations;
        let failure = outcome.failure.as_ref().map(|failure| match denied {
            Some(denied) if failure.class.is_about_money() => *denied,
            _ => ApiError::from(failure),
        });
        let used = outcome.usage.total();
        let (end, background_writes) = self.end(&mut record, outcome, failure, key_usage);
        app.keys.release_slot(&mut admitted.limits_taken).await;
        client.send(end).ok();
        let total = started.elapsed();
        // The client's side may run on the same thread, and would wait for what is done here.
        tokio::task::yield_now().await;
        log::log_chat(&record, None, total);
        for used in holds.budget_uses(record.spend_known()) {
            app.alerts.budget(&used);
        }
        tokio::join!(
            record::write(&app, &self.caller, record, self.content),
            join_all(background_writes),
            app.keys.release_limits(admitted.limits_taken, used),
        );
    }

    /// Ends a request that may not run. It is a record like any other, if it is one of the first of its key's minute.
    async fn reject(
        self,
        app: &AppState,
        mut record: Record,
        denied: Denied,
        client: Sender<RetrievalEnd>,
    ) {
        let key_usage = denied.key_usage();
        let error = denied::refusal(app, denied);
        record.end = Timestamp::now();
        record.error = Some(RecordFailure::from(&error));
        let end = RetrievalEnd {
            key_usage,
            attempts: Vec::new(),
            result: Err(Box::new(error)),
        };
        client.send(end).ok();
        log::log_chat(&record, None, Duration::ZERO);
        record::write(app, &self.caller, record, self.content).await;
    }

    /// The record as far as it is known before any model is asked.
    fn begin_record(&mut self) -> Record {
        record::begin(
            self.id,
            self.call_type,
            std::mem::take(&mut self.model_asked),
            &self.caller,
            std::mem::take(&mut self.labels),
        )
    }

    /// Adds to the record how the request ended. Beside it, the end for the client, and what is still being written.
    fn end(
        &mut self,
        record: &mut Record,
        outcome: RetrievalOutcome,
        failure: Option<ApiError>,
        key_usage: KeyUsage,
    ) -> (RetrievalEnd, Vec<tokio::task::JoinHandle<()>>) {
        record.end = Timestamp::now();
        record.attempts.clone_from(&outcome.attempts);
        let documents = match &mut self.request {
            RetrievalRequest::Rerank(request) if self.return_documents => {
                Some(std::mem::take(&mut request.documents))
            }
            _ => None,
        };
        let answered = outcome.target.zip(outcome.retrieved);
        let result = match (failure, answered) {
            (None, Some((target, retrieved))) => Ok(RetrievedAnswer {
                target,
                retrieved,
                documents,
                usage: outcome.usage,
                cost: record.cost().map(|cost| cost.total),
            }),
            (failure, _) => Err(failure.unwrap_or_else(ApiError::internal)),
        };
        record.status = match &result {
            Ok(_) => Status::Success,
            Err(_) => Status::Failure,
        };
        record.error = result.as_ref().err().map(RecordFailure::from);
        let end = RetrievalEnd {
            key_usage,
            attempts: outcome.attempts,
            result: result.map_err(Box::new),
        };
        (end, outcome.background_writes)
    }
}

/// What a request is billed by if nothing more is ever heard of it, where that is no tokens.
fn search_units(request: &RetrievalRequest) -> u64 {
    match request {
        RetrievalRequest::Embed(_) => 0,
        RetrievalRequest::Rerank(request) => most_search_units(request),
    }
}

/// The client's side and its purse, as the chain sees them.
struct RetrievalFunds<'a> {
    app: &'a AppState,
    client: &'a Sender<RetrievalEnd>,
    holds: Holds,
    /// How the key stands, for the reply's headers.
    key_usage: KeyUsage,
    /// The inputs' tokens, for the log.
    estimate: u64,
    search_units: u64,
    record: &'a mut Record,
    /// Why the first calls that could not be paid for were not made.
    denied: Option<Box<ApiError>>,
}

impl RetrievalFunds<'_> {
    /// Logs what is to be known of the request if its record never comes: so that it can be settled after a crash.
    async fn log_pending(&self, is_first: bool) {
        let pending = PendingRequest {
            search_units: self.search_units,
            ..PendingRequest::of(self.record, self.estimate)
        };
        if is_first {
            self.app.ledger.log_pending(&pending).await;
        } else {
            self.app.ledger.log_more_held(&pending).await;
        }
    }

    /// Logs what is held now.
    async fn report_holds(&mut self) {
        let reservations = self.holds.reservations().await;
        if self.record.reservations == reservations {
            return;
        }
        let is_first = self.record.reservations.is_empty();
        self.record.reservations = reservations;
        self.log_pending(is_first).await;
        if is_first {
            self.key_usage.budget = self.holds.budget_usage();
        }
    }
}

impl Purse for RetrievalFunds<'_> {
    fn cost_bound(&self, offer: &RetrievalOffer<'_>) -> Decimal {
        self.holds.retrieval_bound(offer)
    }

    async fn afford(&mut self, offer: RetrievalOffer<'_>) -> Result<(), Failure> {
        if self.holds.has_no_budget() {
            return Ok(());
        }
        let denied = match self.holds.afford_retrieval(&offer).await {
            Ok(()) => {
                self.report_holds().await;
                return Ok(());
            }
            Err(denied) => denied,
        };
        let class = match denied {
            Denied::OverBudget(_) => Class::OverBudget,
            Denied::Unpriced { .. } => Class::Unpriced,
            _ => Class::BudgetUnknown,
        };
        let error = denied::refusal(self.app, denied);
        let failure = Failure::new(class, &error.message);
        self.denied.get_or_insert_with(|| Box::new(error));
        Err(failure)
    }

    fn is_gone(&self) -> bool {
        self.client.is_closed()
    }
}

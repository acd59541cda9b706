//! Runs a request in a task of its own: runs its chain, sends the events to the client's side, and writes the record.
//! It lives on when the client goes away, so that what Bedrock bills is known.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use jiff::Timestamp;
use rust_decimal::Decimal;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::Instant;

use crate::app::AppState;
use crate::bedrock::{Class, Failure};
use crate::chain::{self, Afforded, AnswerStarted, AttemptOffer, ChainOptions, ChainOutcome, Sink};
use crate::conversation::{Event, Request, StopReason, is_summary};
use crate::http::record::{self, ContentCapture};
use crate::http::{denied, log};
use crate::keys::{Caller, Denied, Holds, KeyUsage};
use crate::panics;
use crate::spend::{self, PendingRequest, Record, RequestId, Status};
use crate::thinking::ThinkingRecorder;
use crate::wire::{ApiError, Labels};

use super::client::{AnswerEnd, FinalReply, StreamItem};

/// Items that may wait for a slow client before the upstream is slowed down.
const ITEMS_AHEAD: usize = 64;

/// A request that is ready to run.
#[derive(Debug)]
pub(in crate::http) struct ChatRun {
    pub(in crate::http) id: RequestId,
    /// By which wire it came.
    pub(in crate::http) call_type: &'static str,
    pub(in crate::http) caller: Caller,
    pub(in crate::http) request: Request,
    pub(in crate::http) chain_options: ChainOptions,
    pub(in crate::http) model_asked: String,
    pub(in crate::http) labels: Labels,
    /// Collected where it is to be stored.
    pub(in crate::http) content: Option<ContentCapture>,
    /// Sums the conversation up first: a run of its own.
    pub(in crate::http) summary: Option<Box<ChatRun>>,
}

impl ChatRun {
    /// Starts its task. The last item that the receiver gets is [`StreamItem::End`] or [`StreamItem::Failed`]; a
    /// dropped receiver tells the task that the client has gone.
    pub(in crate::http) fn start(self, app: &AppState) -> Receiver<StreamItem> {
        let (client, items) = mpsc::channel(ITEMS_AHEAD);
        app.tasks.spawn(self.run(app.clone(), client));
        items
    }

    async fn run(mut self, app: AppState, client: Sender<StreamItem>) {
        if let Some(run) = self.summary.take() {
            self.continue_from_summary(*run, &app, &client).await;
        }
        let started = Instant::now();
        let mut record = self.begin_record();
        let admitted = app
            .keys
            .admit(
                &self.caller,
                self.id,
                &app.routes,
                &self.chain_options.group,
                || self.request.estimated_prompt_tokens(),
            )
            .await;
        let mut admitted = match admitted {
            Ok(admitted) => admitted,
            // Boxed: few requests need its kilobytes.
            Err(denied) => return Box::pin(self.reject(&app, record, denied, client)).await,
        };
        let mut funds = RequestFunds {
            holds: app.keys.holds(&self.caller, self.id),
            key_usage: admitted.key_usage,
            estimated_input: self.request.estimated_prompt_tokens(),
            denied: None,
        };
        if funds.holds.has_no_budget() {
            if funds.key_usage != KeyUsage::default() {
                send_item(&client, StreamItem::KeyUsage(funds.key_usage)).await;
            }
            let pending = PendingRequest::of(&record, funds.estimated_input);
            app.ledger.log_pending(&pending).await;
        }
        let mut outcome = {
            let id = self.id;
            let answer = pin!(self.run_chain(&app, &client, &mut funds, &mut record));
            let answered = AssertUnwindSafe(answer).catch_unwind().await;
            answered.unwrap_or_else(|panic| {
                let panic = panics::text(&panic);
                tracing::error!(%id, panic, "a request panicked outside its chain");
                ChainOutcome {
                    failure: Some(Failure::internal()),
                    ..ChainOutcome::default()
                }
            })
        };
        let Self {
            caller,
            content,
            request,
            ..
        } = self;
        // A record may take a while, and a conversation may be large.
        drop(request);
        let background_writes = std::mem::take(&mut outcome.background_writes);
        record.reservations = funds.holds.reservations().await;
        let failure = outcome.failure.as_ref().map(|failure| match funds.denied {
            Some(denied) if failure.class.is_about_money() => *denied,
            _ => ApiError::from(failure),
        });
        let prompt_tokens = exact_prompt_tokens(&outcome);
        let usage = outcome.usage.unwrap_or_default();
        let first_piece = outcome.first_piece.map(|at| at - started);
        end_record(&mut record, outcome, failure.as_ref(), first_piece);
        let last = match failure {
            Some(error) => StreamItem::Failed(Box::new(error), record.attempts.clone()),
            None => StreamItem::End(AnswerEnd {
                usage,
                cost: record.cost().map(|cost| cost.total),
                attempts: record.attempts.clone(),
            }),
        };
        app.keys.release_slot(&mut admitted.limits_taken).await;
        send_item(&client, last).await;
        drop(client);
        let total = started.elapsed();
        // The client's side may run on the same thread, and would wait for what is done here.
        tokio::task::yield_now().await;
        log::log_chat(&record, first_piece, total);
        for budget_use in funds.holds.budget_uses(record.spend_known()) {
            app.alerts.budget(&budget_use);
        }
        // Each of these futures logs its own errors.
        let tokens_used = record.usage().total();
        let record_written = pin!(record::write(&app, &caller, record, content));
        let limits_released = pin!(app.keys.release_limits(admitted.limits_taken, tokens_used));
        let count_remembered = pin!(async {
            if let Some(tokens) = prompt_tokens {
                funds.holds.remember_prompt_tokens(tokens).await;
            }
        });
        tokio::join!(
            record_written,
            join_all(background_writes),
            limits_released,
            count_remembered
        );
    }

    /// Sums the conversation up, and goes on from that. Where there is no summary, the request stays as it is: the
    /// model may well take it.
    async fn continue_from_summary(
        &mut self,
        run: ChatRun,
        app: &AppState,
        client: &Sender<StreamItem>,
    ) {
        let id = run.id;
        let answer = FinalReply::collect(run.start(app)).await;
        let text = answer.reply.text();
        if answer.end.is_err() || !is_summary(&text, answer.reply.stop.as_ref()) {
            tracing::warn!(id = %self.id, summary = %id, "a conversation could not be summed up, and is sent as it is");
            return;
        }
        let summary = self.request.with_last_words(text.trim().to_owned());
        self.request.continue_from(&summary);
        send_item(client, StreamItem::Compacted(summary)).await;
    }

    /// Ends a request that may not run. It is a record like any other, if it is one of the first of its key's minute.
    async fn reject(
        self,
        app: &AppState,
        mut record: Record,
        denied: Denied,
        client: Sender<StreamItem>,
    ) {
        let key_usage = denied.key_usage();
        if key_usage != KeyUsage::default() {
            send_item(&client, StreamItem::KeyUsage(key_usage)).await;
        }
        let error = denied::refusal(app, denied);
        end_record(&mut record, ChainOutcome::default(), Some(&error), None);
        send_item(&client, StreamItem::Failed(Box::new(error), Vec::new())).await;
        drop(client);
        log::log_chat(&record, None, Duration::ZERO);
        record::write(app, &self.caller, record, self.content).await;
    }

    /// Asks the chain, after the thinking that is missing from the client's history was put back.
    async fn run_chain(
        &mut self,
        app: &AppState,
        client: &Sender<StreamItem>,
        funds: &mut RequestFunds,
        record: &mut Record,
    ) -> ChainOutcome {
        let recorder = ThinkingRecorder::new(&app.thinking, &self.caller.key_hash, &self.request);
        if thinks(&self.request, &self.chain_options.group, app) {
            app.thinking
                .recall(&self.caller.key_hash, &mut self.request)
                .await;
        }
        let mut sink = ClientSink {
            app,
            client,
            funds,
            record,
            recorder,
            content: &mut self.content,
            buffered: self.chain_options.buffered,
        };
        chain::run(&app.routes, &self.request, &self.chain_options, &mut sink).await
    }

    /// The record as far as it is known before any model is asked.
    fn begin_record(&mut self) -> Record {
        let mut record = record::begin(
            self.id,
            self.call_type,
            std::mem::take(&mut self.model_asked),
            &self.caller,
            std::mem::take(&mut self.labels),
        );
        record.stream = !self.chain_options.buffered;
        record
    }
}

/// Sends an item; a client that has gone is sent nothing.
async fn send_item(client: &Sender<StreamItem>, item: StreamItem) {
    client.send(item).await.ok();
}

/// Adds to a record how its request ended.
fn end_record(
    record: &mut Record,
    outcome: ChainOutcome,
    failure: Option<&ApiError>,
    first_piece: Option<Duration>,
) {
    record.status = if failure.is_some() {
        Status::Failure
    } else {
        Status::Success
    };
    record.first_token = first_piece.and_then(|after| record.start.checked_add(after).ok());
    record.end = Timestamp::now();
    record.attempts = outcome.attempts;
    record.stop_reason = outcome.stop.map(|stop| stop.as_str().to_owned());
    record.error = failure.map(spend::RecordFailure::from);
}

/// Whether a model thinks about the request: the request or by default a deployment asks for it, or one of its group
/// does so unasked.
fn thinks(request: &Request, group: &str, app: &AppState) -> bool {
    let thinks_unasked = || {
        let targets = app.routes.targets(group);
        let mut models = targets.iter().map(|target| target.model());
        models.any(|model| model.abilities.encrypted_thinking)
    };
    match request.thinking {
        Some(wish) => wish.is_wanted(),
        None => app.config.asks_for_thinking() || thinks_unasked(),
    }
}

/// What a request pays from.
struct RequestFunds {
    holds: Holds,
    /// How the key stands, for the reply's headers.
    key_usage: KeyUsage,
    /// The prompt's tokens, for the log.
    estimated_input: u64,
    /// Why the first attempt that could not be paid for was not made.
    denied: Option<Box<ApiError>>,
}

/// The prompt's tokens as Bedrock counted them, where it answered to the end.
fn exact_prompt_tokens(outcome: &ChainOutcome) -> Option<u64> {
    use StopReason::{ContentFiltered, GuardrailIntervened};
    let filtered = matches!(outcome.stop, Some(ContentFiltered | GuardrailIntervened));
    let is_complete = outcome.failure.is_none() && !filtered;
    let usage = outcome
        .usage
        .filter(|usage| is_complete && !usage.estimated)?;
    Some(usage.prompt())
}

/// The chain's view of one client: sends it the events, holds money for attempts, and sees whether it is gone.
struct ClientSink<'a> {
    app: &'a AppState,
    client: &'a Sender<StreamItem>,
    funds: &'a mut RequestFunds,
    record: &'a mut Record,
    recorder: ThinkingRecorder,
    content: &'a mut Option<ContentCapture>,
    /// The answer goes out as a whole: another target's begins from the beginning.
    buffered: bool,
}

impl ClientSink<'_> {
    /// Tells the client how its key stands, once, and logs what is held now, so that it can be settled after a crash.
    async fn report_holds(&mut self) {
        let reservations = self.funds.holds.reservations().await;
        if self.record.reservations == reservations {
            return;
        }
        let first = self.record.reservations.is_empty();
        self.record.reservations = reservations;
        let pending = PendingRequest::of(self.record, self.funds.estimated_input);
        if first {
            self.app.ledger.log_pending(&pending).await;
            self.funds.key_usage.budget = self.funds.holds.budget_usage();
            let key_usage = self.funds.key_usage;
            if key_usage != KeyUsage::default() {
                send_item(self.client, StreamItem::KeyUsage(key_usage)).await;
            }
        } else {
            self.app.ledger.log_more_held(&pending).await;
        }
    }
}

impl Sink for ClientSink<'_> {
    async fn afford(&mut self, offer: AttemptOffer<'_>) -> Result<Afforded, Failure> {
        if self.funds.holds.has_no_budget() {
            return Ok(Afforded::Yes(Decimal::ZERO));
        }
        let denied = match self.funds.holds.afford(&offer).await {
            Ok(afforded) => {
                self.report_holds().await;
                return Ok(afforded);
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
        self.funds.denied.get_or_insert_with(|| Box::new(error));
        Err(failure)
    }

    async fn begin(&mut self, started: AnswerStarted) {
        self.recorder
            .begin(started.target.model().takes_thinking_back());
        if let (true, Some(content)) = (self.buffered, &mut *self.content) {
            content.reset();
        }
        send_item(self.client, StreamItem::Begin(started)).await;
    }

    async fn send_event(&mut self, event: Event) {
        self.recorder.push(&event);
        if let Some(content) = self.content {
            content.push(&event);
        }
        if matches!(event, Event::Stop(_)) {
            self.recorder.finish_storing().await;
        }
        send_item(self.client, StreamItem::Event(event)).await;
    }

    fn is_gone(&self) -> bool {
        self.client.is_closed()
    }

    async fn wait_until_gone(&mut self) {
        self.client.closed().await;
    }
}

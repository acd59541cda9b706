//! One request in a task of its own: it runs the chain, sends the client's side what comes of it, and writes the record.
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
use crate::catalog::Family;
use crate::chain::{self, Afforded, AnswerStarted, AttemptOffer, ChainOptions, Outcome, Sink};
use crate::config::Config;
use crate::conversation::{Event, Request, StopReason};
use crate::http::record::{self, ContentCapture};
use crate::http::{limit_headers, log};
use crate::keys::{Caller, Denied, Holds, KeyUsage};
use crate::panics;
use crate::spend::{self, PendingRequest, Record, RequestId, Status};
use crate::thinking::ThinkingRecorder;
use crate::wire::{ApiError, Labels};

use super::client::{AnswerEnd, StreamItem};

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
    pub(in crate::http) ask: ChainOptions,
    pub(in crate::http) model_asked: String,
    pub(in crate::http) labels: Labels,
    /// Collected where it is to be stored.
    pub(in crate::http) content: Option<ContentCapture>,
}

impl ChatRun {
    /// Starts its task. The last item that the receiver gets is [`StreamItem::End`] or [`StreamItem::Failed`]; a dropped
    /// receiver tells the task that the client has gone.
    pub(in crate::http) fn start(self, app: &AppState) -> Receiver<StreamItem> {
        let (client, items) = mpsc::channel(ITEMS_AHEAD);
        app.tasks.spawn(self.run(app.clone(), client));
        items
    }

    async fn run(mut self, app: AppState, client: Sender<StreamItem>) {
        let started = Instant::now();
        let mut record = self.begin_record();
        let admitted = app
            .keys
            .admit(
                &self.caller,
                self.id,
                &app.routes,
                &self.ask.group,
                &self.request,
            )
            .await;
        let mut admitted = match admitted {
            Ok(admitted) => admitted,
            // Boxed: few requests need its kilobytes.
            Err(denied) => return Box::pin(self.deny(&app, record, denied, client)).await,
        };
        let mut purse = Purse {
            holds: app.keys.holds(&self.caller, self.id),
            key_usage: admitted.key_usage,
            estimated_input: self.request.estimated_prompt_tokens(),
            denied: None,
        };
        if purse.holds.is_free() {
            if purse.key_usage != KeyUsage::default() {
                tell(&client, StreamItem::Admitted(purse.key_usage)).await;
            }
            let pending = PendingRequest::of(&record, purse.estimated_input);
            app.ledger.log_pending(&pending).await;
        }
        let mut outcome = {
            let id = self.id;
            let answer = pin!(self.ask_chain(&app, &client, &mut purse, &mut record));
            let answered = AssertUnwindSafe(answer).catch_unwind().await;
            answered.unwrap_or_else(|panic| {
                let panic = panics::text(&panic);
                tracing::error!(%id, panic, "a request panicked outside its chain");
                Outcome {
                    failure: Some(Failure::internal()),
                    ..Outcome::default()
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
        let notices = std::mem::take(&mut outcome.notices);
        record.reservations = purse.holds.reservations().await;
        let failure = outcome.failure.as_ref().map(|failure| match purse.denied {
            Some(denied) if failure.class.is_about_money() => *denied,
            _ => ApiError::from(failure),
        });
        let counted = exact_prompt(&outcome);
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
        app.keys.release_slot(&mut admitted.reservation).await;
        tell(&client, last).await;
        drop(client);
        let whole = started.elapsed();
        // The client's side may run on the same thread, and would wait for what is done here.
        tokio::task::yield_now().await;
        log::answered(&record, first_piece, whole);
        // Each of these futures logs its own errors.
        let used = record.usage().total();
        let filed = pin!(record::file(&app, &caller, record, content));
        let finished = pin!(app.keys.settle(admitted.reservation, used));
        let counted = pin!(async {
            if let Some(tokens) = counted {
                purse.holds.counted(tokens).await;
            }
        });
        tokio::join!(filed, join_all(notices), finished, counted);
    }

    /// Ends a request that may not run. It is a record like any other, if it is one of the first of its key's minute.
    async fn deny(
        self,
        app: &AppState,
        mut record: Record,
        denied: Denied,
        client: Sender<StreamItem>,
    ) {
        let key_usage = denied.key_usage();
        if key_usage != KeyUsage::default() {
            tell(&client, StreamItem::Admitted(key_usage)).await;
        }
        let error = limit_headers::refusal(app, denied);
        end_record(&mut record, Outcome::default(), Some(&error), None);
        tell(&client, StreamItem::Failed(Box::new(error), Vec::new())).await;
        drop(client);
        log::answered(&record, None, Duration::ZERO);
        record::file(app, &self.caller, record, self.content).await;
    }

    /// Asks the chain, after the thinking that is missing from the client's history was put back.
    async fn ask_chain(
        &mut self,
        app: &AppState,
        client: &Sender<StreamItem>,
        purse: &mut Purse,
        record: &mut Record,
    ) -> Outcome {
        let recorder = ThinkingRecorder::new(&app.thinking, &self.caller.key_hash, &self.request);
        if asks_for_thinking(&self.request, &app.config) {
            app.thinking
                .recall(&self.caller.key_hash, &mut self.request)
                .await;
        }
        let mut sink = ClientSink {
            app,
            client,
            purse,
            record,
            recorder,
            content: &mut self.content,
            whole: self.ask.whole,
        };
        chain::run(&app.routes, &self.request, &self.ask, &mut sink).await
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
        record.stream = !self.ask.whole;
        record
    }
}

/// Sends an item; a client that has gone is sent nothing.
async fn tell(client: &Sender<StreamItem>, item: StreamItem) {
    client.send(item).await.ok();
}

/// Adds to a record how its request ended.
fn end_record(
    record: &mut Record,
    outcome: Outcome,
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
    record.error = failure.map(spend::Failure::from);
}

/// Whether the request, or by default a deployment, asks a model to think.
fn asks_for_thinking(request: &Request, config: &Config) -> bool {
    match request.thinking {
        Some(wish) => wish.is_wanted(),
        None => config.asks_for_thinking(),
    }
}

/// What a request pays from.
struct Purse {
    holds: Holds,
    /// How the key stands, for the reply's headers.
    key_usage: KeyUsage,
    /// The prompt's tokens, for the log.
    estimated_input: u64,
    /// Why the first attempt that could not be paid for was not made.
    denied: Option<Box<ApiError>>,
}

/// The prompt's tokens as Bedrock counted them, where it answered to the end.
fn exact_prompt(outcome: &Outcome) -> Option<u64> {
    use StopReason::{ContentFiltered, GuardrailIntervened};
    let filtered = matches!(outcome.stop, Some(ContentFiltered | GuardrailIntervened));
    let whole = outcome.failure.is_none() && !filtered;
    let usage = outcome.usage.filter(|usage| whole && !usage.estimated)?;
    Some(usage.prompt())
}

/// The client's side and its purse, as the chain sees them.
struct ClientSink<'a> {
    app: &'a AppState,
    client: &'a Sender<StreamItem>,
    purse: &'a mut Purse,
    record: &'a mut Record,
    recorder: ThinkingRecorder,
    content: &'a mut Option<ContentCapture>,
    /// The answer goes out as a whole: another target's begins from the beginning.
    whole: bool,
}

impl ClientSink<'_> {
    /// Tells the client how its key stands, once, and logs what is held now, so that it can be settled after a crash.
    async fn tell_holds(&mut self) {
        let reservations = self.purse.holds.reservations().await;
        if self.record.reservations == reservations {
            return;
        }
        let first = self.record.reservations.is_empty();
        self.record.reservations = reservations;
        let pending = PendingRequest::of(self.record, self.purse.estimated_input);
        if first {
            self.app.ledger.log_pending(&pending).await;
            self.purse.key_usage.budget = self.purse.holds.standing();
            let key_usage = self.purse.key_usage;
            if key_usage != KeyUsage::default() {
                tell(self.client, StreamItem::Admitted(key_usage)).await;
            }
        } else {
            self.app.ledger.log_more_held(&pending).await;
        }
    }
}

impl Sink for ClientSink<'_> {
    async fn afford(&mut self, offer: AttemptOffer<'_>) -> Result<Afforded, Failure> {
        if self.purse.holds.is_free() {
            return Ok(Afforded::Yes(Decimal::ZERO));
        }
        let denied = match self.purse.holds.afford(&offer).await {
            Ok(afforded) => {
                self.tell_holds().await;
                return Ok(afforded);
            }
            Err(denied) => denied,
        };
        let class = match denied {
            Denied::OverBudget(_) => Class::OverBudget,
            Denied::Unpriced { .. } => Class::Unpriced,
            _ => Class::BudgetUnknown,
        };
        let error = limit_headers::refusal(self.app, denied);
        let failure = Failure::new(class, &error.message);
        self.purse.denied.get_or_insert_with(|| Box::new(error));
        Err(failure)
    }

    async fn begin(&mut self, begun: AnswerStarted) {
        self.recorder
            .begin(begun.target.model().family == Family::Claude);
        if let (true, Some(content)) = (self.whole, &mut *self.content) {
            content.begin_again();
        }
        tell(self.client, StreamItem::Begin(begun)).await;
    }

    async fn event(&mut self, event: Event) {
        self.recorder.see(&event);
        if let Some(content) = self.content {
            content.see(&event);
        }
        if matches!(event, Event::Stop(_)) {
            self.recorder.settle().await;
        }
        tell(self.client, StreamItem::Event(event)).await;
    }

    fn is_gone(&self) -> bool {
        self.client.is_closed()
    }

    async fn gone(&mut self) {
        self.client.closed().await;
    }
}

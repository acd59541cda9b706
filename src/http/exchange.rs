//! One request: it runs the chain, tells the client's side what comes of it, and writes the record. It lives on when the
//! client goes away, so that what Bedrock bills is known.

use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use jiff::Timestamp;
use rust_decimal::Decimal;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::app::AppState;
use crate::bedrock::{Class, Failure};
use crate::catalog::Family;
use crate::chain::{self, Afforded, Ask, Begun, Offer, Outcome, Sink};
use crate::config::Config;
use crate::conversation::{Event, Request, StopReason};
use crate::keys::{Caller, Denied, Holds, Standing};
use crate::panics;
use crate::spend::{self, Opening, Record, RequestId, Status};
use crate::thinking::Keeper;
use crate::wire::{ApiError, Labels};

use super::filing::Prompt;
use super::listener::{Ending, Listener, Step, Told};
use super::{filing, log, standing};

/// Steps that may wait for a slow client before the upstream is slowed down.
const STEPS_AHEAD: usize = 64;

/// A request that is ready to run.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) id: RequestId,
    /// By which wire it came.
    pub(super) call_type: &'static str,
    pub(super) caller: Caller,
    pub(super) request: Request,
    pub(super) ask: Ask,
    pub(super) model_asked: String,
    pub(super) labels: Labels,
    /// Collected where it is to be stored.
    pub(super) prompt: Option<Prompt>,
}

impl Exchange {
    /// Gives back what is to be run, and what it tells.
    pub(super) fn start(self, app: &AppState) -> (Running, mpsc::Receiver<Step>) {
        let (steps, told) = mpsc::channel(STEPS_AHEAD);
        let listener = Listener::Steps(steps);
        let running = Running {
            exchange: Some(Box::pin(self.run(app.clone(), listener))),
            tasks: app.tasks.clone(),
        };
        (running, told)
    }

    /// Runs it in a task of its own, which wakes this one once, at the end. `None`: the process ends before.
    pub(super) async fn whole(self, app: &AppState) -> Option<Told> {
        let (listener, told) = Listener::at_the_end();
        let run = self.run(app.clone(), listener);
        app.tasks.spawn(run);
        told.await.ok()
    }

    async fn run(mut self, app: AppState, mut listener: Listener) {
        let started = Instant::now();
        let mut record = self.begin();
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
            Err(denied) => {
                // Boxed: few requests need its kilobytes.
                return Box::pin(self.refuse(&app, record, denied, listener)).await;
            }
        };
        let mut purse = Purse {
            holds: app.keys.holds(&self.caller, self.id),
            standing: admitted.standing,
            estimated_input: self.request.estimated_prompt_tokens(),
            denied: None,
        };
        if purse.holds.is_free() {
            if purse.standing != Standing::default() {
                listener.tell(Step::Admitted(purse.standing)).await;
            }
            let opening = Opening::of(&record, purse.estimated_input);
            app.ledger.open(&opening).await;
        }
        let mut outcome = {
            let id = self.id;
            let answer = pin!(self.answer(&app, &mut listener, &mut purse, &mut record));
            let answered = AssertUnwindSafe(answer).catch_unwind().await;
            answered.unwrap_or_else(|panic| {
                let panic = panics::text(&panic);
                tracing::error!(%id, panic, "a request panicked before it was asked");
                Outcome {
                    failure: Some(Failure::internal()),
                    ..Outcome::default()
                }
            })
        };
        let prompt = self.prompt.take();
        let notices = std::mem::take(&mut outcome.notices);
        record.reservations = purse.holds.reservations().await;
        let failure = outcome.failure.as_ref().map(|failure| match purse.denied {
            Some(denied) if failure.class.is_about_money() => *denied,
            _ => ApiError::from(failure),
        });
        let counted = exact_prompt(&outcome);
        let usage = outcome.usage.unwrap_or_default();
        let first_piece = outcome.first_piece.map(|at| at - started);
        end(&mut record, outcome, failure.as_ref(), first_piece);
        let last = match failure {
            Some(error) => Step::Failed(Box::new(error), record.attempts.clone()),
            None => Step::End(Ending {
                usage,
                cost: record.cost().map(|cost| cost.total),
                attempts: record.attempts.clone(),
            }),
        };
        app.keys.free(&mut admitted.taken).await;
        listener.tell(last).await;
        drop(listener);
        let whole = started.elapsed();
        // The client's side, in the same task or on the same thread, would wait for what is done here.
        tokio::task::yield_now().await;
        // In a task of its own: a record may take a while, and what the answer took is given back before.
        let (tasks, taken, caller) = (app.tasks.clone(), admitted.taken, self.caller);
        tasks.spawn(async move {
            log::answered(&record, first_piece, whole);
            // All three log what could not be written.
            let used = record.usage().total();
            let filed = pin!(filing::file(&app, &caller, record, prompt));
            let finished = pin!(app.keys.finish(taken, used));
            let counted = pin!(async {
                if let Some(tokens) = counted {
                    purse.holds.counted(tokens).await;
                }
            });
            tokio::join!(filed, join_all(notices), finished, counted);
        });
    }

    /// Ends a request that may not run. It is a record like any other, if it is one of the first of its key's minute.
    async fn refuse(
        self,
        app: &AppState,
        mut record: Record,
        denied: Denied,
        mut listener: Listener,
    ) {
        let standing = denied.standing();
        if standing != Standing::default() {
            listener.tell(Step::Admitted(standing)).await;
        }
        let error = standing::refusal(app, denied);
        end(&mut record, Outcome::default(), Some(&error), None);
        listener
            .tell(Step::Failed(Box::new(error), Vec::new()))
            .await;
        drop(listener);
        log::answered(&record, None, Duration::ZERO);
        filing::file(app, &self.caller, record, self.prompt).await;
    }

    /// Asks the chain, with the thinking that the client has lost.
    async fn answer(
        &mut self,
        app: &AppState,
        listener: &mut Listener,
        purse: &mut Purse,
        record: &mut Record,
    ) -> Outcome {
        let keeper = Keeper::new(&app.vault, &self.caller.key_hash, &self.request);
        if asks_for_thinking(&self.request, &app.config) {
            app.vault
                .recall(&self.caller.key_hash, &mut self.request)
                .await;
        }
        let mut channel = Channel {
            app,
            listener,
            purse,
            record,
            keeper,
            prompt: &mut self.prompt,
            whole: self.ask.whole,
        };
        chain::run(&app.routes, &self.request, &self.ask, &mut channel).await
    }

    /// The record as far as it is known before anybody is asked.
    fn begin(&mut self) -> Record {
        let mut record = record_of(
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

/// An exchange that is not over. Dropped, it goes on in a task of its own.
pub(super) struct Running {
    exchange: Option<BoxFuture<'static, ()>>,
    tasks: TaskTracker,
}

impl Running {
    /// Runs it side by side with `client`, which is told of it, until `client` is done or given up. In one task neither
    /// has to wake a thread for the other.
    pub(super) async fn beside<C: Future>(mut self, client: C) -> C::Output {
        let mut client = pin!(client);
        poll_fn(|context| {
            // Taken out meanwhile: what panics does not go on.
            if let Some(mut exchange) = self.exchange.take()
                && exchange.as_mut().poll(context).is_pending()
            {
                self.exchange = Some(exchange);
            }
            client.as_mut().poll(context)
        })
        .await
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing can go on once the runtime is gone.
        if let Some(rest) = self.exchange.take()
            && let Ok(runtime) = Handle::try_current()
        {
            self.tasks.spawn_on(rest, &runtime);
        }
    }
}

/// Adds to a record how its request ended.
fn end(
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

/// The record of a request of which nothing is known yet but who asks for what.
pub(super) fn record_of(
    id: RequestId,
    call_type: &str,
    model_asked: String,
    caller: &Caller,
    labels: Labels,
) -> Record {
    let key = caller.virtual_key.as_deref();
    let key = key.map(|key| &key.settings);
    let of_key = key.map(|key| key.tags.clone()).unwrap_or_default();
    let caller = spend::Caller {
        user: key.and_then(|key| key.user_id.clone()),
        key_hash: caller.key_hash.clone(),
        key_alias: Some(caller.alias.clone()),
        end_user: labels.end_user,
        session_id: labels.session,
        agent_id: labels.agent,
        parent_agent_id: labels.parent_agent,
        client: labels.client,
    };
    let mut record = Record::new(id, model_asked, caller);
    call_type.clone_into(&mut record.call_type);
    // The key's first: a record keeps only so many.
    record.tags = of_key;
    record.tags.extend(labels.tags);
    record.litellm_call_id = labels.call_id;
    record.trace_id = labels.trace_id;
    record.spend_logs_metadata = labels.spend_metadata;
    record
}

/// Whether the request, or a deployment in its stead, asks a model to think.
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
    standing: Standing,
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
struct Channel<'a> {
    app: &'a AppState,
    listener: &'a mut Listener,
    purse: &'a mut Purse,
    record: &'a mut Record,
    keeper: Keeper,
    prompt: &'a mut Option<Prompt>,
    /// The answer goes out as a whole: another target's begins from the beginning.
    whole: bool,
}

impl Channel<'_> {
    /// Tells the client how its key stands, once, and the log what is held now: whatever happens to this process, it can be
    /// settled.
    async fn tell_holds(&mut self) {
        let reservations = self.purse.holds.reservations().await;
        if self.record.reservations == reservations {
            return;
        }
        let first = self.record.reservations.is_empty();
        self.record.reservations = reservations;
        let opening = Opening::of(self.record, self.purse.estimated_input);
        if first {
            self.app.ledger.open(&opening).await;
            self.purse.standing.budget = self.purse.holds.standing();
            let standing = self.purse.standing;
            if standing != Standing::default() {
                self.listener.tell(Step::Admitted(standing)).await;
            }
        } else {
            self.app.ledger.hold_more(&opening).await;
        }
    }
}

impl Sink for Channel<'_> {
    async fn afford(&mut self, offer: Offer<'_>) -> Result<Afforded, Failure> {
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
        let error = standing::refusal(self.app, denied);
        let failure = Failure::new(class, &error.message);
        self.purse.denied.get_or_insert_with(|| Box::new(error));
        Err(failure)
    }

    async fn begin(&mut self, begun: Begun) {
        self.keeper
            .begin(begun.target.model().family == Family::Claude);
        if let (true, Some(prompt)) = (self.whole, &mut *self.prompt) {
            prompt.begin_again();
        }
        self.listener.tell(Step::Begin(begun)).await;
    }

    async fn event(&mut self, event: Event) {
        self.keeper.see(&event);
        if let Some(prompt) = self.prompt {
            prompt.see(&event);
        }
        if matches!(event, Event::Stop(_)) {
            self.keeper.settle().await;
        }
        self.listener.tell(Step::Event(event)).await;
    }

    fn is_gone(&self) -> bool {
        self.listener.is_gone()
    }

    async fn gone(&mut self) {
        self.listener.gone().await;
    }
}

//! A request of the gateway's own: to see whether a target or a chain answers. It runs, is billed and is recorded like
//! any other.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::Instant;

use crate::app::AppState;
use crate::catalog::Retrieval;
use crate::chain::{ChainOptions, Target};
use crate::conversation::{Event, Reply, Request, Usage};
use crate::keys::{Caller, KeyUsage};
use crate::openai::{Chat, Embeddings};
use crate::rerank::Reranking;
use crate::retrieval::{EmbedRequest, RerankRequest, RetrievalRequest};
use crate::spend::{Attempt, RequestId};
use crate::wire::{ApiError, Labels, RetrievalWire, Wire};

pub(crate) use super::access::OutsideOfRegions;
use super::access::{self, ResolvedModel};
use super::chat::{ChatRun, FinalReply, StreamItem};
use super::retrieval::{PendingRetrieval, RetrievalEnd, RetrievedAnswer};

/// A request to try something with.
#[derive(Debug)]
pub(crate) struct Probe {
    /// The key that the records name.
    pub(crate) caller: Caller,
    pub(crate) request: Request,
    /// The model's name in the records.
    pub(crate) model_asked: String,
    pub(crate) chain_options: ChainOptions,
    /// The tag that its record carries.
    pub(crate) tag: &'static str,
}

/// What came of a [`Probe`].
#[derive(Debug)]
pub(crate) struct ProbeResult {
    /// Where its record is.
    pub(crate) id: RequestId,
    /// The target that answered, if one did.
    pub(crate) target: Option<Arc<Target>>,
    pub(crate) reply: Reply,
    /// Until the first piece of the answer.
    pub(crate) first_piece: Option<Duration>,
    /// Until the end.
    pub(crate) total: Duration,
    pub(crate) usage: Usage,
    /// US dollars; `None` where a price is unknown.
    pub(crate) cost: Option<Decimal>,
    /// Every attempt, in order.
    pub(crate) attempts: Vec<Attempt>,
    /// The error that a client would have had instead of an answer.
    pub(crate) error: Option<ApiError>,
}

/// A piece of what is answered.
#[derive(Debug)]
pub(crate) enum ProbePiece {
    /// What the answer says.
    Text(String),
    /// What the model thinks.
    Thinking(String),
    /// Another target answers: it goes on from there.
    Again,
}

/// Why a caller may not ask a model.
#[derive(Debug)]
pub(crate) enum ProbeRefusal {
    /// There is none of this name.
    UnknownModel,
    /// It is not one of the caller's.
    ModelNotAllowed,
    /// None of its targets is in the caller's regions.
    OutsideOfRegions(OutsideOfRegions),
}

/// The names of models with which a caller may have a conversation. Those that only a pattern serves are many, and stand
/// here where there are no others.
pub(crate) fn models_for_chat(app: &AppState, caller: &Caller) -> Vec<String> {
    let mut names = access::visible_names(app, caller);
    names.retain(|name| !name.contains('*') && access::may_use(app, caller, name));
    let mut of_patterns = Vec::new();
    names.retain(|name| {
        let resolved = access::resolve_name(app, caller, Some(name));
        let group = resolved
            .ok()
            .and_then(|model| app.config.group(&model.group));
        let Some(group) = group else {
            return false;
        };
        let first = group.deployments.first();
        let can_chat = first.is_some_and(|deployment| deployment.model.retrieval.is_none());
        if can_chat && group.is_pattern() {
            of_patterns.push(name.clone());
        }
        can_chat && !group.is_pattern()
    });
    if names.is_empty() { of_patterns } else { names }
}

/// Items that may wait while their pieces are handed on.
const ITEMS_AHEAD: usize = 64;

impl Probe {
    /// A request of a caller's own to the model of this name, held to what the caller's other requests are held to.
    pub(crate) fn of_caller(
        app: &AppState,
        caller: Caller,
        mut request: Request,
        model: &str,
        deadline: Instant,
        tag: &'static str,
    ) -> Result<Self, ProbeRefusal> {
        let resolved = access::resolve_name(app, &caller, Some(model));
        let resolved = resolved.map_err(|_| ProbeRefusal::UnknownModel)?;
        if !access::may_use(app, &caller, model) {
            return Err(ProbeRefusal::ModelNotAllowed);
        }
        let ResolvedModel {
            name,
            group,
            long_context,
        } = resolved;
        request.long_context = long_context;
        let chain_options = ChainOptions {
            regions: access::allowed_regions(app, &caller, &group),
            caller: access::session_caller(&caller),
            ..ChainOptions::new(group, deadline)
        };
        access::check_regions(app, &chain_options).map_err(ProbeRefusal::OutsideOfRegions)?;
        Ok(Self {
            caller,
            request,
            model_asked: name,
            chain_options,
            tag,
        })
    }

    /// Sends it and waits for its end. Models for vectors and for the order of documents are asked for one of these instead.
    pub(crate) async fn run(self, app: &AppState) -> ProbeResult {
        let target = match &self.chain_options.only {
            Some(only) => Some(Arc::clone(only)),
            None => {
                let targets = app.routes.targets(&self.chain_options.group);
                targets.into_iter().next()
            }
        };
        let retrieval = target.and_then(|target| target.model().retrieval.clone());
        match retrieval {
            Some(retrieval) => self.retrieve(app, &retrieval).await,
            None => self.ask(app).await,
        }
    }

    /// Sends it, hands on what is answered as it comes, and waits for its end.
    pub(crate) async fn run_aloud(self, app: &AppState, pieces: Sender<ProbePiece>) -> ProbeResult {
        let started = Instant::now();
        let (id, mut items) = self.start(app);
        let (copies, copied) = mpsc::channel(ITEMS_AHEAD);
        let told = async move {
            let mut has_begun = false;
            while let Some(item) = items.recv().await {
                let piece = match &item {
                    StreamItem::Begin(_) => {
                        std::mem::replace(&mut has_begun, true).then_some(ProbePiece::Again)
                    }
                    StreamItem::Event(Event::Text(text)) => Some(ProbePiece::Text(text.clone())),
                    StreamItem::Event(Event::Thinking(text)) => {
                        Some(ProbePiece::Thinking(text.clone()))
                    }
                    _ => None,
                };
                if let Some(piece) = piece {
                    // Whoever listens may have gone; the answer goes on to its end.
                    let _ = pieces.send(piece).await;
                }
                let _ = copies.send(item).await;
            }
        };
        let ((), answered) = tokio::join!(told, FinalReply::collect(copied));
        ProbeResult::of_answer(id, started, answered)
    }

    /// Starts it as a conversation.
    fn start(self, app: &AppState) -> (RequestId, Receiver<StreamItem>) {
        let id = app.ledger.new_id(Timestamp::now());
        let run = ChatRun {
            id,
            call_type: Chat.call_type(),
            caller: self.caller,
            request: self.request,
            model_asked: self.model_asked,
            chain_options: self.chain_options,
            labels: Labels {
                tags: vec![self.tag.to_owned()],
                ..Labels::default()
            },
            content: None,
            summary: None,
        };
        (id, run.start(app))
    }

    async fn ask(self, app: &AppState) -> ProbeResult {
        let started = Instant::now();
        let (id, items) = self.start(app);
        ProbeResult::of_answer(id, started, FinalReply::collect(items).await)
    }

    async fn retrieve(self, app: &AppState, retrieval: &Retrieval) -> ProbeResult {
        let started = Instant::now();
        let id = app.ledger.new_id(Timestamp::now());
        let wire: &dyn RetrievalWire = match retrieval {
            Retrieval::Embedding(_) => &Embeddings,
            Retrieval::Rerank(_) => &Reranking,
        };
        let run = PendingRetrieval {
            id,
            call_type: wire.call_type(),
            caller: self.caller,
            request: smallest(retrieval),
            model_asked: self.model_asked,
            chain_options: self.chain_options,
            labels: Labels {
                tags: vec![self.tag.to_owned()],
                ..Labels::default()
            },
            content: None,
            return_documents: false,
        };
        let end = run.start(app).await.unwrap_or_else(|_| RetrievalEnd {
            key_usage: KeyUsage::default(),
            attempts: Vec::new(),
            result: Err(Box::new(ApiError::internal())),
        });
        let (answer, error) = match end.result {
            Ok(answer) => (Some(answer), None),
            Err(error) => (None, Some(*error)),
        };
        let (usage, cost) = answer.as_ref().map_or((Usage::default(), None), |answer| {
            (answer.usage, answer.cost)
        });
        ProbeResult {
            id,
            target: answer.map(|answer: RetrievedAnswer| answer.target),
            reply: Reply::default(),
            first_piece: None,
            total: started.elapsed(),
            usage,
            cost,
            attempts: end.attempts,
            error,
        }
    }
}

impl ProbeResult {
    fn of_answer(id: RequestId, started: Instant, answered: FinalReply) -> Self {
        let found = Self {
            id,
            target: answered.target,
            reply: answered.reply,
            first_piece: answered.first_piece.map(|at| at - started),
            total: started.elapsed(),
            usage: Usage::default(),
            cost: None,
            attempts: Vec::new(),
            error: None,
        };
        match answered.end {
            Ok(end) => Self {
                usage: end.usage,
                cost: end.cost,
                attempts: end.attempts,
                ..found
            },
            Err((error, attempts)) => Self {
                attempts,
                error: Some(*error),
                ..found
            },
        }
    }
}

/// The smallest request for such a model.
fn smallest(retrieval: &Retrieval) -> RetrievalRequest {
    let word = "ping".to_owned();
    match retrieval {
        Retrieval::Embedding(_) => RetrievalRequest::Embed(EmbedRequest {
            texts: vec![word],
            ..EmbedRequest::default()
        }),
        Retrieval::Rerank(_) => RetrievalRequest::Rerank(RerankRequest {
            query: word.clone(),
            documents: vec![word],
            top_n: None,
        }),
    }
}

//! What a request asks for, resolved: its model, its chain, and how it is to be answered.

use crate::app::AppState;
use crate::bedrock::Class;
use crate::chain::{AffinitySession, ChainOptions, SessionName};
use crate::conversation::Request;
use crate::http::access::{self, ResolvedModel};
use crate::http::arrival::AuthenticatedRequest;
use crate::http::unsupported;
use crate::wire::{ApiError, Compaction, HostedTool, MockFailure, ReplyMeta, Wire};

use super::fallbacks::{self, FallbackOrigin};
use super::parse::ParsedBody;
use super::stored::ToStore;

/// A request that is parsed and found valid.
#[derive(Debug)]
pub(super) struct PreparedRequest {
    pub(super) conversation: Request,
    pub(super) chain_options: ChainOptions,
    /// The model's name as the client wrote it.
    pub(super) model_asked: String,
    pub(super) meta: ReplyMeta,
    /// Fields that the gateway ignores, for `x-sidecar-dropped`: see [`RequestOptions::dropped`].
    pub(super) dropped: Vec<String>,
    /// What is to be stored of its response.
    pub(super) to_store: Option<ToStore>,
    /// It is for a tool that the gateway answers for.
    pub(super) hosted: Option<HostedTool>,
    /// Its conversation is to be summed up before it is answered.
    pub(super) is_summed_up: bool,
}

impl PreparedRequest {
    /// Resolves what the request asks for. The error is the client's.
    pub(super) async fn new(
        app: &AppState,
        wire: &'static dyn Wire,
        request: &AuthenticatedRequest,
        parsed: ParsedBody,
    ) -> Result<Self, ApiError> {
        let ParsedBody {
            mut conversation,
            mut options,
            to_store,
        } = parsed;
        let model = options
            .model
            .take()
            .or_else(|| request.model_in_path.clone());
        let ResolvedModel {
            name: model_asked,
            group,
            long_context,
        } = access::resolve_model(app, &request.caller, model.as_deref())?;
        conversation.long_context = long_context;
        unsupported::drop_or_refuse(app, &group, &mut options)?;
        let ignores = options.drop_params.unwrap_or(app.drops_params(&group));
        let hosted = options.hosted.take();
        let hosted = hosted.filter(|hosted| !(hosted.is_ignorable && ignores));
        let hosted = hosted.map(|hosted| hosted.tool);
        let fallbacks = match options.fallbacks.take() {
            Some(written) => {
                let origin = FallbackOrigin {
                    app: app.clone(),
                    wire,
                    caller: request.caller.clone(),
                    headers: request.headers.clone(),
                    body: request.body.clone(),
                    long_context,
                };
                Some(fallbacks::resolve_fallbacks(origin, &group, written)?)
            }
            None => None,
        };
        let session = session(app, request, &group, &conversation);
        let mut chain_options = ChainOptions {
            num_retries: options.num_retries,
            timeout: options.timeout,
            stream_timeout: options.stream_timeout,
            disable_fallbacks: options.disable_fallbacks,
            fallbacks,
            mock_failure: options.mock_failure.map(class_of),
            buffered: !options.stream,
            regions: access::allowed_regions(app, &request.caller, &group),
            session,
            caller: access::session_caller(&request.caller),
            ..ChainOptions::new(group, request.deadline)
        };
        access::check_regions(app, &chain_options)?;
        app.routes.locate_session(&mut chain_options).await;
        let compaction = options.compaction.take();
        let is_sealed = options.include_thinking || to_store.is_some() || compaction.is_some();
        let seal = if is_sealed {
            app.seal(&request.caller).await
        } else {
            None
        };
        let (compaction, summary_above) = match compaction {
            Some(Compaction::Instead(_)) if seal.is_none() => {
                let message = "A compaction cannot be sealed just now: the table does not answer.";
                return Err(ApiError::of_table(message));
            }
            Some(Compaction::Instead(messages)) => (Some(messages), None),
            Some(Compaction::Above(tokens)) => (None, seal.as_ref().map(|_| tokens)),
            None => (None, None),
        };
        let always_usage = app.config.general.always_include_stream_usage;
        let meta = ReplyMeta {
            id: request.id.with_prefix(wire.id_prefix()),
            created: request.id.time().as_second(),
            model: String::new(),
            include_usage: options.include_usage || always_usage,
            seal,
            include_thinking: options.include_thinking,
            store: to_store.is_some(),
            previous_response_id: options.previous_response_id,
            compaction,
            compacted: None,
            free_form: options.free_form,
        };
        Ok(Self {
            hosted,
            chain_options,
            model_asked,
            meta,
            dropped: options.dropped,
            to_store,
            is_summed_up: summary_above
                .is_some_and(|most| conversation.estimated_prompt_tokens() > most),
            conversation,
        })
    }
}

/// The session that the request is a part of, where sessions stay with their deployment.
fn session(
    app: &AppState,
    request: &AuthenticatedRequest,
    group: &str,
    conversation: &Request,
) -> Option<AffinitySession> {
    let affinity = app.routes.affinity();
    let name = match &request.labels.session {
        Some(id) => SessionName::OfClient(id),
        None if affinity.keys => SessionName::OfOwner,
        None => SessionName::OfBeginning,
    };
    let owner = &request.caller.key_hash;
    let new = || AffinitySession::new(owner, group, name, conversation);
    affinity.sessions.then(new)
}

fn class_of(failure: MockFailure) -> Class {
    match failure {
        MockFailure::Unavailable => Class::Mocked,
        MockFailure::ContextWindow => Class::ContextWindow,
        MockFailure::ContentFiltered => Class::ContentFiltered,
    }
}

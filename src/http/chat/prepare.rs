//! What a request asks for, resolved: its model, its chain, and how it is to be answered.

use crate::app::AppState;
use crate::bedrock::Class;
use crate::chain::ChainOptions;
use crate::conversation::Request;
use crate::http::access::{self, ModelAsked};
use crate::http::unsupported;
use crate::wire::{ApiError, MockFailure, Options, ReplyMeta};

use super::AuthenticatedRequest;
use super::fallbacks::{self, FallbackOrigin};

/// A request that is parsed and found valid.
#[derive(Debug)]
pub(super) struct PreparedRequest {
    pub(super) conversation: Request,
    pub(super) chain: ChainOptions,
    /// The model's name as the client wrote it.
    pub(super) model_asked: String,
    pub(super) meta: ReplyMeta,
    /// Fields that the gateway ignores, for `x-sidecar-dropped`: see [`Options::left_out`].
    pub(super) left_out: Vec<String>,
}

impl PreparedRequest {
    /// The error is what the client is told.
    pub(super) async fn new(
        app: &AppState,
        request: &AuthenticatedRequest,
        mut conversation: Request,
        mut options: Options,
    ) -> Result<Self, ApiError> {
        let model = options
            .model
            .take()
            .or_else(|| request.model_in_path.clone());
        let ModelAsked {
            name: model_asked,
            group,
            long_context,
        } = access::model(app, &request.caller, model.as_deref())?;
        conversation.long_context = long_context;
        unsupported::settle(app, &group, &mut options)?;
        let fallbacks = match options.fallbacks.take() {
            Some(written) => {
                let origin = FallbackOrigin {
                    app: app.clone(),
                    wire: request.wire,
                    caller: request.caller.clone(),
                    headers: request.headers.clone(),
                    body: request.body.clone(),
                    long_context,
                };
                Some(fallbacks::of_request(origin, &group, written)?)
            }
            None => None,
        };
        let chain = ChainOptions {
            num_retries: options.num_retries,
            timeout: options.timeout,
            stream_timeout: options.stream_timeout,
            disable_fallbacks: options.disable_fallbacks,
            fallbacks,
            mock_failure: options.mock_failure.map(class_of),
            whole: !options.stream,
            ..ChainOptions::new(group, request.deadline)
        };
        let seal = if options.include_thinking {
            app.seal(&request.caller).await
        } else {
            None
        };
        let always_usage = app.config.general.always_include_stream_usage;
        let meta = ReplyMeta {
            id: request.id.with_prefix(request.wire.id_prefix()),
            created: request.id.time().as_second(),
            model: String::new(),
            include_usage: options.include_usage || always_usage,
            seal,
            free_form: options.free_form,
        };
        Ok(Self {
            conversation,
            chain,
            model_asked,
            meta,
            left_out: options.left_out,
        })
    }
}

fn class_of(failure: MockFailure) -> Class {
    match failure {
        MockFailure::Unavailable => Class::Mocked,
        MockFailure::ContextWindow => Class::ContextWindow,
        MockFailure::ContentFiltered => Class::ContentFiltered,
    }
}

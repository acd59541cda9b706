//! InvokeModel: a body in, a body out, in a form that only the model knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aws_sdk_bedrockruntime::primitives::Blob;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use tokio::time::timeout;

use super::JSON;
use super::call::Endpoint;
use super::class::Class;
use super::failure::Failure;

/// Where Bedrock says how many tokens it bills. Not every model's body says it.
const INPUT_TOKENS: &str = "x-amzn-bedrock-input-token-count";

/// What a model has answered.
#[derive(Debug)]
pub(super) struct Invoked {
    pub(super) body: Vec<u8>,
    /// The tokens of what was sent, where Bedrock says it.
    pub(super) input_tokens: Option<u64>,
}

impl Endpoint {
    /// Calls `model` with this body and waits for the whole answer. Nothing is retried here: that is the chain's decision.
    pub(super) async fn invoke(
        &self,
        model: &str,
        body: Vec<u8>,
        limit: Duration,
    ) -> Result<Invoked, Failure> {
        let counter = TokenHeader::default();
        let request = self.client.invoke_model().model_id(model);
        let request = request
            .content_type(JSON)
            .accept(JSON)
            .body(Blob::new(body))
            .customize()
            .interceptor(counter.clone())
            .send();
        let answer = timeout(limit, request).await.map_err(|_| {
            let seconds = limit.as_secs_f32();
            Failure::new(
                Class::FirstEventTimeout,
                format!("the model sent nothing within {seconds} s"),
            )
        })?;
        let answer = answer.map_err(|error| Failure::of_call(&error))?;
        Ok(Invoked {
            body: answer.body.into_inner(),
            input_tokens: counter.tokens(),
        })
    }
}

/// Reads the header that the SDK's types do not have. Clones share what was read; none is `u64::MAX`.
#[derive(Debug, Clone)]
struct TokenHeader(Arc<AtomicU64>);

impl Default for TokenHeader {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(u64::MAX)))
    }
}

impl TokenHeader {
    fn tokens(&self) -> Option<u64> {
        let tokens = self.0.load(Ordering::Relaxed);
        (tokens != u64::MAX).then_some(tokens)
    }
}

#[dyn_dispatch_hint]
impl Intercept for TokenHeader {
    fn name(&self) -> &'static str {
        "TokenHeader"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let written = context.response().headers().get(INPUT_TOKENS);
        if let Some(tokens) = written.and_then(|tokens| tokens.trim().parse().ok()) {
            self.0.store(tokens, Ordering::Relaxed);
        }
        Ok(())
    }
}

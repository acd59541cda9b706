//! The bytes of a call on both sides of the SDK, which signs, sends and receives them.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;

use crate::catalog::ServiceTerms;

/// Gives a call its body, and takes the answer's away before the SDK makes its own types of it. Clones share both.
#[derive(Debug, Clone)]
pub struct RawBody {
    request: Bytes,
    /// Headers of the request beside the SDK's.
    headers: Vec<(&'static str, String)>,
    answer: Arc<Mutex<RawAnswer>>,
}

#[derive(Debug, Default)]
struct RawAnswer {
    body: Option<SdkBody>,
    served: ServiceTerms,
    request_id: Option<String>,
}

impl RawBody {
    /// A call with this body.
    pub fn new(request: Bytes) -> Self {
        Self {
            request,
            headers: Vec::new(),
            answer: Arc::default(),
        }
    }

    /// This body with these headers of its request.
    #[must_use]
    pub fn with_headers(self, headers: Vec<(&'static str, String)>) -> Self {
        Self { headers, ..self }
    }

    /// The terms that the answer's headers name.
    pub fn served(&self) -> ServiceTerms {
        self.lock().served.clone()
    }

    /// Bedrock's request id, as its invocation log has it.
    pub fn request_id(&self) -> Option<String> {
        self.lock().request_id.clone()
    }

    fn lock(&self) -> MutexGuard<'_, RawAnswer> {
        self.answer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The body of the answer, once the SDK says that it is a good one; a refusal's stays with the SDK. The request's
    /// is given up: the wait for the first event may be long.
    pub fn into_answer(self) -> SdkBody {
        let body = self.lock().body.take();
        body.unwrap_or_else(SdkBody::empty)
    }
}

/// Puts a body in the place of the SDK's. To be done before the request is signed.
pub(super) fn put_body(request: &mut HttpRequest, body: &Bytes) {
    request
        .headers_mut()
        .insert(CONTENT_LENGTH.as_str(), body.len().to_string());
    *request.body_mut() = SdkBody::from(body.clone());
}

#[dyn_dispatch_hint]
impl Intercept for RawBody {
    fn name(&self) -> &'static str {
        "RawBody"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        put_body(request, &self.request);
        for (name, value) in &self.headers {
            request.headers_mut().try_insert(*name, value.clone())?;
        }
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response_mut();
        if response.status().is_success() {
            let body = mem::replace(response.body_mut(), SdkBody::empty());
            let named = |header| response.headers().get(header).map(str::to_owned);
            let mut answer = self.lock();
            answer.served = ServiceTerms {
                tier: named("x-amzn-bedrock-service-tier"),
                latency: named("x-amzn-bedrock-performanceconfig-latency"),
            };
            answer.request_id = named("x-amzn-requestid");
            answer.body = Some(body);
        }
        Ok(())
    }
}

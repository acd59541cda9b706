//! What calls of the AWS SDK have in common.

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;

/// Puts a body in the place of the SDK's. To be done before the request is signed.
pub(crate) fn put_body(request: &mut HttpRequest, body: &Bytes) {
    request
        .headers_mut()
        .insert(CONTENT_LENGTH.as_str(), body.len().to_string());
    *request.body_mut() = SdkBody::from(body.clone());
}

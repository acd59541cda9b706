//! Where a request comes from: as Lambda saw it, not as a header claims.

use std::net::IpAddr;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use lambda_http::request::RequestContext;

use crate::ClientAddress;

/// Tells the gateway the client's address.
pub(super) async fn tell(mut request: Request, next: Next) -> Response {
    if let Some(address) = request.extensions().get().and_then(address) {
        request.extensions_mut().insert(ClientAddress(address));
    }
    next.run(request).await
}

fn address(context: &RequestContext) -> Option<IpAddr> {
    match context {
        RequestContext::ApiGatewayV2(context) => context.http.source_ip.as_ref()?.parse().ok(),
        _ => None,
    }
}

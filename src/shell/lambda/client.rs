//! Where a request comes from and what it has asked for: as Lambda saw it, not as a header claims.

use std::net::IpAddr;

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use lambda_http::request::RequestContext;

use crate::{BasePath, ClientAddress, DomainName};

/// Tells the gateway the client's address and its own.
pub(super) async fn tell(mut request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if let Some(context) = request.extensions().get::<RequestContext>() {
        let (address, domain) = (address(context), domain(context));
        let base = base_path(context, &path);
        let extensions = request.extensions_mut();
        address.map(|address| extensions.insert(ClientAddress(address)));
        domain.map(|domain| extensions.insert(domain));
        base.map(|base| extensions.insert(base));
    }
    next.run(request).await
}

/// A function URL, or an API Gateway for HTTP or REST.
fn address(context: &RequestContext) -> Option<IpAddr> {
    let address = match context {
        RequestContext::ApiGatewayV2(context) => context.http.source_ip.as_ref(),
        RequestContext::ApiGatewayV1(context) => context.identity.source_ip.as_ref(),
        _ => None,
    };
    address?.parse().ok()
}

fn domain(context: &RequestContext) -> Option<DomainName> {
    let domain = match context {
        RequestContext::ApiGatewayV2(context) => context.domain_name.clone(),
        RequestContext::ApiGatewayV1(context) => context.domain_name.clone(),
        _ => None,
    };
    domain.map(DomainName)
}

/// What a REST API has taken from the front of the path: its stage, or the mapping of a domain.
fn base_path(context: &RequestContext, path: &str) -> Option<BasePath> {
    let RequestContext::ApiGatewayV1(context) = context else {
        return None;
    };
    let called = context.path.as_deref()?;
    let stage = || {
        let stage = format!("/{}", context.stage.as_deref()?);
        let rest = called.strip_prefix(&stage)?;
        (rest.is_empty() || rest.starts_with('/')).then_some(stage)
    };
    // Where the path was decoded on the way, its end is written otherwise.
    let base = called
        .strip_suffix(path)
        .map(str::to_owned)
        .or_else(stage)?;
    let base = base.trim_end_matches('/');
    (!base.is_empty()).then(|| BasePath(base.to_owned()))
}

//! Only clients at the addresses of `general_settings.allowed_ips` are served.

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use crate::app::ClientAddress;
use crate::config::Network;
use crate::wire::ApiError;

/// Answers without authentication, and says nothing of anybody: a load balancer asks from an address of its own.
const PROBES: [&str; 3] = [
    "/health/liveliness",
    "/health/liveness",
    "/health/readiness",
];

/// The refusal of a request whose client's address is none of these. A client without a known address is refused, too.
pub(super) fn refusal(request: &Request, allowed: &[Network]) -> Option<Response> {
    if PROBES.contains(&request.uri().path()) {
        return None;
    }
    let address = request.extensions().get::<ClientAddress>();
    let message = match address {
        Some(ClientAddress(address))
            if allowed.iter().any(|network| network.contains(*address)) =>
        {
            return None;
        }
        Some(ClientAddress(address)) => {
            format!("Access forbidden: IP address {address} not allowed.")
        }
        None => "Access forbidden: the IP address is not known.".to_owned(),
    };
    Some(ApiError::new(StatusCode::FORBIDDEN, "auth_error", message).into_response())
}

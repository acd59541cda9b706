//! Connections that panic at one kind of call: a fault in the middle of the gateway's own code.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

#[derive(Debug)]
struct Panicking {
    inner: SharedHttpConnector,
    operation: &'static str,
}

impl HttpConnector for Panicking {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let asked = request.headers().get("x-amz-target").unwrap_or_default();
        assert!(!asked.ends_with(self.operation), "so it goes");
        self.inner.call(request)
    }
}

/// Real connections to the table, but for this operation.
pub(super) fn panicking_at(operation: &'static str) -> SharedHttpClient {
    let real = aws_smithy_http_client::Builder::new().build_http();
    http_client_fn(move |_, components| {
        let settings = HttpConnectorSettings::builder()
            .connect_timeout(Duration::from_secs(1))
            .build();
        let inner = real.http_connector(&settings, components);
        SharedHttpConnector::new(Panicking { inner, operation })
    })
}

//! Where spans are sent, as the environment says it: by the variables that OpenTelemetry's own exporters read.

use aws_config::SdkConfig;
use percent_encoding::percent_decode_str;
use url::Url;

use super::env_config::EnvConfigError;
use crate::otlp::Collector;
use crate::transport::Transport;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
const HEADERS: &str = "OTEL_EXPORTER_OTLP_TRACES_HEADERS";

/// What the environment says of spans.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TraceVariables {
    endpoint: Option<Url>,
    headers: Vec<(String, String)>,
}

impl TraceVariables {
    /// Reads a collector's address for spans, and the headers that it wants (`name=value,name=value`).
    pub(super) fn read(
        endpoint: Option<String>,
        headers: Option<String>,
        on_lambda: bool,
    ) -> Result<Self, EnvConfigError> {
        let endpoint = endpoint.map(|address| {
            let url = Url::parse(address.trim()).ok();
            let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
            url.ok_or(EnvConfigError {
                name: ENDPOINT,
                value: address,
                expected: "the whole address of a collector's traces, such as http://127.0.0.1:4318/v1/traces",
            })
        });
        let wrong_headers = |expected| EnvConfigError {
            name: HEADERS,
            // Whoever knows them may write to the collector.
            value: "…".to_owned(),
            expected,
        };
        // Whoever may describe a function reads its variables.
        if headers.is_some() && on_lambda {
            return Err(wrong_headers(
                "absent from a function, which holds no secret: CloudWatch's own collector needs none",
            ));
        }
        let headers = headers.unwrap_or_default();
        let pairs = headers.split(',').filter(|pair| !pair.trim().is_empty());
        let pairs = pairs.map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
            let name = http::HeaderName::try_from(name.trim()).ok()?;
            http::HeaderValue::try_from(&*value).ok()?;
            Some((name.to_string(), value.into_owned()))
        });
        let pairs: Option<Vec<_>> = pairs.collect();
        Ok(Self {
            endpoint: endpoint.transpose()?,
            headers: pairs.ok_or_else(|| {
                wrong_headers(
                    "headers such as authorization=Basic%20dXNlcg,x-scope=team, percent-encoded",
                )
            })?,
        })
    }

    /// Where spans are sent; `None`: nowhere.
    pub(super) fn collector(&self, sdk: &SdkConfig) -> Option<Collector> {
        let transport = Transport::new(sdk.credentials_provider());
        let endpoint = self.endpoint.clone()?;
        Some(Collector::new(endpoint, self.headers.clone(), transport))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        endpoint: &str,
        headers: Option<&str>,
        on_lambda: bool,
    ) -> Result<TraceVariables, String> {
        let headers = headers.map(str::to_owned);
        let read = TraceVariables::read(Some(endpoint.to_owned()), headers, on_lambda);
        read.map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_wrong_is_told_and_a_secret_is_not() {
        const GOOD: &str = "http://127.0.0.1:4318/v1/traces";
        let good = read(
            GOOD,
            Some("Authorization=Basic%20c2VjcmV0, x-scope=a=b"),
            false,
        )
        .unwrap();
        let expected = [("authorization", "Basic c2VjcmV0"), ("x-scope", "a=b")];
        let own = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(good.headers, own);
        for (endpoint, headers, on_lambda, said) in [
            ("127.0.0.1:4318", None, false, "127.0.0.1:4318"),
            ("grpc://collector", None, false, "grpc://collector"),
            (GOOD, Some("secret"), false, "headers such as"),
            (GOOD, Some("a b=secret"), false, "headers such as"),
            (GOOD, Some("authorization=secret"), true, "holds no secret"),
        ] {
            let error = read(endpoint, headers, on_lambda).unwrap_err();
            assert!(error.contains(said), "{error}");
            assert!(!error.contains("=secret"), "{error}");
        }
        assert_eq!(
            read(GOOD, None, true).unwrap().endpoint.unwrap().as_str(),
            GOOD
        );
    }
}

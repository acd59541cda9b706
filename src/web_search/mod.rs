//! Searching the web by Amazon Bedrock AgentCore: one signed call, no model
//! (<https://docs.aws.amazon.com/bedrock-agentcore/latest/devguide/web-search-api.html>).
//!
//! No wire and no HTTP of clients here. A query comes in and results go out, cleaned: they are strangers' words, and the
//! model that reads them must be able to tell. Queries may hold code and names, and stand in no log.

mod query;
mod results;

pub use query::{LONGEST_QUERY, SearchQuery};
pub use results::{SearchResult, decoded, encoded, fenced};

use std::time::Duration;

use http::StatusCode;
use tokio::time::timeout;
use url::Url;

use crate::config::WebSearchSettings;
use crate::transport::{AwsRequest, PostError, Transport};

/// How long one search may take.
const LIMIT: Duration = Duration::from_secs(8);
/// How much of an answer is read.
const LONGEST_ANSWER: usize = 256 * 1024;
/// The service, as signatures and addresses name it.
const SERVICE: &str = "bedrock-agentcore";

/// What searches, where the configuration says so.
#[derive(Debug, Clone)]
pub struct WebSearch {
    settings: WebSearchSettings,
    /// Where the service is; `None`: its region's address is none.
    url: Option<Url>,
    transport: Transport,
}

/// Why a search has no results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchFailure {
    /// The service refused the query.
    Invalid,
    /// Too many searches for the account, or for the key's day.
    TooMany,
    /// The service failed, was late, said too much, or may not be called.
    Unavailable,
}

impl SearchFailure {
    /// The word for it on Anthropic's wire.
    pub fn code(self) -> &'static str {
        match self {
            Self::Invalid => "invalid_tool_input",
            Self::TooMany => "too_many_requests",
            Self::Unavailable => "unavailable",
        }
    }
}

impl WebSearch {
    /// A search by these settings; `endpoint`: where the service is, if not at Amazon's.
    pub fn new(settings: WebSearchSettings, endpoint: Option<Url>, transport: Transport) -> Self {
        let usual = || {
            let region = &settings.region;
            Url::parse(&format!("https://{SERVICE}.{region}.amazonaws.com/")).ok()
        };
        let base = endpoint.or_else(usual);
        Self {
            url: base.and_then(|base| base.join("web-search/web-search.v1/invoke").ok()),
            settings,
            transport,
        }
    }

    /// What the configuration says of it.
    pub fn settings(&self) -> &WebSearchSettings {
        &self.settings
    }

    /// Searches. What the operator blocks or does not allow is left out of every result.
    ///
    /// # Errors
    /// Why there is no result. The log has what the service said, without the query.
    pub async fn search(&self, query: &SearchQuery) -> Result<Vec<SearchResult>, SearchFailure> {
        let url = self.url.as_ref().ok_or(SearchFailure::Unavailable)?;
        let request = AwsRequest {
            url,
            service: SERVICE,
            region: &self.settings.region,
            headers: &[("content-type", "application/json")],
            body: query.body(&self.settings),
            longest_answer: LONGEST_ANSWER,
        };
        let answer = match timeout(LIMIT, self.transport.post_signed(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => {
                let failure = failure_of(&error);
                tracing::warn!(
                    code = failure.code(),
                    why = said(&error),
                    "a web search failed"
                );
                return Err(failure);
            }
            Err(_) => {
                tracing::warn!(seconds = LIMIT.as_secs(), "a web search was too slow");
                return Err(SearchFailure::Unavailable);
            }
        };
        results::read(&answer, query, &self.settings).ok_or_else(|| {
            tracing::warn!("a web search had an answer that cannot be read");
            SearchFailure::Unavailable
        })
    }
}

fn failure_of(error: &PostError) -> SearchFailure {
    match error {
        PostError::Refused { status, .. } => match *status {
            StatusCode::BAD_REQUEST => SearchFailure::Invalid,
            StatusCode::TOO_MANY_REQUESTS => SearchFailure::TooMany,
            _ => SearchFailure::Unavailable,
        },
        PostError::NoAnswer(_) | PostError::TooLong(_) => SearchFailure::Unavailable,
    }
}

/// The error for the log. What the service quotes may be of the query.
fn said(error: &PostError) -> String {
    match error {
        PostError::Refused { status, .. } => status.to_string(),
        error => error.to_string(),
    }
}

//! Tools that run at the service of a wire, and on no Bedrock: what a request asks of one, and what came of it.

use crate::web_search::{SearchFailure, SearchQuery, SearchResult};

/// What a request is for that only such a tool can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostedTool {
    /// A search of the web, and nothing else.
    Search(SearchQuery),
    /// An answer to which the model would have to search.
    SearchInAnswer,
    /// Pages of the web.
    Fetch,
}

/// A request for a tool that its own service runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedRequest {
    /// What it is for.
    pub tool: HostedTool,
    /// A model may answer it without the tool, where its client wants what cannot be had to be ignored.
    pub is_ignorable: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedAnswer {
    /// What tells its call from others.
    pub call: String,
    /// What was asked.
    pub tool: HostedTool,
    /// What was found; `Err`: nothing, and why.
    pub outcome: Result<Vec<SearchResult>, HostedFailure>,
}

/// Why nothing was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostedFailure {
    /// For programs.
    pub kind: SearchFailure,
    /// For people and models, in whole sentences.
    pub message: String,
}

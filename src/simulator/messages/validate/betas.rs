//! Betas: an allow list for each generation.

use serde_json::Value;

use super::{
    super::{
        super::json::{at, list},
        MessagesCall,
    },
    MessagesRefusal, MessagesRule, refuse,
};

pub(super) const RULES: &[MessagesRule] = &[MessagesRule {
    name: "betas",
    source: "LiteLLM's list for InvokeModel and measurements of what it leaves out; the older generation's words name \
             nothing (anthropics/claude-code#26570), the newer one's are those of the Messages endpoint",
    check: betas,
}];

/// What both generations know: what LiteLLM passes on, and what was measured beside that.
const PASSED: [&str; 13] = [
    "tool-search-tool-2025-10-19",
    "compact-2026-01-12",
    "compact-2026-09-04",
    "computer-use-2025-01-24",
    "computer-use-2025-11-24",
    "context-1m-2025-08-07",
    "context-management-2025-06-27",
    "effort-2025-11-24",
    "fine-grained-tool-streaming-2025-05-14",
    "interleaved-thinking-2025-05-14",
    "claude-code-20250219",
    "structured-outputs-2025-11-13",
    "tool-examples-2025-10-29",
];

/// What was measured on models before 4.7 beside that.
const OLD: [&str; 7] = [
    "dev-full-thinking-2025-05-14",
    "token-efficient-tools-2025-02-19",
    "output-128k-2025-02-19",
    "pdfs-2024-09-25",
    "token-counting-2024-11-01",
    "mcp-client-2025-04-04",
    "web-search-2025-03-05",
];

/// What newer models know beside that.
const NEW: [&str; 9] = [
    "dangerous-tool-use-2026-09-03",
    "mid-conversation-output-config-2026-07-01",
    "mid-conversation-system-2026-04-07",
    "mid-conversation-tool-changes-2026-07-01",
    "structured-outputs-2025-12-15",
    "thinking-binding-controls-2026-08-01",
    "thinking-display-updates-2026-08-18",
    "thinking-token-count-2026-05-13",
    "fallback-credit-2026-06-01",
];

fn betas(request: &MessagesCall<'_>) -> Result<(), MessagesRefusal> {
    let asked_for = at(request.body, "/anthropic_beta");
    if !asked_for.is_null() && !asked_for.is_array() {
        return refuse("anthropic_beta: Input should be a valid list");
    }
    let is_new = request.claude().is_new();
    let more: &[&str] = if is_new { &NEW } else { &OLD };
    let is_known = |beta: &&str| PASSED.contains(beta) || more.contains(beta);
    let asked_for = list(asked_for).iter().filter_map(Value::as_str);
    let unknown: Vec<String> = asked_for
        .filter(|beta| !is_known(beta))
        .map(|beta| format!("`{beta}`"))
        .collect();
    match is_new {
        _ if unknown.is_empty() => Ok(()),
        false => refuse("invalid beta flag"),
        true => refuse(format!(
            "Unexpected value(s) {} for the `anthropic-beta` header. Please consult our documentation at docs.anthropic.com or try again without the header.",
            unknown.join(", ")
        )),
    }
}

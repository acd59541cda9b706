//! A stored request as a command that sends it again.

use serde_json::Value;

use super::super::texts::texts;

/// The command. The key is a variable: no page knows it.
pub(in super::super) fn curl(call_type: &str, request: &Value, base: Option<&str>) -> String {
    let base = base.unwrap_or(texts().keys.this_address);
    let path = match call_type {
        "anthropic_messages" => "/v1/messages",
        "aresponses" => "/v1/responses",
        "aembedding" => "/v1/embeddings",
        "arerank" => "/v1/rerank",
        _ => "/v1/chat/completions",
    };
    let body = serde_json::to_string(request).unwrap_or_default();
    format!(
        "curl {base}{path} \\\n  -H \"Authorization: Bearer $LITELLM_API_KEY\" \\\n  \
         -H 'Content-Type: application/json' \\\n  --data-binary {}",
        quoted(&body)
    )
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_said_stays_one_word_of_the_shell() {
        let request = json!({"messages": [{"role": "user", "content": "it's $(here) \"now\""}]});
        let command = curl(
            "anthropic_messages",
            &request,
            Some("http://localhost:4000"),
        );
        assert!(command.starts_with("curl http://localhost:4000/v1/messages \\\n"));
        assert!(
            command.ends_with("it'\\''s $(here) \\\"now\\\"\"}]}'"),
            "{command}"
        );
    }
}

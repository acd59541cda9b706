//! Searching in what is stored of prompts and replies: nothing of it is indexed, so that so many requests are looked into
//! for a page and no more, and the page says how far back it has seen.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::app::AppState;
use crate::spend::{Cursor, RecordPage, RequestId, StoredContent};
use crate::store::StoreError;

/// Requests that are looked into for a page.
pub(super) const MOST_LOOKED_INTO: usize = 300;
/// After this long a page is handed out as it is.
const LONGEST: Duration = Duration::from_secs(5);
/// What is stored of so many requests is in memory at once.
const READ_AT_ONCE: usize = 25;

/// Leaves the requests whose stored prompt or reply has this text, in letters of any size.
pub(super) async fn only_with(
    app: &AppState,
    found: RecordPage,
    text: &str,
    most: usize,
) -> Result<RecordPage, StoreError> {
    let wanted = text.to_lowercase();
    let began = Instant::now();
    let mut kept = Vec::new();
    let mut looked_into = 0;
    let mut last = None;
    for some in found.records.chunks(READ_AT_ONCE) {
        let ids: Vec<RequestId> = some.iter().map(|record| record.request_id).collect();
        let contents = app.ledger.contents(&ids).await?;
        looked_into += some.len();
        last = some.last().map(|record| record.request_id);
        let with_text = some.iter().zip(contents).filter(|(_, content)| {
            content
                .as_ref()
                .is_some_and(|content| has(content, &wanted))
        });
        kept.extend(with_text.map(|(record, _)| record.clone()));
        if kept.len() >= most || began.elapsed() >= LONGEST {
            break;
        }
    }
    let next = match last {
        Some(id) if looked_into < found.records.len() => Some(Cursor::after(id)),
        _ => found.next,
    };
    Ok(RecordPage {
        records: kept,
        searched_until: next.as_ref().map_or(found.searched_until, Cursor::time),
        next,
    })
}

fn has(content: &StoredContent, wanted: &str) -> bool {
    let response = content.response.as_ref();
    std::iter::once(&content.request)
        .chain(response)
        .any(|value| is_in(value, wanted))
}

fn is_in(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text.to_lowercase().contains(wanted),
        Value::Array(items) => items.iter().any(|item| is_in(item, wanted)),
        Value::Object(fields) => fields.values().any(|field| is_in(field, wanted)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_found_in_what_was_said_and_not_in_names_of_fields() {
        let content = StoredContent {
            request: json!({"messages": [{"role": "user", "content": [{"type": "text", "text": "Where is Ödön?"}]}]}),
            response: Some(json!({"choices": [{"message": {"content": "At \"home\"."}}]})),
        };
        for (text, is_there) in [
            ("ödön", true),
            ("\"home\"", true),
            ("choices", false),
            ("elsewhere", false),
        ] {
            assert_eq!(has(&content, text), is_there, "{text}");
        }
    }
}

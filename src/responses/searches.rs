//! Searches of the web that OpenAI's service ran, as a history brings them (`web_search_call` items): words, so that a
//! model here can quote what was found.

use serde_json::{Map, Value};

use crate::conversation::Part;
use crate::web_search::fenced;

/// What was done, and the pages of it that the client has: `sources` of the action, and `results`. `None`: the item says
/// nothing of either.
pub(super) fn in_words(action: Value, results: &Value) -> Option<Part> {
    let mut action = match action {
        Value::Object(action) => action,
        _ => Map::new(),
    };
    let sources = action.shift_remove("sources").unwrap_or_default();
    let mut lines = Vec::new();
    if !action.is_empty() {
        let action = Value::Object(action);
        lines.push(format!("[web_search was called with {action}]"));
    }
    let lists = [&sources, results].into_iter().filter_map(Value::as_array);
    for page in lists.flatten() {
        let text = |field: &str| page.get(field).and_then(Value::as_str).unwrap_or_default();
        let extract = ["text", "snippet"].map(text).into_iter();
        let extract = extract
            .filter(|text| !text.trim().is_empty())
            .map(|text| fenced("page", text));
        let known = ["title", "url"].map(text).into_iter().map(str::to_owned);
        let words = known.chain(extract);
        lines.extend(words.filter(|words| !words.trim().is_empty()));
    }
    (!lines.is_empty()).then(|| Part::Text(lines.join("\n")))
}

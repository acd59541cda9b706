//! Claude's citations as the domain's.

use serde_json::Value;

use crate::conversation::{Citation, Place, Unit};

/// A citation of the text within this range.
pub(super) fn cite(citation: Value, range: (usize, usize)) -> Citation {
    let text = |name: &str| {
        citation
            .get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let number = |name: &str| {
        let number = citation.get(name).and_then(Value::as_u64);
        number.and_then(|number| u32::try_from(number).ok())
    };
    let place = |unit, start: &str, end: &str| {
        Some(Place {
            unit,
            document: number("document_index")?,
            start: number(start)?,
            end: number(end)?,
        })
    };
    let place = match citation.get("type").and_then(Value::as_str) {
        Some("char_location") => place(Unit::Character, "start_char_index", "end_char_index"),
        Some("page_location") => place(Unit::Page, "start_page_number", "end_page_number"),
        Some("content_block_location") => {
            place(Unit::Block, "start_block_index", "end_block_index")
        }
        _ => None,
    };
    let title = text("document_title").or_else(|| text("title"));
    Citation {
        range,
        title: title.or_else(|| text("source")).unwrap_or_default(),
        url: text("url"),
        quote: text("cited_text").unwrap_or_default(),
        place,
        native: Some(citation),
    }
}

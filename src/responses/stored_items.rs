//! Stored items, and the items of a body as they are stored.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use crate::json;
use crate::wire::limits::OF_BODY;
use crate::wire::{ApiError, Loose, surrogates};

use super::content::WireItem;

/// What tells items apart.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ItemHead {
    pub(super) r#type: Loose<String>,
    pub(super) role: Loose<String>,
    pub(super) id: Loose<String>,
}

impl ItemHead {
    pub(super) fn of(item: &RawValue) -> Self {
        json::parse(item.get()).unwrap_or_default()
    }

    pub(super) fn kind(&self) -> &str {
        self.r#type.as_given().map_or("message", String::as_str)
    }

    fn role(&self) -> &str {
        self.role.as_given().map_or("", String::as_str)
    }

    pub(super) fn is_of_user(&self) -> bool {
        self.kind() == "message" && self.role() == "user"
    }

    /// Whether it holds after a compaction too: instructions and tools.
    fn outlives_compaction(&self) -> bool {
        match self.kind() {
            "message" => matches!(self.role(), "system" | "developer"),
            kind => kind == "additional_tools",
        }
    }
}

/// Reads stored items. What one request may hold is the limit for them together. `param` names what refers to them.
pub(super) fn read<'a>(
    items: impl Iterator<Item = &'a RawValue>,
    param: &str,
) -> Result<Vec<WireItem>, ApiError> {
    let mut list = String::from("[");
    for item in items {
        if list.len() > 1 {
            list.push(',');
        }
        list.push_str(item.get());
    }
    list.push(']');
    let read = json::read_with(list.as_bytes(), OF_BODY, |json| {
        Vec::<Loose<WireItem>>::deserialize(json)
    });
    let items = read.map_err(|misread| {
        let message = format!("What '{param}' refers to cannot be read: {}", misread.error);
        ApiError::bad_request(message, param)
    })?;
    Ok(items.into_iter().filter_map(Loose::given).collect())
}

/// The items that a conversation goes on with: none that its last compaction has summed up, but instructions and tools.
pub fn since_compaction(mut items: Vec<Box<RawValue>>) -> Vec<Box<RawValue>> {
    let heads = items.iter().map(|item| ItemHead::of(item));
    let Some(last) = heads.collect::<Vec<_>>().iter().rposition(is_compaction) else {
        return items;
    };
    let mut at = 0;
    items.retain(|item| {
        at += 1;
        at > last || ItemHead::of(item).outlives_compaction()
    });
    items
}

fn is_compaction(head: &ItemHead) -> bool {
    super::content::COMPACTIONS.contains(&head.kind())
}

/// The items of a body's input as they are stored: items that it refers to in their own words, and none that was not
/// found.
///
/// # Errors
/// For a body that is no JSON object.
pub fn input_items(
    body: &[u8],
    found: &HashMap<String, Box<RawValue>>,
) -> Result<Vec<Box<RawValue>>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Body<'a> {
        #[serde(borrow)]
        input: Option<&'a RawValue>,
    }
    // What is stored is read once more: by then it must be JSON that every reader takes.
    let body = surrogates::repaired(body);
    let Some(input) = serde_json::from_slice::<Body<'_>>(&body)?.input else {
        return Ok(Vec::new());
    };
    if input.get().starts_with('"') {
        let part = json!({"type": "input_text", "text": input});
        let message = json!({"type": "message", "role": "user", "content": [part]});
        return Ok(vec![to_raw_value(&message)?]);
    }
    let items: Vec<Box<RawValue>> = serde_json::from_str(input.get())?;
    let items = items.into_iter().filter_map(|item| {
        let head = ItemHead::of(&item);
        if head.kind() != "item_reference" {
            return Some(item);
        }
        found.get(head.id.as_given()?).cloned()
    });
    Ok(items.collect())
}

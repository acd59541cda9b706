//! A stored response as it is shown again: `GET /v1/responses/{id}` and its `input_items`.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::wire::ApiError;

use super::ids::input_item_id;
use super::stored_items::ItemHead;

/// A list of items has so many where its client says nothing, and at most.
const USUAL_LIMIT: usize = 20;
const MOST_LISTED: usize = 100;

/// Which part of a response's input is asked for.
#[derive(Debug, Clone, Default)]
pub struct InputPage {
    /// The most items; `None`: the usual number.
    pub limit: Option<usize>,
    /// `asc` or `desc`, the default.
    pub order: Option<String>,
    /// Behind the item with this id.
    pub after: Option<String>,
}

/// The response with its items; its thinking has signatures only where the client asks for them.
pub fn retrieved(reply: &RawValue, output: &[Box<RawValue>], include_thinking: bool) -> Value {
    let mut response: Value = serde_json::from_str(reply.get()).unwrap_or_default();
    let items = output.iter().map(|item| {
        let mut item: Value = serde_json::from_str(item.get()).unwrap_or_default();
        let is_thinking = item.get("type").is_some_and(|kind| kind == "reasoning");
        if let (true, false, Some(fields)) = (is_thinking, include_thinking, item.as_object_mut()) {
            fields.remove("encrypted_content");
        }
        item
    });
    let items: Value = items.collect();
    if let Some(fields) = response.as_object_mut() {
        fields.insert("output".to_owned(), items);
    }
    response
}

/// What says that the response with this id is deleted.
pub fn deleted(id: &str) -> Value {
    json!({"id": id, "object": "response", "deleted": true})
}

/// 404: no response with this id is stored for whoever asks.
pub fn not_stored(id: &str) -> ApiError {
    ApiError::not_found(format!("Response with id '{id}' not found."))
}

/// A part of a response's input. Items that came without an id get one.
///
/// # Errors
/// For an order or a limit that there is not, and for an item that is not one of the input.
pub fn input_page(
    response_key: &str,
    input: &[Box<RawValue>],
    page: &InputPage,
) -> Result<Value, ApiError> {
    let is_ascending = match page.order.as_deref() {
        None | Some("desc") => false,
        Some("asc") => true,
        Some(other) => {
            let message = format!("'order' is '{other}'; it must be 'asc' or 'desc'.");
            return Err(ApiError::bad_request(message, "order"));
        }
    };
    let limit = page.limit.unwrap_or(USUAL_LIMIT);
    if !(1..=MOST_LISTED).contains(&limit) {
        let message = format!("'limit' is {limit}; it must be a number from 1 to {MOST_LISTED}.");
        return Err(ApiError::bad_request(message, "limit"));
    }
    let named = input.iter().enumerate().map(|(at, item)| {
        let head = ItemHead::of(item);
        let own = head.id.as_given().filter(|id| !id.is_empty());
        own.cloned()
            .unwrap_or_else(|| input_item_id(head.kind(), response_key, at))
    });
    let mut items: Vec<(String, &RawValue)> = named.zip(input.iter().map(|item| &**item)).collect();
    if !is_ascending {
        items.reverse();
    }
    let from = match &page.after {
        None => 0,
        Some(after) => {
            let place = items.iter().position(|(id, _)| id == after);
            let place = place.ok_or_else(|| {
                let message = format!("'after': the response has no input item '{after}'.");
                ApiError::bad_request(message, "after")
            })?;
            place + 1
        }
    };
    let rest = items.get(from..).unwrap_or_default();
    let has_more = rest.len() > limit;
    let listed = rest.iter().take(limit).map(|(id, item)| with_id(id, item));
    let data: Vec<Value> = listed.collect();
    let id_at = |item: Option<&Value>| item.and_then(|item| item.get("id")).cloned();
    Ok(json!({
        "object": "list",
        "first_id": id_at(data.first()),
        "last_id": id_at(data.last()),
        "has_more": has_more,
        "data": data,
    }))
}

/// An item with its id and type, and a message with its content as parts, as the API lists them.
pub(super) fn with_id(id: &str, item: &RawValue) -> Value {
    let mut item: Value = serde_json::from_str(item.get()).unwrap_or_default();
    let Some(fields) = item.as_object_mut() else {
        return item;
    };
    fields.insert("id".to_owned(), id.into());
    let kind = fields.entry("type").or_insert_with(|| "message".into());
    let is_message = kind == "message";
    let of_assistant = fields.get("role").is_some_and(|role| role == "assistant");
    if let (true, Some(content)) = (is_message, fields.get_mut("content"))
        && content.is_string()
    {
        let kind = match of_assistant {
            true => "output_text",
            false => "input_text",
        };
        *content = json!([{"type": kind, "text": content.take()}]);
    }
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> Vec<Box<RawValue>> {
        let items = [
            json!({"role": "user", "content": "one"}),
            json!({"type": "function_call_output", "call_id": "c", "output": "two"}),
            json!({"type": "message", "role": "assistant", "id": "msg_own", "content": "three"}),
        ];
        items
            .iter()
            .map(|item| serde_json::value::to_raw_value(item).unwrap())
            .collect()
    }

    #[test]
    fn pages_follow_each_other_in_either_order() {
        for order in ["asc", "desc"] {
            let mut page = InputPage {
                limit: Some(1),
                order: Some(order.to_owned()),
                after: None,
            };
            let mut seen = Vec::new();
            loop {
                let listed = input_page("k", &input(), &page).unwrap();
                assert_eq!(listed["data"].as_array().unwrap().len(), 1);
                assert_eq!(listed["first_id"], listed["last_id"]);
                seen.push(listed["data"][0].clone());
                if listed["has_more"] == false {
                    break;
                }
                page.after = Some(listed["last_id"].as_str().unwrap().to_owned());
            }
            if order == "desc" {
                seen.reverse();
            }
            let ids: Vec<&Value> = seen.iter().map(|item| &item["id"]).collect();
            assert_eq!(ids, ["msg_k_in0", "fco_k_in1", "msg_own"]);
            assert_eq!(seen[0]["content"][0]["text"], "one");
            assert_eq!(seen[0]["type"], "message");
            assert_eq!(seen[2]["content"][0]["type"], "output_text");
        }
    }

    #[test]
    fn what_there_is_not_is_refused_by_its_name() {
        for (page, param) in [
            (
                InputPage {
                    limit: Some(0),
                    ..InputPage::default()
                },
                "limit",
            ),
            (
                InputPage {
                    limit: Some(101),
                    ..InputPage::default()
                },
                "limit",
            ),
            (
                InputPage {
                    order: Some("up".into()),
                    ..InputPage::default()
                },
                "order",
            ),
            (
                InputPage {
                    after: Some("msg_x".into()),
                    ..InputPage::default()
                },
                "after",
            ),
        ] {
            let error = input_page("k", &input(), &page).unwrap_err();
            assert_eq!(error.param.as_deref(), Some(param));
        }
    }
}

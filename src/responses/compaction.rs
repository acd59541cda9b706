//! Compactions: a summary that stands for all before it. It goes out sealed, for the client to bring it again, as thinking
//! does.
//!
//! | what asks for one | what goes out |
//! |---|---|
//! | an input that ends in `{"type": "compaction_trigger"}` | a response with one `compaction` item |
//! | `POST /v1/responses/compact` | the last messages of the user, and the item |
//! | `context_management: [{"type": "compaction", "compact_threshold": N}]` with a longer prompt | the item before an answer that goes on from it |

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use rust_decimal::Decimal;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::conversation::{Reply, Request, StopReason, is_summary};
use crate::wire::{
    ApiError, Compaction, FoundReferences, References, RemoteImage, ReplyMeta, RequestOptions,
    Seal, StreamWriter, Wire, WireRequest,
};

use super::ids::{MESSAGE, item_id};
use super::request::ResponsesRequest;
use super::retrieved::with_id;
use super::stored_items::{ItemHead, input_items};
use super::stream::ResponseWriter;
use super::usage::ResponsesUsage;

/// What the id of a compaction begins with.
const PREFIX: &str = "cmp_";

/// What is marked is this and the text, so that no other thing under the same seal passes for a compaction.
const PURPOSE: &[u8] = b"compaction\0";

/// Bytes of the user's messages that go out before a compaction: some 20,000 tokens, as Codex keeps where it compacts by
/// itself.
const MOST_KEPT: usize = 80_000;

/// The compaction item at this place of a response.
pub(super) fn item(summary: &str, seal: &Seal, response: &str, place: usize) -> Value {
    let mark = seal.mark(&[PURPOSE, summary.as_bytes()].concat());
    let sealed = STANDARD.encode([&mark[..], summary.as_bytes()].concat());
    json!({"id": item_id(PREFIX, response, place), "type": "compaction", "encrypted_content": sealed})
}

/// The summary in the content of a compaction; `None` where it is not one that this gateway made for the same owner.
pub(super) fn open(sealed: &str, seal: &Seal) -> Option<String> {
    let sealed = STANDARD.decode(sealed).ok()?;
    let (mark, summary) = sealed.split_at_checked(Seal::MARK)?;
    if !seal.is_on(mark, &[PURPOSE, summary].concat()) {
        return None;
    }
    String::from_utf8(summary.to_vec()).ok()
}

/// The item that an answer becomes which was to be a summary.
pub(super) fn of_answer(
    meta: &ReplyMeta,
    text: &str,
    stop: Option<&StopReason>,
    place: usize,
) -> Result<Value, ApiError> {
    match &meta.seal {
        Some(seal) if is_summary(text, stop) => Ok(item(text.trim(), seal, &meta.id, place)),
        _ => {
            let message =
                "The model wrote no summary of the conversation. Try again, or with another model.";
            Err(ApiError::new(
                StatusCode::BAD_GATEWAY,
                "internal_server_error",
                message,
            ))
        }
    }
}

/// The refusal of a compaction that was not sealed here for this key. Without it the conversation would have lost its
/// beginning.
pub(super) fn foreign(path: &str) -> ApiError {
    let message = format!(
        "'{path}.encrypted_content' is no compaction that this gateway has made for this key, so what was said before it \
         is unknown here: send the conversation itself, or begin a new one."
    );
    ApiError {
        code: Some("invalid_encrypted_content"),
        ..ApiError::bad_request(message, format!("{path}.encrypted_content"))
    }
}

/// From how many tokens on `context_management` asks for a compaction; `None` where it asks for something else, too.
pub(super) fn threshold(context_management: &Value) -> Option<u64> {
    let [only] = context_management.as_array()?.as_slice() else {
        return None;
    };
    let is_compaction = only.get("type")?.as_str()? == "compaction";
    only.get("compact_threshold")?
        .as_u64()
        .filter(|_| is_compaction)
}

/// The wire of `POST /v1/responses/compact`: it asks as the Responses API does, and is answered with the conversation that
/// its client goes on with.
#[derive(Debug)]
pub struct Compact;

impl Wire for Compact {
    fn call_type(&self) -> &'static str {
        "acompact_responses"
    }

    fn id_prefix(&self) -> &'static str {
        super::Responses.id_prefix()
    }

    fn heartbeat(&self) -> &'static [u8] {
        super::Responses.heartbeat()
    }

    fn parse(&self, body: &[u8]) -> Result<Box<dyn WireRequest>, ApiError> {
        let request = ResponsesRequest::parse(body)?;
        let items = input_items(body, &std::collections::HashMap::new());
        Ok(Box::new(CompactRequest {
            request: Box::new(request),
            messages: of_user(&items.unwrap_or_default()),
        }))
    }

    fn reply(
        &self,
        meta: ReplyMeta,
        reply: Reply,
        _: Option<Decimal>,
    ) -> Result<Vec<u8>, serde_json::Error> {
        let usage = reply.usage.unwrap_or_default();
        let kept = meta.compaction.as_deref().unwrap_or_default().iter();
        let kept = kept.enumerate().map(|(at, message)| {
            let message: Box<RawValue> = serde_json::from_str(message)?;
            Ok(with_id(&item_id(MESSAGE, &meta.id, at), &message))
        });
        let mut output: Vec<Value> = kept.collect::<Result<_, serde_json::Error>>()?;
        let item = of_answer(&meta, &reply.text(), reply.stop.as_ref(), output.len());
        output.extend(item.ok());
        serde_json::to_vec(&json!({
            "id": meta.id,
            "object": "response.compaction",
            "created_at": meta.created,
            "output": output,
            "usage": ResponsesUsage::from(&usage),
        }))
    }

    fn check(&self, meta: &ReplyMeta, reply: &Reply) -> Result<(), ApiError> {
        of_answer(meta, &reply.text(), reply.stop.as_ref(), 0).map(drop)
    }

    fn stream(&self, meta: ReplyMeta) -> Box<dyn StreamWriter> {
        Box::new(ResponseWriter::new(meta))
    }
}

/// The body of a request for a compaction alone.
#[derive(Debug)]
struct CompactRequest {
    request: Box<ResponsesRequest>,
    /// What the user has said, as JSON, the oldest first.
    messages: Vec<String>,
}

impl WireRequest for CompactRequest {
    fn references(&self) -> Option<References> {
        let references = self.request.references()?;
        // Nothing of it is stored: what its client goes on with is what it gets.
        Some(References {
            store: Some(false),
            ..references
        })
    }

    fn put_found(&mut self, found: &FoundReferences) -> Result<(), ApiError> {
        let mut messages = of_user(found.history.as_deref().unwrap_or_default());
        messages.append(&mut self.messages);
        self.messages = messages;
        self.request.put_found(found)
    }

    fn remote_images(&mut self) -> Vec<RemoteImage> {
        self.request.remote_images()
    }

    fn put_images(&mut self, pictures: Vec<bytes::Bytes>) {
        self.request.put_images(pictures);
    }

    fn is_sealed(&self) -> bool {
        self.request.is_sealed()
    }

    fn unseal(&mut self, seal: &Seal) {
        self.request.unseal(seal);
    }

    fn into_conversation(
        self: Box<Self>,
        headers: &http::HeaderMap,
    ) -> Result<(Request, RequestOptions), ApiError> {
        let (mut request, mut options) = self.request.into_conversation(headers)?;
        request.ask_for_summary();
        options.stream = false;
        options.compaction = Some(Compaction::Instead(newest(self.messages)));
        Ok((request, options))
    }
}

fn of_user(items: &[Box<RawValue>]) -> Vec<String> {
    let messages = items.iter().filter(|item| ItemHead::of(item).is_of_user());
    messages.map(|item| item.get().to_owned()).collect()
}

/// The newest of these that there is room for, in their order.
fn newest(messages: Vec<String>) -> Vec<String> {
    let mut room = MOST_KEPT;
    let mut kept: Vec<String> = Vec::new();
    for message in messages.into_iter().rev() {
        let Some(left) = room.checked_sub(message.len()) else {
            break;
        };
        room = left;
        kept.push(message);
    }
    kept.reverse();
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compaction_opens_for_its_owner_and_nothing_else_does() {
        let [own, other] = ["alice", "bob"].map(|owner| Seal::new(&[7; 32], owner));
        let item = item("All \"is\" well: é", &own, "resp_k", 2);
        assert_eq!(item["id"], "cmp_k_2");
        let sealed = item["encrypted_content"].as_str().unwrap();
        assert_eq!(open(sealed, &own).as_deref(), Some("All \"is\" well: é"));
        assert_eq!(open(sealed, &other), None);
        let thinking = crate::conversation::ThinkingBlock::Signed {
            text: "t".into(),
            signature: "s".into(),
        };
        let thinking = super::super::sealed::seal(&[thinking], &own).unwrap();
        for text in ["", "gAAAAA", "%", &thinking] {
            assert_eq!(open(text, &own), None, "{text}");
        }
        assert_eq!(super::super::sealed::open(sealed, &own), None);
    }

    #[test]
    fn the_newest_messages_are_kept_as_far_as_there_is_room() {
        let long = "a".repeat(MOST_KEPT / 2);
        let messages = vec!["1".to_owned(), long.clone(), "2".to_owned(), long.clone()];
        assert_eq!(newest(messages), ["2".to_owned(), long]);
        assert_eq!(newest(vec!["a".repeat(MOST_KEPT + 1)]), [""; 0]);
    }

    #[test]
    fn only_a_compaction_with_a_threshold_is_one() {
        for (asked, expected) in [
            (
                json!([{"type": "compaction", "compact_threshold": 9}]),
                Some(9),
            ),
            (json!([{"type": "compaction"}]), None),
            (json!([{"type": "clear", "compact_threshold": 9}]), None),
            (json!([]), None),
            (json!({"type": "compaction", "compact_threshold": 9}), None),
            (
                json!([{"type": "compaction", "compact_threshold": 9}, {}]),
                None,
            ),
        ] {
            assert_eq!(threshold(&asked), expected, "{asked}");
        }
    }
}

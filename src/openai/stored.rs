//! A reply as it is stored for people to read.

use serde_json::Value;

use crate::conversation::{Reply, ReplyPart};
use crate::wire::ReplyMeta;

use super::reply::completion;

/// The reply in OpenAI's form of a whole one, also where it was streamed or came by another wire. One that was cut has
/// no finish reason. `None` where nothing of it came.
pub fn stored_reply(meta: ReplyMeta, mut reply: Reply) -> Option<Value> {
    if reply.parts.is_empty() && reply.stop.is_none() {
        return None;
    }
    let is_cut = reply.stop.is_none();
    // Signatures are for Bedrock, and larger than what they sign.
    reply
        .parts
        .retain(|part| !matches!(part, ReplyPart::RedactedThinking(_)));
    for part in &mut reply.parts {
        if let ReplyPart::Thinking { signature, .. } = part {
            signature.clear();
        }
    }
    let mut body = serde_json::to_value(completion(meta, reply, None)).ok()?;
    if let Some(reason) = body.pointer_mut("/choices/0/finish_reason")
        && is_cut
    {
        *reason = Value::Null;
    }
    Some(body)
}

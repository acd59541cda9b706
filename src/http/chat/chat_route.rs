//! The bodies that the chat route takes: chat bodies, and those of the Responses API, which Cursor sends there. Either
//! is answered with a chat completion, and in either the chat API's own fields hold.

use bytes::Bytes;
use http::HeaderMap;
use rust_decimal::Decimal;

use crate::conversation::{Reply, Request};
use crate::openai::{Chat, ChatRequest};
use crate::responses::ResponsesRequest;
use crate::wire::{
    ApiError, FoundReferences, References, RemoteImage, ReplyMeta, RequestOptions, Seal,
    StreamWriter, Wire, WireRequest,
};

/// The chat wire, whichever body it is asked with.
#[derive(Debug)]
pub(in crate::http) struct ChatRoute;

impl Wire for ChatRoute {
    fn call_type(&self) -> &'static str {
        Chat.call_type()
    }

    fn id_prefix(&self) -> &'static str {
        Chat.id_prefix()
    }

    fn heartbeat(&self) -> &'static [u8] {
        Chat.heartbeat()
    }

    /// A body that has an `input` and no messages is one of the Responses API. What the chat API has beside its
    /// messages means there what it means in any body of this route.
    fn parse(&self, body: &[u8]) -> Result<Box<dyn WireRequest>, ApiError> {
        let chat = ChatRequest::parse(body)?;
        if !chat.has_input_alone() {
            return Ok(Box::new(chat));
        }
        let mut body = Box::new(ResponsesRequest::parse(body)?);
        body.keep_unknown(chat.unknown());
        Ok(Box::new(ResponsesOnChat { body, chat }))
    }

    fn reply(
        &self,
        meta: ReplyMeta,
        reply: Reply,
        cost: Option<Decimal>,
    ) -> Result<Vec<u8>, serde_json::Error> {
        Chat.reply(meta, reply, cost)
    }

    fn stream(&self, meta: ReplyMeta) -> Box<dyn StreamWriter> {
        Chat.stream(meta)
    }
}

/// A conversation in the form of the Responses API, and the same body as the chat wire reads it.
#[derive(Debug)]
struct ResponsesOnChat {
    body: Box<ResponsesRequest>,
    chat: ChatRequest,
}

impl WireRequest for ResponsesOnChat {
    fn references(&self) -> Option<References> {
        self.body.references()
    }

    fn put_found(&mut self, found: &FoundReferences) -> Result<(), ApiError> {
        self.body.put_found(found)
    }

    fn remote_images(&mut self) -> Vec<RemoteImage> {
        self.body.remote_images()
    }

    fn put_images(&mut self, pictures: Vec<Bytes>) {
        self.body.put_images(pictures);
    }

    fn is_sealed(&self) -> bool {
        self.body.is_sealed()
    }

    fn unseal(&mut self, seal: &Seal) {
        self.body.unseal(seal);
    }

    fn into_conversation(
        self: Box<Self>,
        headers: &HeaderMap,
    ) -> Result<(Request, RequestOptions), ApiError> {
        let (request, options) = self.body.into_conversation(headers)?;
        self.chat.apply_to(request, options, headers)
    }
}

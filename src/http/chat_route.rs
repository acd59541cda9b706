//! What comes to the chat route: chat bodies, and those of the Responses API, which Cursor sends there. Either is answered
//! with a chat completion, and in either the chat API's own fields hold.

use bytes::Bytes;
use http::HeaderMap;
use rust_decimal::Decimal;

use crate::conversation::{Reply, Request};
use crate::openai::{Chat, ChatRequest, ChunkWriter, Completion};
use crate::responses::ResponsesRequest;
use crate::wire::{ApiError, Body, Head, Options, RemoteImage, Seal, Wire};

/// The chat wire, whichever body it is asked with.
#[derive(Debug)]
pub(super) struct ChatRoute;

impl Wire for ChatRoute {
    const CALL_TYPE: &'static str = Chat::CALL_TYPE;
    const ID_PREFIX: &'static str = Chat::ID_PREFIX;
    const HEARTBEAT: &'static [u8] = Chat::HEARTBEAT;

    type Body = ChatRouteBody;
    type Writer = ChunkWriter;
    type Whole = Completion;

    fn whole(head: Head, reply: Reply, cost: Option<Decimal>) -> Completion {
        Chat::whole(head, reply, cost)
    }
}

/// A body of the chat route.
#[derive(Debug)]
pub(super) enum ChatRouteBody {
    Chat(Box<ChatRequest>),
    /// The conversation in the form of the Responses API, and the same body as the chat wire reads it.
    Responses {
        body: Box<ResponsesRequest>,
        chat: Box<ChatRequest>,
    },
}

impl Body for ChatRouteBody {
    /// A body that has an `input` and no messages is one of the Responses API. What the chat API has beside its messages
    /// means there what it means in any body of this route.
    fn parse(body: &[u8]) -> Result<Self, ApiError> {
        let chat = Box::new(ChatRequest::parse(body)?);
        if !chat.has_input_alone() {
            return Ok(Self::Chat(chat));
        }
        let mut body = Box::new(ResponsesRequest::parse(body)?);
        body.keep_unknown(chat.unknown());
        Ok(Self::Responses { body, chat })
    }

    fn remote_images(&mut self) -> Vec<RemoteImage> {
        match self {
            Self::Chat(body) => body.remote_images(),
            Self::Responses { body, .. } => body.remote_images(),
        }
    }

    fn put_images(&mut self, pictures: Vec<Bytes>) {
        match self {
            Self::Chat(body) => body.put_images(pictures),
            Self::Responses { body, .. } => body.put_images(pictures),
        }
    }

    fn is_sealed(&self) -> bool {
        match self {
            Self::Chat(body) => body.is_sealed(),
            Self::Responses { body, .. } => body.is_sealed(),
        }
    }

    fn unseal(&mut self, seal: &Seal) {
        match self {
            Self::Chat(body) => body.unseal(seal),
            Self::Responses { body, .. } => body.unseal(seal),
        }
    }

    fn into_conversation(self, headers: &HeaderMap) -> Result<(Request, Options), ApiError> {
        match self {
            Self::Chat(body) => body.into_conversation(headers),
            Self::Responses { body, chat } => {
                let (request, options) = body.into_conversation(headers)?;
                chat.around(request, options, headers)
            }
        }
    }
}

//! Parses a body into a conversation.

use http::HeaderMap;

use crate::app::AppState;
use crate::conversation::Request;
use crate::keys::Caller;
use crate::wire::{ApiError, RequestOptions, Wire};

use super::remote_images;
use super::stored::{self, ToStore};

/// A body that is parsed.
#[derive(Debug)]
pub(in crate::http) struct ParsedBody {
    pub(in crate::http) conversation: Request,
    pub(in crate::http) options: RequestOptions,
    /// What is to be stored of its response; `None`: nothing.
    pub(super) to_store: Option<ToStore>,
}

/// Parses a body of this wire, puts what it only refers to in its place, and downloads the pictures that it gives by URL.
pub(in crate::http) async fn parse(
    app: &AppState,
    wire: &dyn Wire,
    caller: &Caller,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<ParsedBody, ApiError> {
    let general = &app.config.general;
    let length = body.len();
    let mut body = wire.parse(body)?;
    let recalled = stored::recall(app, caller, &mut *body, length).await?;
    remote_images::fetch(&mut *body, &general.image_hosts).await?;
    if body.is_sealed()
        && let Some(seal) = app.seal(caller).await
    {
        body.unseal(&seal);
    }
    let (mut conversation, options) = body.into_conversation(headers)?;
    let labels = &options.labels;
    let metadata = labels.request_metadata(&general.request_metadata_fields, &caller.alias);
    conversation.service.own_metadata = metadata;
    conversation.eager_tool_input = options.stream && !options.buffered_tool_input;
    Ok(ParsedBody {
        to_store: recalled.and_then(|recalled| recalled.storing(app, caller, labels)),
        conversation,
        options,
    })
}

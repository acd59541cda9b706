//! From a body to the conversation that it is.

use http::HeaderMap;

use crate::app::AppState;
use crate::conversation::Request;
use crate::keys::Caller;
use crate::wire::{ApiError, Options, Wire};

use super::remote_images;

/// Parses a body of this wire, and downloads the pictures that it gives by URL.
pub(in crate::http) async fn parse(
    app: &AppState,
    wire: &dyn Wire,
    caller: &Caller,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(Request, Options), ApiError> {
    let general = &app.config.general;
    let mut body = wire.parse(body)?;
    remote_images::fetch(&mut *body, &general.image_hosts).await?;
    if body.is_sealed()
        && let Some(seal) = app.seal(caller).await
    {
        body.unseal(&seal);
    }
    let (mut request, options) = body.into_conversation(headers)?;
    let labels = &options.labels;
    let metadata = labels.request_metadata(&general.request_metadata_fields, &caller.alias);
    request.service.own_metadata = metadata;
    request.eager_tool_input = options.stream && !options.whole_tool_input;
    Ok((request, options))
}

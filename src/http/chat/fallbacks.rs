//! The fallbacks that a request brings itself, as the chain takes them.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, StatusCode};

use crate::app::AppState;
use crate::chain::{Fallback, FallbackRequest, FallbackSource};
use crate::conversation::Request;
use crate::http::access::{self, ResolvedModel};
use crate::http::unsupported;
use crate::keys::Caller;
use crate::wire::{ApiError, FallbackFields, Wire, WireFallback, limits};

use super::parse;

/// More names than this are refused: each costs calls, and any of them may be billed.
const MOST_FALLBACKS: usize = 20;

/// The request that brings the fallbacks.
pub(super) struct FallbackOrigin {
    pub(super) app: AppState,
    pub(super) wire: &'static dyn Wire,
    pub(super) caller: Caller,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// See [`Request::long_context`].
    pub(super) long_context: bool,
}

/// The groups that follow `group`, in order. An entry that names what follows another group says nothing here. What an
/// entry changes is only checked for its form now: it is read as a request when it is asked.
pub(super) fn resolve_fallbacks(
    origin: FallbackOrigin,
    group: &str,
    written: Vec<WireFallback>,
) -> Result<Vec<Fallback>, ApiError> {
    let names: usize = written.iter().map(WireFallback::names).sum();
    if names > MOST_FALLBACKS {
        let message = format!(
            "'fallbacks' may name {MOST_FALLBACKS} models at most, those in nested lists included; it names {names}."
        );
        return Err(ApiError::bad_request(message, "fallbacks"));
    }
    let has_changes = |entry: &WireFallback| matches!(entry, WireFallback::Changed { fields, .. } if !fields.is_empty());
    if written.iter().any(has_changes) {
        limits::check_twice(&origin.body)?;
    }
    let origin = Arc::new(origin);
    let resolve = |name: &str| {
        let asked = access::resolve_model(&origin.app, &origin.caller, Some(name));
        asked.map_err(|error| match error.status {
            // The model that was asked for is there: it is this field that is wrong.
            StatusCode::NOT_FOUND => ApiError::bad_request(error.message, "fallbacks"),
            _ => error.with_param("fallbacks"),
        })
    };
    let changed_fallback = |asked: ResolvedModel, at: usize, fields: FallbackFields| {
        let source = Arc::new(ChangedRequest {
            origin: Arc::clone(&origin),
            place: format!("fallbacks[{at}]"),
            group: asked.group.clone(),
            model: asked.name,
            fields,
            long_context: asked.long_context || origin.long_context,
        });
        Fallback {
            group: asked.group,
            request: Some(FallbackRequest::new(source)),
        }
    };
    // What the first model is asked, unless this one alone is to have the long window.
    let unchanged_fallback = |name: &str, at: usize| {
        let asked = resolve(name)?;
        if asked.long_context && !origin.long_context {
            limits::check_twice(&origin.body)?;
            return Ok(changed_fallback(asked, at, FallbackFields::default()));
        }
        Ok::<_, ApiError>(Fallback {
            group: asked.group,
            request: None,
        })
    };
    let mut fallbacks = Vec::new();
    for (at, entry) in written.into_iter().enumerate() {
        match entry {
            WireFallback::Model(name) => fallbacks.push(unchanged_fallback(&name, at)?),
            WireFallback::Changed { model, fields } if fields.is_empty() => {
                fallbacks.push(unchanged_fallback(&model, at)?);
            }
            WireFallback::Changed { model, fields } => {
                let place = format!("fallbacks[{at}]");
                let checked = origin.wire.parse(&fields.to_json());
                checked.map_err(|error| in_entry(&place, error))?;
                fallbacks.push(changed_fallback(resolve(&model)?, at, fields));
            }
            WireFallback::Following(lists) => {
                for (of, names) in lists {
                    if of != "*" && resolve(&of)?.group != group {
                        continue;
                    }
                    for name in names {
                        fallbacks.push(unchanged_fallback(&name, at)?);
                    }
                }
            }
        }
    }
    fallbacks.retain(|next| next.group != group || next.request.is_some());
    Ok(fallbacks)
}

/// An error in an entry of `fallbacks`, whose place it names.
fn in_entry(place: &str, error: ApiError) -> ApiError {
    let param = match error.param.as_deref() {
        None | Some("request_body") => place.to_owned(),
        Some(field) => format!("{place}.{field}"),
    };
    ApiError {
        message: format!("In '{place}': {}", error.message),
        ..error.with_param(param)
    }
}

/// The request with the fields of one fallback instead of its own.
struct ChangedRequest {
    origin: Arc<FallbackOrigin>,
    /// Its place in the request, for errors.
    place: String,
    group: String,
    model: String,
    fields: FallbackFields,
    /// See [`Request::long_context`].
    long_context: bool,
}

impl ChangedRequest {
    async fn parse_changed(&self) -> Result<Request, ApiError> {
        let FallbackOrigin {
            app,
            wire,
            caller,
            headers,
            body,
            long_context: _,
        } = &*self.origin;
        let body = self.fields.merged_into(body, &self.model);
        let body =
            body.ok_or_else(|| ApiError::bad_request("Invalid JSON payload", "fallbacks"))?;
        let parsed = parse(app, *wire, caller, headers, &body).await?;
        let (mut request, mut options) = (parsed.conversation, parsed.options);
        request.long_context = self.long_context;
        unsupported::drop_or_refuse(app, &self.group, &mut options)?;
        Ok(request)
    }
}

impl FallbackSource for ChangedRequest {
    fn read(&self) -> BoxFuture<'_, Result<Request, String>> {
        Box::pin(async {
            let request = self.parse_changed().await;
            request.map_err(|error| in_entry(&self.place, error).message)
        })
    }
}

/// Without headers and body: they hold keys and prompts.
impl fmt::Debug for ChangedRequest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("ChangedRequest")
            .field("place", &self.place)
            .field("group", &self.group)
            .finish_non_exhaustive()
    }
}

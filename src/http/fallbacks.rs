//! The fallbacks that a request brings itself, as the chain takes them.

use std::sync::Arc;

use http::HeaderMap;

use crate::app::AppState;
use crate::chain::Fallback;
use crate::keys::Caller;
use crate::wire::{ApiError, WireFallback, changed_body};

use super::access;
use super::chat::Spoken;

/// More than this are refused: each costs calls.
const MOST: usize = 20;

/// The groups that follow `group`, in order. An entry that names what follows another group says nothing here.
pub(super) async fn of_request(
    app: &AppState,
    wire: Spoken,
    caller: &Caller,
    group: &str,
    written: Vec<WireFallback>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Vec<Fallback>, ApiError> {
    if written.len() > MOST {
        let message = format!("'fallbacks' may name {MOST} models at most.");
        return Err(ApiError::bad_request(message, "fallbacks"));
    }
    let resolve = |name: &str| {
        let group = access::group(app, caller, Some(name));
        group.map_err(|error| ApiError {
            param: Some("fallbacks".to_owned()),
            ..error
        })
    };
    let mut fallbacks = Vec::new();
    for entry in written {
        match entry {
            WireFallback::Model(name) => fallbacks.push(Fallback {
                group: resolve(&name)?,
                request: None,
            }),
            WireFallback::Changed { model, fields } if fields.is_empty() => {
                fallbacks.push(Fallback {
                    group: resolve(&model)?,
                    request: None,
                });
            }
            WireFallback::Changed { model, fields } => {
                let body = changed_body(body, &model, &fields)
                    .ok_or_else(|| ApiError::bad_request("Invalid JSON payload", "fallbacks"))?;
                let (request, options) = wire.read(app, caller, headers, &body).await?;
                let group = resolve(&model)?;
                options.check_unsupported(app.drops_params(&group))?;
                fallbacks.push(Fallback {
                    group,
                    request: Some(Arc::new(request)),
                });
            }
            WireFallback::Following(lists) => {
                for (of, names) in lists {
                    if of != "*" && resolve(&of)? != group {
                        continue;
                    }
                    for name in names {
                        fallbacks.push(Fallback {
                            group: resolve(&name)?,
                            request: None,
                        });
                    }
                }
            }
        }
    }
    fallbacks.retain(|next| next.group != group || next.request.is_some());
    Ok(fallbacks)
}

//! Fields that are known and cannot be honoured.

use crate::app::AppState;
use crate::catalog::{Model, ModelKind};
use crate::wire::{ApiError, RequestOptions};

/// Refuses what a request to `group` cannot have, or leaves it out where that is to be ignored. A wish for guardrails is
/// met by the deployments' own, where each has one: it is left out.
pub(super) fn drop_or_refuse(
    app: &AppState,
    group: &str,
    options: &mut RequestOptions,
) -> Result<(), ApiError> {
    let targets = app.routes.targets(group);
    if let Some(first) = targets.first() {
        refuse_unless_chat(first.model(), group)?;
    }
    let is_guarded = targets
        .iter()
        .all(|target| target.defaults().guardrail.is_some());
    if is_guarded && !targets.is_empty() {
        options.drop_field("guardrails");
    }
    options.drop_or_refuse_unsupported(app.drops_params(group))
}

/// Refuses a conversation with a model for vectors or for the order of documents.
fn refuse_unless_chat(model: &Model, group: &str) -> Result<(), ApiError> {
    match (model.kind, model.kind.route()) {
        (ModelKind::Embedding | ModelKind::Rerank, Some(route)) => {
            let message = format!(
                "The model '{group}' is no chat model: its mode is {}. Ask it with POST {route}.",
                model.kind
            );
            Err(ApiError::bad_request(message, "model"))
        }
        _ => Ok(()),
    }
}

//! Fields that are known and cannot be honoured.

use crate::app::AppState;
use crate::wire::{ApiError, Options};

/// Refuses what a request to `group` cannot have, or leaves it out where that is to be ignored. A wish for guardrails is
/// met by the deployments' own, where each has one: it is left out.
pub(super) fn settle(app: &AppState, group: &str, options: &mut Options) -> Result<(), ApiError> {
    let targets = app.routes.targets(group);
    let is_guarded = targets
        .iter()
        .all(|target| target.defaults().guardrail.is_some());
    if is_guarded && !targets.is_empty() {
        options.leave_out("guardrails");
    }
    options.settle_unsupported(app.drops_params(group))
}

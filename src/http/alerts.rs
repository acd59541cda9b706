//! What of a request that has ended is worth an alert. All of it is arithmetic on what is known by now.

use crate::app::AppState;
use crate::spend::{Attempt, FailureCause, Record};

/// Tells the alerts of a request that has ended.
pub(super) fn notice(app: &AppState, record: &Record) {
    let failed = record.cause().is_some_and(is_a_fault);
    app.alerts.request_ended(failed);
    let failed = record
        .attempts
        .iter()
        .filter(|attempt| attempt.was_called() && attempt.outcome != "ok");
    failed.for_each(|attempt| notice_rest(app, attempt));
}

/// A deployment that has failed may rest for long from here on.
fn notice_rest(app: &AppState, attempt: &Attempt) {
    let targets = app.routes.targets(&attempt.group);
    let mut targets = targets.iter();
    let Some(target) = targets.find(|target| target.deployment_id() == attempt.deployment) else {
        return;
    };
    // Clients make up the names behind a pattern.
    if target.is_named_by_client() {
        return;
    }
    let health = app.routes.health(target);
    if let Some(until) = health.resting_until.filter(|_| health.is_long_cooldown) {
        app.alerts
            .deployment_rests(&attempt.deployment, &attempt.group, &attempt.outcome, until);
    }
}

/// Whether it was nobody's request that was wrong.
fn is_a_fault(cause: FailureCause) -> bool {
    matches!(
        cause,
        FailureCause::Throttled
            | FailureCause::Unavailable
            | FailureCause::Timeout
            | FailureCause::Cut
            | FailureCause::Credentials
            | FailureCause::Internal
            | FailureCause::Gateway
    )
}

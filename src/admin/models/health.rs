//! Whether a deployment is called, and what its last failure was.

use jiff::civil::Date;

use super::super::names;
use super::super::numbers::TimeText;
use super::super::texts::texts;
use crate::app::AppState;
use crate::chain::{HealthStatus, Target};
use crate::spend::FailureCause;

/// The health of a deployment, in a word with its colour.
pub(in super::super) struct HealthView {
    /// `good`, `warn`, `bad` or nothing.
    pub(in super::super) tone: &'static str,
    pub(in super::super) word: &'static str,
    pub(in super::super) until: Option<TimeText>,
    pub(super) last_failure: Option<&'static str>,
}

impl HealthView {
    pub(in super::super) fn new(app: &AppState, target: &Target, today: Date) -> Self {
        let t = &texts().models;
        let health = app.routes.health(target);
        let (mut tone, mut word) = match health.status() {
            HealthStatus::CoolingDown => ("bad", t.cooling_down),
            HealthStatus::OnProbation => ("warn", t.on_probation),
            HealthStatus::Unknown => ("", t.unknown),
            HealthStatus::Failing => ("warn", t.failing),
            HealthStatus::Healthy => ("good", t.healthy),
        };
        if target.deployment().is_retired(today) {
            (tone, word) = ("bad", t.retired);
        }
        let is_well = health.status() == HealthStatus::Healthy;
        Self {
            tone,
            word,
            until: health.resting_until.map(TimeText::from),
            last_failure: (health.last_failure_class)
                .filter(|_| !is_well)
                .map(|class| names::cause(FailureCause::of_outcome(&class))),
        }
    }
}

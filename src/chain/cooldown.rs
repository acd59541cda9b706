//! Cooldowns: which targets are not asked for a while after a failure, and when one of them is tried again.
//!
//! A failure begins a cooldown where the policy says so. When its time is up, one request probes the target while the
//! others still go elsewhere: success ends the cooldown, failure begins a longer one. The state is a plain value under
//! a lock; whether a target in cooldown is asked all the same, because no other is left, is the chain's decision.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::bedrock::Class;
use crate::config::Settings;

use super::policy::{CooldownMode, failure_policy};
use super::target::Target;
use crate::clock::Clock;

/// Failures are counted over this time (`allowed_fails` is a number per minute).
const FAILURES_WINDOW: Duration = Duration::from_secs(60);
/// A cooldown that follows a failed probe is twice as long as the one before, up to this many times the first: a target
/// that is down for an hour is probed every 20 s, and one that recovers is found within that time.
const MOST_COOLDOWN_FACTOR: u32 = 4;
/// This many cooldowns in a row count as a long one: they last about a minute.
const MANY_STRIKES: u32 = 5;
/// Callers choose the names behind a pattern: more states than this are not kept.
const MOST_STATES: usize = 4_096;

/// How long cooldowns are, and how many failures come before one.
#[derive(Debug, Clone, Copy)]
pub(super) struct CooldownSettings {
    pub(super) brief: Duration,
    pub(super) long: Duration,
    pub(super) allowed_fails: u32,
    pub(super) disabled: bool,
}

impl From<&Settings> for CooldownSettings {
    fn from(settings: &Settings) -> Self {
        Self {
            brief: settings.cooldown_time,
            long: settings.long_cooldown_time,
            allowed_fails: settings.allowed_fails,
            disabled: settings.disable_cooldowns,
        }
    }
}

/// Whether a target may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Availability {
    /// Like any other.
    Ready,
    /// Its cooldown is over: this request, and no other, finds out whether it is well.
    Probe,
    /// It is in cooldown until then.
    Resting(Timestamp),
}

/// One cooldown of a target, as other instances learn of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cooldown {
    pub(super) deployment: String,
    /// When it began.
    pub(super) since: Timestamp,
    /// When it ends.
    pub(super) until: Timestamp,
    /// Cooldowns in a row, this one included.
    pub(super) strikes: u32,
    /// It will not be over in a few seconds.
    pub(super) is_long: bool,
    /// The class of the failure that began it.
    pub(super) class: String,
}

/// What is known of a target's health, for people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// When its cooldown ends; `None`: it is in none.
    pub resting_until: Option<Timestamp>,
    /// Its cooldown will not be over in a few seconds, or follows on several others.
    pub is_long_cooldown: bool,
    /// Its cooldown is over, but it has not been asked yet, or the answer is still out.
    pub on_probation: bool,
    /// When it last began an answer for this process.
    pub last_success: Option<Timestamp>,
    /// When it last failed for this process.
    pub last_failure: Option<Timestamp>,
    /// The class of its last failure, of this process or of the one that began its cooldown.
    pub last_failure_class: Option<String>,
    /// Failures within the last minute that count towards a cooldown.
    pub recent_failures: usize,
}

/// A target's health in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthStatus {
    /// It is in cooldown.
    CoolingDown,
    /// Its cooldown is over, and one request must find out whether it is well.
    OnProbation,
    /// This process has not asked it yet.
    Unknown,
    /// The last attempt failed.
    Failing,
    /// The last attempt succeeded.
    Healthy,
}

impl HealthStatus {
    /// As the health routes say it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CoolingDown => "cooling_down",
            Self::OnProbation => "on_probation",
            Self::Unknown => "unknown",
            Self::Failing => "failing",
            Self::Healthy => "healthy",
        }
    }
}

impl Health {
    /// The health in a word.
    pub fn status(&self) -> HealthStatus {
        if self.resting_until.is_some() {
            HealthStatus::CoolingDown
        } else if self.on_probation {
            HealthStatus::OnProbation
        } else if self.last_success.is_none() && self.last_failure.is_none() {
            HealthStatus::Unknown
        } else if self.last_failure > self.last_success {
            HealthStatus::Failing
        } else {
            HealthStatus::Healthy
        }
    }
}

#[derive(Debug, Default)]
struct State {
    cooldown: Option<Cooldown>,
    /// A client named the model: there may be any number of them.
    named_by_client: bool,
    /// A probe is out; given up at this time, for its process may have been frozen for good.
    probed_until: Option<Timestamp>,
    fails: VecDeque<Timestamp>,
    last_success: Option<Timestamp>,
    last_failure: Option<(Timestamp, String)>,
}

/// The cooldowns of all targets.
#[derive(Debug)]
pub(super) struct Cooldowns {
    settings: CooldownSettings,
    states: Mutex<HashMap<String, State>>,
}

impl Cooldowns {
    pub(super) fn new(settings: CooldownSettings) -> Self {
        Self {
            settings,
            states: Mutex::default(),
        }
    }

    /// Whether the target may be asked. [`Availability::Probe`] is returned to one caller, which must report the result
    /// within `lease`.
    pub(super) fn availability(
        &self,
        target: &Target,
        clock: &Clock,
        lease: Duration,
    ) -> Availability {
        let now = clock.now();
        let mut states = self.lock();
        let Some(state) = states.get_mut(target.deployment_id()) else {
            return Availability::Ready;
        };
        let Some(cooldown) = &state.cooldown else {
            return Availability::Ready;
        };
        if cooldown.until > now {
            return Availability::Resting(cooldown.until);
        }
        if let Some(until) = state.probed_until.filter(|until| *until > now) {
            return Availability::Resting(until);
        }
        state.probed_until = Some(later(now, lease));
        Availability::Probe
    }

    /// Whether the target is neither in cooldown nor on probation.
    pub(super) fn is_ready(&self, target: &Target) -> bool {
        let states = self.lock();
        let state = states.get(target.deployment_id());
        state.is_none_or(|state| state.cooldown.is_none())
    }

    /// The target has begun an answer.
    pub(super) fn succeeded(&self, target: &Target, clock: &Clock) {
        let now = clock.now();
        let mut states = self.lock();
        let state = state_of(&mut states, target.deployment_id());
        state.last_success = Some(now);
        state.cooldown = None;
        state.probed_until = None;
    }

    /// Ends a probe that has said nothing about the target's health.
    pub(super) fn abandon_probe(&self, target: &Target) {
        if let Some(state) = self.lock().get_mut(target.deployment_id()) {
            state.probed_until = None;
        }
    }

    /// The target has failed; `given_up` says that this request goes elsewhere now. Returns the cooldown that begins
    /// with it.
    pub(super) fn failed(
        &self,
        target: &Target,
        class: Class,
        retry_after: Option<Duration>,
        given_up: bool,
        clock: &Clock,
    ) -> Option<Cooldown> {
        let now = clock.now();
        let mode = failure_policy(class).cooldown;
        if mode == CooldownMode::No {
            self.abandon_probe(target);
            return None;
        }
        let mut states = self.lock();
        let state = state_of(&mut states, target.deployment_id());
        state.named_by_client = target.is_named_by_client();
        state.last_failure = Some((now, class.as_str().to_owned()));
        if self.settings.disabled {
            return None;
        }
        let probed = state.probed_until.take().is_some();
        let due = match mode {
            CooldownMode::No => false,
            CooldownMode::Briefly | CooldownMode::Long => given_up,
            CooldownMode::AfterFails => {
                state.fails.push_back(now);
                state.forget_before(now);
                probed || state.fails.len() > self.settings.allowed_fails as usize
            }
        };
        if !due {
            return None;
        }
        let strikes = match &state.cooldown {
            // Several requests may fail together: they begin one cooldown. A failure that lasts longer begins another.
            Some(cooldown)
                if cooldown.until > now && (mode != CooldownMode::Long || cooldown.is_long) =>
            {
                return None;
            }
            Some(cooldown) => cooldown.strikes.saturating_add(1),
            None => 1,
        };
        let length = self.cooldown_length(target, mode, retry_after, strikes);
        if length.is_zero() {
            return None;
        }
        let cooldown = Cooldown {
            deployment: target.deployment_id().to_owned(),
            since: now,
            until: later(now, length),
            strikes,
            is_long: mode == CooldownMode::Long,
            class: class.as_str().to_owned(),
        };
        state.fails.clear();
        state.cooldown = Some(cooldown.clone());
        Some(cooldown)
    }

    /// How long a cooldown of the target is: its own `cooldown_time` goes before what Bedrock asks, and that before the
    /// common one.
    fn cooldown_length(
        &self,
        target: &Target,
        mode: CooldownMode,
        retry_after: Option<Duration>,
        strikes: u32,
    ) -> Duration {
        let longest = self.settings.long.max(self.settings.brief);
        let own = target.deployment().cooldown_time;
        let first = match (mode, own, retry_after) {
            (CooldownMode::Long, ..) => return longest,
            (_, None, Some(asked)) => return asked.min(longest),
            (_, own, _) => own.unwrap_or(self.settings.brief),
        };
        let times = 2_u32
            .saturating_pow(strikes.saturating_sub(1))
            .min(MOST_COOLDOWN_FACTOR);
        first.saturating_mul(times)
    }

    /// Takes over a cooldown that another instance has begun, unless the target answered here since.
    pub(super) fn adopt(&self, cooldown: Cooldown, clock: &Clock) {
        if self.settings.disabled || cooldown.until <= clock.now() {
            return;
        }
        let mut states = self.lock();
        let state = state_of(&mut states, &cooldown.deployment);
        let answered_since = state.last_success.is_some_and(|at| at > cooldown.since);
        let known = state
            .cooldown
            .as_ref()
            .is_some_and(|known| known.until >= cooldown.until);
        if !answered_since && !known {
            state.cooldown = Some(cooldown);
        }
    }

    /// What is known of the target.
    pub(super) fn health(&self, target: &Target, clock: &Clock) -> Health {
        let now = clock.now();
        let mut states = self.lock();
        let Some(state) = states.get_mut(target.deployment_id()) else {
            return Health::default();
        };
        state.forget_before(now);
        let until = state.cooldown.as_ref().map(|cooldown| cooldown.until);
        let class = state.last_failure.as_ref().map(|(_, class)| class.clone());
        Health {
            resting_until: until.filter(|until| *until > now),
            is_long_cooldown: (state.cooldown.as_ref())
                .is_some_and(|cooldown| cooldown.is_long || cooldown.strikes >= MANY_STRIKES),
            on_probation: until.is_some_and(|until| until <= now),
            last_success: state.last_success,
            last_failure: state.last_failure.as_ref().map(|(at, _)| *at),
            last_failure_class: class.or(state
                .cooldown
                .as_ref()
                .map(|cooldown| cooldown.class.clone())),
            recent_failures: state.fails.len(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, State>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is known of one deployment. Where there are too many of them, those that are in no cooldown are forgotten, then
/// those that clients named, and if that is not enough, all: a cooldown that is forgotten costs one call.
fn state_of<'s>(states: &'s mut HashMap<String, State>, deployment: &str) -> &'s mut State {
    if states.len() >= MOST_STATES && !states.contains_key(deployment) {
        states.retain(|_, state| state.cooldown.is_some());
        if states.len() >= MOST_STATES {
            states.retain(|_, state| !state.named_by_client);
        }
        if states.len() >= MOST_STATES {
            states.clear();
        }
    }
    states.entry(deployment.to_owned()).or_default()
}

impl State {
    fn forget_before(&mut self, now: Timestamp) {
        while let Some(oldest) = self.fails.front() {
            if later(*oldest, FAILURES_WINDOW) > now {
                break;
            }
            self.fails.pop_front();
        }
    }
}

/// Past the calendar's end is for ever.
fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_made_up_names_has_an_end() {
        let mut states = HashMap::new();
        let cooldown = Cooldown {
            deployment: "resting".to_owned(),
            since: Timestamp::MIN,
            until: Timestamp::MAX,
            strikes: 1,
            is_long: true,
            class: "no_such_model".to_owned(),
        };
        state_of(&mut states, "resting").cooldown = Some(cooldown.clone());
        for n in 0..2 * MOST_STATES {
            state_of(&mut states, &n.to_string());
        }
        assert!(states.len() <= MOST_STATES);
        assert!(
            states.contains_key("resting"),
            "a resting target is kept longest"
        );
        for n in 0..2 * MOST_STATES {
            let state = state_of(&mut states, &format!("named {n}"));
            state.cooldown = Some(cooldown.clone());
            state.named_by_client = true;
        }
        assert!(states.contains_key("resting"), "and no client ends it");
        for n in 0..2 * MOST_STATES {
            state_of(&mut states, &n.to_string()).cooldown = Some(cooldown.clone());
        }
        assert!(states.len() <= MOST_STATES);
    }
}

//! The steps that wait for requests, per model.

use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::{CallFormat, Step};

/// The model name that stands for every model without a script of its own.
pub const ANY_MODEL: &str = "*";

/// What a model does when its queue is empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rest {
    /// This, every time.
    Always(Box<Step>),
    /// One of these steps for this share of the requests (0 to 1), at random; else the service's own answer.
    Sometimes {
        /// The share.
        share: f64,
        /// The steps, equally likely.
        steps: Vec<Step>,
    },
}

/// Queues and defaults of all models.
#[derive(Debug, Default)]
pub(super) struct Scripts {
    queues: HashMap<String, VecDeque<Step>>,
    rests: HashMap<String, Rest>,
}

impl Scripts {
    /// Adds steps to a model's queue.
    pub(super) fn push(&mut self, model: &str, steps: impl IntoIterator<Item = Step>) {
        let queue = self.queues.entry(model.to_owned()).or_default();
        queue.extend(steps);
    }

    /// Sets what a model does when its queue is empty.
    pub(super) fn rest(&mut self, model: &str, rest: Rest) {
        self.rests.insert(model.to_owned(), rest);
    }

    /// Forgets a model's script; [`ANY_MODEL`] forgets all.
    pub(super) fn clear(&mut self, model: &str) {
        if model == ANY_MODEL {
            *self = Self::default();
        }
        self.queues.remove(model);
        self.rests.remove(model);
    }

    /// The step for this request: the model's own queue, then the common one, then the model's rest, then the
    /// common one; steps for the other format stay where they are. `None`: no script speaks of this request.
    pub(super) fn next(&mut self, model: &str, format: Option<CallFormat>) -> Option<Step> {
        let is_meant = |step: &Step| step.only.is_none() || step.only == format;
        let names = [model, ANY_MODEL];
        let queued = names.iter().find_map(|name| {
            let queue = self.queues.get_mut(*name)?;
            queue.remove(queue.iter().position(is_meant)?)
        });
        let rests = || names.iter().filter_map(|name| draw(self.rests.get(*name)?));
        queued.or_else(|| rests().find(is_meant))
    }
}

fn draw(rest: &Rest) -> Option<Step> {
    match rest {
        Rest::Always(step) => Some(Step::clone(step)),
        Rest::Sometimes { share, steps } if fastrand::f64() < *share => {
            fastrand::choice(steps).cloned()
        }
        Rest::Sometimes { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_own_queue_comes_first_then_the_common_one_then_what_rests() {
        let mut scripts = Scripts::default();
        scripts.push("a", [Step::throttle()]);
        scripts.push(ANY_MODEL, [Step::hang()]);
        scripts.rest("a", Rest::Always(Box::new(Step::reset())));
        assert_eq!(scripts.next("a", None), Some(Step::throttle()));
        assert_eq!(scripts.next("a", None), Some(Step::hang()));
        assert_eq!(scripts.next("a", None), Some(Step::reset()));
        assert_eq!(scripts.next("b", None), None);
        scripts.clear("a");
        assert_eq!(scripts.next("a", None), None);
    }

    #[test]
    fn steps_for_the_other_dialect_are_passed_by() {
        let (converse, messages) = (Some(CallFormat::Converse), Some(CallFormat::Messages));
        let mut scripts = Scripts::default();
        scripts.push("a", [Step::deny_invoke(), Step::reset()]);
        assert_eq!(scripts.next("a", converse), Some(Step::reset()));
        assert_eq!(scripts.next("a", converse), None);
        assert_eq!(scripts.next("a", messages), Some(Step::deny_invoke()));
        scripts.rest(ANY_MODEL, Rest::Always(Box::new(Step::deny_invoke())));
        assert_eq!(scripts.next("a", converse), None);
        assert_eq!(scripts.next("a", messages), Some(Step::deny_invoke()));
    }

    #[test]
    fn a_share_of_requests_goes_wrong() {
        let mut scripts = Scripts::default();
        let steps = vec![Step::reset()];
        scripts.rest(ANY_MODEL, Rest::Sometimes { share: 0.2, steps });
        let wrong = (0..1000)
            .filter(|_| scripts.next("a", None).is_some())
            .count();
        assert!((100..300).contains(&wrong), "{wrong}");
    }
}

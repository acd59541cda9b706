//! Attempts that a record counts but does not list: an item holds only so much.

use serde::{Deserialize, Serialize};

use super::attempt::usage;
use super::{Attempt, Cost, Retried};
use crate::conversation::Usage;

/// The most attempts that are listed: the first ones and the last, which decided the outcome.
const MOST_LISTED: usize = 50;

/// What is known of the attempts that are not listed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Unlisted {
    /// How many they are.
    pub attempts: u64,
    /// Their tokens together; `None`: Bedrock billed none of them.
    #[serde(with = "usage", skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// What they cost together, as far as their prices are known.
    pub cost: Cost,
    /// Whether some of their tokens have no known price.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unpriced: bool,
    /// Retries of the whole request, listed or not.
    pub retries: usize,
    /// Fallbacks of the whole request, listed or not.
    pub fallbacks: usize,
}

impl Unlisted {
    /// Takes out of a request's attempts those that are not listed; `None`: all are.
    pub(super) fn take(attempts: &mut Vec<Attempt>) -> Option<Unlisted> {
        Unlisted::take_beyond(MOST_LISTED, attempts)
    }

    /// Takes all but the last out of a request's attempts.
    pub(super) fn take_all_but_last(attempts: &mut Vec<Attempt>) -> Option<Unlisted> {
        Unlisted::take_beyond(1, attempts)
    }

    fn take_beyond(most: usize, attempts: &mut Vec<Attempt>) -> Option<Unlisted> {
        let last = attempts.len().checked_sub(1)?;
        if attempts.len() <= most {
            return None;
        }
        let Retried { retries, fallbacks } = Retried::of(attempts);
        let mut unlisted = Unlisted {
            retries,
            fallbacks,
            ..Unlisted::default()
        };
        for attempt in attempts.drain(most.saturating_sub(1)..last) {
            unlisted.add(&attempt);
        }
        Some(unlisted)
    }

    fn add(&mut self, attempt: &Attempt) {
        self.attempts += 1;
        self.unpriced |= attempt.is_unpriced();
        self.cost = self.cost.plus(attempt.cost.unwrap_or_default());
        self.usage = match (self.usage, attempt.usage) {
            (Some(one), Some(other)) => Some(one.plus(other)),
            (one, other) => one.or(other),
        };
    }

    /// Both together, of one request.
    pub(super) fn with(self, other: Unlisted) -> Unlisted {
        Unlisted {
            attempts: self.attempts + other.attempts,
            usage: match (self.usage, other.usage) {
                (Some(one), Some(other)) => Some(one.plus(other)),
                (one, other) => one.or(other),
            },
            cost: self.cost.plus(other.cost),
            unpriced: self.unpriced || other.unpriced,
            ..other
        }
    }

    /// Retries and fallbacks of the whole request.
    pub(super) fn retried(&self) -> Retried {
        Retried {
            retries: self.retries,
            fallbacks: self.fallbacks,
        }
    }
}

//! The longest wait for the next event of a stream.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// How long is waited for an event. One timer serves them all and is set again when it has run out: to set it for each
/// event, and to take it back, costs as much as an event.
#[derive(Debug)]
pub struct Silence {
    limit: Duration,
    timer: Pin<Box<Sleep>>,
}

impl Silence {
    /// A wait of so long at most, each.
    pub fn new(limit: Duration) -> Self {
        Self {
            limit,
            timer: Box::pin(sleep(limit)),
        }
    }

    /// How long at most.
    pub fn limit(&self) -> Duration {
        self.limit
    }

    /// What is waited for; `None`: the time has passed before.
    pub async fn bounds<F: Future>(&mut self, event: F) -> Option<F::Output> {
        let timer = &mut self.timer;
        let until = Instant::now().checked_add(self.limit);
        let until = until.unwrap_or_else(|| timer.deadline());
        let passed = async {
            loop {
                timer.as_mut().await;
                if timer.deadline() >= until {
                    break;
                }
                timer.as_mut().reset(until);
            }
        };
        tokio::select! {
            biased;
            event = event => Some(event),
            () = passed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn each_wait_has_the_whole_time() {
        let limit = Duration::from_millis(40);
        let mut silence = Silence::new(limit);
        // The timer runs out while nobody waits.
        sleep(2 * limit).await;
        assert_eq!(silence.bounds(ready(1)).await, Some(1));
        for _ in 0..2 {
            let began = Instant::now();
            assert_eq!(silence.bounds(pending::<()>()).await, None);
            assert!(began.elapsed() >= limit);
        }
        let slow = sleep(limit / 2);
        assert_eq!(silence.bounds(slow).await, Some(()));
    }

    #[tokio::test]
    async fn a_limit_beyond_all_time_is_none() {
        let mut silence = Silence::new(Duration::MAX);
        assert_eq!(silence.bounds(ready(1)).await, Some(1));
    }
}

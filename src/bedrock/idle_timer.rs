//! The longest wait for the next event of a stream.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// How long is waited for an event. One timer serves them all and is set again when it has run out: to set it for each
/// event, and to take it back, costs as much as an event.
#[derive(Debug)]
pub struct IdleTimer {
    timer: Pin<Box<Sleep>>,
}

/// No process lives so long; a moment much further away does not exist.
const FOR_EVER: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

impl IdleTimer {
    /// For waits of about so long.
    pub fn new(limit: Duration) -> Self {
        Self {
            timer: Box::pin(sleep(limit)),
        }
    }

    /// Awaits `event` for at most `limit`; `None`: it timed out.
    pub async fn within<F: Future>(&mut self, limit: Duration, event: F) -> Option<F::Output> {
        let timer = &mut self.timer;
        let until = Instant::now() + limit.min(FOR_EVER);
        // The wait before may have been allowed to last longer.
        if timer.deadline() > until {
            timer.as_mut().reset(until);
        }
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
        let mut silence = IdleTimer::new(limit);
        // The timer runs out while no call waits.
        sleep(2 * limit).await;
        assert_eq!(silence.within(limit, ready(1)).await, Some(1));
        for _ in 0..2 {
            let began = Instant::now();
            assert_eq!(silence.within(limit, pending::<()>()).await, None);
            assert!(began.elapsed() >= limit);
        }
        let slow = sleep(limit / 2);
        assert_eq!(silence.within(limit, slow).await, Some(()));
    }

    #[tokio::test]
    async fn each_wait_has_its_own_time() {
        let (short, long) = (Duration::from_millis(20), Duration::from_secs(600));
        let mut silence = IdleTimer::new(short);
        for _ in 0..2 {
            let slow = sleep(2 * short);
            assert_eq!(silence.within(long, slow).await, Some(()));
            assert_eq!(silence.within(short, pending::<()>()).await, None);
            // A wait that ended early leaves the timer where it was.
            assert_eq!(silence.within(long, ready(1)).await, Some(1));
            let began = Instant::now();
            assert_eq!(silence.within(short, pending::<()>()).await, None);
            assert!(began.elapsed() >= short && began.elapsed() < long / 2);
        }
    }

    #[tokio::test]
    async fn a_limit_beyond_all_time_is_none() {
        let mut silence = IdleTimer::new(Duration::MAX);
        assert_eq!(silence.within(Duration::MAX, ready(1)).await, Some(1));
    }
}

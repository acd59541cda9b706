//! A clock that only a test moves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bedrock_sidecar::chain::Clock;
use jiff::Timestamp;

/// Stands still until time passes.
#[derive(Debug, Clone)]
pub struct TestClock(Arc<Mutex<Timestamp>>);

impl Default for TestClock {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Timestamp::now())))
    }
}

impl TestClock {
    /// Another clock that tells the same time now.
    pub fn another(&self) -> Self {
        Self(Arc::new(Mutex::new(*self.0.lock().unwrap())))
    }

    /// Time passes.
    pub fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }

    /// What the gateway takes for the time of day.
    pub fn clock(&self) -> Clock {
        let now = Arc::clone(&self.0);
        Clock::new(move || *now.lock().unwrap())
    }
}

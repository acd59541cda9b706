//! A clock that only a test moves.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bedrock_sidecar::clock::Clock;
use jiff::Timestamp;

/// Stands still until time passes.
#[derive(Clone)]
pub struct TestClock {
    now: Arc<Mutex<Timestamp>>,
    panics: Arc<Mutex<Option<Condition>>>,
}

type Condition = Box<dyn Fn() -> bool + Send>;

impl Default for TestClock {
    /// The present, or what `TEST_NOW` says: so the whole suite can be run at the end of a month or of a day.
    fn default() -> Self {
        let now = match std::env::var("TEST_NOW") {
            Ok(now) => now.parse().expect("TEST_NOW=2027-02-28T23:59:30Z"),
            Err(_) => Timestamp::now(),
        };
        Self::at(now)
    }
}

impl TestClock {
    /// Stands at this time.
    pub fn at(now: Timestamp) -> Self {
        Self {
            now: Arc::new(Mutex::new(now)),
            panics: Arc::default(),
        }
    }

    /// Another clock that tells the same time now.
    pub fn another(&self) -> Self {
        Self::at(*self.now.lock().unwrap())
    }

    /// Time passes.
    pub fn advance(&self, by: Duration) {
        *self.now.lock().unwrap() += by;
    }

    /// The first look at the clock that finds this true panics.
    pub fn panic_once(&self, when: impl Fn() -> bool + Send + 'static) {
        *self.panics.lock().unwrap() = Some(Box::new(when));
    }

    /// What the gateway takes for the time of day.
    pub fn clock(&self) -> Clock {
        let clock = self.clone();
        Clock::new(move || {
            let condition = clock.panics.lock().unwrap().take_if(|when| when());
            assert!(condition.is_none(), "so it goes");
            *clock.now.lock().unwrap()
        })
    }
}

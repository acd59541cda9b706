//! How many of this process's requests fail.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::Alert;

/// Minutes over which requests are counted.
const MINUTES: u64 = 5;
/// Fewer requests say nothing.
const LEAST_REQUESTS: u64 = 20;
/// Of a hundred requests so many failures are an alert.
const FAILING_PERCENT: u64 = 50;

/// The requests of the last minutes.
#[derive(Debug, Default)]
pub(super) struct FailureRate {
    /// Minute, requests, failures; the oldest first.
    minutes: VecDeque<(i64, u64, u64)>,
}

/// That many of them fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failing {
    failures: u64,
    requests: u64,
}

impl FailureRate {
    /// Counts a request; `Some`: too many have failed.
    pub(super) fn add(&mut self, failed: bool, now: Timestamp) -> Option<Failing> {
        let minute = now.as_second().div_euclid(60);
        let oldest = minute - i64::try_from(MINUTES).unwrap_or(i64::MAX);
        self.minutes
            .retain(|(of, ..)| *of > oldest && *of <= minute);
        match self.minutes.back_mut() {
            Some((of, requests, failures)) if *of == minute => {
                *requests += 1;
                *failures += u64::from(failed);
            }
            _ => self.minutes.push_back((minute, 1, failed.into())),
        }
        let requests: u64 = self.minutes.iter().map(|(_, requests, _)| requests).sum();
        let failures: u64 = self.minutes.iter().map(|(.., failures)| failures).sum();
        let are_many = requests >= LEAST_REQUESTS && failures * 100 >= requests * FAILING_PERCENT;
        (failed && are_many).then_some(Failing { failures, requests })
    }
}

impl Failing {
    pub(super) fn alert(self, now: Timestamp) -> Alert {
        Alert::requests_fail(self.failures, self.requests, MINUTES, now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn half_of_twenty_requests_within_five_minutes_are_many() {
        let mut rate = FailureRate::default();
        let start: Timestamp = "2026-11-23T12:00:30Z".parse().unwrap();
        for n in 0..10 {
            assert_eq!(rate.add(false, start + Duration::from_secs(n)), None);
        }
        for n in 0..9 {
            let at = start + Duration::from_secs(120 + n);
            assert_eq!(rate.add(true, at), None);
        }
        let failing = rate.add(true, start + Duration::from_secs(130)).unwrap();
        assert_eq!((failing.failures, failing.requests), (10, 20));
        // The first ten are six minutes old: too few are left.
        assert_eq!(rate.add(true, start + Duration::from_secs(360)), None);
        for n in 0..9 {
            let said = rate.add(true, start + Duration::from_secs(361 + n));
            assert_eq!(said.is_some(), n == 8, "{n}");
        }
    }
}

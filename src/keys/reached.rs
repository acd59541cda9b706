//! Limits that this process has seen to be reached. They are remembered for as long as they stay so: a key that goes on
//! asking is refused from memory, and costs the table nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

use crate::limits::MinuteUse;
use crate::store::{Account, Key};

/// Requests of a minute never become fewer; its tokens do, when an estimate was too high.
const TOKENS_KNOWN: SignedDuration = SignedDuration::from_secs(5);
/// What is spent seldom becomes less: when a late record corrects what a lost request has held.
const SPENT_KNOWN: SignedDuration = SignedDuration::from_secs(60);
/// How often an account is searched for markers whose time is over.
const OVERDUE_ASKED: SignedDuration = SignedDuration::from_secs(60);
/// How often an account without room is searched for holds of requests that have ended.
const LEFT_ASKED: SignedDuration = SignedDuration::from_secs(10);
/// How many rejected requests of a key have a record, in a minute of one process. The others are a line in the log
/// each.
const REJECTIONS_RECORDED: u32 = 10;
/// Keys and accounts that are remembered at a time.
const MOST_REMEMBERED: usize = 10_000;

/// What is remembered. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct ReachedLimits(Arc<Mutex<KnownLimits>>);

#[derive(Debug, Default)]
struct KnownLimits {
    minutes: HashMap<String, FullMinute>,
    accounts: HashMap<Key, Spent>,
    /// When all slots of an item were taken.
    slots: HashMap<String, Instant>,
    rejections: HashMap<String, Rejections>,
    /// When an account was last searched for markers whose time is over.
    overdue: HashMap<Key, Timestamp>,
    /// When an account without room was last searched for holds of requests that have ended.
    left: HashMap<Key, Timestamp>,
}

/// What a minute's counters were when they had no room.
#[derive(Debug, Clone, Copy)]
struct FullMinute {
    used: MinuteUse,
    at: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct Spent {
    spent: Decimal,
    at: Timestamp,
}

#[derive(Debug, Clone, Copy)]
struct Rejections {
    minute: i64,
    number: u32,
}

impl ReachedLimits {
    /// The requests and the tokens of a minute, as far as they are known to be no fewer.
    pub(super) fn used(&self, minute: &Key, now: Timestamp) -> MinuteUse {
        let memory = self.lock();
        let Some(known) = memory.minutes.get(&minute.pk) else {
            return MinuteUse::default();
        };
        let fresh = now.duration_since(known.at).abs() < TOKENS_KNOWN;
        MinuteUse {
            requests: known.used.requests,
            tokens: if fresh { known.used.tokens } else { 0 },
        }
    }

    /// Remembers that a minute's counters have no room.
    pub(super) fn record_full_minute(&self, minute: &Key, used: MinuteUse, now: Timestamp) {
        let known = FullMinute { used, at: now };
        let mut memory = self.lock();
        let hour = SignedDuration::from_hours(1);
        make_room(&mut memory.minutes, |known| {
            now.duration_since(known.at).abs() < hour
        });
        memory.minutes.insert(minute.pk.clone(), known);
    }

    /// What an account has spent at least, where it is known.
    pub(super) fn spent(&self, account: &Key, now: Timestamp) -> Option<Decimal> {
        let memory = self.lock();
        let known = memory.accounts.get(account)?;
        (now.duration_since(known.at).abs() < SPENT_KNOWN).then_some(known.spent)
    }

    /// Remembers that an account had no room.
    pub(super) fn record_spent(&self, key: &Key, account: &Account, now: Timestamp) {
        let spent = Spent {
            spent: account.spent,
            at: now,
        };
        let mut memory = self.lock();
        make_room(&mut memory.accounts, |known| {
            now.duration_since(known.at).abs() < SPENT_KNOWN
        });
        memory.accounts.insert(key.clone(), spent);
    }

    /// Whether to search an account for markers whose time is over now (at most once a minute).
    pub(super) fn may_ask_overdue(&self, key: &Key, now: Timestamp) -> bool {
        may_ask(&mut self.lock().overdue, key, now, OVERDUE_ASKED)
    }

    /// Whether to look for holds of ended requests now (at most every 10 s).
    pub(super) fn may_ask_left(&self, key: &Key, now: Timestamp) -> bool {
        may_ask(&mut self.lock().left, key, now, LEFT_ASKED)
    }

    /// Whether all slots were taken when they were last asked for, and that was after this.
    pub(super) fn slots_were_taken(&self, slots: &Key, since: Instant) -> bool {
        let memory = self.lock();
        let asked = memory.slots.get(&slots.pk);
        asked.is_some_and(|asked| *asked >= since)
    }

    /// Remembers that all slots were taken when they were asked for at this time.
    pub(super) fn record_slots_taken(&self, slots: &Key, asked: Instant) {
        let mut memory = self.lock();
        make_room(&mut memory.slots, |_| false);
        memory.slots.insert(slots.pk.clone(), asked);
    }

    /// Whether a refused request of this key is one of the first of its minute.
    pub(super) fn records_rejection(&self, key_hash: &str, now: Timestamp) -> bool {
        let minute = now.as_second().div_euclid(60);
        let mut memory = self.lock();
        make_room(&mut memory.rejections, |known| known.minute == minute);
        let known = memory.rejections.entry(key_hash.to_owned());
        let known = known.or_insert(Rejections { minute, number: 0 });
        if known.minute != minute {
            *known = Rejections { minute, number: 0 };
        }
        known.number = known.number.saturating_add(1);
        if known.number == REJECTIONS_RECORDED + 1 {
            tracing::warn!(
                key_hash,
                "more requests of this key are refused: in this minute they have no records"
            );
        }
        known.number <= REJECTIONS_RECORDED
    }

    fn lock(&self) -> MutexGuard<'_, KnownLimits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether `every` has passed since the account was last asked about; if so, notes that it is asked about now.
fn may_ask(
    asked: &mut HashMap<Key, Timestamp>,
    key: &Key,
    now: Timestamp,
    every: SignedDuration,
) -> bool {
    let last = asked.get(key);
    if last.is_some_and(|at| now.duration_since(*at).abs() < every) {
        return false;
    }
    make_room(asked, |_| false);
    asked.insert(key.clone(), now);
    true
}

/// Forgets what is of no use any more, and everything where that is not enough.
fn make_room<K: std::hash::Hash + Eq, V>(
    known: &mut HashMap<K, V>,
    is_of_use: impl Fn(&V) -> bool,
) {
    if known.len() >= MOST_REMEMBERED {
        known.retain(|_, value| is_of_use(value));
    }
    if known.len() >= MOST_REMEMBERED {
        known.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_s_requests_are_known_until_it_ends_and_its_tokens_for_a_moment() {
        let reached = ReachedLimits::default();
        let now = Timestamp::UNIX_EPOCH;
        let minute = crate::store::keys::rate("k", now);
        let of = |requests, tokens| MinuteUse { requests, tokens };
        assert_eq!(reached.used(&minute, now), of(0, 0));
        reached.record_full_minute(&minute, of(5, 700), now);
        let after = |seconds| now + SignedDuration::from_secs(seconds);
        assert_eq!(reached.used(&minute, after(4)), of(5, 700));
        assert_eq!(reached.used(&minute, after(5)), of(5, 0));
        let next = crate::store::keys::rate("k", after(60));
        assert_eq!(reached.used(&next, after(60)), of(0, 0));
    }

    #[test]
    fn the_first_refusals_of_a_key_and_a_minute_are_filed() {
        let reached = ReachedLimits::default();
        let now = Timestamp::UNIX_EPOCH;
        let filed = |key, now| {
            (0..30)
                .filter(|_| reached.records_rejection(key, now))
                .count()
        };
        assert_eq!((filed("a", now), filed("b", now)), (10, 10));
        assert_eq!(filed("a", now), 0);
        assert_eq!(filed("a", now + SignedDuration::from_mins(1)), 10);
    }
}

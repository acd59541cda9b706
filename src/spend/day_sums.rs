//! The sum of each day, for a page that is open all day and asks for the same days every 15 seconds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use tokio::time::Instant;

use super::days;
use super::ledger::{Ledger, ReadError, days_of};
use super::report::{Only, total};
use super::totals::Counters;

/// How long the sum of a day that is over is good for: only a replay changes it.
const DAY_SUM_KEPT: Duration = Duration::from_secs(10 * 60);

/// The sums of days that are over, as they were last read. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct KnownSums(Arc<Mutex<BTreeMap<Date, KnownSum>>>);

#[derive(Debug, Clone, Copy)]
struct KnownSum {
    counters: Counters,
    read: Instant,
}

impl KnownSums {
    fn get(&self, day: Date, now: Instant) -> Option<Counters> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sum = known.get(&day).filter(|sum| sum.is_good(now))?;
        Some(sum.counters)
    }

    /// Those that are no longer good go, so that what is kept stays as long as a period.
    fn keep(&self, sums: impl Iterator<Item = (Date, Counters)>, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, sum| sum.is_good(now));
        known.extend(sums.map(|(day, counters)| {
            let read = now;
            (day, KnownSum { counters, read })
        }));
    }
}

impl KnownSum {
    fn is_good(&self, now: Instant) -> bool {
        now.duration_since(self.read) < DAY_SUM_KEPT
    }
}

impl Ledger {
    /// The sum of each of the days from `first` to `last`, both included. A day that was over when it was read is not
    /// read again for ten minutes, so a record that comes so late counts here later than in [`Ledger::totals`].
    ///
    /// # Errors
    /// As those of [`Ledger::totals`].
    pub async fn day_sums(
        &self,
        first: Date,
        last: Date,
    ) -> Result<BTreeMap<Date, Counters>, ReadError> {
        self.day_sums_at(first, last, Instant::now()).await
    }

    pub(super) async fn day_sums_at(
        &self,
        first: Date,
        last: Date,
        now: Instant,
    ) -> Result<BTreeMap<Date, Counters>, ReadError> {
        let days = days_of(first, last)?;
        let known = |day: &Date| Some((*day, self.day_sums.get(*day, now)?));
        let mut sums: BTreeMap<Date, Counters> = days.iter().filter_map(known).collect();
        let mut unknown = days.iter().filter(|day| !sums.contains_key(day));
        if let Some(first) = unknown.next() {
            let last = unknown.next_back().unwrap_or(first);
            let today = Timestamp::now();
            let read = self.sums_of(*first, *last).await?;
            let over = read.iter().filter(|(day, _)| days::is_over(**day, today));
            self.day_sums.keep(over.map(|(day, sum)| (*day, *sum)), now);
            sums.extend(read);
        }
        Ok(sums)
    }

    async fn sums_of(
        &self,
        first: Date,
        last: Date,
    ) -> Result<BTreeMap<Date, Counters>, ReadError> {
        let totals = self.totals(first, last).await?;
        let of_one_day = totals.chunk_by(|one, next| one.day == next.day);
        let mut sums: BTreeMap<Date, Counters> = days_of(first, last)?
            .into_iter()
            .map(|day| (day, Counters::default()))
            .collect();
        sums.extend(of_one_day.filter_map(|totals| {
            let day = totals.first()?.day;
            Some((day, total(totals, &Only::default())))
        }));
        Ok(sums)
    }
}

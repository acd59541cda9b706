//! How often a login may be tried, counted by all instances together.
//!
//! Two things have to hold. A short password must not be guessed, neither from one place nor from a thousand. And an
//! admin with the right one must not be kept out by others who guess: so an address from which a login has succeeded before
//! has a count of its own, which failures elsewhere do not touch.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::app::ClientAddress;
use crate::store::{Counter, Item, StoreError, Table, keys};

/// Tries are counted over stretches of so many seconds.
const STRETCH: i64 = 300;
/// From one address from which no login has succeeded: enough for a person who mistypes.
const TRIES: u64 = 5;
/// From all such addresses together.
const TRIES_OVERALL: u64 = 100;
/// From an address from which a login has succeeded. Where a proxy is not declared all clients have its address, and share
/// this number: no more than from a thousand places, and enough that a few failures of one client do not lock others out.
const TRIES_KNOWN: u64 = 100;
/// How long an address is known after the last right password from it.
const REMEMBERED: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// The address that all are counted under.
const OVERALL: &str = "overall";
/// The address of clients whose address the shell does not know. It is never a known one.
const UNKNOWN: &str = "unknown";
const COUNT: &str = "tries";

/// An address from which a login has succeeded. Only a right password writes it, and nothing pushes it out before its
/// time: each address is an item of its own.
#[derive(Serialize, Deserialize)]
struct KnownAddress {
    last_login: Timestamp,
}

/// The tries of one address in the present stretch of time, and those of all.
#[derive(Debug)]
pub(super) struct Tries {
    address: Option<String>,
    stretch: i64,
    end: Timestamp,
}

/// A try that was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CountedTry {
    /// Among those of all addresses too.
    overall: bool,
}

impl Tries {
    /// Those from this address at this time.
    pub(super) fn new(address: Option<ClientAddress>, now: Timestamp) -> Self {
        let stretch = now.as_second().div_euclid(STRETCH);
        let end = stretch.saturating_add(1).saturating_mul(STRETCH);
        Self {
            address: address.map(|ClientAddress(address)| place(address)),
            stretch,
            end: Timestamp::from_second(end).unwrap_or(now),
        }
    }

    /// The address, for the log.
    pub(super) fn from(&self) -> &str {
        self.address.as_deref().unwrap_or(UNKNOWN)
    }

    /// When counting starts again.
    pub(super) fn end(&self) -> Timestamp {
        self.end
    }

    /// Counts one more. `None`: that would be too many.
    ///
    /// # Errors
    /// When the table does not answer.
    pub(super) async fn count(&self, table: &Table) -> Result<Option<CountedTry>, StoreError> {
        let own = self.add(table, self.from(), 1, Some(TRIES)).await?;
        if own && self.add(table, OVERALL, 1, Some(TRIES_OVERALL)).await? {
            return Ok(Some(CountedTry { overall: true }));
        }
        if !self.is_known(table).await? {
            return Ok(None);
        }
        let counted = own || self.add(table, self.from(), 1, Some(TRIES_KNOWN)).await?;
        Ok(counted.then_some(CountedTry { overall: false }))
    }

    /// The password was right: the try does not count, and its address is known from now on.
    ///
    /// # Errors
    /// When the table does not answer.
    pub(super) async fn succeeded(
        &self,
        counted: CountedTry,
        table: &Table,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.add(table, self.from(), -1, None).await?;
        if counted.overall {
            self.add(table, OVERALL, -1, None).await?;
        }
        let Some(address) = &self.address else {
            return Ok(());
        };
        let known = KnownAddress { last_login: now };
        let item = Item::new(&keys::known_address(address), &known)?;
        let until = now.checked_add(REMEMBERED).unwrap_or(now);
        table.put(item.expires(until)).await
    }

    async fn is_known(&self, table: &Table) -> Result<bool, StoreError> {
        let Some(address) = &self.address else {
            return Ok(false);
        };
        let known: Option<KnownAddress> = table.get(&keys::known_address(address)).await?;
        Ok(known.is_some())
    }

    async fn add(
        &self,
        table: &Table,
        from: &str,
        amount: i64,
        limit: Option<u64>,
    ) -> Result<bool, StoreError> {
        let counter = Counter {
            field: COUNT,
            amount,
            limit,
        };
        table
            .count(&keys::logins(from, self.stretch), &[counter], self.end)
            .await
    }
}

/// What counts as one address: of IPv6 the network of 64 bits, which is what one customer gets, with as many addresses
/// as he likes.
fn place(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let network = u128::from(address) & (u128::MAX << 64);
            format!("{}/64", Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_one_customer_has() {
        for (address, expected) in [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("::1", "::/64"),
        ] {
            assert_eq!(place(address.parse().unwrap()), expected);
        }
    }
}

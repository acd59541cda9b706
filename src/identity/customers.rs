//! Customers: the end users that requests name. They are made by use, and may be blocked.
//!
//! Which of them are blocked is one short list, read at most once a minute and only for requests that name somebody: no
//! request reads a customer.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::row::{self, Row};
use super::{IdentityError, IdentityKind, check_text};
use crate::clock::Clock;
use crate::store::{Index, Key, Query, StoreError, Table, keys, time};

/// The list of blocked customers is read again after so long.
const BLOCKED_LIST_FRESH: SignedDuration = SignedDuration::from_secs(10);
/// How long a request with an old list waits for the reading.
const LONGEST_REVALIDATION: Duration = Duration::from_millis(100);
/// How long a customer is kept after the last request that named it.
const CUSTOMER_KEPT_FOR: SignedDuration = SignedDuration::from_hours(400 * 24);
/// New customers that one key makes on a day in one process: clients choose the names.
const MOST_NEW: u32 = 1_000;
/// Names that are remembered at a time.
const MOST_REMEMBERED: usize = 20_000;

/// A customer as the table keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Customer {
    /// What requests name it by.
    pub user_id: String,
    /// Counts up by one with every change.
    pub version: u64,
    /// When a request first named it.
    pub created_at: Timestamp,
    /// The day on which a request last named it, at its beginning or later.
    pub last_used: Timestamp,
    /// Requests that name it are refused.
    #[serde(default)]
    pub blocked: bool,
}

/// The customers of a table. Clones share what is remembered.
#[derive(Debug, Clone)]
pub struct Customers {
    table: Table,
    clock: Clock,
    tasks: TaskTracker,
    known: Arc<Mutex<KnownCustomers>>,
}

#[derive(Debug, Default)]
struct KnownCustomers {
    blocked: Option<(Arc<HashSet<String>>, Timestamp)>,
    /// Named by requests on this day.
    used: HashSet<String>,
    /// How many of them by each key.
    new: HashMap<String, u32>,
    day: Option<Date>,
}

impl Customers {
    /// Those of this table. What outlives a request is a task of `tasks`.
    pub fn new(table: Table, clock: Clock, tasks: TaskTracker) -> Customers {
        Customers {
            table,
            clock,
            tasks,
            known: Arc::default(),
        }
    }

    /// Whether requests that name this customer are refused.
    ///
    /// # Errors
    /// When that was never known and the table does not answer.
    pub async fn is_blocked(&self, id: &str) -> Result<bool, StoreError> {
        let (known, now) = (self.lock().blocked.clone(), self.clock.now());
        let blocked = match known {
            Some((blocked, read_at)) if now.duration_since(read_at).abs() <= BLOCKED_LIST_FRESH => {
                blocked
            }
            Some((old, _)) => match timeout(LONGEST_REVALIDATION, self.read_blocked()).await {
                Ok(Ok(blocked)) => blocked,
                Ok(Err(_)) | Err(_) => old,
            },
            None => self.read_blocked().await?,
        };
        Ok(blocked.contains(id))
    }

    async fn read_blocked(&self) -> Result<Arc<HashSet<String>>, StoreError> {
        #[derive(Deserialize)]
        struct BlockedCustomer {
            pk: String,
        }
        let all = Query {
            index: Some(Index::ByKey),
            ..Query::all(keys::BLOCKED_CUSTOMERS.to_owned())
        };
        let found: Vec<BlockedCustomer> = self.table.run(&all, usize::MAX).await?;
        let ids = found
            .iter()
            .filter_map(|found| keys::customer_id(&found.pk));
        let blocked: Arc<HashSet<String>> = Arc::new(ids.map(str::to_owned).collect());
        self.lock().blocked = Some((Arc::clone(&blocked), self.clock.now()));
        Ok(blocked)
    }

    /// Notes that a request of this key names the customer: once a day and process, and behind the request.
    pub fn note_use(&self, id: &str, key_hash: &str) {
        let now = self.clock.now();
        let today = time::day(now);
        let mut known = self.lock();
        if known.day != Some(today) || known.used.len() >= MOST_REMEMBERED {
            known.used.clear();
            known.new.clear();
            known.day = Some(today);
        }
        if known.used.contains(id) {
            return;
        }
        let new = known.new.entry(key_hash.to_owned()).or_default();
        *new += 1;
        if *new > MOST_NEW {
            return;
        }
        known.used.insert(id.to_owned());
        drop(known);
        let (customers, id) = (self.clone(), id.to_owned());
        self.tasks.spawn(async move {
            if let Err(error) = customers.touch(&id, now).await {
                tracing::warn!(%error, "a customer could not be noted");
            }
        });
    }

    async fn touch(&self, id: &str, now: Timestamp) -> Result<(), IdentityError> {
        let key = keys::customer(id);
        match self.table.get::<Customer>(&key).await? {
            None => {
                row::create(&self.table, &Customer::new(id, now)).await?;
            }
            Some(known) if time::day(known.last_used) < time::day(now) => {
                row::change(&self.table, &key, |known: &Customer| Ok(known.used(now))).await?;
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// The customer of this id.
    ///
    /// # Errors
    /// When no request has named it, or the table fails.
    pub async fn get(&self, id: &str) -> Result<Customer, IdentityError> {
        check_text("end_user_id", Some(id))?;
        let found = self.table.get(&keys::customer(id)).await?;
        found.ok_or_else(|| no_customer(id))
    }

    /// Every customer, by id.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn list(&self) -> Result<Vec<Customer>, IdentityError> {
        let mut found: Vec<Customer> = row::listed(&self.table, keys::CUSTOMERS).await?;
        found.extend(row::listed::<Customer>(&self.table, keys::BLOCKED_CUSTOMERS).await?);
        found.sort_by(|a, b| a.user_id.cmp(&b.user_id));
        found.dedup_by(|a, b| a.user_id == b.user_id);
        Ok(found)
    }

    /// Blocks a customer, or lets it in again; one that no request has named yet is made.
    ///
    /// # Errors
    /// When the id makes no sense, or the table fails.
    pub async fn block(&self, id: &str, blocked: bool) -> Result<Customer, IdentityError> {
        check_text("user_ids", Some(id))?;
        let now = self.clock.now();
        row::create(&self.table, &Customer::new(id, now)).await?;
        let key = keys::customer(id);
        let changed = row::change(&self.table, &key, |known: &Customer| {
            Ok(Customer {
                blocked,
                ..known.used(known.last_used)
            })
        });
        let customer = changed.await?.ok_or_else(|| no_customer(id))?;
        let mut known = self.lock();
        if let Some((list, _)) = &mut known.blocked {
            let list = Arc::make_mut(list);
            match blocked {
                true => list.insert(id.to_owned()),
                false => list.remove(id),
            };
        }
        Ok(Customer::clone(&customer))
    }

    /// Deletes what is kept of a customer here.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn delete(&self, id: &str) -> Result<(), IdentityError> {
        check_text("user_ids", Some(id))?;
        self.table.delete(&keys::customer(id)).await?;
        let mut known = self.lock();
        known.used.remove(id);
        if let Some((list, _)) = &mut known.blocked {
            Arc::make_mut(list).remove(id);
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, KnownCustomers> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_customer(id: &str) -> IdentityError {
    IdentityError::NotFound {
        kind: IdentityKind::Customer,
        id: id.to_owned(),
    }
}

impl Customer {
    fn new(id: &str, now: Timestamp) -> Customer {
        Customer {
            user_id: id.to_owned(),
            version: 1,
            created_at: now,
            last_used: now,
            blocked: false,
        }
    }

    fn used(&self, at: Timestamp) -> Customer {
        Customer {
            last_used: at,
            version: self.version + 1,
            ..self.clone()
        }
    }
}

impl Row for Customer {
    fn key(&self) -> Key {
        keys::customer(&self.user_id)
    }
    fn version(&self) -> u64 {
        self.version
    }
    fn listed_under(&self) -> String {
        let list = match self.blocked {
            true => keys::BLOCKED_CUSTOMERS,
            false => keys::CUSTOMERS,
        };
        list.to_owned()
    }
    fn expires(&self) -> Option<Timestamp> {
        let end = self.last_used.checked_add(CUSTOMER_KEPT_FOR).ok();
        end.filter(|_| !self.blocked)
    }
}

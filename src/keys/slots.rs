//! `max_parallel_requests` of a key: slots in the table, so that all instances together keep to it.

use std::time::Instant;

use crate::limits::{Lease, Slot};
use crate::spend::RequestId;
use crate::store::keys;

use super::{Denied, Keyring, Scope, VirtualKey};

impl Keyring {
    /// Takes a slot; `None`: the key has no such limit.
    pub(super) async fn take_slot(
        &self,
        key: &VirtualKey,
        id: RequestId,
    ) -> Result<Option<Lease>, Denied> {
        let Some(most) = key.settings.max_parallel_requests else {
            return Ok(None);
        };
        let slots = keys::slots(&key.account);
        let full = || Denied::LimitReached {
            scope: Scope::Key,
            of: key.label().to_owned(),
            kind: "max_parallel_requests",
            limit: most,
            resets_at: None,
        };
        let arrived = Instant::now();
        let turn = self.account_locks.turn(&slots.pk).await?;
        // One that waited for its turn has its answer where another has asked meanwhile.
        if self.reached.slots_were_taken(&slots, arrived) {
            return Err(full());
        }
        let asked = Instant::now();
        let (lease, taken) = Lease::begin(Slot {
            table: self.table.clone(),
            key: slots.clone(),
            holder: id.to_string(),
            most,
            clock: self.clock.clone(),
        });
        let taken = taken.await;
        if let Ok(false) = &taken {
            self.reached.no_slot(&slots, asked);
        }
        turn.end(&taken);
        match taken {
            Ok(true) => Ok(Some(lease)),
            Ok(false) => Err(full()),
            // It may be taken all the same: then the lease frees it.
            Err(error) => Err(Denied::of_table(&error)),
        }
    }
}

//! `max_parallel_requests` of a key, its team and its user: slots in the table, so that all instances together keep to
//! it.

use std::time::Instant;

use crate::identity::KeyOwners;
use crate::limits::{Lease, Slot};
use crate::spend::RequestId;
use crate::store::keys;

use super::limit::LimitHolder;
use super::{Caller, Denied, Keyring, LimitScope};

impl Keyring {
    /// Takes a slot of each that has such a limit, or none.
    pub(super) async fn take_slots(
        &self,
        caller: &Caller,
        id: RequestId,
    ) -> Result<Vec<Lease>, Denied> {
        let KeyOwners { team, user, .. } = &caller.owners;
        let key = caller.virtual_key.as_ref().and_then(|key| {
            let most = key.settings.max_parallel_requests?;
            Some((LimitScope::Key, LimitHolder::key(key), most))
        });
        let team = team.as_ref().and_then(|team| {
            let most = team.settings.allowance.max_parallel_requests?;
            Some((LimitScope::Team, LimitHolder::team(team), most))
        });
        let user = user.as_ref().and_then(|user| {
            let most = user.settings.allowance.max_parallel_requests?;
            Some((LimitScope::User, LimitHolder::user(user), most))
        });
        let mut leases = Vec::new();
        for (scope, holder, most) in [key, user, team].into_iter().flatten() {
            // Dropped leases free their slots.
            leases.push(self.take_slot(scope, &holder, most, id).await?);
        }
        Ok(leases)
    }

    async fn take_slot(
        &self,
        scope: LimitScope,
        holder: &LimitHolder,
        most: u64,
        id: RequestId,
    ) -> Result<Lease, Denied> {
        let slots = keys::slots(&holder.counter);
        let full = || Denied::LimitReached {
            scope,
            label: holder.label.clone(),
            kind: "max_parallel_requests",
            limit: most,
            resets_at: None,
        };
        let arrived = Instant::now();
        let guard = self.account_locks.lock(&slots.pk).await?;
        // A request that waited for the lock has its answer where another has asked meanwhile.
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
            self.reached.record_slots_taken(&slots, asked);
        }
        guard.end(&taken);
        match taken {
            Ok(true) => Ok(lease),
            Ok(false) => Err(full()),
            // It may be taken all the same: then the lease frees it.
            Err(error) => Err(Denied::of_table(&error)),
        }
    }
}

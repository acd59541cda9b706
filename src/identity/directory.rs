//! The teams, members and users that this process knows: read with the keys that name them, at most every ten seconds each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::de::DeserializeOwned;

use super::{Allowance, Member, Team, User};
use crate::clock::Clock;
use crate::store::{Key, StoreError, Table, keys};

/// Copies of one kind: so many cost some megabytes at most.
const MOST_COPIES: usize = 10_000;

/// All teams, members and users of a table. Clones share the copies.
#[derive(Debug, Clone)]
pub struct Directory {
    pub(super) table: Table,
    pub(super) clock: Clock,
    /// Those of the configuration, by id.
    pub(super) in_file: Arc<HashMap<String, Arc<Team>>>,
    teams: Copies<Team>,
    members: Copies<Member>,
    users: Copies<User>,
}

/// The owners of a key, as far as the table knows them: its team, member and user.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct KeyOwners {
    /// The key's team.
    pub team: Option<Arc<Team>>,
    /// What the key's user may use of the team's; `None`: the key has no user or no team.
    pub member: Option<Arc<Allowance>>,
    /// The key's user.
    pub user: Option<Arc<User>>,
}

/// What was last read of each item; `None`: there is none.
#[derive(Debug)]
struct Copies<T>(Arc<Mutex<HashMap<Key, Option<Arc<T>>>>>);

impl<T> Clone for Copies<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Copies<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: DeserializeOwned> Copies<T> {
    /// `None`: it was not read.
    fn known(&self, key: &Key) -> Option<Option<Arc<T>>> {
        let copies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        copies.get(key).cloned()
    }

    /// Keeps what was read or written. A reading that was overtaken by a change does not undo it.
    fn keep(&self, key: Key, found: Option<Arc<T>>, version: impl Fn(&T) -> u64) {
        let mut copies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if copies.len() >= MOST_COPIES {
            copies.clear();
        }
        let of = |copy: &Option<Arc<T>>| copy.as_deref().map_or(0, &version);
        let known = copies.get(&key).map_or(0, of);
        if found.is_none() || of(&found) >= known {
            copies.insert(key, found);
        }
    }
}

impl Directory {
    /// Those of this table, and these teams of the configuration.
    pub fn new(table: Table, clock: Clock, in_file: Vec<Team>) -> Directory {
        let in_file = in_file.into_iter();
        let in_file = in_file.map(|team| (team.team_id.clone(), Arc::new(team)));
        Directory {
            table,
            clock,
            in_file: Arc::new(in_file.collect()),
            teams: Copies::default(),
            members: Copies::default(),
            users: Copies::default(),
        }
    }

    /// The owners of a key of this team and user; `None`: they were not read yet.
    pub fn known(&self, team: Option<&str>, user: Option<&str>) -> Option<KeyOwners> {
        let mut owners = KeyOwners::default();
        if let Some(user) = user {
            owners.user = self.users.known(&keys::user(user))?;
        }
        let Some(team_id) = team else {
            return Some(owners);
        };
        owners.team = match self.in_file.get(team_id) {
            Some(team) => Some(Arc::clone(team)),
            None => self.teams.known(&keys::team(team_id))?,
        };
        if let (Some(team), Some(user)) = (&owners.team, user) {
            let member = self.members.known(&keys::member(team_id, user))?;
            let allowance = team.allowance_of(member.as_deref());
            owners.member = Some(Arc::new(allowance));
        }
        Some(owners)
    }

    /// Reads whom a key of this team and user belongs to.
    ///
    /// # Errors
    /// When the table does not answer.
    pub async fn refresh(&self, team: Option<&str>, user: Option<&str>) -> Result<(), StoreError> {
        let in_table = team.filter(|team| !self.in_file.contains_key(*team));
        let team_key = in_table.map(keys::team);
        let user_key = user.map(keys::user);
        let member_key = team.zip(user).map(|(team, user)| keys::member(team, user));
        let (team, user, member) = tokio::try_join!(
            self.read::<Team>(team_key.as_ref()),
            self.read::<User>(user_key.as_ref()),
            self.read::<Member>(member_key.as_ref()),
        )?;
        if let Some(key) = team_key {
            self.teams.keep(key, team, |team| team.version);
        }
        if let Some(key) = user_key {
            self.users.keep(key, user, |user| user.version);
        }
        if let Some(key) = member_key {
            self.members.keep(key, member, |member| member.version);
        }
        Ok(())
    }

    async fn read<T: DeserializeOwned>(
        &self,
        key: Option<&Key>,
    ) -> Result<Option<Arc<T>>, StoreError> {
        match key {
            Some(key) => Ok(self.table.get(key).await?.map(Arc::new)),
            None => Ok(None),
        }
    }

    pub(super) fn keep_team(&self, team: &Arc<Team>) {
        let key = keys::team(&team.team_id);
        self.teams
            .keep(key, Some(Arc::clone(team)), |team| team.version);
    }

    pub(super) fn keep_member(&self, team: &str, user: &str, member: Option<Arc<Member>>) {
        let key = keys::member(team, user);
        self.members.keep(key, member, |member| member.version);
    }

    pub(super) fn keep_user(&self, user: &str, found: Option<Arc<User>>) {
        self.users
            .keep(keys::user(user), found, |user| user.version);
    }
}

//! Making, changing and listing teams, members and users.
//!
//! A change holds in this process at once, and on every other instance when its copies are read again, with the keys.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    AlreadyExists, Directory, IdentityError, IdentityKind, InvalidSetting, Member, MemberChanges,
    Team, TeamChanges, User, UserChanges, row,
};
use crate::store::{Range, StoreError, keys};

type Managed<T> = Result<T, IdentityError>;

fn no_team(id: &str) -> IdentityError {
    IdentityError::NotFound {
        kind: IdentityKind::Team,
        id: id.to_owned(),
    }
}

fn no_user(id: &str) -> IdentityError {
    IdentityError::NotFound {
        kind: IdentityKind::User,
        id: id.to_owned(),
    }
}

/// The id that was chosen, or a new one.
fn id(chosen: Option<String>) -> String {
    let chosen = chosen.filter(|id| !id.trim().is_empty());
    chosen.unwrap_or_else(|| Uuid::new_v4().to_string())
}

/// Without an id that changed, nothing of the item did.
fn checked_id(param: &'static str, id: &str) -> Result<(), InvalidSetting> {
    super::check_text(param, Some(id))
}

impl Directory {
    /// Makes a team, for `by`. Without an id it gets one.
    ///
    /// # Errors
    /// When a setting makes no sense, the id was used before, or the table fails.
    pub async fn new_team(
        &self,
        team_id: Option<String>,
        changes: &TeamChanges,
        by: &str,
    ) -> Managed<Arc<Team>> {
        let (id, now) = (id(team_id), self.clock.now());
        self.refuse_file(&id)?;
        let team = Team::new(id, by, now).changed(changes, now)?;
        if !row::create(&self.table, &team).await? {
            return Err(AlreadyExists::Team(team.team_id).into());
        }
        let team = Arc::new(team);
        self.keep_team(&team);
        Ok(team)
    }

    /// The team of this id as it is now.
    ///
    /// # Errors
    /// When there is none, or the table fails.
    pub async fn team(&self, team_id: &str) -> Managed<Arc<Team>> {
        let found = self.team_or_deleted(team_id).await?;
        let living = found.filter(|team| team.deleted_at.is_none());
        living.ok_or_else(|| no_team(team_id))
    }

    /// The team of this id, a deleted one too.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn team_or_deleted(&self, team_id: &str) -> Managed<Option<Arc<Team>>> {
        if let Some(team) = self.in_file.get(team_id) {
            return Ok(Some(Arc::clone(team)));
        }
        checked_id("team_id", team_id)?;
        Ok(self.table.get(&keys::team(team_id)).await?.map(Arc::new))
    }

    /// Every team, deleted ones too, by alias.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn teams(&self) -> Managed<Vec<Arc<Team>>> {
        let found: Vec<Team> = row::listed(&self.table, keys::TEAMS).await?;
        let found = found.into_iter().map(Arc::new);
        let mut teams: Vec<_> = found
            .filter(|team| !self.in_file.contains_key(&team.team_id))
            .collect();
        teams.extend(self.in_file.values().cloned());
        teams.sort_by(|a, b| (a.label(), &a.team_id).cmp(&(b.label(), &b.team_id)));
        Ok(teams)
    }

    /// Changes a team.
    ///
    /// # Errors
    /// When there is none, the file has it, a setting makes no sense, or the table fails.
    pub async fn update_team(&self, team_id: &str, changes: &TeamChanges) -> Managed<Arc<Team>> {
        let now = self.clock.now();
        self.change_team(team_id, |team| team.changed(changes, now))
            .await
    }

    /// Deletes a team. Its keys are refused from now on.
    ///
    /// # Errors
    /// As [`Directory::update_team`].
    pub async fn delete_team(&self, team_id: &str) -> Managed<Arc<Team>> {
        let now = self.clock.now();
        self.change_team(team_id, |team| Ok(team.deleted(now)))
            .await
    }

    async fn change_team(
        &self,
        team_id: &str,
        change: impl Fn(&Team) -> Result<Team, InvalidSetting>,
    ) -> Managed<Arc<Team>> {
        self.team(team_id).await?;
        self.refuse_file(team_id)?;
        let changed = row::change(&self.table, &keys::team(team_id), change).await?;
        let team = changed.ok_or_else(|| no_team(team_id))?;
        self.keep_team(&team);
        Ok(team)
    }

    fn refuse_file(&self, team_id: &str) -> Managed<()> {
        match self.in_file.contains_key(team_id) {
            true => Err(IdentityError::InFile(team_id.to_owned())),
            false => Ok(()),
        }
    }

    /// The members of a team.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn members(&self, team_id: &str) -> Managed<Vec<Member>> {
        let range = Range::Between("member#".to_owned(), "member$".to_owned());
        let partition = keys::team(team_id).pk;
        let found = self.table.query(
            &partition,
            &range,
            crate::store::Order::Ascending,
            usize::MAX,
        );
        Ok(found.await?)
    }

    /// Makes a user a member of a team.
    ///
    /// # Errors
    /// When there is no such team, the user is a member already, a setting makes no sense, or the table fails.
    pub async fn add_member(
        &self,
        team_id: &str,
        user_id: &str,
        user_email: Option<String>,
        changes: &MemberChanges,
    ) -> Managed<Arc<Member>> {
        self.team(team_id).await?;
        let member = Member::new(team_id, user_id, user_email, self.clock.now());
        let member = member.changed(changes)?;
        if !row::create(&self.table, &member).await? {
            let (user, team) = (user_id.to_owned(), team_id.to_owned());
            return Err(AlreadyExists::Member { user, team }.into());
        }
        let member = Arc::new(member);
        self.keep_member(team_id, user_id, Some(Arc::clone(&member)));
        Ok(member)
    }

    /// The id of a member, who is named by it or by the address.
    ///
    /// # Errors
    /// When the team has no such member, or the table fails.
    pub async fn member_id(
        &self,
        team_id: &str,
        user_id: Option<&str>,
        user_email: Option<&str>,
    ) -> Managed<String> {
        self.team(team_id).await?;
        let members = self.members(team_id).await?;
        let is_meant = |member: &&Member| match (user_id, user_email) {
            (Some(id), _) => member.user_id == id,
            (None, email) => email.is_some() && member.user_email.as_deref() == email,
        };
        let found = members
            .iter()
            .find(is_meant)
            .map(|member| member.user_id.clone());
        found.ok_or_else(|| IdentityError::NotFound {
            kind: IdentityKind::Member,
            id: user_id.or(user_email).unwrap_or_default().to_owned(),
        })
    }

    /// Changes a membership.
    ///
    /// # Errors
    /// When there is none, a setting makes no sense, or the table fails.
    pub async fn update_member(
        &self,
        team_id: &str,
        user_id: &str,
        changes: &MemberChanges,
    ) -> Managed<Arc<Member>> {
        let key = keys::member(team_id, user_id);
        let changed = row::change(&self.table, &key, |member: &Member| member.changed(changes));
        let member = changed.await?.ok_or_else(|| no_user(user_id))?;
        self.keep_member(team_id, user_id, Some(Arc::clone(&member)));
        Ok(member)
    }

    /// Ends a membership.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn remove_member(&self, team_id: &str, user_id: &str) -> Managed<()> {
        self.table.delete(&keys::member(team_id, user_id)).await?;
        self.keep_member(team_id, user_id, None);
        Ok(())
    }

    /// The memberships of a user.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn memberships(&self, user_id: &str) -> Managed<Vec<Member>> {
        Ok(row::listed(&self.table, &keys::memberships(user_id)).await?)
    }

    /// Makes a user. Without an id the user gets one.
    ///
    /// # Errors
    /// When a setting makes no sense, the id is taken, or the table fails.
    pub async fn new_user(
        &self,
        user_id: Option<String>,
        changes: &UserChanges,
    ) -> Managed<Arc<User>> {
        let now = self.clock.now();
        let user = User::new(id(user_id), now).changed(changes, now)?;
        if !row::create(&self.table, &user).await? {
            return Err(AlreadyExists::User(user.user_id).into());
        }
        let user = Arc::new(user);
        self.keep_user(&user.user_id, Some(Arc::clone(&user)));
        Ok(user)
    }

    /// Makes the user of this id, who asks with a token, if there is none yet.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn note_user(&self, user_id: &str, email: Option<&str>) -> Result<(), StoreError> {
        let mut user = User::new(user_id.to_owned(), self.clock.now());
        user.settings.user_email = email.map(str::to_owned);
        user.version += 1;
        if row::create(&self.table, &user).await? {
            self.keep_user(user_id, Some(Arc::new(user)));
        }
        Ok(())
    }

    /// The user of this id as it is now.
    ///
    /// # Errors
    /// When there is none, or the table fails.
    pub async fn user(&self, user_id: &str) -> Managed<Arc<User>> {
        checked_id("user_id", user_id)?;
        let found: Option<User> = self.table.get(&keys::user(user_id)).await?;
        found.map(Arc::new).ok_or_else(|| no_user(user_id))
    }

    /// Every user, the newest first.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn users(&self) -> Managed<Vec<User>> {
        let mut users: Vec<User> = row::listed(&self.table, keys::USERS).await?;
        users.sort_by(|a, b| (b.created_at, &b.user_id).cmp(&(a.created_at, &a.user_id)));
        Ok(users)
    }

    /// Changes a user.
    ///
    /// # Errors
    /// When there is none, a setting makes no sense, or the table fails.
    pub async fn update_user(&self, user_id: &str, changes: &UserChanges) -> Managed<Arc<User>> {
        let now = self.clock.now();
        checked_id("user_id", user_id)?;
        let key = keys::user(user_id);
        let changed = row::change(&self.table, &key, |user: &User| user.changed(changes, now));
        let user = changed.await?.ok_or_else(|| no_user(user_id))?;
        self.keep_user(user_id, Some(Arc::clone(&user)));
        Ok(user)
    }

    /// Deletes what is kept of a user here: the settings and every membership.
    ///
    /// # Errors
    /// When there is no such user, or the table fails.
    pub async fn delete_user(&self, user_id: &str) -> Managed<Vec<Member>> {
        self.user(user_id).await?;
        let memberships = self.memberships(user_id).await?;
        for member in &memberships {
            self.remove_member(&member.team_id, user_id).await?;
        }
        self.table.delete(&keys::user(user_id)).await?;
        self.keep_user(user_id, None);
        Ok(memberships)
    }
}

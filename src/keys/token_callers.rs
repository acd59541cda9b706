//! Callers who send a token of an identity provider instead of a key.
//!
//! To everything behind it a token is a key that was never made: its hash is that of issuer and person, so that limits,
//! budgets, thinking and stored responses outlive the token; its settings are what the token says, and its team and its
//! user bind it as they bind a key.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use super::keyring::{KEY_COPY_FRESH, KEY_READ_LIMIT, LONGEST_REVALIDATION};
use super::virtual_key::hash_of;
use super::{Caller, KeyRefusal, KeySettings, Keyring, VirtualKey};
use crate::identity::{Access, KeyOwners, TokenRefusal, VerifiedToken, Verifier, looks_like_token};
use crate::store::{Index, Item, Key, Query, StoreError, Table, TableFault, keys};

/// Callers of whom something is remembered: some megabytes.
const MOST_CALLERS: usize = 10_000;
/// The most teams of a token that are looked for.
const MOST_TEAMS: usize = 20;

/// The word for no model: an empty list would be all.
const NO_MODELS: &str = "no-default-models";

/// Those who send tokens. Clones share what is known of them.
#[derive(Debug, Clone)]
pub(super) struct TokenCallers {
    verifier: Verifier,
    /// The token of an admin may do what the master key may.
    admins: bool,
    /// In which team a token counts, by its hash and the team that was asked for.
    placed: Arc<Mutex<HashMap<AskedPlace, TeamPlacement>>>,
    /// Those of whom this process has told the table.
    noted: Arc<Mutex<HashSet<String>>>,
}

/// A token's hash, and the team that was asked for.
type AskedPlace = (String, Option<String>);

#[derive(Debug, Clone)]
struct TeamPlacement {
    team: Option<String>,
    read_at: Timestamp,
}

/// A person as an identity provider names them.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// [`VerifiedToken::principal`].
    pub principal: &'a str,
    /// Who has issued the person's tokens.
    pub issuer: &'a str,
    /// The person's name in records.
    pub user_id: &'a str,
    /// What people call the person.
    pub label: &'a str,
    /// The team in which the person counts.
    pub team: Option<&'a str>,
    /// The models that the person's tokens list; `None`: all.
    pub models: Option<&'a [String]>,
}

/// Who asks with tokens, as the table keeps it for reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct KnownPrincipal {
    hash: String,
    issuer: String,
    user_id: String,
    label: String,
}

impl KnownPrincipal {
    /// The hash, and what people call its owner.
    pub(super) fn labelled(self) -> (String, String) {
        (self.hash, self.label)
    }
}

impl TokenCallers {
    /// None are let in.
    pub(super) fn none(table: &Table) -> Self {
        Self {
            verifier: Verifier::new(&[], table),
            admins: false,
            placed: Arc::default(),
            noted: Arc::default(),
        }
    }

    fn placed(&self, place: &(String, Option<String>)) -> Option<TeamPlacement> {
        let placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
        placed.get(place).cloned()
    }

    fn keep(&self, place: (String, Option<String>), found: TeamPlacement) {
        let mut placed = self.placed.lock().unwrap_or_else(PoisonError::into_inner);
        if placed.len() >= MOST_CALLERS {
            placed.clear();
        }
        placed.insert(place, found);
    }

    /// Whether the table was not told of this caller yet.
    fn is_new(&self, principal: &str) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() >= MOST_CALLERS {
            noted.clear();
        }
        noted.insert(principal.to_owned())
    }
}

impl Keyring {
    /// The keys where tokens of identity providers are keys too; those of admins are master keys where `admins` says
    /// so.
    #[must_use]
    pub fn with_tokens(mut self, verifier: Verifier, admins: bool) -> Self {
        self.token_callers.verifier = verifier;
        self.token_callers.admins = admins;
        self
    }

    /// Whether this is to be taken as a token of an identity provider.
    pub fn takes_token(&self, key: &str) -> bool {
        looks_like_token(key) && self.token_callers.verifier.takes_tokens()
    }

    /// Whose token this is. `team`: the one of its teams that the request is for.
    ///
    /// # Errors
    /// When it is refused, or whom it belongs to cannot be found out.
    pub async fn present_token(
        &self,
        token: &str,
        team: Option<&str>,
    ) -> Result<Caller, KeyRefusal> {
        let callers = &self.token_callers;
        let now = self.clock.now();
        let verified = callers.verifier.verify(token, now).await;
        let verified = verified.map_err(|refusal| refused(refusal, None))?;
        if callers.admins && verified.access == Some(Access::Admin) {
            return Ok(admin(&verified));
        }
        let place = (hash_of(token), team.map(str::to_owned));
        let team = self.team_of(&verified, place).await?;
        let caller = self.caller_of(&verified, team)?;
        if callers.is_new(&verified.principal) {
            self.note_in_background(verified);
        }
        Ok(caller)
    }

    /// The team in which a person counts who signs in to the pages, if that person may ask.
    ///
    /// # Errors
    /// When a token of the same would be refused.
    pub async fn team_for_pages(
        &self,
        verified: &VerifiedToken,
    ) -> Result<Option<String>, KeyRefusal> {
        let place = (verified.principal.clone(), None);
        let team = self.team_of(&Arc::new(verified.clone()), place).await?;
        self.caller_of(verified, team.clone())?;
        Ok(team)
    }

    /// A person who has signed in to the pages, as the caller that the same person is with a token.
    ///
    /// # Errors
    /// When a token of the same would be refused.
    pub async fn caller_of_person(&self, person: Person<'_>) -> Result<Caller, KeyRefusal> {
        let (team, user) = (person.team, Some(person.user_id));
        let read = self.directory.refresh(team, user).await;
        read.map_err(|error| {
            tracing::error!(%error, "the team and the user of a person could not be read");
            KeyRefusal::Table(error.fault().unwrap_or(TableFault::Failing))
        })?;
        self.caller_for(Some(Arc::new(as_key(person, None, self.clock.now()))))
    }

    /// Who asks with a token of this team, as [`Keyring::present`] says it of a key.
    fn caller_of(
        &self,
        verified: &VerifiedToken,
        team: Option<String>,
    ) -> Result<Caller, KeyRefusal> {
        let person = Person {
            principal: &verified.principal,
            issuer: &verified.issuer,
            user_id: &verified.user_id,
            label: verified.label(),
            team: team.as_deref(),
            models: verified.models.as_deref(),
        };
        let key = as_key(person, Some(verified.expires), self.clock.now());
        self.caller_for(Some(Arc::new(key)))
    }

    /// The team in which a token counts. It is found out anew every ten seconds; a table that takes longer than a moment
    /// then leaves it where it was.
    async fn team_of(
        &self,
        verified: &Arc<VerifiedToken>,
        place: (String, Option<String>),
    ) -> Result<Option<String>, KeyRefusal> {
        let known = self.token_callers.placed(&place);
        let user = Some(verified.user_id.as_str());
        let known =
            known.filter(|placed| self.directory.known(placed.team.as_deref(), user).is_some());
        let now = self.clock.now();
        let is_fresh = |placed: &&TeamPlacement| {
            now.duration_since(placed.read_at).unsigned_abs() <= KEY_COPY_FRESH
        };
        if let Some(placed) = known.as_ref().filter(is_fresh) {
            return Ok(placed.team.clone());
        }
        let limit = if known.is_some() {
            LONGEST_REVALIDATION
        } else {
            KEY_READ_LIMIT
        };
        let (keyring, verified) = (self.clone(), Arc::clone(verified));
        // A task: a call that is frozen half way finds its connection dead.
        let finding = self
            .tasks
            .spawn(async move { keyring.find_team(&verified, place).await });
        match (timeout(limit, finding).await, known) {
            (Ok(Ok(found)), _) => found,
            (_, Some(placed)) => Ok(placed.team),
            _ => {
                tracing::error!(
                    ?limit,
                    "the team and the user of a token could not be read in time"
                );
                Err(KeyRefusal::Table(TableFault::Silent))
            }
        }
    }

    async fn find_team(
        &self,
        verified: &VerifiedToken,
        place: (String, Option<String>),
    ) -> Result<Option<String>, KeyRefusal> {
        let found = self.first_team(verified, place.1.as_deref()).await;
        let found = found.map_err(|error| {
            tracing::error!(%error, "the team and the user of a token could not be read");
            KeyRefusal::Table(error.fault().unwrap_or(TableFault::Failing))
        })?;
        let team = found.map_err(|refusal| refused(refusal, Some(verified)))?;
        let read_at = self.clock.now();
        let placed = TeamPlacement {
            team: team.clone(),
            read_at,
        };
        self.token_callers.keep(place, placed);
        Ok(team)
    }

    /// The first team of a token that is known here, else the one of tokens without any.
    async fn first_team(
        &self,
        verified: &VerifiedToken,
        wanted: Option<&str>,
    ) -> Result<Result<Option<String>, TokenRefusal>, StoreError> {
        let user = Some(verified.user_id.as_str());
        let own = verified.teams.iter().map(String::as_str);
        let mut teams: Vec<&str> = own.chain(verified.default_team.as_deref()).collect();
        if let Some(wanted) = wanted {
            teams.retain(|team| *team == wanted);
            if teams.is_empty() {
                return Ok(Err(TokenRefusal::NotOfTeam));
            }
        }
        for team in teams.iter().take(MOST_TEAMS) {
            if crate::identity::check_text("team_id", Some(team)).is_err() {
                continue;
            }
            self.directory.refresh(Some(team), user).await?;
            let known = self.directory.known(Some(team), user).unwrap_or_default();
            if known.team.is_some_and(|team| team.deleted_at.is_none()) {
                return Ok(Ok(Some((*team).to_owned())));
            }
        }
        let names_teams = verified.teams_claim.clone();
        let names_teams = names_teams.or_else(|| verified.default_team.clone());
        match names_teams {
            Some(claim) => Ok(Err(TokenRefusal::NoTeam(claim))),
            None => {
                self.directory.refresh(None, user).await?;
                Ok(Ok(None))
            }
        }
    }

    /// Has the table know a person who asks for the first time: users appear by use, and reports name who has asked.
    fn note_in_background(&self, verified: Arc<VerifiedToken>) {
        let keyring = self.clone();
        self.tasks.spawn(async move {
            if let Err(error) = keyring.note(&verified).await {
                tracing::warn!(%error, "who asks with a token could not be noted");
            }
        });
    }

    /// Has the table know a person who asks for the first time, and waits until it does.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn note(&self, verified: &VerifiedToken) -> Result<(), StoreError> {
        let (user_id, email) = (&verified.user_id, verified.email.as_deref());
        self.directory.note_user(user_id, email).await?;
        let principal = KnownPrincipal {
            hash: verified.principal.clone(),
            issuer: verified.issuer.clone(),
            user_id: user_id.clone(),
            label: verified.label().to_owned(),
        };
        let place = keys::principal(&verified.principal);
        let known: Option<KnownPrincipal> = self.table.get(&place).await?;
        if known.as_ref() == Some(&principal) {
            return Ok(());
        }
        let item = Item::new(&place, &principal)?;
        self.table
            .put(item.by_key(keys::PRINCIPALS.to_owned()))
            .await
    }

    /// Forgets the name that reports have for a person who has asked with tokens.
    ///
    /// # Errors
    /// When the table fails.
    pub async fn forget_tokens_of(&self, user_id: &str) -> Result<(), StoreError> {
        let known = self.known_principals().await?;
        for principal in known.iter().filter(|known| known.user_id == user_id) {
            self.table.delete(&keys::principal(&principal.hash)).await?;
        }
        Ok(())
    }

    /// Everybody who has asked with a token.
    pub(super) async fn known_principals(&self) -> Result<Vec<KnownPrincipal>, StoreError> {
        let all = Query {
            index: Some(Index::ByKey),
            ..Query::all(keys::PRINCIPALS.to_owned())
        };
        let places: Vec<Key> = self.table.run(&all, usize::MAX).await?;
        self.table.get_many(&places).await
    }
}

/// What a refused token leaves in the log.
fn refused(refusal: TokenRefusal, of: Option<&VerifiedToken>) -> KeyRefusal {
    tracing::warn!(
        reason = refusal.reason(),
        user = of.map(|verified| verified.user_id.as_str()),
        "a token was refused: {refusal}"
    );
    KeyRefusal::Token(refusal)
}

fn admin(verified: &VerifiedToken) -> Caller {
    Caller {
        key_hash: verified.principal.clone(),
        alias: verified.label().to_owned(),
        store_prompts: None,
        virtual_key: None,
        owners: KeyOwners::default(),
    }
}

fn as_key(person: Person<'_>, expires: Option<Timestamp>, now: Timestamp) -> VirtualKey {
    let models = person.models.map(|models| match models {
        [] => vec![NO_MODELS.to_owned()],
        listed => listed.to_vec(),
    });
    VirtualKey {
        hash: person.principal.to_owned(),
        name: person.label.to_owned(),
        version: 0,
        account: person.principal.to_owned(),
        created_at: now,
        created_by: person.issuer.to_owned(),
        updated_at: now,
        expires,
        deleted_at: None,
        settings: KeySettings {
            user_id: Some(person.user_id.to_owned()),
            team_id: person.team.map(str::to_owned),
            models: models.unwrap_or_default(),
            ..KeySettings::default()
        },
    }
}

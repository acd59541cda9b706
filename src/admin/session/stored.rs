//! Sessions as the table keeps them, and how each is bound to what it was begun with.
//!
//! The password's session is bound to the login: where the user, the password or the master key has changed, it is none.
//! Those that version 0.1 made are not bound, and so are none here. A person's session ends when the provider is no longer
//! configured or the person is blocked, a key's when the key is not good any more.

use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::super::error::PageError;
use super::{Session, hash, random};
use crate::app::AppState;
use crate::identity::{Access, IdentityError, VerifiedToken};
use crate::keys::{KeyError, KeyStatus};
use crate::store::{Item, StoreError, Write, WriteLimits, keys};

/// A working day with its evening.
pub(super) const LIFE: Duration = Duration::from_secs(12 * 60 * 60);

/// Who has signed in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in super::super) enum SignedIn {
    /// Whoever knows the password of the admin pages.
    #[default]
    Password,
    /// A person, at an identity provider.
    Person(SignedInPerson),
    /// Whoever has the key of this hash.
    Key(String),
}

/// A person who has signed in at an identity provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct SignedInPerson {
    /// What stands where a key's hash does when the person asks with a token.
    pub(in super::super) principal: String,
    pub(in super::super) issuer: String,
    pub(in super::super) user_id: String,
    /// What people call the person.
    pub(in super::super) label: String,
    #[serde(default)]
    pub(in super::super) team: Option<String>,
    /// The models that the person's tokens list.
    #[serde(default)]
    pub(in super::super) models: Option<Vec<String>>,
}

impl SignedInPerson {
    /// The person of this token, who counts in this team.
    pub(in super::super) fn new(token: &VerifiedToken, team: Option<String>) -> Self {
        Self {
            principal: token.principal.clone(),
            issuer: token.issuer.clone(),
            user_id: token.user_id.clone(),
            label: token.label().to_owned(),
            team,
            models: token.models.clone(),
        }
    }
}

/// As the table keeps it.
#[derive(Serialize, Deserialize)]
struct StoredSession {
    csrf: String,
    until: Timestamp,
    /// [`Login::fingerprint`](crate::keys::Login::fingerprint) where the password was used; empty in sessions of version 0.1.
    #[serde(default)]
    login: String,
    /// How often all sessions had been ended when it began.
    #[serde(default)]
    generation: u64,
    /// What may be done in it. Before there was a choice, everything.
    #[serde(default = "everything")]
    access: Access,
    #[serde(default)]
    who: SignedIn,
}

fn everything() -> Access {
    Access::Admin
}

/// How often all sessions have been ended at once.
#[derive(Default, Deserialize)]
struct Generation {
    generation: u64,
}

/// The sessions of a gateway.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Sessions<'a> {
    app: &'a AppState,
}

impl<'a> Sessions<'a> {
    pub(in super::super) fn of(app: &'a AppState) -> Self {
        Self { app }
    }

    /// Begins a session and returns its cookie's value.
    pub(in super::super) async fn begin(
        self,
        who: SignedIn,
        access: Access,
        now: Timestamp,
    ) -> Result<String, PageError> {
        let id = random()?;
        let until = now.checked_add(LIFE).unwrap_or(now);
        let gone = Timestamp::now() + LIFE;
        let stored = StoredSession {
            csrf: random()?,
            until,
            login: self.fingerprint(&who, &id),
            // Read before the session is there: one that begins while all are ended is ended too.
            generation: self.generation().await?,
            access,
            who,
        };
        let item = Item::new(&keys::session(&hash(&id)), &stored)?;
        self.app.table.put(item.expires(gone)).await?;
        Ok(id)
    }

    /// What binds a session to the password; nothing where it was begun without.
    fn fingerprint(self, who: &SignedIn, id: &str) -> String {
        match who {
            SignedIn::Password => self.app.login.fingerprint(&self.app.master_key, id),
            SignedIn::Person(_) | SignedIn::Key(_) => String::new(),
        }
    }

    /// The session with this cookie's value.
    pub(super) async fn find(self, id: &str) -> Result<Option<Session>, StoreError> {
        let sha256 = hash(id);
        let key = keys::session(&sha256);
        let table = &self.app.table;
        let (stored, generation) =
            tokio::try_join!(table.get::<StoredSession>(&key), self.generation())?;
        let is_alive = |stored: &StoredSession| {
            stored.generation == generation && stored.until > self.app.clock.now()
        };
        let Some(stored) = stored.filter(is_alive) else {
            return Ok(None);
        };
        let fingerprint = self.fingerprint(&stored.who, id);
        let is_bound = stored.login.as_bytes().ct_eq(fingerprint.as_bytes());
        // What was ended has no value for its forms.
        if !bool::from(is_bound) || stored.csrf.is_empty() || !self.is_good(&stored.who).await? {
            return Ok(None);
        }
        Ok(Some(Session {
            csrf: stored.csrf,
            access: stored.access,
            who: stored.who,
            sha256,
        }))
    }

    /// Whether what it was begun with still opens the pages.
    async fn is_good(self, who: &SignedIn) -> Result<bool, StoreError> {
        let app = self.app;
        match who {
            SignedIn::Password => Ok(app.config.general.identity.takes_password()),
            SignedIn::Person(person) => {
                let mut issuers = app.config.general.identity.issuers.iter();
                let is_known = issuers
                    .any(|issuer| issuer.issuer == person.issuer && issuer.sign_in.is_some());
                match app.keys.directory.user(&person.user_id).await {
                    Ok(user) => Ok(is_known && !user.settings.blocked),
                    Err(IdentityError::Store(error)) => Err(error),
                    Err(_) => Ok(is_known),
                }
            }
            SignedIn::Key(hash) => match app.keys.get(hash).await {
                Ok(key) => Ok(key.status(app.keys.now()) == KeyStatus::Active),
                Err(KeyError::Store(error)) => Err(error),
                Err(_) => Ok(false),
            },
        }
    }

    /// Ends one, everywhere at once.
    pub(in super::super) async fn end(self, session: &Session) -> Result<(), StoreError> {
        // What has expired is not there for any reader, and DynamoDB deletes it.
        let ended = StoredSession {
            csrf: String::new(),
            until: Timestamp::UNIX_EPOCH,
            login: String::new(),
            generation: 0,
            access: Access::Member,
            who: SignedIn::Password,
        };
        let item = Item::new(&keys::session(&session.sha256), &ended)?;
        self.app.table.put(item.expires(ended.until)).await
    }

    /// Ends all, everywhere at once.
    pub(in super::super) async fn end_all(self) -> Result<(), StoreError> {
        let next = Write::Add {
            key: keys::session_generation(),
            amounts: vec![("generation".to_owned(), Decimal::ONE)],
        };
        self.app
            .table
            .transact(&[next], WriteLimits::default())
            .await
    }

    async fn generation(self) -> Result<u64, StoreError> {
        let stored: Option<Generation> = self.app.table.get(&keys::session_generation()).await?;
        Ok(stored.unwrap_or_default().generation)
    }
}

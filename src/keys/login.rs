//! The login of the admin pages: one user, one password.

use hmac::digest::Key;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::MasterKey;
use super::digest::digest;
use super::published::is_published;

/// The user's name where the environment gives none.
const USER: &str = "admin";

/// The one login of the admin pages. Known by its hashes alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    user: [u8; 32],
    /// `None`: the master key is the password.
    password: Option<[u8; 32]>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Login(…)")
    }
}

impl Default for Login {
    /// `admin` and the master key.
    fn default() -> Self {
        Self::new(None, None)
    }
}

impl Login {
    /// This user, else `admin`, with this password, else the master key.
    pub fn new(user: Option<&str>, password: Option<&str>) -> Self {
        Self {
            user: digest(user.unwrap_or(USER)),
            password: password.map(digest),
        }
    }

    /// What binds a session to this login, in hex: another user, another password or another master key has another.
    ///
    /// It is an HMAC of the three under the session's id, which the browser alone has: the table knows an id by its
    /// hash. So a reader of the table cannot try passwords against a fingerprint, and it opens nothing.
    pub fn fingerprint(&self, master_key: &MasterKey, session_id: &str) -> String {
        // A shorter key is filled up with zeros; that is how HMAC is defined.
        let mut key = Key::<Hmac<Sha256>>::default();
        key.iter_mut()
            .zip(session_id.as_bytes())
            .for_each(|(to, from)| *to = *from);
        // Each part has one length, or says that it is missing: no two logins have the same text.
        let part = |hash: Option<&[u8; 32]>| match hash {
            Some(hash) => [&[1], &hash[..]].concat(),
            None => vec![0],
        };
        let mac = Hmac::<Sha256>::new(&key)
            .chain_update("admin session\0")
            .chain_update(self.user)
            .chain_update(part(self.password.as_ref()))
            .chain_update(part(master_key.sha256()));
        hex::encode(mac.finalize().into_bytes())
    }

    /// Whether the password is one of the test credentials of `.env.example`.
    pub fn is_published(&self) -> bool {
        self.password.as_ref().is_some_and(is_published)
    }

    /// Whether these are the right ones. Takes as long whatever is wrong about them. Where no master key is needed and
    /// no password was set, any password is right.
    pub fn admits(&self, master_key: &MasterKey, user: &str, password: &str) -> bool {
        let right_user = digest(user).ct_eq(&self.user);
        let right_password = match &self.password {
            Some(known) => digest(password).ct_eq(known),
            None => {
                let admitted = master_key.authenticate(password).is_some() || master_key.is_open();
                u8::from(admitted).into()
            }
        };
        (right_user & right_password).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_halves_must_be_right() {
        let key = MasterKey::new(Some("sk-master"), None, false).unwrap();
        let own = Login::new(Some("maria"), Some("secret"));
        let table = [
            (&own, "maria", "secret", true),
            (&own, "admin", "secret", false),
            (&own, "maria", "sk-master", false),
            (&own, "maria", "", false),
            (&Login::default(), "admin", "sk-master", true),
            (&Login::default(), "Admin", "sk-master", false),
            (&Login::default(), "admin", "sk-other", false),
            (&Login::default(), "admin", "", false),
        ];
        for (login, user, password, right) in table {
            assert_eq!(
                login.admits(&key, user, password),
                right,
                "{user} {password}"
            );
        }
    }

    #[test]
    fn a_fingerprint_is_of_one_session_and_one_login() {
        let key = |key: &str| MasterKey::new(Some(key), None, false).unwrap();
        let open = MasterKey::new(None, None, true).unwrap();
        let own = |user, password| Login::new(Some(user), password);
        let of = |login: &Login, key: &MasterKey| login.fingerprint(key, "session");
        let all = [
            of(&own("maria", Some("secret")), &key("sk-1")),
            of(&own("maria", Some("secret")), &key("sk-2")),
            of(&own("maria", Some("secret")), &open),
            of(&own("maria", Some("Secret")), &key("sk-1")),
            of(&own("mario", Some("secret")), &key("sk-1")),
            of(&own("maria", None), &key("sk-1")),
            of(&own("maria", Some("sk-1")), &open),
            own("maria", Some("secret")).fingerprint(&key("sk-1"), "another session"),
        ];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert_eq!(all[0], of(&own("maria", Some("secret")), &key("sk-1")));
    }

    #[test]
    fn without_a_master_key_only_a_password_that_was_set_is_asked_for() {
        let open = MasterKey::new(None, None, true).unwrap();
        assert!(Login::default().admits(&open, "admin", ""));
        let own = Login::new(None, Some("secret"));
        assert!(!own.admits(&open, "admin", ""));
        assert!(own.admits(&open, "admin", "secret"));
    }
}

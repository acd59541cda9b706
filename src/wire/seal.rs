//! The gateway's mark on what a client carries for it.

use std::fmt;

use hmac::digest::Key;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Marks what goes out to one key's owner, and knows it again when it comes back: no one else can make the mark, and no
/// other key can use it.
#[derive(Clone)]
pub struct Seal(Hmac<Sha256>);

impl Seal {
    /// How many bytes a mark has.
    pub const MARK: usize = 32;

    /// The seal for this owner (the hash of its key). `secret` is what all instances of the gateway share.
    pub fn new(secret: &[u8; 32], owner: &str) -> Self {
        // A short key is filled up with zeros; that is how HMAC is defined.
        let mut key = Key::<Hmac<Sha256>>::default();
        key.iter_mut()
            .zip(secret)
            .for_each(|(to, from)| *to = *from);
        let mac = Hmac::new(&key);
        // The first word keeps this use of the secret apart from any other.
        Self(
            mac.chain_update("thinking\0")
                .chain_update(owner)
                .chain_update("\0"),
        )
    }

    /// The mark for these bytes.
    pub fn mark(&self, bytes: &[u8]) -> [u8; Self::MARK] {
        let mac = self.0.clone().chain_update(bytes);
        mac.finalize().into_bytes().into()
    }

    /// Whether the mark is the one that these bytes got. Takes as long for every wrong one.
    pub fn is_on(&self, mark: &[u8], bytes: &[u8]) -> bool {
        let mac = self.0.clone().chain_update(bytes);
        mac.verify_slice(mark).is_ok()
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_good_for_its_bytes_its_owner_and_its_secret_alone() {
        let seal = Seal::new(&[7; 32], "alice");
        let mark = seal.mark(b"thought");
        assert!(seal.is_on(&mark, b"thought"));
        assert!(Seal::new(&[7; 32], "alice").is_on(&mark, b"thought"));
        assert!(!seal.is_on(&mark, b"thought!"));
        assert!(!seal.is_on(&mark[..16], b"thought"));
        assert!(!seal.is_on(&[], b"thought"));
        for other in [Seal::new(&[7; 32], "bob"), Seal::new(&[8; 32], "alice")] {
            assert!(!other.is_on(&mark, b"thought"));
        }
        // What ends the owner's name is part of what is marked.
        let shifted = Seal::new(&[7; 32], "alice\0th");
        assert!(!shifted.is_on(&mark, b"ought"));
    }

    #[test]
    fn a_seal_does_not_show_its_secret() {
        assert_eq!(format!("{:?}", Seal::new(&[7; 32], "alice")), "Seal");
    }
}

//! The gateway's signature on the log's lines that `replay` believes.

use hmac::digest::Key;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What stands instead of a signature where the table's secret was not at hand.
pub(super) const UNSIGNED: &str = "unsigned";

/// Keeps this use of the table's secret apart from all others: lines are signed with a key of their own.
const PURPOSE: &str = "the log's lines for replay";

/// Signs lines, and knows its signatures again: HMAC-SHA-256 over the line's event and its JSON as it is written, what
/// it moves and holds included.
#[derive(Clone)]
pub struct Signer(Hmac<Sha256>);

impl Signer {
    /// The signer of a table's gateways. `secret` is what they share.
    pub fn new(secret: &[u8; 32]) -> Self {
        let purpose = keyed(secret).chain_update(PURPOSE);
        Self(keyed(&purpose.finalize().into_bytes().into()))
    }

    /// The signature, in hex.
    pub(super) fn sign(&self, event: &str, json: &str) -> String {
        hex::encode(self.over(event, json).finalize().into_bytes())
    }

    /// Whether this is the signature of that. Takes as long for every wrong one.
    #[cfg(any(test, feature = "local"))]
    pub(super) fn signed(&self, signature: &str, event: &str, json: &str) -> bool {
        let bytes = hex::decode(signature).unwrap_or_default();
        self.over(event, json).verify_slice(&bytes).is_ok()
    }

    fn over(&self, event: &str, json: &str) -> Hmac<Sha256> {
        // No event has a zero byte in it.
        let mac = self.0.clone().chain_update(event);
        mac.chain_update([0]).chain_update(json)
    }
}

fn keyed(secret: &[u8; 32]) -> Hmac<Sha256> {
    // A short key is filled up with zeros; that is how HMAC is defined.
    let mut key = Key::<Hmac<Sha256>>::default();
    key.iter_mut()
        .zip(secret)
        .for_each(|(to, from)| *to = *from);
    Hmac::new(&key)
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_good_for_its_event_its_words_and_its_secret_alone() {
        let signer = Signer::new(&[7; 32]);
        let signature = signer.sign("spend_open", "{}");
        assert!(Signer::new(&[7; 32]).signed(&signature, "spend_open", "{}"));
        assert!(!signer.signed(&signature, "spend_open", "{ }"));
        assert!(!signer.signed(&signature, "spend_unrecorded", "{}"));
        assert!(!signer.signed(&signature, "spend_ope", "n{}"));
        assert!(!signer.signed(&signature[..32], "spend_open", "{}"));
        for none in ["", UNSIGNED, "é"] {
            assert!(!signer.signed(none, "spend_open", "{}"));
        }
        assert!(!Signer::new(&[8; 32]).signed(&signature, "spend_open", "{}"));
    }

    #[test]
    fn a_signer_does_not_show_its_key() {
        assert_eq!(format!("{:?}", Signer::new(&[7; 32])), "Signer");
    }
}

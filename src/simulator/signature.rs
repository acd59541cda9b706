//! Signatures of thinking blocks: like the real service, this one takes back only what it gave out. They can be
//! checked without a memory, so that a conversation survives a restart.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

/// Not a secret: nothing is protected by it, it only tells own signatures from others.
const KEY: &[u8] = b"simulated bedrock, thinking v1";

/// The signature of this thinking.
pub(super) fn sign(thinking: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(KEY);
    hash.update(thinking.as_bytes());
    // Twice, for real signatures are long and clients should not count on short ones.
    let digest = hash.finalize();
    BASE64_STANDARD.encode([digest.as_slice(), digest.as_slice()].concat())
}

/// Whether this service signed this thinking.
pub(super) fn is_own(thinking: &str, signature: &str) -> bool {
    sign(thinking) == signature
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_text_alone() {
        let signature = sign("let me think");
        assert!(is_own("let me think", &signature));
        assert!(!is_own("let me think ", &signature));
        assert!(!is_own("let me think", "c2lnbmF0dXJl"));
    }
}

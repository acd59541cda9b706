//! What is compared of a secret: its SHA-256, so that no text of a secret has to be kept.

use sha2::{Digest, Sha256};

/// The SHA-256 of a key or a password.
pub(super) fn digest(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

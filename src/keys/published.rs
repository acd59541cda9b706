//! The test credentials of `.env.example`, which are public.

use super::digest::digest;

/// Its master key and its password. Either must be neither.
const PUBLISHED: [&str; 2] = ["sk-litellm-test-key", "litellm"];

/// Whether a secret of this SHA-256 is one of them.
pub(super) fn is_published(sha256: &[u8; 32]) -> bool {
    PUBLISHED.iter().any(|secret| digest(secret) == *sha256)
}

//! Signatures of thinking blocks: like the real service, this one takes back only what it gave out. They can be
//! checked without a memory, so that a conversation survives a restart.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use sha2::{Digest as _, Sha256};

/// Not a secret: nothing is protected by it, it only tells own signatures from others.
const KEY: &[u8] = b"simulated bedrock, thinking v2";

/// What this service signed with at first. Tables hold thinking that it signed so.
const FIRST_KEY: &[u8] = b"simulated bedrock, thinking v1";

/// A hash.
pub(super) type Digest = [u8; 32];

/// What a block of thinking is signed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct SignedFor {
    /// Its text was not shown: what comes back in its place does not matter.
    pub(super) omitted: bool,
    /// The prefix that it is bound to, where its model binds thinking.
    pub(super) prefix: Option<Digest>,
}

/// What is found of a block that comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// As it was given out.
    Own,
    /// Nothing that this service signed.
    Foreign,
    /// Signed here, but with another text.
    Altered,
    /// Signed here behind another beginning of the conversation.
    OtherPrefix,
}

const OMITTED: u8 = 1;
const BOUND: u8 = 2;

/// The signature of this thinking.
pub(super) fn sign(thinking: &str, signed_for: SignedFor) -> String {
    let mut flags = 0;
    if signed_for.omitted {
        flags |= OMITTED;
    }
    if signed_for.prefix.is_some() {
        flags |= BOUND;
    }
    let mut bytes = vec![flags];
    bytes.extend(hash(&[b"text", thinking.as_bytes()]));
    bytes.extend(signed_for.prefix.unwrap_or_default());
    bytes.extend(hash(&[b"seal", &bytes]));
    BASE64_STANDARD.encode(bytes)
}

/// Whether this service signed this thinking, and for `prefix` where its model binds thinking.
pub(super) fn judge(thinking: &str, signature: &str, prefix: Option<Digest>) -> Verdict {
    let bytes = BASE64_STANDARD.decode(signature).unwrap_or_default();
    if is_of_first_version(thinking, &bytes) {
        return Verdict::Own;
    }
    let Some((signed, seal)) = bytes.split_last_chunk::<32>() else {
        return Verdict::Foreign;
    };
    let (Some((flags, rest)), true) = (signed.split_first(), hash(&[b"seal", signed]) == *seal)
    else {
        return Verdict::Foreign;
    };
    let Some((text, bound_to)) = rest.split_first_chunk::<32>() else {
        return Verdict::Foreign;
    };
    if flags & OMITTED == 0 && hash(&[b"text", thinking.as_bytes()]) != *text {
        return Verdict::Altered;
    }
    match prefix {
        Some(prefix) if flags & BOUND != 0 && prefix != *bound_to => Verdict::OtherPrefix,
        _ => Verdict::Own,
    }
}

/// The first signatures were one hash, twice.
fn is_of_first_version(thinking: &str, signature: &[u8]) -> bool {
    let hash = Sha256::new()
        .chain_update(FIRST_KEY)
        .chain_update(thinking.as_bytes())
        .finalize();
    signature == [hash.as_slice(), hash.as_slice()].concat()
}

fn hash(parts: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new();
    hash.update(KEY);
    for part in parts {
        hash.update(part);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_text_alone() {
        let signature = sign("let me think", SignedFor::default());
        assert_eq!(judge("let me think", &signature, None), Verdict::Own);
        assert_eq!(judge("let me think ", &signature, None), Verdict::Altered);
        for foreign in ["c2lnbmF0dXJl", "", "not base64"] {
            assert_eq!(judge("let me think", foreign, None), Verdict::Foreign);
        }
    }

    #[test]
    fn signatures_in_old_tables_hold() {
        let signature = "hwzyhtrcunb7O/EeSaQu5Igew9MWKJkrnUUsaBd4Z5qHDPKG2ty6dvs78R5JpC7kiB7D0xYomSudRSxoF3hnmg==";
        assert_eq!(judge("let me think", signature, None), Verdict::Own);
        assert_eq!(judge("let me", signature, None), Verdict::Foreign);
    }

    #[test]
    fn the_text_of_an_omitted_block_does_not_matter() {
        let omitted = SignedFor {
            omitted: true,
            prefix: None,
        };
        let signature = sign("let me think", omitted);
        assert_eq!(judge("", &signature, None), Verdict::Own);
        assert_eq!(judge("anything", &signature, None), Verdict::Own);
    }

    #[test]
    fn a_bound_signature_holds_for_its_prefix_where_the_model_looks() {
        let bound = SignedFor {
            omitted: false,
            prefix: Some([1; 32]),
        };
        let signature = sign("t", bound);
        assert_eq!(judge("t", &signature, Some([1; 32])), Verdict::Own);
        assert_eq!(judge("t", &signature, Some([2; 32])), Verdict::OtherPrefix);
        assert_eq!(judge("t", &signature, None), Verdict::Own);
        let free = sign("t", SignedFor::default());
        assert_eq!(judge("t", &free, Some([1; 32])), Verdict::Own);
    }
}

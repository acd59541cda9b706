//! `encrypted_content`: the signed thinking of one reasoning item, as the client carries it: the seal's mark, then the
//! blocks as JSON, all in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::conversation::ThinkingBlock;
use crate::wire::Seal;

/// One block, in few letters: it travels with every request of its conversation.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Packed {
    Signed { t: String, s: String },
    Redacted { r: String },
}

/// The blocks as one text; `None` where there are none.
pub(super) fn seal(blocks: &[ThinkingBlock], seal: &Seal) -> Option<String> {
    if blocks.is_empty() {
        return None;
    }
    let packed = blocks.iter().map(|block| match block {
        ThinkingBlock::Signed { text, signature } => Packed::Signed {
            t: text.clone(),
            s: signature.clone(),
        },
        ThinkingBlock::Redacted(data) => Packed::Redacted {
            r: STANDARD.encode(data),
        },
    });
    let json = serde_json::to_vec(&packed.collect::<Vec<_>>()).ok()?;
    let mark = seal.mark(&json);
    Some(STANDARD.encode([&mark[..], &json].concat()))
}

/// The blocks in a text; `None` where it is not one that [`seal`] made for the same owner.
pub(super) fn open(text: &str, seal: &Seal) -> Option<Vec<ThinkingBlock>> {
    let sealed = STANDARD.decode(text).ok()?;
    let (mark, json) = sealed.split_at_checked(Seal::MARK)?;
    if !seal.is_on(mark, json) {
        return None;
    }
    let packed: Vec<Packed> = serde_json::from_slice(json).ok()?;
    let blocks = packed.into_iter().filter_map(|block| match block {
        Packed::Signed { t, s } => Some(ThinkingBlock::Signed {
            text: t,
            signature: s,
        }),
        Packed::Redacted { r } => {
            let data = STANDARD.decode(r).ok()?;
            Some(ThinkingBlock::Redacted(data.into()))
        }
    });
    Some(blocks.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_again_and_nothing_else_does() {
        let blocks = [
            ThinkingBlock::Signed {
                text: "one\n\"é\"".into(),
                signature: "SIG==".into(),
            },
            ThinkingBlock::Redacted(vec![0, 255].into()),
        ];
        let [own, other] = ["alice", "bob"].map(|owner| Seal::new(&[7; 32], owner));
        let sealed = seal(&blocks, &own).unwrap();
        assert_eq!(open(&sealed, &own).unwrap(), blocks);
        assert_eq!(open(&sealed, &other), None);
        assert_eq!(seal(&[], &own), None);
        for text in ["", "gAAAAA", "e30=", "%"] {
            assert_eq!(open(text, &own), None, "{text}");
        }
        let bytes = STANDARD.decode(&sealed).unwrap();
        for at in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[at] ^= 1;
            assert_eq!(open(&STANDARD.encode(forged), &own), None, "byte {at}");
        }
    }
}

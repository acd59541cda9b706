//! `encrypted_content`: the signed thinking of one reasoning item, as the client carries it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::conversation::ThinkingBlock;

/// One block, in few letters: it travels with every request of its conversation.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Packed {
    Signed { t: String, s: String },
    Redacted { r: String },
}

/// The blocks as one text; `None` where there are none.
pub(super) fn seal(blocks: &[ThinkingBlock]) -> Option<String> {
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
    Some(STANDARD.encode(json))
}

/// The blocks in a text; none where it is not one that [`seal`] made: another service's own, for instance.
pub(super) fn open(text: &str) -> Vec<ThinkingBlock> {
    let json = STANDARD.decode(text).unwrap_or_default();
    let packed: Vec<Packed> = serde_json::from_slice(&json).unwrap_or_default();
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
    blocks.collect()
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
        assert_eq!(open(&seal(&blocks).unwrap()), blocks);
        assert_eq!(seal(&[]), None);
        for text in ["", "gAAAAA", "e30=", "%"] {
            assert_eq!(open(text), [], "{text}");
        }
    }
}

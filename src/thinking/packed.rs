//! Blocks as they lie in the table: JSON in pieces.

use std::io::{Error, ErrorKind};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::conversation::ThinkingBlock;
use crate::store::pieces;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PackedBlock {
    Signed { text: String, signature: String },
    Redacted(String),
}

/// The blocks as pieces of text, at least one.
pub(super) fn pack(blocks: &[ThinkingBlock]) -> Result<Vec<String>, Error> {
    let stored: Vec<PackedBlock> = blocks.iter().map(PackedBlock::from).collect();
    pieces::pack(&serde_json::to_vec(&stored)?)
}

/// The blocks of pieces joined.
pub(super) fn unpack(text: &str) -> Result<Vec<ThinkingBlock>, Error> {
    let stored: Vec<PackedBlock> = serde_json::from_slice(&pieces::unpack(text)?)?;
    stored.into_iter().map(ThinkingBlock::try_from).collect()
}

fn broken(error: base64::DecodeError) -> Error {
    Error::new(ErrorKind::InvalidData, error)
}

impl From<&ThinkingBlock> for PackedBlock {
    fn from(block: &ThinkingBlock) -> Self {
        match block {
            ThinkingBlock::Signed { text, signature } => PackedBlock::Signed {
                text: text.clone(),
                signature: signature.clone(),
            },
            ThinkingBlock::Redacted(data) => PackedBlock::Redacted(STANDARD.encode(data)),
        }
    }
}

impl TryFrom<PackedBlock> for ThinkingBlock {
    type Error = Error;

    fn try_from(stored: PackedBlock) -> Result<Self, Error> {
        Ok(match stored {
            PackedBlock::Signed { text, signature } => ThinkingBlock::Signed { text, signature },
            PackedBlock::Redacted(data) => {
                ThinkingBlock::Redacted(Bytes::from(STANDARD.decode(data).map_err(broken)?))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back_byte_for_byte_also_in_several_pieces() {
        let noise: Vec<u8> = (0..600_000).map(|_| fastrand::u8(..)).collect();
        let signed = |text: &str| ThinkingBlock::Signed {
            text: text.into(),
            signature: "c2ln+/=".into(),
        };
        for blocks in [
            vec![],
            vec![signed(""), signed("line\n\u{0}\u{7f} \"é\" 𝛑 ")],
            vec![
                signed("a"),
                ThinkingBlock::Redacted(Bytes::from_static(&[0, 255, 10])),
                signed("b"),
            ],
            vec![ThinkingBlock::Redacted(Bytes::from(noise))],
        ] {
            let texts = pack(&blocks).unwrap();
            assert!(texts.iter().all(|piece| piece.len() <= pieces::PIECE));
            assert_eq!(unpack(&texts.concat()).unwrap(), blocks);
        }
    }

    #[test]
    fn thinking_is_stored_smaller_than_it_is() {
        let text = "Let me look at the file first, then at its tests. ".repeat(400);
        let blocks = [ThinkingBlock::Signed {
            text: text.clone(),
            signature: String::new(),
        }];
        let packed: usize = pack(&blocks).unwrap().iter().map(String::len).sum();
        assert!(packed * 4 < text.len(), "{packed}");
    }

    #[test]
    fn what_is_not_packed_is_no_block() {
        assert!(unpack("!").is_err());
        assert!(unpack("AAAA").is_err());
    }
}

//! Blocks as they lie in the table: JSON, deflated, as text in pieces that fit into an item.
//!
//! `flate2` on its Rust backend adds 58 KB to a stripped binary and no C, `zstd` adds 687 KB; and for a recorded turn,
//! of which the signature is the larger part, deflate comes out smaller than zstd.

use std::io::{Error, ErrorKind, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use crate::conversation::ThinkingBlock;

/// An item holds 400 KB, names and keys included
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html>).
const PIECE: usize = 350_000;

/// No turn thinks as much as this many bytes: more is a broken item.
const MOST: u64 = 32 << 20;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stored {
    Signed { text: String, signature: String },
    Redacted(String),
}

/// The blocks as pieces of text, at least one.
pub(super) fn pack(blocks: &[ThinkingBlock]) -> Result<Vec<String>, Error> {
    let stored: Vec<Stored> = blocks.iter().map(Stored::from).collect();
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
    deflate.write_all(&serde_json::to_vec(&stored)?)?;
    let text = STANDARD.encode(deflate.finish()?);
    let mut pieces = Vec::with_capacity(text.len() / PIECE + 1);
    let mut rest = text.as_str();
    // Base64 is ASCII: it can be cut anywhere.
    while let Some((piece, tail)) = rest.split_at_checked(PIECE) {
        pieces.push(piece.to_owned());
        rest = tail;
    }
    if pieces.is_empty() || !rest.is_empty() {
        pieces.push(rest.to_owned());
    }
    Ok(pieces)
}

/// The blocks of pieces joined.
pub(super) fn unpack(text: &str) -> Result<Vec<ThinkingBlock>, Error> {
    let deflated = STANDARD.decode(text).map_err(broken)?;
    let mut json = Vec::new();
    DeflateDecoder::new(deflated.as_slice())
        .take(MOST)
        .read_to_end(&mut json)?;
    let stored: Vec<Stored> = serde_json::from_slice(&json)?;
    stored.into_iter().map(ThinkingBlock::try_from).collect()
}

fn broken(error: base64::DecodeError) -> Error {
    Error::new(ErrorKind::InvalidData, error)
}

impl From<&ThinkingBlock> for Stored {
    fn from(block: &ThinkingBlock) -> Self {
        match block {
            ThinkingBlock::Signed { text, signature } => Stored::Signed {
                text: text.clone(),
                signature: signature.clone(),
            },
            ThinkingBlock::Redacted(data) => Stored::Redacted(STANDARD.encode(data)),
        }
    }
}

impl TryFrom<Stored> for ThinkingBlock {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        Ok(match stored {
            Stored::Signed { text, signature } => ThinkingBlock::Signed { text, signature },
            Stored::Redacted(data) => {
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
            let pieces = pack(&blocks).unwrap();
            assert!(pieces.iter().all(|piece| piece.len() <= PIECE));
            assert_eq!(unpack(&pieces.concat()).unwrap(), blocks);
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

//! Values larger than an item: deflated, as text, in pieces that fit into an item each.
//!
//! `flate2` on its Rust backend adds 58 KB to a stripped binary and no C, `zstd` adds 687 KB; and for a recorded turn
//! of thinking, of which the signature is the larger part, deflate comes out smaller than zstd.

use std::io::{Error, ErrorKind, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// Bytes of a piece. An item holds 400 KB, names and keys included
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html>).
pub const PIECE: usize = 350_000;

/// Bytes of a value that is unpacked. A larger one is broken.
const MOST_UNPACKED: u64 = 64 << 20;

/// The value as pieces of text, at least one.
///
/// # Errors
/// None that is known: deflating into memory cannot fail.
pub fn pack(value: &[u8]) -> Result<Vec<String>, Error> {
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
    deflate.write_all(value)?;
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

/// The value of pieces joined.
///
/// # Errors
/// When the text is not what [`pack`] made.
pub fn unpack(text: &str) -> Result<Vec<u8>, Error> {
    let deflated = STANDARD
        .decode(text)
        .map_err(|error| Error::new(ErrorKind::InvalidData, error))?;
    let mut value = Vec::new();
    DeflateDecoder::new(deflated.as_slice())
        .take(MOST_UNPACKED)
        .read_to_end(&mut value)?;
    Ok(value)
}

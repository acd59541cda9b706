//! What a file of Word or Excel can be billed as: a token a byte of the text in its XML.
//!
//! The parts of the file are not told from each other by their names, which the file itself decides: all that are text
//! count. What cannot be read, or what readers read in different ways, counts as more than any context window holds.

mod archive;
mod cells;
mod xml;

use cells::{cell_tokens, shared_strings};
use xml::{XmlPiece, pieces, readable};

/// What a file counts as that cannot be read.
const UNKNOWN: u64 = 1_800_000;

/// Bytes of the file to a token, at most.
const FILE_BYTES: u64 = 8;

/// Tags that are shown as something by themselves: a line's end, a tab, a sign, a cell.
const SHOWN_TAGS: [&[u8]; 12] = [
    b"p",
    b"br",
    b"cr",
    b"tab",
    b"ptab",
    b"sym",
    b"noBreakHyphen",
    b"softHyphen",
    b"tr",
    b"tc",
    b"row",
    b"c",
];

/// Tags in which space is text, too: text, what was deleted, fields, formulas and values.
const TEXT_TAGS: [&[u8]; 5] = [b"t", b"delText", b"instrText", b"f", b"v"];

/// An upper bound for the whole file, in tokens.
pub(super) fn office_tokens(bytes: &[u8]) -> u64 {
    let text = archive::files(bytes).and_then(|files| text_tokens(&files));
    text.unwrap_or(UNKNOWN).max(bytes.len() as u64 / FILE_BYTES)
}

/// Tokens of all files that are text; `None` if one of them may hide some.
fn text_tokens(files: &[Vec<u8>]) -> Option<u64> {
    let (mut tokens, mut parts) = (0, Vec::new());
    for file in files {
        match readable(file)? {
            Some(xml) => parts.push(xml),
            None if is_text(file) => tokens += file.len() as u64,
            None => {}
        }
    }
    let shared = shared_strings(&parts)?;
    for part in parts {
        tokens += shown(part) + cell_tokens(part, &shared)?;
    }
    Some(tokens)
}

/// Bytes of text, and tags that are shown. The space that indents tags is no text.
fn shown(xml: &[u8]) -> u64 {
    let (mut tokens, mut in_text) = (0, false);
    for piece in pieces(xml) {
        tokens += match piece {
            XmlPiece::Tag(tag) => {
                in_text = TEXT_TAGS.contains(&tag.name());
                u64::from(SHOWN_TAGS.contains(&tag.name()))
            }
            XmlPiece::Text(text) if !in_text && text.trim_ascii().is_empty() => 0,
            XmlPiece::Text(text) => text.len() as u64,
        };
    }
    tokens
}

/// Whether a file that is no XML is text all the same.
fn is_text(file: &[u8]) -> bool {
    !file.contains(&0) && std::str::from_utf8(file).is_ok()
}

#[cfg(test)]
mod tests;

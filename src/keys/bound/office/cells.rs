//! Excel's sheets, whose cells show strings that stand elsewhere, each as often as cells say.

use super::xml::{Tag, XmlPiece, pieces};

/// Bytes of each shared string, by its number; `None` if two parts have such strings.
pub(super) fn shared_strings(parts: &[&[u8]]) -> Option<Vec<u64>> {
    let mut all: Option<Vec<u64>> = None;
    for part in parts {
        let own = strings_of(part);
        if own.is_empty() {
            continue;
        }
        if all.replace(own).is_some() {
            return None;
        }
    }
    Some(all.unwrap_or_default())
}

fn strings_of(part: &[u8]) -> Vec<u64> {
    let mut strings = Vec::new();
    for piece in pieces(part) {
        match piece {
            XmlPiece::Tag(tag) if tag.name() == b"si" => strings.push(0),
            XmlPiece::Text(text) => {
                if let Some(last) = strings.last_mut() {
                    *last += text.len() as u64;
                }
            }
            XmlPiece::Tag(_) => {}
        }
    }
    strings
}

/// Tokens of a sheet's shared strings, and one for each place between its first cell and its last: a table that is
/// written out has a sign for the empty ones, too. 0 for a part without cells.
pub(super) fn cell_tokens(part: &[u8], shared: &[u64]) -> Option<u64> {
    let (mut tokens, mut rows, mut columns) = (0_u64, 0_u64, 0_u64);
    let (mut by_number, mut in_value) = (false, false);
    for piece in pieces(part) {
        match piece {
            XmlPiece::Tag(tag) if tag.name() == b"c" => {
                by_number = tag.attribute(b"t").is_some();
                let (row, column) = place(tag)?;
                (rows, columns) = (rows.max(row), columns.max(column));
            }
            // Half of a number on either side of a comment.
            XmlPiece::Tag(tag) if in_value && tag.is_odd() => return None,
            XmlPiece::Tag(tag) => in_value = by_number && tag.name() == b"v",
            XmlPiece::Text(text) if in_value => {
                tokens = tokens.saturating_add(string(text, shared)?);
            }
            XmlPiece::Text(_) => {}
        }
    }
    Some(tokens.saturating_add(rows.saturating_mul(columns)))
}

/// Bytes of the shared string with this number; 0 for a text.
fn string(number: &[u8], shared: &[u64]) -> Option<u64> {
    if number.contains(&b'&') {
        return None;
    }
    let number = std::str::from_utf8(number.trim_ascii()).ok();
    let number = number.and_then(|number| number.parse::<usize>().ok());
    let bytes = number.and_then(|number| shared.get(number).copied());
    Some(bytes.unwrap_or_default())
}

/// Row and column of a cell, from one (`AB12`); zeros if it does not say.
fn place(cell: Tag<'_>) -> Option<(u64, u64)> {
    let Some(place) = cell.attribute(b"r") else {
        return Some((0, 0));
    };
    let letters = place.iter().take_while(|byte| byte.is_ascii_uppercase());
    let (letters, row) = place.split_at_checked(letters.count())?;
    // Excel's last column is XFD.
    if letters.is_empty() || letters.len() > 3 {
        return None;
    }
    let column = letters.iter().fold(0, |column, letter| {
        column * 26 + u64::from(letter - b'A') + 1
    });
    let row: u32 = std::str::from_utf8(row).ok()?.parse().ok()?;
    Some((row.into(), column))
}

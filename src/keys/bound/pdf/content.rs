//! What a stream of page content shows: text of its own, and other streams by name.

use std::collections::HashMap;

use super::Unknown;
use super::syntax::{Lexer, Token, is_regular, is_space, unescape};

/// What one stream shows.
#[derive(Debug, Default)]
pub(super) struct ShownContent {
    /// Bytes of strings, at least as many as are shown.
    pub(super) text: u64,
    /// How often each name is invoked (`/Fm0 Do`).
    pub(super) invoked: HashMap<Vec<u8>, u64>,
    /// How often something is invoked whose name does not stand beside it.
    pub(super) invoked_unnamed: u64,
}

impl ShownContent {
    /// Adds what a stream shows.
    ///
    /// # Errors
    /// When it invokes more than `most_names` names.
    pub(super) fn add(&mut self, stream: &[u8], most_names: usize) -> Result<(), Unknown> {
        self.text += text_bytes(stream);
        for at in words(stream, b"Do") {
            match name_before(stream.get(..at).unwrap_or_default()) {
                Some(name) => *self.invoked.entry(name).or_default() += 1,
                None => self.invoked_unnamed += 1,
            }
            if self.invoked.len() > most_names {
                return Err(Unknown);
            }
        }
        Ok(())
    }
}

/// Bytes of all strings in a stream; all bytes of a stream where a picture's data or half a string may hide others.
fn text_bytes(stream: &[u8]) -> u64 {
    let strings = match words(stream, b"ID").next() {
        Some(_) => None,
        None => strings(stream).ok(),
    };
    strings.unwrap_or(stream.len()) as u64
}

fn strings(stream: &[u8]) -> Result<usize, Unknown> {
    let mut lexer = Lexer::new(stream);
    let mut bytes = 0;
    while let Some(token) = lexer.token()? {
        bytes += match token {
            Token::Text(length) => length,
            Token::Hex(digits) => digits.len().div_ceil(2),
            _ => 0,
        };
    }
    Ok(bytes)
}

/// Where a word stands by itself; in a string as well, where it says nothing.
fn words<'a>(stream: &'a [u8], word: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    memchr::memmem::find_iter(stream, word).filter(move |at| {
        let before = at.checked_sub(1).and_then(|before| stream.get(before));
        let after = stream.get(at + word.len());
        let apart = |byte: Option<&u8>| byte.is_none_or(|byte| !is_regular(*byte));
        apart(before) && apart(after)
    })
}

/// The name that is the last token of `stream`.
fn name_before(stream: &[u8]) -> Option<Vec<u8>> {
    let space = |byte: &&u8| is_space(**byte);
    let end = stream.len() - stream.iter().rev().take_while(space).count();
    let stream = stream.get(..end)?;
    let regular = stream.iter().rev().take_while(|byte| is_regular(**byte));
    let (before, name) = stream.split_at_checked(end - regular.count())?;
    (before.last() == Some(&b'/')).then(|| unescape(name))
}

/// Bytes of text that one byte of a font's codes stands for at most, in threes and rounded up: a character of nearly
/// any script has three at most in UTF-8, but a map may put whole passages in a code's place.
pub(super) fn threes_of_bytes(map: &[u8]) -> Result<u64, Unknown> {
    let mut lexer = Lexer::new(map);
    let (mut within, mut longest) = (false, 3);
    while let Some(token) = lexer.token()? {
        match token {
            Token::Word(b"beginbfchar" | b"beginbfrange") => within = true,
            Token::Word(b"endbfchar" | b"endbfrange") => within = false,
            Token::Hex(digits) if within => longest = longest.max(utf8_length(digits)),
            Token::Text(length) if within => longest = longest.max(length * 3),
            _ => {}
        }
    }
    Ok(longest.div_ceil(3) as u64)
}

/// The length in UTF-8 of hexadecimal UTF-16.
fn utf8_length(digits: &[u8]) -> usize {
    let digits: Vec<u8> = digits
        .iter()
        .copied()
        .filter(|byte| !is_space(*byte))
        .collect();
    let units = digits.chunks(4).map(|unit| {
        let unit = std::str::from_utf8(unit).ok();
        match unit.and_then(|unit| u16::from_str_radix(unit, 16).ok()) {
            Some(0..0x80) => 1,
            // Half of a character that takes two units and four bytes.
            Some(0x80..0x800 | 0xd800..0xe000) => 2,
            _ => 3,
        }
    });
    units.sum()
}

//! PDF's tokens and values, as far as pages and their text hang on them (ISO 32000-1, 7.2 and 7.3).

use std::collections::HashMap;

use super::Unknown;

/// Values within values; files by real programs have fewer than ten.
const MOST_NESTED: usize = 64;

/// Text that an entry outside the pages may put in a passage's place, each time that the passage is shown.
const LONGEST_REPLACEMENT: usize = 256;

/// The entry with such text.
const REPLACEMENT: &[u8] = b"ActualText";

/// A token.
#[derive(Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// A name without its slash, escapes resolved.
    Name(Vec<u8>),
    /// A string in parentheses: its length in bytes.
    Text(usize),
    /// A string in hexadecimal digits, undecoded.
    Hex(&'a [u8]),
    ArrayOpen,
    ArrayClose,
    DictOpen,
    DictClose,
    /// Everything else: numbers, operators, `true`.
    Word(&'a [u8]),
}

/// Reads tokens one after the other.
#[derive(Clone)]
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// What is kept of a file's values.
pub(super) struct KeptValues {
    /// How many values more may be kept.
    pub(super) room: usize,
    /// Objects that say which text a font's codes stand for.
    pub(super) text_maps: Vec<u32>,
}

/// A dictionary, with what [`wanted`] keeps of it.
pub(super) type Dict = HashMap<Vec<u8>, Value>;

/// A value; numbers that are not whole, strings and words are `Other`.
#[derive(Debug, PartialEq)]
pub(super) enum Value {
    Name(Vec<u8>),
    Int(usize),
    Ref(u32),
    Array(Vec<Value>),
    Dict(Box<Dict>),
    Other,
}

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, 0 | 9 | 10 | 12 | 13 | 32)
}

pub(super) fn is_regular(byte: u8) -> bool {
    !is_space(byte) && !b"()<>[]{}/%".contains(&byte)
}

/// A name with its `#xx` resolved.
pub(super) fn unescape(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&first, tail)) = rest.split_first() {
        let escaped = tail.get(..2).and_then(|digits| {
            let byte = hex::decode(digits).ok()?;
            (first == b'#').then(|| byte.first().copied())?
        });
        plain.push(escaped.unwrap_or(first));
        rest = match escaped {
            Some(_) => tail.get(2..).unwrap_or_default(),
            None => tail,
        };
    }
    plain
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// What follows the token read last.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// The next token; `None` at the end.
    ///
    /// # Errors
    /// When a string does not end, or ends that did not begin.
    pub(super) fn token(&mut self) -> Result<Option<Token<'a>>, Unknown> {
        self.skip_space();
        let rest = self.rest();
        let Some(&first) = rest.first() else {
            return Ok(None);
        };
        let (token, length) = match first {
            b'/' => {
                let length = regular_length(rest.get(1..).unwrap_or_default()) + 1;
                let name = rest.get(1..length).unwrap_or_default();
                (Token::Name(unescape(name)), length)
            }
            b'(' => {
                let (text, length) = text_length(rest)?;
                (Token::Text(text), length)
            }
            b'<' if rest.starts_with(b"<<") => (Token::DictOpen, 2),
            b'>' if rest.starts_with(b">>") => (Token::DictClose, 2),
            b'<' => {
                let end = memchr::memchr(b'>', rest).ok_or(Unknown)?;
                (Token::Hex(rest.get(1..end).unwrap_or_default()), end + 1)
            }
            b'[' => (Token::ArrayOpen, 1),
            b']' => (Token::ArrayClose, 1),
            b')' | b'>' => return Err(Unknown),
            _ => {
                let length = regular_length(rest).max(1);
                (Token::Word(rest.get(..length).unwrap_or_default()), length)
            }
        };
        self.at += length;
        Ok(Some(token))
    }

    /// The next value, of which what matters is kept.
    ///
    /// # Errors
    /// When it is broken, nested too deep, or has a key twice.
    pub(super) fn value(&mut self, kept: &mut KeptValues) -> Result<Value, Unknown> {
        self.nested(kept, 0)
    }

    fn nested(&mut self, kept: &mut KeptValues, depth: usize) -> Result<Value, Unknown> {
        kept.room = kept.room.checked_sub(1).ok_or(Unknown)?;
        if depth > MOST_NESTED {
            return Err(Unknown);
        }
        Ok(match self.token()?.ok_or(Unknown)? {
            Token::Name(name) => Value::Name(name),
            Token::Text(_) | Token::Hex(_) => Value::Other,
            Token::Word(word) => self.number_or_reference(word),
            Token::ArrayOpen => self.array(kept, depth)?,
            Token::DictOpen => Value::Dict(Box::new(self.dict(kept, depth, wanted)?)),
            Token::ArrayClose | Token::DictClose => return Err(Unknown),
        })
    }

    fn array(&mut self, kept: &mut KeptValues, depth: usize) -> Result<Value, Unknown> {
        let mut items = Vec::new();
        loop {
            let before = self.clone();
            match self.token()?.ok_or(Unknown)? {
                Token::ArrayClose => return Ok(Value::Array(items)),
                Token::Text(_) | Token::Hex(_) => {}
                _ => {
                    *self = before;
                    let room = kept.room;
                    match self.nested(kept, depth + 1)? {
                        // What is not kept takes no room.
                        Value::Int(_) | Value::Other => kept.room = room,
                        item => items.push(item),
                    }
                }
            }
        }
    }

    fn dict(
        &mut self,
        kept: &mut KeptValues,
        depth: usize,
        keeps: fn(&[u8]) -> bool,
    ) -> Result<Dict, Unknown> {
        let mut dict = Dict::new();
        loop {
            match self.token()?.ok_or(Unknown)? {
                Token::DictClose => return Ok(dict),
                Token::Name(key) if !keeps(&key) => self.skip_value(&key, kept)?,
                Token::Name(key) => {
                    let before = self.clone();
                    let value = if key == b"XObject" && self.token()? == Some(Token::DictOpen) {
                        // Its keys are names of the file's own.
                        Value::Dict(Box::new(self.dict(kept, depth + 1, |_| true)?))
                    } else {
                        *self = before;
                        self.nested(kept, depth + 1)?
                    };
                    if matters(&key, &value) && dict.insert(key, value).is_some() {
                        return Err(Unknown);
                    }
                }
                _ => return Err(Unknown),
            }
        }
    }

    /// Passes over the value of a key, of any depth; only the maps of text in it are kept.
    /// A long text that replaces another is an error: how often it is shown is not known.
    fn skip_value(&mut self, key: &[u8], kept: &mut KeptValues) -> Result<(), Unknown> {
        let mut open = Vec::new();
        let mut key = key.to_vec();
        loop {
            match self.token()?.ok_or(Unknown)? {
                Token::ArrayOpen => open.push(Token::ArrayClose),
                Token::DictOpen => open.push(Token::DictClose),
                end @ (Token::ArrayClose | Token::DictClose)
                    if open.pop().as_ref() != Some(&end) =>
                {
                    return Err(Unknown);
                }
                Token::Word(word) => match self.number_or_reference(word) {
                    Value::Ref(number) if is_text_map(&key) => kept.text_maps.push(number),
                    Value::Ref(_) if key == REPLACEMENT => return Err(Unknown),
                    _ => {}
                },
                Token::Text(length) if key == REPLACEMENT && length > LONGEST_REPLACEMENT => {
                    return Err(Unknown);
                }
                Token::Hex(digits)
                    if key == REPLACEMENT && digits.len() > 2 * LONGEST_REPLACEMENT =>
                {
                    return Err(Unknown);
                }
                Token::Name(name) if !open.is_empty() => {
                    key = name;
                    continue;
                }
                _ => {}
            }
            key.clear();
            if open.is_empty() {
                return Ok(());
            }
            if open.len() > MOST_NESTED {
                return Err(Unknown);
            }
        }
    }

    /// The word as a whole number, or with the two words after it as a reference (`12 0 R`).
    fn number_or_reference(&mut self, word: &[u8]) -> Value {
        let Some(number) = parse_integer(word) else {
            return Value::Other;
        };
        let mut ahead = self.clone();
        let mut next = || ahead.token().ok().flatten();
        let generation = matches!(next(), Some(Token::Word(word)) if parse_integer(word).is_some());
        if generation && next() == Some(Token::Word(b"R")) {
            *self = ahead;
            return u32::try_from(number).map_or(Value::Other, Value::Ref);
        }
        Value::Int(number)
    }

    fn skip_space(&mut self) {
        loop {
            let rest = self.rest();
            let spaces = rest.iter().take_while(|byte| is_space(**byte)).count();
            self.at += spaces;
            if rest.get(spaces) != Some(&b'%') {
                return;
            }
            let comment = rest.get(spaces..).unwrap_or_default();
            self.at += memchr::memchr2(b'\r', b'\n', comment).unwrap_or(comment.len());
        }
    }
}

/// The whole number that a word is.
pub(super) fn parse_integer(word: &[u8]) -> Option<usize> {
    let digits = word.strip_prefix(b"+").unwrap_or(word);
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn is_text_map(key: &[u8]) -> bool {
    key == b"ToUnicode" || key == b"UseCMap"
}

/// Keys that pages and their text hang on.
fn wanted(key: &[u8]) -> bool {
    const KEYS: [&[u8]; 15] = [
        b"Type",
        b"Subtype",
        b"Pages",
        b"Kids",
        b"Contents",
        b"Resources",
        b"XObject",
        b"Filter",
        b"F",
        b"DecodeParms",
        b"DP",
        b"Length",
        b"N",
        b"First",
        b"Encrypt",
    ];
    KEYS.contains(&key)
}

/// Whether the value says something under this key: most types and subtypes, annotations' words and the like do not.
fn matters(key: &[u8], value: &Value) -> bool {
    match (key, value) {
        (_, Value::Ref(_)) => true,
        (b"Type", Value::Name(name)) => name == b"Page",
        (b"Subtype", Value::Name(name)) => name == b"Form" || name == b"Image",
        (b"F", Value::Int(_)) => false,
        (_, value) => *value != Value::Other,
    }
}

fn regular_length(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| is_regular(**byte)).count()
}

/// The length of the text of a string in parentheses, which may stand in pairs within it; and of the whole token.
fn text_length(token: &[u8]) -> Result<(usize, usize), Unknown> {
    let (mut depth, mut text, mut at) = (0_usize, 0, 0);
    while let Some(&byte) = token.get(at) {
        match byte {
            b'\\' => at += 1,
            b'(' => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            // The outer parentheses are no text.
            return Ok((text - 1, at));
        }
        text += 1;
    }
    Err(Unknown)
}

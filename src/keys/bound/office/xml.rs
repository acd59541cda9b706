//! XML, as far as telling text from tags goes.

/// A tag without its brackets, or the text between two.
pub(super) enum XmlPiece<'a> {
    Tag(Tag<'a>),
    Text(&'a [u8]),
}

/// What stands between `<` and `>`.
#[derive(Clone, Copy)]
pub(super) struct Tag<'a>(pub(super) &'a [u8]);

impl<'a> Tag<'a> {
    /// The name without its namespace's prefix; empty for a tag that ends something.
    pub(super) fn name(self) -> &'a [u8] {
        if self.0.starts_with(b"/") {
            return b"";
        }
        let end = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'/';
        let name = self.0.split(end).next().unwrap_or_default();
        name.rsplit(|byte| *byte == b':').next().unwrap_or_default()
    }

    /// Whether it is a comment or an instruction.
    pub(super) fn is_odd(self) -> bool {
        self.0.starts_with(b"!") || self.0.starts_with(b"?")
    }

    /// An attribute's value as it is written.
    pub(super) fn attribute(self, name: &[u8]) -> Option<&'a [u8]> {
        let mut rest = self.0;
        loop {
            // Name, equals sign, and a value in quotes.
            let equals = memchr::memchr(b'=', rest)?;
            let (before, after) = rest.split_at_checked(equals)?;
            let before = before.trim_ascii_end();
            let own = before.rsplit(u8::is_ascii_whitespace).next()?;
            let (quote, value) = after.get(1..)?.trim_ascii_start().split_first()?;
            let end = memchr::memchr(*quote, value)?;
            if own == name {
                return value.get(..end);
            }
            rest = value.get(end + 1..)?;
        }
    }
}

/// The pieces of a document. What looks like a tag and does not end is text.
pub(super) fn pieces(xml: &[u8]) -> impl Iterator<Item = XmlPiece<'_>> {
    let mut rest = xml;
    std::iter::from_fn(move || {
        if let Some((tag, after)) = rest.strip_prefix(b"<").and_then(split_tag) {
            rest = after;
            return Some(XmlPiece::Tag(Tag(tag)));
        }
        let end = match rest.starts_with(b"<") {
            true => None,
            false => memchr::memchr(b'<', rest),
        };
        let (text, after) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        rest = after;
        (!text.is_empty()).then_some(XmlPiece::Text(text))
    })
}

/// A tag, and what follows the bracket that ends it: not one in an attribute, a comment or an instruction.
fn split_tag(tag: &[u8]) -> Option<(&[u8], &[u8])> {
    let end: &[u8] = match tag {
        [b'!', ..] => b"-->",
        [b'?', ..] => b"?>",
        _ => b">",
    };
    let length = match end {
        b">" => unquoted_end(tag)?,
        end => memchr::memmem::find(tag, end)? + end.len() - 1,
    };
    Some((tag.get(..length)?, tag.get(length + 1..)?))
}

fn unquoted_end(tag: &[u8]) -> Option<usize> {
    let mut quote = None;
    tag.iter().position(|byte| {
        match (quote, byte) {
            (None, b'>') => return true,
            (None, b'"' | b'\'') => quote = Some(*byte),
            (Some(open), byte) if open == *byte => quote = None,
            _ => {}
        }
        false
    })
}

/// The file as XML whose text is what stands between its tags; `Some(None)` if it is none, `None` if its text may be
/// hidden: in another encoding, in entities of its own, or in a section that is not escaped.
pub(super) fn readable(file: &[u8]) -> Option<Option<&[u8]>> {
    let other_encoding: [&[u8]; 4] = [b"\xfe\xff", b"\xff\xfe", b"\0<", b"\0\0\0<"];
    if other_encoding.iter().any(|start| file.starts_with(start)) {
        return None;
    }
    let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
    let xml = file.trim_ascii_start();
    if !xml.starts_with(b"<") {
        return Some(None);
    }
    let mut declarations = memchr::memmem::find_iter(xml, b"<!");
    let only_comments = declarations.all(|at| {
        let declaration = xml.get(at..).unwrap_or_default();
        declaration.starts_with(b"<!--")
    });
    if !only_comments || xml.contains(&0) {
        return None;
    }
    let declaration = xml.strip_prefix(b"<?xml").and_then(|rest| {
        let end = memchr::memchr(b'>', rest)?;
        rest.get(..end)
    });
    let encoding = Tag(declaration.unwrap_or_default()).attribute(b"encoding");
    let known = encoding.is_none_or(|encoding| {
        encoding.eq_ignore_ascii_case(b"utf-8") || encoding.eq_ignore_ascii_case(b"us-ascii")
    });
    known.then_some(Some(xml))
}

//! A line of the log for people, taken apart: `2026-11-23T21:26:36.470892Z  INFO spend: event="spend_open" open="{\"…"`.

use jiff::Timestamp;

use super::lines::{BooksEvent, LineClaim};

/// What stands behind the level of a line for people.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TextLine<'l> {
    text: &'l str,
    /// Nothing but times and names stand before it.
    is_a_line: bool,
}

/// The line from its target on; `None`: it has not this form. One with its time and level only inside of an object or
/// behind a quote is for machines.
pub(super) fn said(line: &str) -> Option<TextLine<'_>> {
    let head = line.split(['{', '"']).next()?;
    let level = [" TRACE ", " DEBUG ", " INFO ", " WARN ", " ERROR "];
    let places = level.iter().flat_map(|level| {
        let found = head.match_indices(level);
        found.map(|(at, level)| (at, at + level.len()))
    });
    let behind_a_time = |(at, _): &(usize, usize)| {
        let before = line.get(..*at).unwrap_or_default();
        let time = before.split_whitespace().next_back();
        time.is_some_and(|time| time.parse::<Timestamp>().is_ok())
    };
    let (at, end) = places.filter(behind_a_time).min()?;
    Some(TextLine {
        text: line.get(end..)?,
        is_a_line: !line.get(..at)?.contains('='),
    })
}

/// The claim of a line of the ledger.
pub(super) fn claim(said: &TextLine<'_>, is_a_line: bool) -> Option<LineClaim> {
    let rest = said.text.strip_prefix("spend: event=\"")?;
    let (name, rest) = rest.split_once('"')?;
    let event = BooksEvent::named(name)?;
    let fields = fields(rest.trim_end());
    let field = |name| {
        let fields = fields.as_ref()?;
        let found = fields.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| value.clone())
    };
    Some(LineClaim {
        event,
        json: field(event.field()).or_else(|| last_field(rest, event.field())),
        signature: field("signature"),
        is_a_line: is_a_line && said.is_a_line,
    })
}

/// ` name=value` as often as the text has it, to its very end; values are words, or texts as `Debug` writes them.
fn fields(mut text: &str) -> Option<Vec<(&str, String)>> {
    let mut fields = Vec::new();
    while !text.is_empty() {
        let (name, rest) = text.strip_prefix(' ')?.split_once('=')?;
        let is_name = !name.is_empty() && !name.contains([' ', '"']);
        let is_new = fields.iter().all(|(other, _)| *other != name);
        if !is_name || !is_new {
            return None;
        }
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => unescaped(quoted)?,
            None => {
                let end = rest.find(' ').unwrap_or(rest.len());
                let (word, rest) = rest.split_at_checked(end)?;
                (word.to_owned(), rest)
            }
        };
        fields.push((name, value));
        text = rest;
    }
    Some(fields)
}

/// The field with which a line of version 0.1 ends: there, an error stood in it without quotes.
fn last_field(text: &str, name: &str) -> Option<String> {
    let opening = format!(" {name}=\"");
    let mut starts = text.match_indices(&opening);
    starts.find_map(|(at, _)| {
        let (value, rest) = unescaped(text.get(at + opening.len()..)?)?;
        rest.trim().is_empty().then_some(value)
    })
}

/// A text as `Debug` writes it, from behind its opening quote, and what follows its closing one.
fn unescaped(text: &str) -> Option<(String, &str)> {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    loop {
        let next = match chars.next()? {
            '"' => return Some((plain, chars.as_str())),
            '\\' => match chars.next()? {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '0' => '\0',
                'u' => {
                    let (code, rest) = chars.as_str().strip_prefix('{')?.split_once('}')?;
                    chars = rest.chars();
                    char::from_u32(u32::from_str_radix(code, 16).ok()?)?
                }
                escaped => escaped,
            },
            char => char,
        };
        plain.push(next);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_is_read_as_debug_writes_it(plain in any::<String>()) {
            let quoted = format!("{plain:?} more");
            let read = unescaped(quoted.strip_prefix('"').unwrap());
            prop_assert_eq!(read, Some((plain, " more")));
        }

        #[test]
        fn no_line_makes_the_reader_panic(line in ".*") {
            let books = format!("2026-11-23T21:26:36Z  INFO spend: event=\"spend_open\"{line}");
            for line in [&line, &books] {
                let _ = said(line).map(|said| claim(&said, true));
            }
        }
    }

    #[test]
    fn fields_are_read_to_the_end_of_the_line_or_not_at_all() {
        let read = fields(r#" a="x \"y\" z=1" b=two c.d="""#).unwrap();
        let expected = [("a", r#"x "y" z=1"#), ("b", "two"), ("c.d", "")];
        let expected = expected.map(|(name, value)| (name, value.to_owned()));
        assert_eq!(read, expected);
        for broken in [
            r#" a="x" and so on"#,
            r#" a="x" a="y""#,
            r#" a="x"#,
            r#" a="x"b=1"#,
        ] {
            assert_eq!(fields(broken), None, "{broken}");
        }
    }

    #[test]
    fn a_level_counts_behind_a_time_alone() {
        let line = "2026-11-23T21:26:36Z  WARN x:  INFO spend: event=";
        assert_eq!(said(line).unwrap().text, "x:  INFO spend: event=");
        for other in [
            "host INFO spend: event=",
            r#"{"m":"2026-11-23T21:26:36Z  INFO spend: event="}"#,
            r#""2026-11-23T21:26:36Z  INFO spend: event="#,
        ] {
            assert_eq!(said(other), None, "{other}");
        }
    }
}

//! One event of the log, taken apart before any format writes it.
//!
//! What stands in a field may be the words of a client or of an upstream. Here they become values: the formats write
//! values and nothing else, each under a name that the line has once.

use std::fmt::{self, Debug, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use crate::spend;

/// What every line says of itself; no field takes these names.
const RESERVED: [&str; 4] = ["timestamp", "level", "target", "message"];

/// The most bytes of a field. A collector that cuts a line makes two of it, of which the second begins with whatever
/// stood there. The lines of the ledger are never cut, and have bounds of their own.
const LONGEST_VALUE: usize = 4_000;

/// One event.
#[derive(Debug)]
pub(super) struct LogLine<'e> {
    pub(super) level: &'e Level,
    pub(super) target: &'e str,
    /// The sentence of the event, where it has one.
    pub(super) message: Option<String>,
    /// The fields in their order, no name twice.
    pub(super) fields: Vec<(String, FieldValue)>,
}

/// What a field holds.
#[derive(Debug, PartialEq)]
pub(super) enum FieldValue {
    /// A number or a truth value, in digits and letters.
    Plain(String),
    /// Words.
    Text(String),
    /// What `Display` or `Debug` make of something.
    Shown(String),
}

impl<'e> LogLine<'e> {
    pub(super) fn of(event: &Event<'e>) -> Self {
        let metadata = event.metadata();
        let mut line = LogLine {
            level: metadata.level(),
            target: metadata.target(),
            message: None,
            fields: Vec::new(),
        };
        event.record(&mut line);
        line
    }

    fn add(&mut self, field: &Field, mut value: FieldValue) {
        let name = self.free_name(field.name());
        if let FieldValue::Text(text) | FieldValue::Shown(text) = &mut value {
            self.bound(text);
        }
        self.fields.push((name, value));
    }

    fn bound(&self, text: &mut String) {
        if text.len() > LONGEST_VALUE && self.target != spend::LOG_TARGET {
            text.truncate(text.floor_char_boundary(LONGEST_VALUE));
            text.push('…');
        }
    }

    /// The field's name, with underscores behind it until it is no other's: in an object with two members of one name
    /// every reader sees another one of them.
    fn free_name(&self, name: &str) -> String {
        let name = name.strip_prefix("r#").unwrap_or(name);
        let in_a_name = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        let mut free = name.replace(|c: char| !in_a_name(c), "_");
        let taken = |name: &str| {
            RESERVED.contains(&name) || self.fields.iter().any(|(other, _)| other == name)
        };
        while free.is_empty() || taken(&free) {
            free.push('_');
        }
        free
    }
}

impl Visit for LogLine<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, FieldValue::Text(value.to_owned()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, FieldValue::Plain(value.to_string()));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, FieldValue::Plain(value.to_string()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, FieldValue::Plain(value.to_string()));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        self.add(field, FieldValue::Plain(value.to_string()));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.add(field, FieldValue::Plain(value.to_string()));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        let value = match value.is_finite() {
            true => FieldValue::Plain(value.to_string()),
            false => FieldValue::Text(value.to_string()),
        };
        self.add(field, value);
    }

    /// The event's sentence comes here too: it is recorded before every field, one of the same name included.
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let mut shown = String::new();
        if write!(shown, "{value:?}").is_err() {
            shown.push('…');
        }
        if field.name() == "message" && self.message.is_none() && self.fields.is_empty() {
            self.bound(&mut shown);
            self.message = Some(shown);
        } else {
            self.add(field, FieldValue::Shown(shown));
        }
    }
}

/// Whether a character is written as it is: it can be seen, and no terminal, viewer or reader of lines takes it for
/// anything else. Controls, line and paragraph separators, marks of direction and characters without width are not.
pub(super) fn is_seen(c: char) -> bool {
    match c.is_ascii() {
        true => c == ' ' || c.is_ascii_graphic(),
        // `Debug` escapes what cannot be seen; every other character stays one.
        false => c.escape_debug().count() == 1,
    }
}

/// Writes the time of a line as the log of every version has: in UTC, to the microsecond.
pub(super) fn write_now(to: &mut impl Write) -> fmt::Result {
    write!(to, "{:.6}", jiff::Timestamp::now())
}

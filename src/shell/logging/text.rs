//! Lines for people: `2026-11-23T21:26:36.470892Z  WARN chain: target failed group="sonnet" status=429`.
//!
//! Behind the target stands the sentence, then `name=value` for each field. A value is a number, a word, or a text in
//! quotes as Rust writes it, so that a line can be taken apart again without doubt: `replay` does that.

use std::fmt::{self, Write};

use tracing::Level;

use super::line::{FieldValue, LogLine, is_seen, write_now};

/// Writes the line with its end.
pub(super) fn write(to: &mut impl Write, line: &LogLine<'_>, colours: bool) -> fmt::Result {
    write_now(to)?;
    match colours {
        true => write!(to, " \x1b[{}m{:>5}\x1b[0m ", colour(line.level), line.level)?,
        false => write!(to, " {:>5} ", line.level)?,
    }
    write!(to, "{}:", line.target)?;
    match &line.message {
        Some(message) if is_sentence(message) => write!(to, " {message}")?,
        Some(message) => write!(to, " message={message:?}")?,
        None => {}
    }
    for (name, value) in &line.fields {
        match value {
            FieldValue::Plain(value) => write!(to, " {name}={value}")?,
            FieldValue::Shown(value) if is_word(value) => write!(to, " {name}={value}")?,
            FieldValue::Shown(value) | FieldValue::Text(value) => write!(to, " {name}={value:?}")?,
        }
    }
    writeln!(to)
}

/// Whether a message can stand without quotes: nothing in it looks like a field or ends the line.
fn is_sentence(message: &str) -> bool {
    !message.is_empty() && message.chars().all(|c| is_seen(c) && !"=\"\\".contains(c))
}

fn is_word(value: &str) -> bool {
    let in_a_word = |c: char| c.is_ascii_alphanumeric() || "_.:/+-".contains(c);
    !value.is_empty() && value.chars().all(in_a_word)
}

fn colour(level: &Level) -> u8 {
    match *level {
        Level::ERROR => 31,
        Level::WARN => 33,
        Level::INFO => 32,
        Level::DEBUG => 34,
        Level::TRACE => 35,
    }
}

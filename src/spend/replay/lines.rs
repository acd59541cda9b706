//! Finds the lines of the ledger in whatever has been wrapped around them on their way.
//!
//! | where a log comes from | what a line of it looks like |
//! |---|---|
//! | the gateway on Lambda | `{"event":"spend_open","open":"{…}","signature":"…",…}` |
//! | the gateway on a terminal | `… INFO spend: event="spend_open" open="{\"…" signature="…"` |
//! | `aws logs tail`, S3 exports, `sam logs` | one of these behind times and names |
//! | `aws logs filter-log-events`, subscriptions | one of these as the `message` of an event |
//! | `sam logs` again, which prints JSON prettily | each member on a line of its own |
//! | Logs Insights | one of these as the `value` of a field, or in a CSV with doubled quotes |
//!
//! What clients say stands in these logs too, inside of strings. It must not become a record: a string is read only
//! where a log's service has put a line into it, and then as that one line. Whether the gateway made a [`LineClaim`] is
//! for its reader to find out.

use serde_json::{Deserializer, Map, Value};

use super::super::{EVENT_HELD, EVENT_OPEN, EVENT_UNRECORDED};
use super::pretty::{ObjectPlace, PrettyObject};
use super::text;

/// What a line says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LineClaim {
    pub(super) event: BooksEvent,
    /// The pending request or the record as JSON; `None`: the line is cut off.
    pub(super) json: Option<String>,
    pub(super) signature: Option<String>,
    /// It is a line of its own, or one that a log's service hands over as such; not a part of another line.
    pub(super) is_a_line: bool,
}

/// Which of the lines it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BooksEvent {
    Opened,
    Held,
    Unrecorded,
}

/// Where something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LinePlace {
    /// In the log itself.
    Log,
    /// In the list of events that a log's service has made of the log.
    Events,
    /// As what such an event holds.
    Message,
    /// Anywhere else.
    Inside,
}

/// The line should say something and does not: it is cut off, or another program wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// What a log's service calls the line that it has taken from the process.
const WRAPPERS: [&str; 4] = ["message", "@message", "log", "value"];
/// What a log's service calls a list of such events.
const LISTS: [&str; 3] = ["events", "logEvents", "results"];

impl BooksEvent {
    /// Its name in the log.
    pub(super) fn name(self) -> &'static str {
        match self {
            BooksEvent::Opened => EVENT_OPEN,
            BooksEvent::Held => EVENT_HELD,
            BooksEvent::Unrecorded => EVENT_UNRECORDED,
        }
    }

    /// The field that holds what it says.
    pub(super) fn field(self) -> &'static str {
        match self {
            BooksEvent::Opened | BooksEvent::Held => "open",
            BooksEvent::Unrecorded => "record",
        }
    }

    pub(super) fn named(name: &str) -> Option<BooksEvent> {
        [BooksEvent::Opened, BooksEvent::Held, BooksEvent::Unrecorded]
            .into_iter()
            .find(|event| event.name() == name)
    }
}

/// Reads a log line by line.
#[derive(Debug, Default)]
pub(super) struct LineReader {
    pretty: PrettyObject,
}

impl LineReader {
    /// Each claim of this line, in order; most lines have none.
    pub(super) fn read(&mut self, line: &str) -> Result<Vec<LineClaim>, Unreadable> {
        let mut reader = ClaimReader::default();
        if self.pretty.takes(line) {
            if let Some((fields, place)) = self.pretty.complete_object() {
                let place = match place {
                    ObjectPlace::Log => LinePlace::Log,
                    ObjectPlace::List => LinePlace::Events,
                    ObjectPlace::Member => LinePlace::Inside,
                };
                reader.object(&fields, place, true);
            }
            return Ok(reader.found);
        }
        if ![EVENT_OPEN, EVENT_HELD, EVENT_UNRECORDED]
            .iter()
            .any(|event| line.contains(event))
        {
            return Ok(Vec::new());
        }
        reader.line(line, LinePlace::Log);
        if !reader.understood && line.contains(r#""""#) {
            for field in csv_fields(line) {
                reader.line(&field, LinePlace::Inside);
            }
        }
        match reader.understood {
            true => Ok(reader.found),
            false => Err(Unreadable),
        }
    }
}

#[derive(Debug, Default)]
struct ClaimReader {
    found: Vec<LineClaim>,
    /// The line has a form that is known, whether or not there is a claim in it.
    understood: bool,
}

impl ClaimReader {
    fn line(&mut self, line: &str, place: LinePlace) {
        let line = line.trim();
        if let Some(said) = text::said(line) {
            self.understood = true;
            let found = text::claim(&said, place != LinePlace::Inside);
            self.found.extend(found);
        } else {
            self.json(line, place);
        }
    }

    /// The first object or list of a line, whatever stands around it, and those that follow it without a space:
    /// Firehose ends no lines.
    fn json(&mut self, line: &str, place: LinePlace) {
        let opens = |(_, c): &(usize, char)| *c == '{' || (*c == '[' && line.starts_with('['));
        for (at, _) in line.char_indices().filter(opens) {
            let (before, from) = line.split_at(at);
            let mut values = Deserializer::from_str(from).into_iter::<Value>();
            let (mut read, mut end) = (Vec::new(), 0);
            while let Some(Ok(value @ (Value::Object(_) | Value::Array(_)))) = values.next() {
                read.push(value);
                end = values.byte_offset();
            }
            if read.is_empty() {
                continue;
            }
            let is_a_line = end == from.len() && !before.contains(['"', '{', '=']);
            for value in &read {
                self.value(value, place, is_a_line);
            }
            self.understood = true;
            return;
        }
    }

    fn value(&mut self, value: &Value, place: LinePlace, is_a_line: bool) {
        match value {
            Value::Object(fields) => self.object(fields, place, is_a_line),
            Value::Array(values) => {
                let place = match place {
                    LinePlace::Log => LinePlace::Events,
                    other => other,
                };
                for value in values {
                    self.value(value, place, is_a_line);
                }
            }
            _ => {}
        }
    }

    fn object(&mut self, fields: &Map<String, Value>, place: LinePlace, is_a_line: bool) {
        let text = |name| fields.get(name).and_then(Value::as_str);
        let target = text("target");
        if let Some(event) = text("event").and_then(BooksEvent::named) {
            let lies_alone = is_a_line && matches!(place, LinePlace::Log | LinePlace::Message);
            self.found.push(LineClaim {
                event,
                json: text(event.field()).map(str::to_owned),
                signature: text("signature").map(str::to_owned),
                is_a_line: lies_alone && target == Some("spend"),
            });
        }
        // A line of the gateway, and no wrapper: what clients say may stand in its fields.
        if target.is_some() || text("event").is_some() {
            return;
        }
        for (name, value) in fields {
            match value {
                Value::String(line) if WRAPPERS.contains(&name.as_str()) => {
                    let is_of_a_log =
                        is_a_line && matches!(place, LinePlace::Log | LinePlace::Events);
                    let holds_a_line = is_of_a_log && is_event(fields);
                    self.wrapped(line, holds_a_line);
                }
                Value::Array(_) if place == LinePlace::Log && LISTS.contains(&name.as_str()) => {
                    self.value(value, LinePlace::Events, is_a_line);
                }
                value => self.value(value, LinePlace::Inside, false),
            }
        }
    }

    /// A text of several lines is not one line of the process, and so is not read.
    fn wrapped(&mut self, line: &str, holds_a_line: bool) {
        let line = line.trim_end();
        let place = match holds_a_line {
            true => LinePlace::Message,
            false => LinePlace::Inside,
        };
        if !line.contains(['\n', '\r']) {
            self.line(line, place);
        }
    }
}

/// Whether an object has the form in which a log's service hands over what a process wrote: an event of CloudWatch, a
/// field of Logs Insights, a line of a container. The gateway's own lines never have, whatever stands in them.
fn is_event(fields: &Map<String, Value>) -> bool {
    const CLOUDWATCH: [&str; 6] = [
        "eventId",
        "extractedFields",
        "id",
        "ingestionTime",
        "logStreamName",
        "timestamp",
    ];
    let only = |names: &[&str], line: &str| {
        fields.contains_key(line)
            && fields
                .keys()
                .all(|name| name == line || names.contains(&name.as_str()))
    };
    let is_insights =
        only(&["field"], "value") && fields.get("field").is_some_and(|field| field == "@message");
    is_insights
        || (only(&CLOUDWATCH, "message") && fields.get("timestamp").is_some_and(Value::is_number))
        || (only(&["attrs", "stream", "time"], "log") && fields.contains_key("stream"))
}

/// The fields of a line of CSV, with their quotes read.
fn csv_fields(line: &str) -> Vec<String> {
    let (mut fields, mut quoted) = (vec![String::new()], false);
    let mut chars = line.trim_end().chars().peekable();
    while let Some(c) = chars.next() {
        let field = fields.last_mut();
        match (c, field) {
            ('"', Some(field)) if quoted && chars.next_if_eq(&'"').is_some() => field.push('"'),
            ('"', _) => quoted = !quoted,
            (',', _) if !quoted => fields.push(String::new()),
            (c, Some(field)) => field.push(c),
            (_, None) => {}
        }
    }
    fields
}

#[cfg(test)]
mod tests;

//! Finds the two lines of the books in whatever has been wrapped around them on their way.
//!
//! | where a log comes from | what a line of it looks like |
//! |---|---|
//! | the gateway on Lambda | `{"event":"spend_open","open":"{…}",…}` |
//! | the gateway on a terminal | `… INFO spend: event="spend_open" open="{\"…"` |
//! | `aws logs tail`, S3 exports, `sam logs` | one of these behind times and names |
//! | `aws logs filter-log-events`, subscriptions | one of these as the `message` of an event |
//! | `sam logs` again, which prints JSON prettily | `"open": "{…}"` |
//! | Logs Insights | one of these as the `value` of a field, or in a CSV with doubled quotes |
//!
//! What clients say stands in these logs too, inside of strings. It must not become a record: strings are searched only
//! where a log's service has put a line into one.

use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Map, Value};

use super::super::{OPEN, Opening, Record, UNRECORDED};
use crate::json;

/// What a line says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Entry {
    Opened(Box<Opening<'static>>),
    Unrecorded(Box<Record>),
}

/// The line should say something and does not: it is cut off, or was written by somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unreadable;

/// What a log's service calls the line that it has taken from the process.
const WRAPPERS: [&str; 4] = ["message", "@message", "log", "value"];

/// Each entry of a line, in order; most lines have none.
pub(super) fn read(line: &str) -> Result<Vec<Entry>, Unreadable> {
    let announced = line.contains(OPEN) || line.contains(UNRECORDED);
    // Every entry carries this name, however it is quoted.
    if !announced && !line.contains("request_id") {
        return Ok(Vec::new());
    }
    let mut reader = Reader::default();
    reader.line(line);
    if reader.found.is_empty() && line.contains(r#""""#) {
        reader.line(&line.replace(r#""""#, r#"""#));
    }
    let says_nothing = reader.found.is_empty() && announced && member(line).is_none();
    if reader.broken || says_nothing {
        return Err(Unreadable);
    }
    Ok(reader.found)
}

#[derive(Debug, Default)]
struct Reader {
    found: Vec<Entry>,
    /// There was an entry that does not read as one.
    broken: bool,
}

impl Reader {
    fn line(&mut self, line: &str) {
        if let Some(fields) = member(line) {
            self.fields(&fields);
        } else if let Some(said) = for_people(line) {
            self.said(said);
        } else {
            self.objects(line);
        }
    }

    /// What stands behind the level of a line for people.
    fn said(&mut self, said: &str) {
        let books = [
            (OPEN, r#"spend: event="spend_open""#, r#" open=""#),
            (
                UNRECORDED,
                r#"spend: event="spend_unrecorded""#,
                r#" record=""#,
            ),
        ];
        for (event, beginning, field) in books {
            if let Some(rest) = said.strip_prefix(beginning) {
                let text = rest.split_once(field).map(|(_, text)| text);
                self.payload(event, text.and_then(unescaped).as_deref());
            }
        }
    }

    /// Every object of a line, whatever stands around it.
    fn objects(&mut self, line: &str) {
        let mut rest = line;
        while let Some((_, from)) = rest.find('{').and_then(|at| rest.split_at_checked(at)) {
            let mut values = Deserializer::from_str(from).into_iter::<Value>();
            let end = match values.next() {
                Some(Ok(value)) => {
                    self.value(&value);
                    values.byte_offset()
                }
                _ => 1,
            };
            rest = from.get(end..).unwrap_or_default();
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.value(value)),
            Value::Object(fields) => self.fields(fields),
            _ => {}
        }
    }

    fn fields(&mut self, fields: &Map<String, Value>) {
        let text = |name| fields.get(name).and_then(Value::as_str);
        // A member on a line of its own: its event stands on another.
        let alone = fields.len() == 1;
        match (text("event"), text("open"), text("record")) {
            (Some(_), _, _) if alone => return,
            (Some(OPEN), open, _) => return self.payload(OPEN, open),
            (Some(UNRECORDED), _, record) => return self.payload(UNRECORDED, record),
            (None, Some(open), _) if alone => return self.payload(OPEN, Some(open)),
            (None, _, Some(record)) if alone => return self.payload(UNRECORDED, Some(record)),
            _ => {}
        }
        // A line of the gateway, and no wrapper: what clients say may stand in its message.
        let own = fields.contains_key("target");
        for (name, value) in fields {
            match value {
                Value::String(text) if !own && WRAPPERS.contains(&name.as_str()) => {
                    text.lines().for_each(|line| self.line(line));
                }
                value => self.value(value),
            }
        }
    }

    fn payload(&mut self, event: &str, text: Option<&str>) {
        let entry = match event {
            OPEN => parsed(text).map(|opening| Entry::Opened(Box::new(opening))),
            _ => parsed(text).map(|record| Entry::Unrecorded(Box::new(record))),
        };
        match entry {
            Some(entry) => self.found.push(entry),
            None => self.broken = true,
        }
    }
}

fn parsed<T: DeserializeOwned>(text: Option<&str>) -> Option<T> {
    json::parse(text?).ok()
}

/// One member of an object that has been printed over several lines.
fn member(line: &str) -> Option<Map<String, Value>> {
    let line = line.trim();
    let line = line.strip_suffix(',').unwrap_or(line);
    if !line.starts_with('"') || !line.ends_with('"') {
        return None;
    }
    serde_json::from_str(&format!("{{{line}}}")).ok()
}

/// What stands behind the level of a line for people. One without a level, or with one only inside of an object, is for
/// machines.
fn for_people(line: &str) -> Option<&str> {
    let head = line.split('{').next()?;
    let levels = [" TRACE ", " DEBUG ", " INFO ", " WARN ", " ERROR "];
    let (at, level) = levels
        .iter()
        .find_map(|level| head.find(level).map(|at| (at, level)))?;
    line.get(at + level.len()..)
}

/// A text as `Debug` writes it, from behind its opening quote to its closing one.
fn unescaped(text: &str) -> Option<String> {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    loop {
        let next = match chars.next()? {
            '"' => return Some(plain),
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
    use std::borrow::Cow;

    use proptest::prelude::*;
    use serde_json::json;

    use super::super::super::{Caller, RequestId, Status};
    use super::*;

    fn opening(model: &str) -> Opening<'static> {
        let id = "chatcmpl-01a20a4d-bcb6-788d-9737-1c9114623a03";
        Opening {
            request_id: RequestId::parse(id).unwrap(),
            call_type: "acompletion".into(),
            model: model.to_owned().into(),
            estimated_input: 12,
            stream: true,
            caller: Cow::Owned(Caller {
                key_hash: "ab".repeat(32),
                session_id: Some("s \"1\" é".into()),
                ..Caller::default()
            }),
            tags: vec!["team-a".to_owned()].into(),
            litellm_call_id: None,
            trace_id: Some("t".into()),
            reservations: Cow::default(),
        }
    }

    fn record() -> Record {
        let mut record = Record::new(
            opening("").request_id,
            "a \"b\" \\ é\u{7}\n",
            Caller::default(),
        );
        record.status = Status::Success;
        record.seal();
        record
    }

    fn text(value: &impl serde::Serialize) -> String {
        serde_json::to_string(value).unwrap()
    }

    /// Both lines as the gateway writes them on Lambda.
    fn own() -> [(String, Entry); 2] {
        let (opening, record) = (opening("sonnet"), record());
        let line = |level, rest: Value| {
            let mut line = json!({"timestamp": "2026-11-23T21:26:36.470892Z", "level": level});
            line.as_object_mut()
                .unwrap()
                .extend(rest.as_object().unwrap().clone());
            line["target"] = json!("spend");
            line.to_string()
        };
        let open = json!({"event": OPEN, "open": text(&opening)});
        let unrecorded = json!({"event": UNRECORDED, "error": "busy {", "record": text(&record)});
        [
            (line("INFO", open), Entry::Opened(Box::new(opening))),
            (
                line("ERROR", unrecorded),
                Entry::Unrecorded(Box::new(record)),
            ),
        ]
    }

    #[test]
    fn a_line_is_found_in_whatever_wraps_it() {
        for (line, entry) in own() {
            let event = json!({"logStreamName": "2026/11/23/[$LATEST]ab", "message": format!("{line}\n"), "eventId": "1"});
            let insights =
                json!({"results": [[{"field": "@message", "value": line}]], "status": "Complete"});
            let pretty: Value = serde_json::from_str(&line).unwrap();
            let csv = format!("2026-11-23 21:26:36.470,\"{}\"", line.replace('"', "\"\""));
            let single = [
                line.clone(),
                format!("2026/11/23/[$LATEST]ab 2026-11-23T21:26:36 {line}"),
                format!("2026-11-23T21:26:36.470000+00:00 2026/11/23/[$LATEST]ab{{1}} {line}"),
                format!("EVENTS\t1\t2\t{line}\t2026/11/23/[$LATEST]ab\t3"),
                event.to_string(),
                json!({"messageType": "DATA_MESSAGE", "logEvents": [event]}).to_string(),
                json!({"log": line, "stream": "stdout"}).to_string(),
                insights.to_string(),
                csv,
            ];
            for wrapped in single {
                assert_eq!(
                    read(&wrapped).unwrap(),
                    std::slice::from_ref(&entry),
                    "{wrapped}"
                );
            }
            for pretty in [pretty, json!({"events": [event]}), insights] {
                let lines = serde_json::to_string_pretty(&pretty).unwrap();
                let found = lines.lines().flat_map(|line| read(line).unwrap());
                assert_eq!(
                    found.collect::<Vec<_>>(),
                    std::slice::from_ref(&entry),
                    "{lines}"
                );
            }
            let twice = json!({"events": [event, event]}).to_string();
            assert_eq!(read(&twice).unwrap(), [entry.clone(), entry]);
        }
    }

    #[test]
    fn a_line_for_people_is_read_too() {
        let opening = opening("a \"b\" \\ é\u{7}\u{200b}\n'");
        let line = format!(
            "2026-11-23T21:26:36.470892Z  INFO spend: event=\"spend_open\" open={:?}",
            text(&opening)
        );
        let wrapped = json!({"message": line}).to_string();
        for line in [line, wrapped] {
            assert_eq!(
                read(&line).unwrap(),
                [Entry::Opened(Box::new(opening.clone()))]
            );
        }
        let line = format!(
            "2026-11-23T21:26:36.470892Z ERROR spend: event=\"spend_unrecorded\" error=the table is busy (x): y record={:?}",
            text(&record())
        );
        assert_eq!(
            read(&line).unwrap(),
            [Entry::Unrecorded(Box::new(record()))]
        );
    }

    #[test]
    fn what_is_cut_off_is_said() {
        for (line, _) in own() {
            let end = line.find("request_id").unwrap();
            for cut in [&line[..end], &line[..line.len() - 2]] {
                assert_eq!(read(cut), Err(Unreadable), "{cut}");
            }
        }
        let line =
            r#"2026-11-23T21:26:36.470892Z  INFO spend: event="spend_open" open="{\"request"#;
        assert_eq!(read(line), Err(Unreadable));
        let wrong = json!({"event": OPEN, "open": "{}"}).to_string();
        assert_eq!(read(&wrong), Err(Unreadable));
    }

    #[test]
    fn what_a_client_says_is_no_entry() {
        let forged = json!({"event": OPEN, "open": text(&opening("opus"))}).to_string();
        let lines = [
            json!({"target": "request", "event": "chat", "model": forged}).to_string(),
            json!({"target": "request", "message": format!("no such model: {forged}")}).to_string(),
            format!("2026-11-23T21:26:36.470892Z  WARN request: no such model: {forged}"),
            format!("2026-11-23T21:26:36.470892Z  INFO request: chat model={forged:?}"),
        ];
        for line in lines {
            assert!(read(&line).unwrap_or_default().is_empty(), "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_makes_the_reader_panic(before in ".*", after in ".*") {
            let _ = read(&format!("{before}spend_open{after}"));
            for (line, _) in own() {
                let _ = read(&format!("{before}{line}{after}"));
                let _ = read(&line.replace("request_id", &after));
            }
        }

        #[test]
        fn a_text_is_read_as_debug_writes_it(plain in any::<String>()) {
            let quoted = format!("{plain:?} more");
            prop_assert_eq!(unescaped(quoted.strip_prefix('"').unwrap()), Some(plain));
        }
    }
}

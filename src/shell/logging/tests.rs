use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use tracing::Level;

use super::*;

/// The members of an object in their order; two of one name are an error.
#[derive(Debug, PartialEq)]
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let (mut names, mut members) = (BTreeSet::new(), Vec::new());
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    assert!(names.insert(name.clone()), "{name} stands there twice");
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(All)
    }
}

impl Members {
    fn text(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(other, _)| other == name);
        found.and_then(|(_, value)| value.as_str()).unwrap()
    }
}

/// What is written in this format while this runs.
fn written(format: LineFormat, what: impl FnOnce()) -> String {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let to = Arc::clone(&kept);
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .event_format(format)
        .with_writer(move || Kept(Arc::clone(&to)));
    tracing::subscriber::with_default(registry().with(lines), what);
    String::from_utf8(kept.lock().unwrap().clone()).unwrap()
}

struct Kept(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Debugs as its own words.
struct Raw<'a>(&'a str);

impl fmt::Debug for Raw<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.0)
    }
}

/// The text wherever an event can hold one.
fn say(text: &str) {
    tracing::warn!(
        message = text, level = text, target = %text, timestamp = ?text, display = %text, debug = ?Raw(text), n = 7,
        yes = true, half = 0.5, none = None::<u64>, "said {}", "plainly"
    );
    tracing::warn!("{text}");
    tracing::warn!(message = text);
}

#[test]
fn an_event_is_one_json_object_with_one_member_of_a_name() {
    let text = "x\n{\"event\":\"spend_unrecorded\"}\r\u{1b}[31m\u{85}\u{2028}\u{202e}\u{7f}\u{9b}\u{e0041}é";
    let lines = written(LineFormat::Json, || say(text));
    assert_eq!(lines.lines().count(), 3);
    assert!(
        lines
            .chars()
            .all(|c| c == '\n' || c == 'é' || c.is_ascii_graphic() || c == ' ')
    );
    let read: Vec<Members> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<_> = read[0].0.iter().map(|(name, _)| name.as_str()).collect();
    let own = ["timestamp", "level", "message"];
    let fields = [
        "message_",
        "level_",
        "target_",
        "timestamp_",
        "display",
        "debug",
        "n",
        "yes",
        "half",
        "target",
    ];
    assert_eq!(names, [own.as_slice(), &fields].concat());
    assert_eq!(read[0].text("message"), "said plainly");
    assert_eq!(read[0].text("level"), "WARN");
    for name in ["message_", "level_", "target_", "display", "debug"] {
        assert_eq!(read[0].text(name), text);
    }
    assert_eq!(read[1].text("message"), text);
    assert_eq!(read[2].text("message_"), text);
}

#[test]
fn a_line_for_people_is_a_sentence_and_fields_in_quotes() {
    let lines = written(LineFormat::Text, || say("x\n y=\"z\" \u{1b}\u{2028}"));
    let lines: Vec<_> = lines
        .lines()
        .map(|line| line.split_once("Z ").unwrap().1)
        .collect();
    let quoted = r#""x\n y=\"z\" \u{1b}\u{2028}""#;
    let target = " WARN bedrock_sidecar::shell::logging::tests:";
    let debugged = format!("{quoted:?}");
    let fields = format!(
        "message_={quoted} level_={quoted} target_={quoted} timestamp_={debugged} display={quoted} debug={quoted} n=7 \
         yes=true half=0.5"
    );
    assert_eq!(lines[0], format!("{target} said plainly {fields}"));
    assert_eq!(lines[1], format!("{target} message={quoted}"));
    assert_eq!(lines[2], format!("{target} message_={quoted}"));
    let words = written(
        LineFormat::Text,
        || tracing::info!(id = %"chatcmpl-1", error = %"it broke", "done"),
    );
    assert!(
        words.ends_with("done id=chatcmpl-1 error=\"it broke\"\n"),
        "{words}"
    );
}

#[test]
fn a_field_is_cut_to_a_length_that_no_collector_cuts_and_the_books_are_not() {
    let long = "é".repeat(100_000);
    let lines = written(LineFormat::Json, || {
        tracing::info!(long, shown = %long, "{long}");
        tracing::info!(target: spend::LOG_TARGET, long);
    });
    let lengths: Vec<_> = lines.lines().map(str::len).collect();
    assert!(lengths[0] < 15_000 && lengths[1] > 200_000, "{lengths:?}");
}

proptest! {
    #[test]
    fn whatever_is_said_is_read_back_from_its_line(text in any::<String>()) {
        let lines = written(LineFormat::Json, || say(&text));
        let read: Vec<Members> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        prop_assert_eq!(read.len(), 3);
        for name in ["message_", "level_", "target_", "display", "debug"] {
            prop_assert_eq!(read[0].text(name), &text);
        }
        prop_assert_eq!(read[1].text("message"), &text);
        let lines = written(LineFormat::Text, || say(&text));
        prop_assert_eq!(lines.lines().count(), 3);
        prop_assert!(lines.chars().all(|c| c == '\n' || line::is_seen(c)));
    }
}

#[test]
fn a_plain_level_is_the_gateway_s_own() {
    let filter = filter("debug");
    assert!(filter.would_enable("bedrock_sidecar::chain", &Level::DEBUG));
    assert!(filter.would_enable("request", &Level::DEBUG));
    assert!(!filter.would_enable("hyper", &Level::INFO));
    assert!(filter.would_enable("hyper", &Level::WARN));
    assert!(!filter.would_enable("aws_config::profile", &Level::WARN));
}

#[test]
fn a_filter_says_it_for_each_target() {
    let filter = filter("bedrock_sidecar=debug, bedrock_sidecar::chain=off,WARN");
    assert!(filter.would_enable("bedrock_sidecar::keys", &Level::DEBUG));
    assert!(!filter.would_enable("bedrock_sidecar::chain", &Level::ERROR));
    assert!(filter.would_enable("hyper", &Level::WARN));
    assert!(!filter.would_enable("hyper", &Level::INFO));
}

#[test]
fn what_cannot_be_read_takes_nothing_else_with_it() {
    let filter = filter("bedrock_sidecar=loud,hyper=info");
    assert!(filter.would_enable("hyper", &Level::INFO));
    assert!(!filter.would_enable("bedrock_sidecar", &Level::ERROR));
}

#[test]
fn the_lines_of_the_books_pass_every_filter() {
    for level in ["off", "error", "hyper=info", "=", ""] {
        assert!(
            filter(level).would_enable(spend::LOG_TARGET, &Level::INFO),
            "{level}"
        );
    }
}

//! An object that has been printed over several lines: `sam logs` does that to a line of JSON, and `aws` to all it prints.

use serde_json::{Map, Value};

/// More members than a line of a log has: what grows larger is none.
const MOST_MEMBERS: usize = 200;

/// Gathers the members of an object from its lines. Of objects within each other the innermost counts: that is where a
/// log's lines stand.
#[derive(Debug, Default)]
pub(super) struct PrettyObject {
    /// The lines since the brace, where one is open.
    members: Option<Vec<String>>,
    place: ObjectPlace,
    closed: bool,
}

/// Where such an object stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum ObjectPlace {
    /// At the beginning of a line, or behind times and names.
    #[default]
    Log,
    /// In a list.
    List,
    /// As a member of another.
    Member,
}

impl PrettyObject {
    /// Whether the line is a part of such an object.
    pub(super) fn takes(&mut self, line: &str) -> bool {
        let is_indented = line.starts_with([' ', '\t']);
        let line = line.trim();
        if line.ends_with('{') {
            self.members = Some(Vec::new());
            self.place = match (line.contains('"'), is_indented) {
                (true, _) => ObjectPlace::Member,
                (false, true) => ObjectPlace::List,
                (false, false) => ObjectPlace::Log,
            };
            return true;
        }
        let Some(members) = &mut self.members else {
            return false;
        };
        let closes = matches!(line, "}" | "},");
        let is_member = line.starts_with('"') && members.len() < MOST_MEMBERS;
        match (closes, is_member) {
            (true, _) => self.closed = true,
            (false, true) => members.push(line.to_owned()),
            (false, false) => self.members = None,
        }
        closes || is_member
    }

    /// The object, if the last line has closed it.
    pub(super) fn complete_object(&mut self) -> Option<(Map<String, Value>, ObjectPlace)> {
        if !std::mem::take(&mut self.closed) {
            return None;
        }
        let members = self.members.take()?;
        let fields = serde_json::from_str(&format!("{{{}}}", members.join("\n"))).ok()?;
        Some((fields, self.place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objects(text: &str) -> Vec<(String, ObjectPlace)> {
        let mut pretty = PrettyObject::default();
        let found = text.lines().filter_map(|line| {
            pretty.takes(line);
            pretty.complete_object()
        });
        found
            .map(|(object, place)| (Value::Object(object).to_string(), place))
            .collect()
    }

    #[test]
    fn the_innermost_objects_are_gathered() {
        let printed = "stream 2026-11-23T21:26:36 {\n  \"a\": \"{\",\n  \"b\": 1\n}\nother\n{\n  \"events\": [\n    {\n\"c\": 2\n},\n  {\n\"d\": {\n\"e\": 3\n}\n}\n]\n}";
        let expected = [
            (r#"{"a":"{","b":1}"#, ObjectPlace::Log),
            (r#"{"c":2}"#, ObjectPlace::List),
            (r#"{"e":3}"#, ObjectPlace::Member),
        ];
        let expected = expected.map(|(object, place)| (object.to_owned(), place));
        assert_eq!(objects(printed), expected);
    }

    #[test]
    fn what_is_broken_off_is_no_object() {
        for broken in [
            "{\n\"a\": 1\nhello\n}",
            "\"a\": 1\n}",
            "{\n\"a\": 1",
            "{\n\"a\"\n}",
        ] {
            assert!(objects(broken).is_empty(), "{broken}");
        }
    }
}

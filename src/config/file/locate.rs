//! From a path to a line and a column.

use std::cell::OnceCell;
use std::fmt;
use std::ops::Range;

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::error::FilePosition;
use super::path::{FieldPath, PathStep};

/// Which end of `key: value` is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Aim {
    Key,
    Value,
}

/// Where a path leads in the text, or the nearest value above it that the text has (a merged or an absent field
/// stands nowhere).
///
/// The parser tells places only in errors. So the text is read once more, straight to the value in question, and
/// that value fails.
pub(super) fn locate(source: &str, path: &FieldPath, aim: Aim) -> Option<FilePosition> {
    let mut steps = path.0.as_slice();
    let mut aim = aim;
    loop {
        let parser = serde_yaml::Deserializer::from_str(source);
        if let Err(error) = (PathWalk { steps, aim }).deserialize(parser) {
            return error.location().map(place);
        }
        (_, steps) = steps.split_last()?;
        aim = Aim::Value;
    }
}

/// Finds places in one text. The parser reads all of it for each place, which takes seconds for a list of a thousand models:
/// so a place inside of an entry of `model_list` is looked for in the lines of that entry alone.
#[derive(Debug)]
pub(super) struct Locator<'s> {
    source: &'s str,
    /// The entries' lines, once they were asked for; none where they do not stand on lines of their own.
    entries: OnceCell<Vec<EntryLines>>,
}

/// The lines of one entry.
#[derive(Debug)]
struct EntryLines {
    /// Where they stand in the text, in bytes.
    bytes: Range<usize>,
    /// How many lines stand before it.
    lines_before: usize,
}

const MODEL_LIST: &str = "model_list";

impl<'s> Locator<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        Self {
            source,
            entries: OnceCell::new(),
        }
    }

    /// As [`locate`].
    pub(super) fn locate(&self, path: &FieldPath, aim: Aim) -> Option<FilePosition> {
        self.in_entry(path, aim)
            .or_else(|| locate(self.source, path, aim))
    }

    fn in_entry(&self, path: &FieldPath, aim: Aim) -> Option<FilePosition> {
        let [PathStep::Key(list), PathStep::Index(n), rest @ ..] = path.0.as_slice() else {
            return None;
        };
        if list != MODEL_LIST {
            return None;
        }
        let entries = self.entries.get_or_init(|| entries(self.source));
        let entry = entries.get(*n)?;
        let mut within = FieldPath::default().index(0);
        within.0.extend_from_slice(rest);
        let place = locate(self.source.get(entry.bytes.clone())?, &within, aim)?;
        Some(FilePosition {
            line: place.line + entry.lines_before,
            ..place
        })
    }
}

/// The entries of `model_list`, where each begins with a dash on a line of its own and means the same without the rest of
/// the file: an alias (`*name`, `<<`) does not.
fn entries(source: &str) -> Vec<EntryLines> {
    let Some(list) = locate(source, &FieldPath::of(&[MODEL_LIST]), Aim::Value) else {
        return Vec::new();
    };
    let indent = list.column.saturating_sub(1);
    let mut entries: Vec<(usize, usize)> = Vec::new();
    let (mut offset, mut end) = (0, source.len());
    for (number, line) in source.split_inclusive('\n').enumerate() {
        let text = line.trim_start_matches(' ');
        let depth = line.len() - text.len();
        let says_something = !text.trim().is_empty() && !text.starts_with('#');
        if number + 1 >= list.line && says_something && depth <= indent {
            if depth < indent || !(text.starts_with("- ") || text.trim_end() == "-") {
                end = offset;
                break;
            }
            entries.push((offset, number));
        }
        offset += line.len();
    }
    let ends = entries.iter().skip(1).map(|(start, _)| *start).chain([end]);
    let entries: Vec<EntryLines> = entries
        .iter()
        .zip(ends)
        .map(|((start, lines_before), end)| EntryLines {
            bytes: *start..end,
            lines_before: *lines_before,
        })
        .collect();
    let all = entries.first().zip(entries.last());
    let text = all.and_then(|(first, last)| source.get(first.bytes.start..last.bytes.end));
    if text.is_some_and(has_alias) {
        return Vec::new();
    }
    entries
}

/// Whether a text may have an alias: a star before a name, where a value may begin.
fn has_alias(text: &str) -> bool {
    let mut stars = text.match_indices('*');
    stars.any(|(at, _)| {
        let (before, after) = text.split_at(at);
        before.ends_with([' ', '[', '{', ',', '\t'])
            && after.chars().nth(1).is_some_and(char::is_alphanumeric)
    })
}

/// The parser's place as ours.
pub(super) fn place(location: serde_yaml::Location) -> FilePosition {
    FilePosition {
        line: location.line(),
        column: location.column(),
    }
}

/// Walks down the text along a path and fails at its end.
#[derive(Clone, Copy)]
struct PathWalk<'p> {
    steps: &'p [PathStep],
    aim: Aim,
}

impl<'de> DeserializeSeed<'de> for PathWalk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if self.steps.is_empty() {
            deserializer.deserialize_any(FailHere)
        } else {
            deserializer.deserialize_any(self)
        }
    }
}

impl<'de> Visitor<'de> for PathWalk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the rest of a path")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((PathStep::Key(wanted), rest)) = self.steps.split_first() else {
            return Ok(());
        };
        let fail = rest.is_empty() && self.aim == Aim::Key;
        while let Some(found) = map.next_key_seed(KeySeed { wanted, fail })? {
            if found {
                map.next_value_seed(PathWalk {
                    steps: rest,
                    ..self
                })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Some((PathStep::Index(wanted), rest)) = self.steps.split_first() else {
            return Ok(());
        };
        for _ in 0..*wanted {
            if list.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        list.next_element_seed(PathWalk {
            steps: rest,
            ..self
        })?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A key of a mapping: is it the wanted one?
struct KeySeed<'p> {
    wanted: &'p str,
    fail: bool,
}

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        let found = key == self.wanted;
        if found && self.fail {
            return Err(E::custom("here"));
        }
        Ok(found)
    }
}

/// Fails, whatever stands there.
struct FailHere;

impl<'de> Visitor<'de> for FailHere {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing")
    }
}

#[cfg(test)]
mod tests {
    use serde_yaml::Value;

    use super::*;

    fn paths(value: &Value, at: &FieldPath, all: &mut Vec<FieldPath>) {
        all.push(at.clone());
        match value {
            Value::Mapping(fields) => {
                for (key, field) in fields {
                    paths(field, &at.key(key.as_str().unwrap_or("?")), all);
                }
            }
            Value::Sequence(items) => {
                for (n, item) in items.iter().enumerate() {
                    paths(item, &at.index(n), all);
                }
            }
            _ => {}
        }
    }

    #[test]
    fn a_place_is_the_same_in_its_entry_and_in_the_file() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/litellm_configs");
        let files = std::fs::read_dir(folder).unwrap();
        let files = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
        let own = [
            "model_list:\n- a: 1\n  b: |\n    text\n    - no item\n# between\n- {a: [1,\n    2]}\nz: 1\n",
            "model_list: [{a: 1}, {b: 2}]\n",
            "model_list:\n  -\n    a: 1\n  - - 1\n    - 2\nx:\n  - a\n",
            "x: &p {c: 1}\nmodel_list:\n  - a: *p\n  - <<: *p\n    b: 2\n",
            "model_list:\n  - a: bedrock/*\n    b: \"*\"\n",
            "y:\n- q\nmodel_list:\n- a: 1\n",
        ];
        for source in files.chain(own.map(str::to_owned)) {
            let Ok(root) = serde_yaml::from_str::<Value>(&source) else {
                continue;
            };
            let mut all = Vec::new();
            paths(&root, &FieldPath::default(), &mut all);
            let locator = Locator::new(&source);
            for path in all {
                for path in [path.key("absent"), path] {
                    for aim in [Aim::Key, Aim::Value] {
                        let expected = locate(&source, &path, aim);
                        assert_eq!(locator.locate(&path, aim), expected, "{path} in\n{source}");
                    }
                }
            }
        }
    }
}

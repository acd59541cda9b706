//! A copy of a file in which everything has an effect: `bedrock-sidecar migrate`.
//!
//! What a reading finds to be without effect is made a comment where it stands on lines of its own, so that the author's
//! own comments and order stay. What stands among other things on a line (`[a, b]`) is written anew, with the smallest
//! mapping or list around it that has lines of its own.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use serde_yaml::Value;

use super::file::{Edit, EditKind, FieldPath, PathStep, YamlBlock, YamlText};
use super::{Config, Environment};

/// What every comment of a migration begins with.
const MARK: &str = "bedrock-sidecar:";

/// A migrated file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// The copy.
    pub text: String,
    /// How many places of it differ.
    pub changes: usize,
}

/// The copy of a file in which what has no effect is a comment, and variables that are written as shells write them are
/// `os.environ/…`. What asks for protection that is missing stays: whether to go without is not decided here. A text that
/// is no YAML stays as it is.
pub fn migrate(file: &str, source: &str, environment: &Environment<'_>) -> Migrated {
    let edits = Config::edits(file, source, environment);
    let unchanged = || Migrated {
        text: source.to_owned(),
        changes: 0,
    };
    let Ok(root) = serde_yaml::from_str::<Value>(source) else {
        return unchanged();
    };
    if edits.is_empty() {
        return unchanged();
    }
    let edits = widen(edits, &root);
    let mut cleaned = root.clone();
    clean(&mut cleaned, &FieldPath::default(), &edits);
    let text = rewrite(source, &root, &edits);
    let is_right = serde_yaml::from_str::<Value>(&text).is_ok_and(|read| same(&read, &cleaned));
    Migrated {
        changes: edits.len(),
        // Some way to write YAML that lines do not tell: then it is written anew as a whole.
        text: if is_right {
            text
        } else {
            anew(&cleaned, &edits)
        },
    }
}

/// Whether two files say the same. A section whose keys are all gone says as much as none.
fn same(one: &Value, other: &Value) -> bool {
    let said = |value: &Value| match value {
        Value::Mapping(fields) => {
            let mut fields = fields.clone();
            fields.retain(|_, value| !is_empty(value));
            Value::Mapping(fields)
        }
        other => other.clone(),
    };
    said(one) == said(other)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Mapping(fields) => fields.is_empty(),
        Value::Sequence(items) => items.is_empty(),
        _ => false,
    }
}

/// Removes a list or a mapping as a whole where all that is in it is removed; the sections of the file stay.
fn widen(mut edits: Vec<Edit>, root: &Value) -> Vec<Edit> {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    edits.retain(|edit| seen.insert(edit.path.to_string()));
    loop {
        let mut removed: BTreeMap<String, (FieldPath, usize, String)> = BTreeMap::new();
        for edit in &edits {
            let EditKind::Remove { reason } = &edit.kind else {
                continue;
            };
            let Some(parent) = edit.path.parent() else {
                continue;
            };
            let (_, count, _) = removed
                .entry(parent.to_string())
                .or_insert_with(|| (parent, 0, reason.clone()));
            *count += 1;
        }
        let whole = removed.into_values().find(|(parent, count, _)| {
            parent.0.len() > 1
                && match parent.find(root) {
                    Some(Value::Mapping(fields)) => fields.len() == *count,
                    Some(Value::Sequence(items)) => items.len() == *count,
                    _ => false,
                }
        });
        let Some((parent, _, reason)) = whole else {
            return outermost(edits);
        };
        edits.retain(|edit| !edit.path.0.starts_with(&parent.0));
        edits.push(Edit {
            path: parent,
            kind: EditKind::Remove { reason },
        });
    }
}

/// Without the changes inside of what is removed.
fn outermost(edits: Vec<Edit>) -> Vec<Edit> {
    let removed = edits.iter();
    let removed = removed.filter(|edit| matches!(edit.kind, EditKind::Remove { .. }));
    let removed: Vec<FieldPath> = removed.map(|edit| edit.path.clone()).collect();
    let is_inside = |path: &FieldPath| {
        let mut removed = removed.iter();
        removed.any(|outer| outer != path && path.0.starts_with(&outer.0))
    };
    edits
        .into_iter()
        .filter(|edit| !is_inside(&edit.path))
        .collect()
}

/// The file's values without what is removed, and with what is replaced.
fn clean(value: &mut Value, at: &FieldPath, edits: &[Edit]) {
    let is_removed = |path: &FieldPath| {
        let mut edits = edits.iter();
        edits.any(|edit| edit.path == *path && matches!(edit.kind, EditKind::Remove { .. }))
    };
    let replacement = edits.iter().find_map(|edit| match &edit.kind {
        EditKind::Replace { value } if edit.path == *at => Some(value.clone()),
        _ => None,
    });
    if let Some(replacement) = replacement {
        *value = Value::String(replacement);
        return;
    }
    match value {
        Value::Mapping(fields) => {
            fields.retain(|key, _| key.as_str().is_none_or(|key| !is_removed(&at.key(key))));
            for (key, field) in fields.iter_mut() {
                if let Some(key) = key.as_str() {
                    clean(field, &at.key(key), edits);
                }
            }
        }
        Value::Sequence(items) => {
            let kept = std::mem::take(items).into_iter().enumerate();
            let kept = kept.filter(|(index, _)| !is_removed(&at.index(*index)));
            *items = kept
                .map(|(index, mut item)| {
                    clean(&mut item, &at.index(index), edits);
                    item
                })
                .collect();
        }
        _ => {}
    }
}

/// The text with its changes; `root` are its values as they were.
fn rewrite(source: &str, root: &Value, edits: &[Edit]) -> String {
    let text = YamlText::new(source);
    let mut changes: Vec<(Range<usize>, Vec<String>)> = Vec::new();
    let mut anew: Vec<(FieldPath, YamlBlock)> = Vec::new();
    for edit in edits {
        match (&edit.kind, text.block(&edit.path)) {
            (EditKind::Remove { reason }, Some(block)) => {
                let lines = commented(reason, text.lines(&block), block.indent);
                changes.push((block.lines, lines));
            }
            (EditKind::Replace { .. }, Some(block)) => anew.push((edit.path.clone(), block)),
            (_, None) => anew.extend(text.block_around(&edit.path)),
        }
    }
    // What is written anew has all changes inside of it.
    anew.sort_by_key(|(_, block)| (block.lines.start, Reverse(block.lines.end)));
    let mut written: Vec<Range<usize>> = Vec::new();
    for (path, block) in anew {
        let is_inside =
            |outer: &Range<usize>| outer.start <= block.lines.start && block.lines.end <= outer.end;
        if written.iter().any(is_inside) {
            continue;
        }
        changes
            .retain(|(range, _)| range.end <= block.lines.start || range.start >= block.lines.end);
        let lines = written_anew(&path, root, edits, block.indent);
        written.push(block.lines.clone());
        changes.push((block.lines, lines));
    }
    changes.sort_by_key(|(range, _)| range.start);
    text.with(changes)
}

/// Lines as a comment, with the reason above them.
fn commented(reason: &str, lines: &[&str], indent: usize) -> Vec<String> {
    let margin = " ".repeat(indent);
    let mut written = vec![format!("{margin}# {MARK} {reason}")];
    written.extend(lines.iter().map(|line| {
        let rest = line.get(indent..).unwrap_or_else(|| line.trim_start());
        format!("{margin}# {rest}").trim_end().to_owned()
    }));
    written
}

/// The value at a path with its changes, and above it what they are.
fn written_anew(path: &FieldPath, root: &Value, edits: &[Edit], indent: usize) -> Vec<String> {
    let margin = " ".repeat(indent);
    let inside = edits.iter().filter(|edit| edit.path.0.starts_with(&path.0));
    let mut lines: Vec<String> = inside
        .map(|edit| format!("{margin}# {MARK} {}", said(edit)))
        .collect();
    let mut value = path.find(root).cloned().unwrap_or_default();
    clean(&mut value, path, edits);
    let whole = match path.0.last() {
        Some(PathStep::Key(key)) => {
            Value::Mapping([(Value::from(key.as_str()), value)].into_iter().collect())
        }
        _ => Value::Sequence(vec![value]),
    };
    let text = serde_yaml::to_string(&whole).unwrap_or_default();
    lines.extend(
        text.lines()
            .map(|line| format!("{margin}{line}").trim_end().to_owned()),
    );
    lines
}

/// The whole file written anew.
fn anew(cleaned: &Value, edits: &[Edit]) -> String {
    let comments: Vec<String> = edits
        .iter()
        .map(|edit| format!("# {MARK} {}\n", said(edit)))
        .collect();
    let text = serde_yaml::to_string(cleaned).unwrap_or_default();
    format!("{}{text}", comments.concat())
}

/// A change in words, with its place. One line: a key of the file may have several.
fn said(edit: &Edit) -> String {
    let said = match &edit.kind {
        EditKind::Remove { reason } => format!("{} is gone: {reason}", edit.path),
        EditKind::Replace { value } => format!("{} is now {value}", edit.path),
    };
    said.replace(char::is_control, " ")
}

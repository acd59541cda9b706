//! The lines of a YAML file, and which of them a value has for itself.

use std::ops::Range;

use super::locate::{Aim, locate};
use super::path::{FieldPath, PathStep};

/// The lines of a key with its value, or of a list's item: nothing else stands on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::config) struct YamlBlock {
    /// Counted from 0.
    pub lines: Range<usize>,
    /// The column of its key or dash, counted from 0.
    pub indent: usize,
}

/// A YAML file by its lines.
pub(in crate::config) struct YamlText<'s> {
    source: &'s str,
    lines: Vec<&'s str>,
}

impl<'s> YamlText<'s> {
    pub(in crate::config) fn new(source: &'s str) -> Self {
        Self {
            source,
            lines: source.lines().collect(),
        }
    }

    pub(in crate::config) fn lines(&self, block: &YamlBlock) -> &[&'s str] {
        self.lines.get(block.lines.clone()).unwrap_or_default()
    }

    /// The lines of the value at a path. `None`: other values stand on them too.
    pub(in crate::config) fn block(&self, path: &FieldPath) -> Option<YamlBlock> {
        let last = path.0.last()?;
        let aim = match last {
            PathStep::Key(_) => Aim::Key,
            PathStep::Index(_) => Aim::Value,
        };
        let place = locate(self.source, path, aim)?;
        let (first, column) = (place.line.checked_sub(1)?, place.column.checked_sub(1)?);
        let line = self.lines.get(first)?;
        let before: String = line.chars().take(column).collect();
        let indent = match last {
            PathStep::Key(key) => {
                let found: String = line.chars().skip(column).collect();
                let found = found.trim_start_matches(['"', '\'']);
                (before.trim().is_empty() && found.starts_with(key.as_str())).then_some(column)?
            }
            PathStep::Index(_) => {
                let dash = before.trim_end();
                let indent = dash.strip_suffix('-')?;
                indent.trim().is_empty().then_some(indent.len())?
            }
        };
        let end = self.end(first, indent, matches!(last, PathStep::Key(_)));
        Some(YamlBlock {
            lines: first..end,
            indent,
        })
    }

    /// The smallest block that has the value at a path in it, of those around it.
    pub(in crate::config) fn block_around(
        &self,
        path: &FieldPath,
    ) -> Option<(FieldPath, YamlBlock)> {
        let mut around = path.clone();
        while around.0.pop().is_some() {
            if let Some(block) = self.block(&around) {
                return Some((around, block));
            }
        }
        None
    }

    /// The first line after a block: deeper lines belong to it, and to a key also the items of its list, whose dashes may
    /// stand as far left as the key. Blank lines and comments at its end belong to what follows.
    fn end(&self, first: usize, indent: usize, is_key: bool) -> usize {
        let mut end = first + 1;
        for (number, line) in self.lines.iter().enumerate().skip(first + 1) {
            let text = line.trim_start();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let depth = line.len() - text.len();
            let is_item = text == "-" || text.starts_with("- ");
            if depth < indent || (depth == indent && !(is_key && is_item)) {
                break;
            }
            end = number + 1;
        }
        end
    }

    /// The text with other lines in the place of these, which are sorted and apart from each other.
    pub(in crate::config) fn with(&self, changes: Vec<(Range<usize>, Vec<String>)>) -> String {
        let mut written: Vec<&str> = Vec::with_capacity(self.lines.len());
        let mut next = 0;
        for (range, lines) in &changes {
            written.extend(self.lines.get(next..range.start).unwrap_or_default());
            written.extend(lines.iter().map(String::as_str));
            next = range.end;
        }
        written.extend(self.lines.get(next..).unwrap_or_default());
        let mut text = written.join("\n");
        text.push('\n');
        text
    }
}

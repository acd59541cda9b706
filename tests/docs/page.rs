//! A document in Markdown, heading by heading.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::PathBuf;

pub(super) const ENGLISH: &str = "README.md";
pub(super) const JAPANESE: &str = "README.ja.md";

/// What stands between two headings.
pub(super) struct Section {
    pub(super) file: String,
    pub(super) title: String,
    pub(super) line: usize,
    pub(super) level: usize,
    /// With the line that opens each.
    pub(super) blocks: Vec<String>,
    /// Each one's line under the header, which says its columns, and its number of rows.
    pub(super) tables: Vec<(String, usize)>,
    pub(super) spans: BTreeMap<String, usize>,
    pub(super) links: BTreeMap<String, usize>,
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}, '{}'", self.file, self.line, self.title)
    }
}

impl Section {
    /// Spans of code and links. Every other piece between backticks is code.
    fn take_prose(&mut self, prose: &str) {
        let mut spoken = String::new();
        for (at, piece) in prose.split('`').enumerate() {
            if at % 2 == 1 {
                *self.spans.entry(piece.to_owned()).or_default() += 1;
            } else {
                spoken.push_str(piece);
            }
        }
        for target in spoken.split("](").skip(1) {
            let target = target.split(')').next().unwrap_or_default();
            *self.links.entry(target.to_owned()).or_default() += 1;
        }
    }

    /// Links but those from one README to the other. A picture of a page in Japanese counts as the same page's in English.
    pub(super) fn links_elsewhere(&self) -> BTreeMap<String, usize> {
        let links = self.links.iter();
        let links = links.filter(|(link, _)| *link != ENGLISH && *link != JAPANESE);
        let links = links.map(|(link, times)| (link.replace("-ja.png", ".png"), *times));
        links.collect()
    }

    /// Each line of code that stands here, in blocks and in spans.
    pub(super) fn code(&self) -> impl Iterator<Item = &str> {
        let lines = self.blocks.iter().flat_map(|block| block.lines());
        lines.chain(self.spans.keys().map(String::as_str))
    }

    /// The blocks of a language, without the lines around them.
    pub(super) fn blocks_of(&self, language: &str) -> impl Iterator<Item = &str> {
        let opening = format!("```{language}\n");
        let blocks = self.blocks.iter();
        blocks.filter_map(move |block| block.strip_prefix(&opening))
    }

    /// What a link to this heading ends in.
    pub(super) fn anchor(&self) -> String {
        let title = self.title.to_lowercase();
        let kept = title
            .chars()
            .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    }
}

pub(super) fn root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

pub(super) fn read(file: &str) -> String {
    fs::read_to_string(root(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// README.md and every page of `docs/`.
pub(super) fn pages() -> Vec<String> {
    let mut pages: Vec<String> = fs::read_dir(root("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".md"))
        .map(|name| format!("docs/{name}"))
        .collect();
    assert!(pages.len() > 10, "{pages:?}");
    pages.push(ENGLISH.to_owned());
    pages.sort();
    pages
}

/// A document, heading by heading.
pub(super) fn sections(file: &str) -> Vec<Section> {
    let text = read(file);
    let mut found: Vec<Section> = Vec::new();
    let mut prose = String::new();
    let mut lines = text.lines().enumerate().peekable();
    while let Some((at, line)) = lines.next() {
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        if level > 0 {
            if let Some(last) = found.last_mut() {
                last.take_prose(&std::mem::take(&mut prose));
            }
            found.push(Section {
                file: file.to_owned(),
                title: line.trim_start_matches(['#', ' ']).to_owned(),
                line: at + 1,
                level,
                blocks: Vec::new(),
                tables: Vec::new(),
                spans: BTreeMap::new(),
                links: BTreeMap::new(),
            });
        }
        let section = found.last_mut().expect("a document begins with its title");
        if line.trim_start().starts_with("```") {
            let mut block = vec![line.trim_start()];
            let inside = lines.by_ref().map(|(_, line)| line);
            block.extend(inside.take_while(|line| line.trim() != "```"));
            section.blocks.push(block.join("\n"));
            continue;
        }
        if line.starts_with("|---") {
            section.tables.push((line.to_owned(), 0));
        } else if line.starts_with('|')
            && lines
                .peek()
                .is_none_or(|(_, next)| !next.starts_with("|---"))
        {
            section.tables.last_mut().expect("a table has a header").1 += 1;
        }
        prose.push_str(line);
        prose.push(' ');
    }
    if let Some(last) = found.last_mut() {
        last.take_prose(&prose);
    }
    found
}

//! README.md tells the truth about this repository, and README.ja.md says the same in Japanese.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::iter::once;
use std::path::PathBuf;

const ENGLISH: &str = "README.md";
const JAPANESE: &str = "README.ja.md";

/// Files that README.md names and that are not of this repository: LiteLLM's, and one that the reader writes.
const OF_OTHERS: [&str; 4] = ["config.yaml", "manage-litellm.sh", "setup_env.sh", "my.yml"];
/// What a build leaves at the repository's root.
const BUILT: [&str; 3] = ["target", ".data", ".venv"];
/// How a name ends that can only be a file's.
const ENDINGS: [&str; 8] = ["rs", "yml", "yaml", "toml", "json", "md", "sh", "example"];
/// Read to learn where the process is, and never set by a user.
const SET_BY_LAMBDA: &str = "AWS_EXECUTION_ENV";

#[test]
fn both_readmes_have_the_same_sections() {
    let (english, japanese) = (sections(ENGLISH), sections(JAPANESE));
    for (one, other) in english.iter().zip(&japanese) {
        let (wanted, found) = (one.level, other.level);
        assert_eq!(
            wanted, found,
            "{one} is a heading of level {wanted}, but in its place stands {other}, of level {found}"
        );
    }
    let extra = english
        .get(japanese.len())
        .or_else(|| japanese.get(english.len()));
    assert!(extra.is_none(), "one README ends before {}", extra.unwrap());
}

#[test]
fn both_readmes_have_the_same_code_tables_and_links() {
    for (one, other) in sections(ENGLISH).iter().zip(&sections(JAPANESE)) {
        same(one, other, "block of code", &one.blocks, &other.blocks);
        same(one, other, "table", &one.tables, &other.tables);
        same_count(one, other, "code", &one.spans, &other.spans);
        let (to_one, to_other) = (one.links_elsewhere(), other.links_elsewhere());
        same_count(one, other, "link to", &to_one, &to_other);
    }
}

#[test]
fn each_readme_begins_with_a_link_to_the_other() {
    for (file, other) in [(ENGLISH, JAPANESE), (JAPANESE, ENGLISH)] {
        let link = format!("]({other})");
        let is_linked = read(file).lines().take(3).any(|line| line.contains(&link));
        assert!(is_linked, "no link to {other} at the top of {file}");
    }
}

#[test]
fn every_make_target_that_the_readme_names_is_in_the_makefile() {
    let makefile = read("Makefile");
    let targets: BTreeSet<&str> = makefile
        .lines()
        .filter(|line| !line.starts_with(['\t', '.', '#']))
        .filter_map(|line| line.split_once(':'))
        .map(|(target, _)| target)
        .collect();
    let mut named = 0;
    for section in sections(ENGLISH) {
        for line in section.code() {
            let line = line.split(" #").next().unwrap();
            let words: Vec<&str> = line.split_whitespace().collect();
            let calls = words.windows(2).filter(|pair| pair[0] == "make");
            for target in calls.flat_map(|pair| pair[1].split("\\|")) {
                let target = target.trim_end_matches(';');
                assert!(
                    targets.contains(target),
                    "{section} names `make {target}`, which the Makefile does not have"
                );
                named += 1;
            }
        }
    }
    assert!(named > 20, "only {named} targets were found in {ENGLISH}");
}

#[test]
fn the_readme_s_table_of_variables_is_what_the_process_reads() {
    let env_config = read("src/shell/env_config.rs");
    let code = env_config.split("#[cfg(test)]").next().unwrap();
    let is_name = |text: &&str| {
        text.starts_with(|c: char| c.is_ascii_uppercase())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let known: BTreeSet<&str> = code.split('"').skip(1).step_by(2).filter(is_name).collect();
    let readme = read(ENGLISH);
    let documented: BTreeSet<&str> = readme
        .lines()
        .skip_while(|line| !line.starts_with("| variable |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .filter_map(|line| line.split('|').nth(1))
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .collect();
    for name in &documented {
        assert!(
            known.contains(name),
            "{ENGLISH} has the variable {name}, which src/shell/env_config.rs does not read"
        );
    }
    for name in known {
        assert!(
            documented.contains(name) || name == SET_BY_LAMBDA,
            "src/shell/env_config.rs reads {name}, which {ENGLISH}'s table of variables lacks"
        );
    }
}

#[test]
fn every_file_that_the_readme_names_exists() {
    let mut named = 0;
    for section in sections(ENGLISH) {
        let in_blocks = section.blocks.iter().flat_map(|block| paths(block, false));
        let in_spans = section.spans.keys().flat_map(|span| paths(span, true));
        let linked = section.links.keys().filter(|link| !link.contains("://"));
        for path in in_blocks.chain(in_spans).chain(linked.map(String::as_str)) {
            assert!(
                root(path).exists() || root("config").join(path).exists(),
                "{section} names {path}, which does not exist"
            );
            named += 1;
        }
    }
    assert!(named > 15, "only {named} paths were found in {ENGLISH}");
}

/// What stands between two headings.
struct Section {
    file: &'static str,
    title: String,
    line: usize,
    level: usize,
    blocks: Vec<String>,
    /// Each one's line under the header, which says its columns, and its number of rows.
    tables: Vec<(String, usize)>,
    spans: BTreeMap<String, usize>,
    links: BTreeMap<String, usize>,
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}, '{}'", self.file, self.line, self.title)
    }
}

impl Section {
    /// Spans of code and links. Every other piece between backticks is code.
    fn take_prose(&mut self, prose: &str) {
        for (at, piece) in prose.split('`').enumerate() {
            if at % 2 == 1 {
                *self.spans.entry(piece.to_owned()).or_default() += 1;
                continue;
            }
            for target in piece.split("](").skip(1) {
                let target = target.split(')').next().unwrap_or_default();
                *self.links.entry(target.to_owned()).or_default() += 1;
            }
        }
    }

    /// Links but those from one README to the other.
    fn links_elsewhere(&self) -> BTreeMap<String, usize> {
        let mut links = self.links.clone();
        links.retain(|link, _| link != ENGLISH && link != JAPANESE);
        links
    }

    /// Each line of code that stands here, in blocks and in spans.
    fn code(&self) -> impl Iterator<Item = &str> {
        let lines = self.blocks.iter().flat_map(|block| block.lines());
        lines.chain(self.spans.keys().map(String::as_str))
    }
}

fn root(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(file: &str) -> String {
    fs::read_to_string(root(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// A README, heading by heading.
fn sections(file: &'static str) -> Vec<Section> {
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
                file,
                title: line.trim_start_matches(['#', ' ']).to_owned(),
                line: at + 1,
                level,
                blocks: Vec::new(),
                tables: Vec::new(),
                spans: BTreeMap::new(),
                links: BTreeMap::new(),
            });
        }
        let section = found.last_mut().expect("a README begins with its title");
        if line.starts_with("```") {
            let inside = lines.by_ref().map(|(_, line)| line);
            let block = once(line).chain(inside.take_while(|line| *line != "```"));
            section.blocks.push(block.collect::<Vec<_>>().join("\n"));
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

/// The paths in some code: what begins with a name at the repository's root and, in a span, whatever ends like a file.
fn paths(code: &str, is_span: bool) -> impl Iterator<Item = &str> {
    let words = code.split(|c: char| c.is_whitespace() || "=\"'`,;()".contains(c));
    words.filter(move |word| {
        if OF_OTHERS.contains(word) || word.contains(['<', '*', '…', ':']) || word.starts_with('/')
        {
            return false;
        }
        let first = word.split('/').next().unwrap_or_default();
        let is_of_root = word.contains('/') && root(first).exists();
        let (stem, ending) = word.rsplit_once('.').unwrap_or((word, ""));
        let is_placeholder = stem.bytes().all(|byte| byte.is_ascii_uppercase());
        let is_file = ENDINGS.contains(&ending) && !is_placeholder && !word.starts_with('~');
        !BUILT.contains(&first) && (is_of_root || is_span && is_file)
    })
}

fn same<T: PartialEq + fmt::Debug>(
    one: &Section,
    other: &Section,
    what: &str,
    wanted: &[T],
    found: &[T],
) {
    for (at, (wanted, found)) in wanted.iter().zip(found).enumerate() {
        let number = at + 1;
        assert_eq!(
            wanted, found,
            "{what} {number} of {one} is another one in {other}"
        );
    }
    let (of_one, of_other) = (wanted.len(), found.len());
    assert_eq!(
        of_one, of_other,
        "{one} has {what} {of_one} times, {other} {of_other} times"
    );
}

fn same_count(
    one: &Section,
    other: &Section,
    what: &str,
    wanted: &BTreeMap<String, usize>,
    found: &BTreeMap<String, usize>,
) {
    for text in wanted.keys().chain(found.keys()) {
        let times =
            |counts: &BTreeMap<String, usize>| counts.get(text).copied().unwrap_or_default();
        let (of_one, of_other) = (times(wanted), times(found));
        assert_eq!(
            of_one, of_other,
            "{one} has the {what} `{text}` {of_one} times, {other} {of_other} times"
        );
    }
}

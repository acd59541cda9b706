//! Both READMEs say the same, and are short.

use std::collections::BTreeMap;
use std::fmt;

use super::page::{ENGLISH, JAPANESE, Section, read, sections};

/// A reader has five minutes.
const MOST_LINES: usize = 170;

#[test]
fn a_readme_is_read_in_five_minutes() {
    for file in [ENGLISH, JAPANESE] {
        let lines = read(file).lines().count();
        assert!(lines <= MOST_LINES, "{file} has {lines} lines");
    }
}

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

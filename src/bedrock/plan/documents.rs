//! Documents: names that Bedrock takes, and what stands in for a document that the target cannot read.

use std::collections::{HashMap, HashSet};

use crate::conversation::{Document, DocumentFormat, Part, Turn};

/// Bedrock's limit for a document's name
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html>).
const LONGEST_NAME: usize = 200;

/// Stands in for a document: its text where it has one, else a note that it was left out.
pub(super) fn as_text(document: &Document) -> Part {
    let name = legal(&document.name);
    Part::Text(
        match document.text().filter(|text| !text.trim().is_empty()) {
            Some(text) => format!("[document {name}]\n{text}"),
            None => format!("[a document stood here: {name}; this model cannot read it]"),
        },
    )
}

/// Gives every document a legal name of its own. Names depend on what stands before a document and on nothing after
/// it, so that they stay the same from turn to turn: they are part of the cached prefix.
pub(super) fn name(turns: &mut [Turn]) {
    let mut taken = TakenNames::default();
    for part in turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        match part {
            Part::Document(document) => name_one(document, &mut taken),
            Part::ToolResult(result) => {
                for part in &mut result.content {
                    if let Part::Document(document) = part {
                        name_one(document, &mut taken);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The names so far.
#[derive(Default)]
struct TakenNames {
    names: HashSet<String>,
    /// The number that the next document of a name gets: a conversation may have very many of one name.
    next: HashMap<String, usize>,
}

fn name_one(document: &mut Document, taken: &mut TakenNames) {
    let wanted = legal(&document.name);
    let mut name = wanted.clone();
    let next = taken.next.entry(wanted.clone()).or_insert(2);
    while !taken.names.insert(name.clone()) {
        name = format!("{wanted} ({next})");
        *next += 1;
    }
    document.name = name;
}

/// The file's name without its ending, of letters, digits, single spaces, hyphens, parentheses and square brackets.
/// Bedrock says "alphanumeric" and takes no other alphabets everywhere, so only ASCII stays.
fn legal(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let stem = match name.rsplit_once('.') {
        Some((stem, ending)) if DocumentFormat::of_ending(ending).is_some() => stem,
        _ => name,
    };
    let signs = stem.chars().map(|c| match c {
        c if c.is_ascii_alphanumeric() || "-()[]".contains(c) => c,
        _ => ' ',
    });
    let spaced: String = signs.collect();
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let name: String = words.join(" ").chars().take(LONGEST_NAME - 10).collect();
    let name = name.trim_end();
    if name.is_empty() {
        "Document".to_owned()
    } else {
        name.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::legal;

    #[test]
    fn names_are_made_legal() {
        let cases = [
            ("", "Document"),
            ("報告書.pdf", "Document"),
            ("Q3 report_final.v2.pdf", "Q3 report final v2"),
            ("a  b\t(1) [x]-y.txt", "a b (1) [x]-y"),
            ("../../etc/passwd", "passwd"),
        ];
        for (name, expected) in cases {
            assert_eq!(legal(name), expected, "{name}");
        }
        assert!(legal(&"x y ".repeat(200)).len() <= 190);
    }
}

//! What the documents name is there: files, targets of the Makefile, commands of the binary and their options.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use super::page::{pages, read, root, sections};

/// Files that the documents name and that are not of this repository: LiteLLM's, and those that the reader writes.
const OF_OTHERS: [&str; 9] = [
    "config.yaml",
    "manage-litellm.sh",
    "setup_env.sh",
    "my.yml",
    "config/my.yml",
    "config.yml",
    "models.json",
    "keys.json",
    "samconfig.local.toml",
];
/// What a build leaves at the repository's root.
const BUILT: [&str; 3] = ["target", ".data", ".venv"];
/// How a name ends that can only be a file's.
const ENDINGS: [&str; 8] = ["rs", "yml", "yaml", "toml", "json", "md", "sh", "example"];
const BINARY: &str = "bedrock-sidecar";

#[test]
fn every_make_target_that_is_named_is_in_the_makefile() {
    let makefile = read("Makefile");
    let targets: BTreeSet<&str> = makefile
        .lines()
        .filter(|line| !line.starts_with(['\t', '.', '#']))
        .filter_map(|line| line.split_once(':'))
        .map(|(target, _)| target)
        .collect();
    let mut named = 0;
    for section in pages().iter().flat_map(|page| sections(page)) {
        for line in section.code() {
            let words: Vec<&str> = words_of_command(line);
            for at in (0..words.len()).filter(|at| words[*at] == "make") {
                let after = &words[at + 1..];
                let Some(target) = after.first() else {
                    continue;
                };
                for target in target.split("\\|") {
                    let target = target.trim_end_matches(';');
                    assert!(
                        targets.contains(target),
                        "{section} names `make {target}`, which the Makefile does not have"
                    );
                    named += 1;
                }
                let set = after.iter().filter_map(|word| word.split_once('='));
                for (variable, _) in set {
                    // It is used as `$(NAME)`, or what a target runs reads it and its help says so.
                    let forms = [format!("$({variable})"), format!("{variable}=")];
                    assert!(
                        forms.iter().any(|form| makefile.contains(form)),
                        "{section} sets {variable} for `make {}`, which the Makefile does not read",
                        after[0]
                    );
                }
            }
        }
    }
    assert!(named > 30, "only {named} targets were found");
}

#[test]
fn every_command_of_the_binary_that_is_named_is_there_with_its_options() {
    let mut helps: BTreeMap<String, Option<String>> = BTreeMap::new();
    for section in pages().iter().flat_map(|page| sections(page)) {
        for line in section.code() {
            let words: Vec<&str> = words_of_command(line);
            for at in (0..words.len()).filter(|at| words[*at] == BINARY) {
                let is_name = |word: &&&str| {
                    word.bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
                        && !word.starts_with('-')
                };
                let after = &words[at + 1..];
                let command: Vec<&str> = after.iter().take_while(is_name).copied().collect();
                if command.is_empty() {
                    continue;
                }
                let help = helps
                    .entry(command.join(" "))
                    .or_insert_with(|| help(&command));
                let Some(help) = help else {
                    panic!("{section} names `{BINARY} {}`", command.join(" "));
                };
                let of_command = after.iter().take_while(|word| !"&|;>".contains(**word));
                for option in of_command.filter(|word| word.starts_with("--")) {
                    assert!(
                        help.contains(option),
                        "{section} names {option} of `{BINARY} {}`",
                        command.join(" ")
                    );
                }
            }
        }
    }
    assert!(helps.len() > 6, "{:?}", helps.keys());
}

/// What the binary says of a command; nothing where it has none of this name.
fn help(command: &[&str]) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_bedrock-sidecar"))
        .args(command)
        .arg("--help")
        .env_clear()
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    (output.status.success()).then_some(help)
}

/// The words of a line of code, without what is said about it behind a `#`.
fn words_of_command(line: &str) -> Vec<&str> {
    let line = line.split(" #").next().unwrap();
    line.split_whitespace().collect()
}

#[test]
fn every_file_that_is_named_exists() {
    let mut named = 0;
    for section in pages().iter().flat_map(|page| sections(page)) {
        let in_blocks = section.blocks.iter().flat_map(|block| paths(block, false));
        let in_spans = section.spans.keys().flat_map(|span| paths(span, true));
        for path in in_blocks.chain(in_spans) {
            assert!(
                root(path).exists() || root("config").join(path).exists(),
                "{section} names {path}, which does not exist"
            );
            named += 1;
        }
    }
    assert!(named > 15, "only {named} paths were found");
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

//! The container's files agree with the repository and with the page that tells of them.

use std::collections::BTreeSet;

use super::page::{read, sections};
use super::variables;

const PAGE: &str = "docs/own-machine.md";
const DOCKERFILE: &str = "Dockerfile";
/// What may hold a key, or what was said to the gateway.
const NOT_FOR_AN_IMAGE: [&str; 4] = [".env", ".data", "samconfig.local.toml", ".git"];

/// The instructions of a file, each with its continued lines, without comments.
fn instructions() -> Vec<(String, String)> {
    let text = read(DOCKERFILE).replace("\\\n", " ");
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, rest) = line.split_once(' ').expect(line);
            (name.to_owned(), rest.trim().to_owned())
        })
        .collect()
}

/// What an instruction says, as often as it is there.
fn said_by(name: &str) -> Vec<String> {
    let all = instructions().into_iter();
    all.filter_map(|(of, rest)| (of == name).then_some(rest))
        .collect()
}

/// The variables that the image sets.
fn set_by_the_image() -> Vec<(String, String)> {
    let words = said_by("ENV").join(" ");
    let pairs = words.split_whitespace();
    pairs
        .map(|pair| pair.split_once('=').expect(pair))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[test]
fn the_image_is_built_with_the_compiler_of_the_toolchain_file() {
    let toolchain = read("rust-toolchain.toml");
    let channel = toolchain.split('"').nth(1).unwrap();
    let from = said_by("FROM");
    assert_eq!(
        from,
        [
            format!("rust:{channel}-alpine AS build"),
            "scratch".to_owned()
        ]
    );
}

#[test]
fn the_image_s_user_has_no_rights_and_owns_the_table_s_folder() {
    let user = said_by("USER");
    let (uid, gid) = user[0].split_once(':').unwrap();
    assert!(user.len() == 1 && uid != "0" && gid != "0", "{user:?}");
    let folder = said_by("VOLUME").remove(0);
    let makes_it = format!("-m 700 -o {uid} -g {gid} /image{folder} ");
    let build = said_by("RUN").join(" ") + " ";
    assert!(build.contains(&makes_it), "{makes_it:?} is not in {build}");
    let set = set_by_the_image();
    for wanted in [
        ("DATA_DIR", folder),
        ("PORT", said_by("EXPOSE").remove(0)),
        ("HOST", "0.0.0.0".to_owned()),
    ] {
        assert!(
            set.contains(&(wanted.0.to_owned(), wanted.1.clone())),
            "{wanted:?} is not in {set:?}"
        );
    }
}

#[test]
fn every_variable_of_the_image_and_of_its_page_is_read_by_the_process() {
    let documented = variables::documented();
    let page = sections(PAGE);
    let container = page.iter().find(|s| s.title == "In a container").unwrap();
    assert!(container.spans.contains_key(DOCKERFILE));
    let on_page = container.code().flat_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let given = words.windows(2).filter(|pair| pair[0] == "-e");
        given
            .map(|pair| pair[1].split('=').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    });
    let in_image = set_by_the_image().into_iter().map(|(name, _)| name);
    let named: BTreeSet<String> = on_page.chain(in_image).collect();
    assert!(named.len() > 4, "{named:?}");
    for name in named {
        assert!(documented.contains(&name), "the process reads no {name}");
    }
}

#[test]
fn the_build_is_given_what_it_reads_and_nothing_that_holds_a_secret() {
    let ignore = read(".dockerignore");
    let rules: Vec<&str> = ignore
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    // Everything is left out but what is named.
    assert_eq!(rules[0], "*");
    let given: BTreeSet<&str> = rules[1..]
        .iter()
        .map(|rule| rule.strip_prefix('!').expect(rule))
        .collect();
    for needed in [
        "Cargo.toml",
        "Cargo.lock",
        "build.rs",
        "rust-toolchain.toml",
        "src",
        "config",
        // A member of the workspace: Cargo reads its manifest.
        "benches",
    ] {
        assert!(given.contains(needed), "{needed} is not given");
    }
    for secret in NOT_FOR_AN_IMAGE {
        assert!(!given.contains(secret), "{secret} is given to the build");
    }
}

//! A release has a section of the changelog, which becomes its notes.

use jiff::civil::Date;

use super::page::read;

const VERSION: &str = env!("CARGO_PKG_VERSION");

#[test]
fn this_version_s_section_of_the_changelog_has_its_day_and_says_something() {
    let changelog = read("CHANGELOG.md");
    let heading = format!("\n## {VERSION} - ");
    let (before, section) = changelog.split_once(&heading).expect(&heading);
    // Nothing but what is not released yet stands above it.
    let above = before.lines().filter(|line| line.starts_with("## "));
    assert_eq!(above.collect::<Vec<_>>(), ["## Unreleased"]);
    let (day, notes) = section.split_once('\n').unwrap();
    day.parse::<Date>().expect(day);
    let notes = notes.split("\n## ").next().unwrap();
    assert!(notes.lines().any(|line| line.starts_with("- ")), "{notes}");
}

/// A copy of the changelog's words in `.ci/release` would be one more place to forget.
#[test]
fn a_release_s_notes_are_cut_out_of_the_changelog() {
    let script = read(".ci/release");
    let cut = script
        .lines()
        .find(|line| line.contains("CHANGELOG.md |"))
        .expect("the step that cuts the notes out")
        .replace("$1", VERSION);
    let output = std::process::Command::new("bash")
        .args(["-c", &cut])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let notes = String::from_utf8(output.stdout).unwrap();
    let changelog = read("CHANGELOG.md");
    let section = changelog
        .split(&format!("## {VERSION} - "))
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .and_then(|section| section.split_once('\n'))
        .unwrap();
    assert_eq!(notes.trim(), section.1.trim());
}

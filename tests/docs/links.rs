//! Every link leads somewhere, and every page is found.

use std::collections::BTreeSet;
use std::path::Path;

use super::page::{ENGLISH, pages, root, sections};

/// Pages beside README.md and those of `docs/`.
const OTHER_PAGES: [&str; 5] = [
    "README.ja.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
];

#[test]
fn every_link_leads_to_a_file_and_a_heading_of_it() {
    let mut followed = 0;
    let others = OTHER_PAGES.into_iter().map(str::to_owned);
    for page in pages().into_iter().chain(others) {
        let folder = Path::new(&page).parent().unwrap().to_owned();
        for section in sections(&page) {
            for link in section.links.keys().filter(|link| !link.contains("://")) {
                let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
                let target = if file.is_empty() {
                    page.clone()
                } else {
                    folder.join(file).to_str().unwrap().to_owned()
                };
                assert!(
                    root(&target).exists(),
                    "{section} links to {link}, which does not exist"
                );
                let leads_to = |anchor: &str| {
                    let headings = sections(&target).into_iter();
                    headings
                        .map(|heading| heading.anchor())
                        .any(|a| a == anchor)
                };
                assert!(
                    anchor.is_empty() || leads_to(anchor),
                    "{section} links to {link}, and there is no such heading"
                );
                followed += 1;
            }
        }
    }
    assert!(followed > 60, "only {followed} links were found");
}

#[test]
fn the_readme_leads_to_every_page() {
    let links: BTreeSet<String> = sections(ENGLISH)
        .into_iter()
        .flat_map(|section| section.links.into_keys())
        .map(|link| link.split('#').next().unwrap().to_owned())
        .collect();
    for page in pages() {
        assert!(
            page == ENGLISH || links.contains(&page),
            "{ENGLISH} has no link to {page}"
        );
    }
}

#[test]
fn every_page_says_for_whom_it_is() {
    for page in pages().into_iter().filter(|page| page != ENGLISH) {
        let text = super::page::read(&page);
        let first = text.lines().skip(1).find(|line| !line.is_empty()).unwrap();
        assert!(
            first.starts_with("For "),
            "{page} begins with {first:?}, and not with whom it is for"
        );
    }
}

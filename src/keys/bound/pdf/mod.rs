//! What a PDF can be billed as.
//!
//! Claude gets each page as a picture and as the text that it shows: "1,500-3,000 tokens per page depending on content
//! density" beside the picture, and 600 pages at most
//! (<https://platform.claude.com/docs/en/build-with-claude/pdf-support>). A file of 16 kB can hold hundreds of pages, and
//! a page any length of text, so that both are counted here, from all objects of the file. Whatever cannot be counted
//! with certainty counts as the most pages: a key with little money left cannot send such a file, every other can.

mod content;
mod objects;
mod pages;
mod syntax;

use objects::Objects;
use pages::{Text, pages};

use super::inflate::Inflater;

/// Pages in a request, at most.
const MOST_PAGES: u64 = 600;

/// A page with its picture, where text is as dense as it is in print.
const PAGE: u64 = 3_000;

/// A page's picture alone.
const PAGE_PICTURE: u64 = 1_600;

/// Bytes of the file to a token, at most: pages of pictures are larger.
const FILE_BYTES: u64 = 8;

/// What the file would cost cannot be known for certain.
#[derive(Debug, PartialEq)]
struct Unknown;

/// An upper bound for the whole file, in tokens.
pub(super) fn pdf_tokens(bytes: &[u8]) -> u64 {
    let shown = measure(bytes).map(|(pages, text)| {
        let with_text = text.saturating_add(PAGE_PICTURE * pages);
        with_text.max(PAGE * pages)
    });
    let by_size = bytes.len() as u64 / FILE_BYTES;
    shown.unwrap_or(MOST_PAGES * PAGE).max(by_size)
}

/// Pages, and bytes of the text on them.
fn measure(bytes: &[u8]) -> Result<(u64, u64), Unknown> {
    let mut inflater = Inflater::for_file(bytes.len());
    let objects = Objects::read(bytes, &mut inflater)?;
    let pages = pages(&objects)?;
    let count = pages.len() as u64;
    if count == 0 || count > MOST_PAGES {
        return Err(Unknown);
    }
    let text = Text::new(&objects, &mut inflater).bytes(&pages)?;
    Ok((count, text))
}

#[cfg(test)]
mod tests;

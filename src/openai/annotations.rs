//! `annotations` of a message: what its text rests on.

use serde::Serialize;

use crate::conversation::Citation;

/// One entry: OpenAI's `url_citation` for pages of the web, and a `file_citation` with the cited words for documents.
#[derive(Debug, Serialize)]
pub(super) struct Annotation {
    /// Its place in the list, which OpenAI's own stream reader wants in every entry of a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    #[serde(flatten)]
    kind: AnnotationKind,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum AnnotationKind {
    UrlCitation { url_citation: CitedPage },
    FileCitation { file_citation: CitedFile },
}

#[derive(Debug, Serialize)]
struct CitedPage {
    start_index: usize,
    end_index: usize,
    url: String,
    title: String,
}

#[derive(Debug, Serialize)]
struct CitedFile {
    start_index: usize,
    end_index: usize,
    filename: String,
    quote: String,
}

impl Annotation {
    /// `index` counts the annotations of a stream from 0; a whole reply needs none.
    pub(super) fn new(citation: &Citation, index: Option<usize>) -> Self {
        let (start_index, end_index) = citation.range;
        let title = citation.title.clone();
        let kind = match citation.url.clone() {
            Some(url) => AnnotationKind::UrlCitation {
                url_citation: CitedPage {
                    start_index,
                    end_index,
                    url,
                    title,
                },
            },
            None => AnnotationKind::FileCitation {
                file_citation: CitedFile {
                    start_index,
                    end_index,
                    filename: title,
                    quote: citation.quote.clone(),
                },
            },
        };
        Self { index, kind }
    }
}

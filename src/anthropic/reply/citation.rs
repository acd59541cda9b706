//! `citations` of a text block: what the text rests on.

use serde::Serialize;
use serde_json::Value;

use crate::conversation::{Citation, Place, Unit};

/// One citation.
#[derive(Debug, Serialize)]
#[serde(tag = "type")]
pub(in crate::anthropic) enum WireCitation {
    #[serde(rename = "char_location")]
    Characters {
        cited_text: String,
        document_index: u32,
        document_title: String,
        start_char_index: u32,
        end_char_index: u32,
    },
    #[serde(rename = "page_location")]
    Pages {
        cited_text: String,
        document_index: u32,
        document_title: String,
        start_page_number: u32,
        end_page_number: u32,
    },
    #[serde(rename = "content_block_location")]
    Blocks {
        cited_text: String,
        document_index: u32,
        document_title: String,
        start_block_index: u32,
        end_block_index: u32,
    },
    #[serde(rename = "web_search_result_location")]
    Web {
        cited_text: String,
        title: String,
        url: String,
        encrypted_index: &'static str,
    },
    /// As Claude says it.
    #[serde(untagged)]
    Native(Value),
}

impl WireCitation {
    /// `None`: Bedrock says neither where in which document the words stand nor at which address.
    pub(in crate::anthropic) fn new(citation: &Citation) -> Option<Self> {
        if let Some(native) = &citation.native {
            return Some(Self::Native(native.clone()));
        }
        let cited_text = citation.quote.clone();
        let title = citation.title.clone();
        if let Some(url) = citation.url.clone() {
            return Some(Self::Web {
                cited_text,
                title,
                url,
                encrypted_index: "",
            });
        }
        let Place {
            unit,
            document,
            start,
            end,
        } = citation.place?;
        Some(match unit {
            Unit::Character => Self::Characters {
                cited_text,
                document_index: document,
                document_title: title,
                start_char_index: start,
                end_char_index: end,
            },
            Unit::Page => Self::Pages {
                cited_text,
                document_index: document,
                document_title: title,
                start_page_number: start,
                end_page_number: end,
            },
            Unit::Block => Self::Blocks {
                cited_text,
                document_index: document,
                document_title: title,
                start_block_index: start,
                end_block_index: end,
            },
        })
    }
}

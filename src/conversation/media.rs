//! What is not text: pictures and documents, decoded.

use bytes::Bytes;

/// Picture formats that Bedrock takes
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ImageBlock.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ImageFormat {
    Png,
    Jpeg,
    Gif,
    Webp,
}

/// A picture, decoded from the client's data URL or fetched for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Encoding of `bytes`.
    pub format: ImageFormat,
    /// The encoded picture; cheap to clone for every attempt.
    pub bytes: Bytes,
}

/// Document formats that Bedrock takes
/// (<https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_DocumentBlock.html>).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum DocumentFormat {
    Pdf,
    Csv,
    Doc,
    Docx,
    Xls,
    Xlsx,
    Html,
    Txt,
    Md,
}

/// A document.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Encoding of `bytes`.
    pub format: DocumentFormat,
    /// What the client calls it; may be empty.
    pub name: String,
    /// The file; cheap to clone for every attempt.
    pub bytes: Bytes,
    /// The answer is to say which passages it rests on.
    pub citations: bool,
}

impl DocumentFormat {
    /// Bedrock's word for it, which is the file name's ending too.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Csv => "csv",
            Self::Doc => "doc",
            Self::Docx => "docx",
            Self::Xls => "xls",
            Self::Xlsx => "xlsx",
            Self::Html => "html",
            Self::Txt => "txt",
            Self::Md => "md",
        }
    }

    /// The format with this file name ending.
    pub fn of_ending(ending: &str) -> Option<Self> {
        Some(match ending.to_ascii_lowercase().as_str() {
            "pdf" => Self::Pdf,
            "csv" => Self::Csv,
            "doc" => Self::Doc,
            "docx" => Self::Docx,
            "xls" => Self::Xls,
            "xlsx" => Self::Xlsx,
            "html" | "htm" => Self::Html,
            "txt" | "text" => Self::Txt,
            "md" | "markdown" => Self::Md,
            _ => return None,
        })
    }
}

impl Document {
    /// The document as text, where it is text at all.
    pub fn text(&self) -> Option<&str> {
        match self.format {
            DocumentFormat::Csv
            | DocumentFormat::Html
            | DocumentFormat::Txt
            | DocumentFormat::Md => std::str::from_utf8(&self.bytes).ok(),
            _ => None,
        }
    }
}

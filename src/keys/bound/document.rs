//! What a document can be billed as.

use crate::conversation::{Document, DocumentFormat};

use super::office::office_tokens;
use super::pdf::pdf_tokens;

/// Words around the document.
const FRAMING: u64 = 100;

/// An upper bound of what `document` is billed as, in tokens: a token a byte of its text, where a packed format's text
/// is what it unpacks to.
///
/// A text that begins as a packed file does counts as one, too: a converter may go by its bytes.
pub(in crate::keys) fn document_tokens(document: &Document) -> u64 {
    let bytes = document.bytes.as_ref();
    let start = bytes.trim_ascii_start();
    let tokens = match document.format {
        DocumentFormat::Pdf => pdf_tokens(bytes),
        DocumentFormat::Docx | DocumentFormat::Xlsx => office_tokens(bytes),
        _ if start.starts_with(b"%PDF-") => pdf_tokens(bytes).max(bytes.len() as u64),
        _ if start.starts_with(b"PK\x03\x04") => office_tokens(bytes).max(bytes.len() as u64),
        // Word's and Excel's older formats are not packed.
        DocumentFormat::Doc
        | DocumentFormat::Xls
        | DocumentFormat::Csv
        | DocumentFormat::Html
        | DocumentFormat::Txt
        | DocumentFormat::Md => bytes.len() as u64,
    };
    let name = document.name.len() as u64;
    tokens + name + FRAMING
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(format: DocumentFormat, name: &str, bytes: &[u8]) -> u64 {
        crate::keys::bound::document_tokens(&Document {
            format,
            name: name.to_owned(),
            bytes: bytes.to_vec().into(),
            citations: false,
        })
    }

    #[test]
    fn text_is_a_token_a_byte_and_so_are_the_older_formats() {
        use DocumentFormat::*;
        for format in [Csv, Html, Txt, Md, Doc, Xls] {
            assert_eq!(tokens(format, "", &[b'7'; 5_000]), 5_100);
            assert_eq!(tokens(format, "名前", "日本語".as_bytes()), 6 + 9 + 100);
        }
    }

    #[test]
    fn a_packed_file_counts_as_one_whatever_it_is_called() {
        use DocumentFormat::*;
        for format in [Pdf, Txt, Md, Doc, Xls] {
            assert_eq!(tokens(format, "", b" \n%PDF-1.7"), 1_800_100);
        }
        for format in [Docx, Xlsx, Txt, Csv, Doc, Xls] {
            assert_eq!(tokens(format, "", b"PK\x03\x04"), 1_800_100);
        }
        // A large file is never less than a token for eight bytes.
        assert_eq!(tokens(Pdf, "", &vec![0; 16_000_000]), 2_000_100);
        assert_eq!(tokens(Docx, "", &vec![0; 16_000_000]), 2_000_100);
    }
}

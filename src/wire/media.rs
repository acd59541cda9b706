//! Data URLs: pictures and documents inside a request.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;

use crate::conversation::{Document, DocumentFormat, Image, ImageFormat, Part};

use super::ApiError;

/// Data URLs come with and without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Media types of documents, with the file name ending that says the same.
const DOCUMENTS: [(&str, &str); 11] = [
    ("application/pdf", "pdf"),
    ("text/csv", "csv"),
    ("application/msword", "doc"),
    (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "docx",
    ),
    ("application/vnd.ms-excel", "xls"),
    (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
    ),
    ("text/html", "html"),
    ("text/plain", "txt"),
    ("text/markdown", "md"),
    ("application/json", "txt"),
    ("application/xml", "txt"),
];

/// The media type of files with this ending.
pub(crate) fn type_of_ending(ending: &str) -> Option<&'static str> {
    let format = DocumentFormat::of_ending(ending)?.as_str();
    DOCUMENTS
        .iter()
        .find(|(_, known)| *known == format)
        .map(|(kind, _)| *kind)
}

/// What follows a file name's last dot.
pub(crate) fn ending(filename: &str) -> Option<&str> {
    filename.rsplit_once('.').map(|(_, ending)| ending)
}

/// Whether something of this media type can be read at all.
pub(crate) fn is_read(media_type: &str) -> bool {
    let named = media_type.split(';').next().unwrap_or_default();
    let named = named.trim().to_ascii_lowercase();
    picture_of(&named).is_some() || document_of(&named).is_some()
}

fn picture_of(named: &str) -> Option<ImageFormat> {
    match named {
        "image/png" => Some(ImageFormat::Png),
        "image/jpeg" | "image/jpg" => Some(ImageFormat::Jpeg),
        "image/gif" => Some(ImageFormat::Gif),
        "image/webp" => Some(ImageFormat::Webp),
        _ => None,
    }
}

fn document_of(named: &str) -> Option<DocumentFormat> {
    let known = DOCUMENTS.iter().find(|(kind, _)| *kind == named);
    let known = known.and_then(|(_, ending)| DocumentFormat::of_ending(ending));
    // Whatever else is text is read as text: source code has a hundred media types.
    known.or(named.starts_with("text/").then_some(DocumentFormat::Txt))
}

/// The picture or document in a data URL (`data:image/png;base64,…`). `param` names it in errors.
pub(crate) fn inline(url: &str, param: &str) -> Result<Part, ApiError> {
    let Some(rest) = url.strip_prefix("data:") else {
        let shown: String = url.chars().take(60).collect();
        return refuse(
            param,
            format!("is '{shown}'; send the picture as a data URL ('data:image/png;base64,…')."),
        );
    };
    let Some((kind, data)) = rest.split_once(',') else {
        return refuse(param, "is a data URL without a comma before its data.");
    };
    let Some(media_type) = kind.strip_suffix(";base64") else {
        return refuse(
            param,
            format!("is a data URL of '{kind}'; it must be base64 ('data:image/png;base64,…')."),
        );
    };
    let named = media_type.split(';').next().unwrap_or_default();
    let named = named.trim().to_ascii_lowercase();
    let picture = picture_of(&named);
    let document = picture.is_none().then(|| document_of(&named)).flatten();
    if picture.is_none() && document.is_none() {
        return refuse(
            param,
            format!(
                "holds '{named}'; pictures may be png, jpeg, gif or webp, and documents pdf, csv, doc, docx, xls, \
                 xlsx, html, txt or md."
            ),
        );
    }
    let bytes = match LENIENT.decode(data.trim()) {
        Ok(bytes) if !bytes.is_empty() => Bytes::from(bytes),
        Ok(_) => return refuse(param, "holds no data."),
        Err(error) => return refuse(param, format!("is not valid base64: {error}.")),
    };
    Ok(match (picture, document) {
        (_, Some(format)) => Part::Document(Document {
            format,
            name: String::new(),
            bytes,
            citations: false,
        }),
        (named, None) => Part::Image(Image {
            // Clients often name the wrong kind, and Bedrock compares the name with the bytes.
            format: recognised(&bytes).or(named).unwrap_or(ImageFormat::Png),
            bytes,
        }),
    })
}

/// A picture that was fetched: its bytes alone say what it is.
pub(crate) fn picture(bytes: Bytes, param: &str) -> Result<Part, ApiError> {
    match recognised(&bytes) {
        Some(format) => Ok(Part::Image(Image { format, bytes })),
        None => refuse(
            param,
            "leads to something that is no picture; pictures may be png, jpeg, gif or webp.",
        ),
    }
}

fn refuse<T>(param: &str, what: impl AsRef<str>) -> Result<T, ApiError> {
    let message = format!("'{param}' {}", what.as_ref());
    Err(ApiError::bad_request(message, param))
}

/// The kind of picture that these bytes begin.
fn recognised(bytes: &[u8]) -> Option<ImageFormat> {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some(ImageFormat::Png),
        [0xff, 0xd8, 0xff, ..] => Some(ImageFormat::Jpeg),
        [b'G', b'I', b'F', b'8', ..] => Some(ImageFormat::Gif),
        _ if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") => {
            Some(ImageFormat::Webp)
        }
        _ => None,
    }
}

//! Pictures and documents.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::{
    super::json::{at, list},
    CheckedRequest, ErrorReply, Rule, model_refuses, refuse,
};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "pictures and documents that the model can read",
        source: "own words",
        check: supported,
    },
    Rule {
        name: "a picture is what it says it is",
        source: "Anthropic",
        check: pictures,
    },
    Rule {
        name: "documents have a legal name and a text beside them",
        source: "name's words reported; Converse API reference for the text, own words",
        check: documents,
    },
];

/// Blocks of the messages and of the tool results inside them.
fn all<'a>(
    asked: &CheckedRequest<'a>,
    kind: &'a str,
) -> impl Iterator<Item = (usize, usize, &'a Value)> {
    asked.blocks().flat_map(move |(m, b, block)| {
        let inside = list(at(block, "/toolResult/content")).iter();
        std::iter::once(block)
            .chain(inside)
            .filter_map(move |block| Some((m, b, block.get(kind)?)))
    })
}

fn supported(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let abilities = &asked.model.abilities;
    // What a model takes as a PDF it needs eyes for; plain text is unpacked by the service for any model.
    let pdf = |document: &Value| at(document, "/format") == "pdf";
    let picture = all(asked, "image").next().is_some() && !abilities.vision;
    let document = all(asked, "document").any(|(_, _, document)| pdf(document));
    if picture {
        return refuse(
            "This model doesn't support the image content block that you provided. Update the content block and try again.",
        );
    }
    if document && !abilities.documents {
        return refuse(
            "This model doesn't support documents. Try again without a document or use a model that supports documents.",
        );
    }
    Ok(())
}

fn pictures(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    for (m, b, image) in all(asked, "image") {
        let Some(bytes) = at(image, "/source/bytes").as_str() else {
            continue;
        };
        let Ok(bytes) = BASE64_STANDARD.decode(bytes) else {
            return Err(ErrorReply::new(400, "SerializationException", ""));
        };
        let format = at(image, "/format").as_str().unwrap_or_default();
        if let Some(words) = other_picture(&bytes, &format!("image/{format}")) {
            return model_refuses(format!(
                "messages.{m}.content.{b}.image.source.base64.data: {words}"
            ));
        }
    }
    Ok(())
}

/// The words for a picture that is none of this media type.
pub(in crate::simulator) fn other_picture(bytes: &[u8], media_type: &str) -> Option<String> {
    let found = sniff(bytes).map(|found| format!("image/{found}"));
    if found.as_deref() == Some(media_type) {
        return None;
    }
    let found = found.unwrap_or_else(|| "unknown".to_owned());
    Some(format!(
        "The image was specified using the {media_type} media type, but the image appears to be a {found} image"
    ))
}

fn sniff(bytes: &[u8]) -> Option<&'static str> {
    let starts: [(&[u8], &str); 3] = [
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"\xff\xd8\xff", "jpeg"),
        (b"GIF8", "gif"),
    ];
    let known = starts.iter().find(|(start, _)| bytes.starts_with(start));
    let webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    known.map(|(_, name)| *name).or(webp.then_some("webp"))
}

fn documents(asked: &CheckedRequest<'_>) -> Result<(), ErrorReply> {
    let mut names = std::collections::HashSet::new();
    for (_, _, document) in all(asked, "document") {
        let name = at(document, "/name").as_str().unwrap_or_default();
        let fits = |c: char| c.is_alphanumeric() || c == ' ' || "-()[]".contains(c);
        if name.is_empty() || !name.chars().all(fits) || name.contains("  ") {
            return refuse(
                "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square brackets. The name can't contain more than one consecutive whitespace character.",
            );
        }
        if !names.insert(name) {
            return refuse("The document file names in a request must be unique.");
        }
    }
    for message in asked.messages() {
        let blocks = list(at(message, "/content"));
        let has = |kind| blocks.iter().any(|block| block.get(kind).is_some());
        if has("document") && !has("text") {
            return refuse("A message with a document must also have a text block.");
        }
    }
    Ok(())
}

//! Pictures in stored prompts. The page links to each, so that it stays small; they come as what they are, and nothing
//! else does.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// What is shown as a picture.
const MEDIA_TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// A picture, as a part of a message has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Picture<'a> {
    pub(super) media_type: &'static str,
    encoded: &'a str,
}

impl<'a> Picture<'a> {
    /// `None`: the part is none, or has no bytes of its own.
    pub(super) fn of(part: &'a Value) -> Option<Self> {
        let text = |pointer: &str| part.pointer(pointer).and_then(Value::as_str);
        let url = text("/image_url/url").or_else(|| text("/image_url"));
        let (media_type, encoded) = match url {
            Some(url) => url.strip_prefix("data:")?.split_once(";base64,")?,
            None if text("/type") == Some("image") => {
                (text("/source/media_type")?, text("/source/data")?)
            }
            None => return None,
        };
        let media_type = MEDIA_TYPES.into_iter().find(|known| *known == media_type)?;
        Some(Self {
            media_type,
            encoded,
        })
    }

    /// Its bytes; `None`: they are not well encoded.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(self.encoded).ok()
    }

    /// The picture of this place in a request, in the order in which they are met.
    pub(super) fn find(request: &'a Value, place: usize) -> Option<Self> {
        let mut found = Vec::new();
        for name in ["system", "instructions", "messages", "input"] {
            collect(request.get(name), &mut found);
        }
        found.get(place).copied()
    }
}

/// How many pictures a part has within.
pub(super) fn count(part: &Value) -> usize {
    let mut found = Vec::new();
    collect(Some(part), &mut found);
    found.len()
}

fn collect<'a>(value: Option<&'a Value>, found: &mut Vec<Picture<'a>>) {
    let Some(value) = value else { return };
    if let Some(picture) = Picture::of(value) {
        found.push(picture);
        return;
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(Some(item), found)),
        Value::Object(fields) => fields
            .values()
            .for_each(|field| collect(Some(field), found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_bytes_of_a_known_kind_are_a_picture() {
        let of = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
        for (part, media_type) in [
            (of("data:image/png;base64,AAAA"), Some("image/png")),
            (
                json!({"type": "input_image", "image_url": "data:image/gif;base64,AAAA"}),
                Some("image/gif"),
            ),
            (of("data:image/svg+xml;base64,AAAA"), None),
            (of("data:text/html;base64,AAAA"), None),
            (of("https://example.com/a.png"), None),
            (
                json!({"type": "image", "source": {"media_type": "image/webp", "data": "AAAA"}}),
                Some("image/webp"),
            ),
            (
                json!({"type": "text", "text": "data:image/png;base64,AAAA"}),
                None,
            ),
        ] {
            assert_eq!(
                Picture::of(&part).map(|picture| picture.media_type),
                media_type,
                "{part}"
            );
        }
    }

    #[test]
    fn a_picture_is_found_by_its_place() {
        let of = |data: &str| json!({"type": "image", "source": {"media_type": "image/png", "data": data}});
        let request = json!({"messages": [
            {"content": [{"type": "text", "text": "a"}, of("AAAA")]},
            {"content": [{"type": "tool_result", "content": [of("AAAB")]}, of("!")]},
        ]});
        let bytes = |place| Picture::find(&request, place).map(|picture| picture.bytes());
        assert_eq!(bytes(0), Some(Some(vec![0, 0, 0])));
        assert_eq!(bytes(1), Some(Some(vec![0, 0, 1])));
        assert_eq!(bytes(2), Some(None));
        assert_eq!(bytes(3), None);
    }
}

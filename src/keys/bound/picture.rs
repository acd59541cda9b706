//! What a picture can be billed as, by its pixels.
//!
//! The size is read here and not by a crate, strictly: a header that decoders disagree about (bytes between the
//! segments of a JPEG) is one that a client can make to look small, so that anything unusual counts as the largest.

use crate::catalog::Family;
use crate::conversation::{Image, ImageFormat};

/// What a family makes of a picture.
struct Billing {
    /// Pixels to a token, at least.
    pixels: u64,
    /// Tokens of the smallest picture, at most.
    least: u64,
    /// Tokens of the largest picture, at most.
    most: u64,
}

/// Claude scales a picture down, never up, and bills about a token for 750 pixels, or one for each square of 28 pixels
/// that it touches: some 1,600 for the largest, 4,784 with models from Opus 4.7
/// (<https://platform.claude.com/docs/en/build-with-claude/vision>).
const CLAUDE: Billing = Billing {
    pixels: 750,
    least: 300,
    most: 5_000,
};

/// Pixtral has a token for 256 pixels. Small pictures are scaled up: Nova's to 900 pixels and some 1,300 tokens
/// (<https://docs.aws.amazon.com/nova/latest/userguide/modalities-image.html>), Llama's to four tiles of 1,601.
const OTHERS: Billing = Billing {
    pixels: 250,
    least: 6_500,
    most: 20_000,
};

/// Words around the picture.
const FRAMING: u64 = 100;

/// The side in pixels of the square that is a token to Claude's newer models.
const PATCH: u64 = 28;

/// An upper bound of what `image` is billed as by a model of `family`, in tokens.
pub(in crate::keys) fn picture_tokens(image: &Image, family: Family) -> u64 {
    let billing = match family {
        Family::Claude => CLAUDE,
        _ => OTHERS,
    };
    let Some((width, height)) = dimensions(image) else {
        return billing.most;
    };
    let (width, height) = (u64::from(width), u64::from(height));
    let by_area = width.saturating_mul(height).div_ceil(billing.pixels);
    let by_patch = width.div_ceil(PATCH) * height.div_ceil(PATCH);
    let tokens = by_area.max(by_patch).saturating_add(FRAMING);
    tokens.clamp(billing.least, billing.most)
}

/// Width and height, if the header says them beyond doubt and neither is zero.
fn dimensions(image: &Image) -> Option<(u32, u32)> {
    let bytes = image.bytes.as_ref();
    let (width, height) = match image.format {
        ImageFormat::Png => png(bytes)?,
        ImageFormat::Jpeg => jpeg(bytes)?,
        ImageFormat::Webp => webp(bytes)?,
        // Frames may be larger than the screen that the header has, and decoders enlarge it then.
        ImageFormat::Gif => return None,
    };
    (width > 0 && height > 0).then_some((width, height))
}

/// A PNG begins with its header; an animated one has its size there, too.
fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR")?;
    let (width, rest) = header.split_first_chunk()?;
    let height = rest.first_chunk()?;
    Some((u32::from_be_bytes(*width), u32::from_be_bytes(*height)))
}

/// A JPEG's first frame header, where every segment before it follows the one before without a byte between.
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut rest = bytes.strip_prefix(b"\xff\xd8")?;
    loop {
        let [0xff, marker, high, low] = *rest.first_chunk()? else {
            return None;
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        let segment = rest.get(4..length + 2)?;
        match marker {
            // Frame headers: baseline, progressive and the rest.
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                let [_, h1, h0, w1, w0] = *segment.first_chunk()?;
                let side = |bytes| u32::from(u16::from_be_bytes(bytes));
                return Some((side([w1, w0]), side([h1, h0])));
            }
            // Tables, comments and applications' data.
            0xc4 | 0xcc | 0xdb | 0xdd | 0xe0..=0xef | 0xfe => {}
            _ => return None,
        }
        rest = rest.get(length + 2..)?;
    }
}

/// A WebP's first chunk: a lossy picture, a lossless one, or the canvas of an extended one.
fn webp(bytes: &[u8]) -> Option<(u32, u32)> {
    let rest = bytes.strip_prefix(b"RIFF")?.get(4..)?;
    let (name, rest) = rest.strip_prefix(b"WEBP")?.split_first_chunk::<4>()?;
    let chunk = rest.get(4..)?;
    match name {
        b"VP8 " => {
            let frame = chunk.get(3..)?.strip_prefix(b"\x9d\x01\x2a")?;
            let [w0, w1, h0, h1] = *frame.first_chunk()?;
            let side = |bytes| u32::from(u16::from_le_bytes(bytes) & 0x3fff);
            Some((side([w0, w1]), side([h0, h1])))
        }
        b"VP8L" => {
            let bits = u32::from_le_bytes(*chunk.strip_prefix(b"\x2f")?.first_chunk()?);
            Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1))
        }
        b"VP8X" => {
            let [w0, w1, w2, h0, h1, h2] = *chunk.get(4..)?.first_chunk()?;
            let side = |low, middle, high| u32::from_le_bytes([low, middle, high, 0]) + 1;
            Some((side(w0, w1, w2), side(h0, h1, h2)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::keys::bound::picture_tokens;

    fn image(format: ImageFormat, bytes: &[u8]) -> Image {
        Image {
            format,
            bytes: bytes.to_vec().into(),
        }
    }

    fn png_of(width: u32, height: u32) -> Image {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([8, 6, 0, 0, 0]);
        image(ImageFormat::Png, &bytes)
    }

    /// A JPEG of 640×480 with `between` before its frame header.
    fn jpeg_with(between: &[u8]) -> Image {
        let mut bytes = b"\xff\xd8\xff\xe0\0\x04JF".to_vec();
        bytes.extend(between);
        bytes.extend(b"\xff\xc2\0\x0b\x08\x01\xe0\x02\x80\x01\x01\x11\0");
        image(ImageFormat::Jpeg, &bytes)
    }

    fn webp_of(chunk: &[u8]) -> Image {
        let mut bytes = b"RIFF\xff\0\0\0WEBP".to_vec();
        bytes.extend(chunk);
        image(ImageFormat::Webp, &bytes)
    }

    #[test]
    fn a_picture_is_bounded_by_its_pixels() {
        let of = |width, height, family| picture_tokens(&png_of(width, height), family);
        // (width, height, Claude's bound, other families'): Anthropic's table has 54, 1,334, 1,533 and 1,590 tokens.
        let table = [
            (1, 1, 300, 6_500),
            (200, 200, 300, 6_500),
            (1000, 1000, 1_434, 6_500),
            (1092, 1092, 1_690, 6_500),
            (1568, 1568, 3_379, 9_935),
            (2576, 1456, 5_000, 15_103),
            (8000, 8000, 5_000, 20_000),
            // Thin: 286 squares of 28 pixels by two.
            (8000, 29, 672, 6_500),
            (u32::MAX, u32::MAX, 5_000, 20_000),
            (0, 1000, 5_000, 20_000),
        ];
        for (width, height, claude, others) in table {
            assert_eq!(
                of(width, height, Family::Claude),
                claude,
                "{width}×{height}"
            );
            assert_eq!(of(width, height, Family::Nova), others, "{width}×{height}");
            assert_eq!(of(width, height, Family::Other), others, "{width}×{height}");
        }
    }

    #[test]
    fn the_size_is_read_from_every_format_but_gif() {
        let of = |image: &Image| dimensions(image);
        assert_eq!(of(&png_of(640, 480)), Some((640, 480)));
        assert_eq!(of(&jpeg_with(b"")), Some((640, 480)));
        assert_eq!(of(&jpeg_with(b"\xff\xdb\0\x03x")), Some((640, 480)));
        let lossy = b"VP8 \x0a\0\0\0\x30\x01\0\x9d\x01\x2a\x80\x02\xe0\x41";
        assert_eq!(of(&webp_of(lossy)), Some((640, 480)));
        let bits: u32 = 639 | 479 << 14;
        let lossless = [b"VP8L\x0a\0\0\0\x2f".as_slice(), &bits.to_le_bytes()].concat();
        assert_eq!(of(&webp_of(&lossless)), Some((640, 480)));
        let extended = b"VP8X\x0a\0\0\0\x10\0\0\0\x7f\x02\0\xdf\x01\0";
        assert_eq!(of(&webp_of(extended)), Some((640, 480)));
        let gif = image(ImageFormat::Gif, b"GIF89a\x01\0\x01\0\0\0\0");
        assert_eq!(of(&gif), None);
    }

    #[test]
    fn a_header_that_decoders_disagree_about_is_the_largest_picture() {
        // A second start, fill bytes, a segment too short for its own length, a hierarchy of frames, a picture's data.
        let odd: [&[u8]; 6] = [
            b"\xff\xd8",
            b"\xff",
            b"\xff\xe0\0\x01",
            b"\xff\xde\0\x02",
            b"\xff\xda\0\x02",
            b"\0",
        ];
        for between in odd {
            assert_eq!(dimensions(&jpeg_with(between)), None, "{between:x?}");
        }
        let png = png_of(640, 480).bytes;
        for format in [ImageFormat::Jpeg, ImageFormat::Webp] {
            assert_eq!(picture_tokens(&image(format, &png), Family::Claude), 5_000);
        }
        // The height that follows in a later segment is zero in the header.
        let mut late = jpeg_with(b"").bytes.to_vec();
        late[13..15].fill(0);
        assert_eq!(dimensions(&image(ImageFormat::Jpeg, &late)), None);
    }

    proptest! {
        #[test]
        fn any_bytes_have_a_bound(bytes: Vec<u8>, start in 0..4_usize, kind in 0..4_usize) {
            let starts: [&[u8]; 4] = [b"", b"\xff\xd8\xff\xe0", b"RIFF\0\0\0\0WEBPVP8L", b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"];
            let formats = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Gif, ImageFormat::Webp];
            let picture = image(formats[kind], &[starts[start], &bytes].concat());
            prop_assert!((300..=5_000).contains(&picture_tokens(&picture, Family::Claude)));
            prop_assert!((6_500..=20_000).contains(&picture_tokens(&picture, Family::Mistral)));
        }

        #[test]
        fn a_larger_picture_is_never_cheaper(width in 1..9_000_u32, height in 1..9_000_u32, more in 0..500_u32) {
            let of = |width, height| picture_tokens(&png_of(width, height), Family::Claude);
            prop_assert!(of(width, height) <= of(width + more, height));
            // Claude's own figure, before it scales down.
            prop_assert!(of(width, height) >= (width * height / 750).min(4_784).into());
        }
    }
}

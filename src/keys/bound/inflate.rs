//! Inflates the compressed data in a document, under one limit for the whole document.

use flate2::{Decompress, FlushDecompress, Status};

/// Bytes that one document may inflate to, all its streams together: far above the text of any that fits into a
/// context window, and what a function of 128 MB has room for.
const MOST_INFLATED: usize = 16 << 20;

/// Bytes that a byte of the file may inflate to: text and tags come to some ten. Many small files in a request then
/// cost no more time than one large one.
const MOST_RATIO: usize = 100;

/// Bytes that the smallest file may inflate to.
const LEAST_LIMIT: usize = 16 << 10;

/// What is left of a document's limit.
pub(super) struct Inflater {
    left: usize,
}

impl Inflater {
    /// With the whole limit of a file of this size left.
    pub(super) fn for_file(size: usize) -> Self {
        let limit = size.saturating_mul(MOST_RATIO).saturating_add(LEAST_LIMIT);
        Self {
            left: limit.min(MOST_INFLATED),
        }
    }

    /// A whole zlib stream at the beginning of `data`; `None` if it is broken or beyond the limit.
    pub(super) fn zlib(&mut self, data: &[u8]) -> Option<Vec<u8>> {
        self.read(data, Decompress::new(true))
            .map(|(plain, _)| plain)
    }

    /// A deflate stream that takes all of `data`; `None` if it is broken or beyond the limit.
    pub(super) fn deflate(&mut self, data: &[u8]) -> Option<Vec<u8>> {
        let (plain, taken) = self.read(data, Decompress::new(false))?;
        (taken == data.len()).then_some(plain)
    }

    /// Data that is not deflated; it counts as well.
    pub(super) fn stored(&mut self, data: &[u8]) -> Option<Vec<u8>> {
        self.left = self.left.checked_sub(data.len())?;
        Some(data.to_vec())
    }

    /// What a stream inflates to, and how many bytes of `data` it takes; one that ends too early is broken.
    fn read(&mut self, data: &[u8], mut inflate: Decompress) -> Option<(Vec<u8>, usize)> {
        const STEP: usize = 64 << 10;
        let mut plain = Vec::new();
        loop {
            let taken = usize::try_from(inflate.total_in()).ok()?;
            let before = plain.len();
            plain.reserve(STEP);
            let rest = data.get(taken..)?;
            let status = inflate.decompress_vec(rest, &mut plain, FlushDecompress::None);
            let status = status.ok()?;
            let taken_now = usize::try_from(inflate.total_in()).ok()?;
            if plain.len() > self.left {
                return None;
            }
            if status == Status::StreamEnd {
                self.left -= plain.len();
                return Some((plain, taken_now));
            }
            if plain.len() == before && taken_now == taken {
                return None;
            }
        }
    }
}

/// Data of PDF's ASCII85Decode, up to its end mark; `None` if it is broken.
pub(super) fn ascii85(data: &[u8]) -> Option<Vec<u8>> {
    let end = memchr::memmem::find(data, b"~>")?;
    let mut plain = Vec::with_capacity(end);
    let mut group = Vec::with_capacity(5);
    for byte in data.get(..end)? {
        match byte {
            0 | b'\t' | b'\n' | 12 | b'\r' | b' ' => continue,
            b'z' if group.is_empty() => plain.extend([0; 4]),
            b'!'..=b'u' => group.push(u32::from(byte - b'!')),
            _ => return None,
        }
        if group.len() == 5 {
            plain.extend(four_bytes(&group)?);
            group.clear();
        }
    }
    if !group.is_empty() {
        let bytes = group.len() - 1;
        group.resize(5, 84);
        plain.extend(four_bytes(&group)?.get(..bytes)?);
    }
    Some(plain)
}

/// Five digits to the base of 85.
fn four_bytes(digits: &[u32]) -> Option<[u8; 4]> {
    let number = digits.iter().try_fold(0_u32, |number, digit| {
        number.checked_mul(85)?.checked_add(*digit)
    });
    number.map(u32::to_be_bytes)
}

//! A PDF's objects: all that stand in the file, whichever of them its tables name.
//!
//! Readers follow the cross-reference tables, and repair a file in different ways where these are wrong. So the tables
//! are not read at all: every `12 0 obj` is an object, each version of one that was updated counts, and what only a
//! reader with ways of its own could find is unknown.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::Unknown;
use super::syntax::{Dict, KeptValues, Lexer, Token, Value, is_regular, is_space, parse_integer};
use crate::keys::bound::inflate::{Inflater, ascii85};

/// Values that are kept of a file, and objects in it: some 30 MB at most.
const MOST_VALUES: usize = 400_000;
const MOST_OBJECTS: usize = 100_000;

/// An object, or one version of it.
pub(super) struct PdfObject {
    pub(super) value: Value,
    /// Where the stream's data is, and all up to the next object.
    stream: Option<Range<usize>>,
}

/// A file's objects by their numbers.
pub(super) struct Objects<'a> {
    bytes: &'a [u8],
    by_number: HashMap<u32, Vec<PdfObject>>,
    count: usize,
    kept: KeptValues,
}

/// Where an object or a trailer begins.
struct Marker {
    /// `None`: a trailer.
    number: Option<u32>,
    start: usize,
    body: usize,
}

impl PdfObject {
    pub(super) fn dict(&self) -> Option<&Dict> {
        match &self.value {
            Value::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.dict()?.get(key.as_bytes())
    }

    pub(super) fn is_stream(&self) -> bool {
        self.stream.is_some()
    }

    /// A stream that content may show as if its operators stood there; one whose kind stands elsewhere may be.
    pub(super) fn is_form(&self) -> bool {
        let kind = self.get("Subtype");
        self.is_stream()
            && match kind {
                Some(Value::Name(name)) => name == b"Form",
                kind => kind.is_some(),
            }
    }
}

impl<'a> Objects<'a> {
    /// All objects of the file, those in object streams too.
    ///
    /// # Errors
    /// When it is encrypted, or an object cannot be read.
    pub(super) fn read(bytes: &'a [u8], inflater: &mut Inflater) -> Result<Self, Unknown> {
        let mut objects = Self {
            bytes,
            by_number: HashMap::new(),
            count: 0,
            kept: KeptValues {
                room: MOST_VALUES,
                text_maps: Vec::new(),
            },
        };
        let markers = markers(bytes)?;
        for (index, marker) in markers.iter().enumerate() {
            let end = markers
                .get(index + 1)
                .map_or(bytes.len(), |next| next.start);
            objects.read_at(marker, end)?;
        }
        objects.unpack(inflater)?;
        Ok(objects)
    }

    /// All versions of an object.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn versions(&self, number: u32) -> Result<&[PdfObject], Unknown> {
        self.by_number
            .get(&number)
            .map(Vec::as_slice)
            .ok_or(Unknown)
    }

    /// The objects that say which text fonts' codes stand for.
    pub(super) fn text_maps(&self) -> HashSet<u32> {
        self.kept.text_maps.iter().copied().collect()
    }

    /// All versions of all objects.
    pub(super) fn all(&self) -> impl Iterator<Item = (u32, &PdfObject)> {
        let numbered = self.by_number.iter();
        numbered.flat_map(|(number, versions)| versions.iter().map(|object| (*number, object)))
    }

    /// The streams among an object's versions, their filters undone.
    ///
    /// # Errors
    /// When a filter is another than Flate, its data is broken, or the document's limit is used up.
    pub(super) fn data(
        &self,
        number: u32,
        inflater: &mut Inflater,
    ) -> Result<Vec<Vec<u8>>, Unknown> {
        let streams = self.versions(number)?.iter();
        let data = streams.filter_map(|object| Some((object, object.stream.clone()?)));
        data.map(|(object, range)| self.decoded(object, range, inflater))
            .collect()
    }

    /// A stream's data without its filters.
    fn decoded(
        &self,
        object: &PdfObject,
        range: Range<usize>,
        inflater: &mut Inflater,
    ) -> Result<Vec<u8>, Unknown> {
        let data = self.bytes.get(range).ok_or(Unknown)?;
        // Parameters change what comes out; filters have a short name in some readers.
        let says = |key: &&str| match object.get(key) {
            Some(Value::Array(items)) => !items.is_empty(),
            value => value.is_some(),
        };
        if ["DecodeParms", "DP", "F"].iter().any(says) {
            return Err(Unknown);
        }
        let filters = match object.get("Filter") {
            None => &[],
            Some(Value::Array(filters)) => filters.as_slice(),
            Some(filter) => std::slice::from_ref(filter),
        };
        let is = |filter: &Value, name: &str| matches!(filter, Value::Name(own) if own == name.as_bytes());
        let plain = match filters {
            // A longer one would go on beyond what looks like the next object.
            [] if self.length(object)? > data.len() => None,
            [] => inflater.stored(data),
            [flate] if is(flate, "FlateDecode") => inflater.zlib(data),
            [outer, flate] if is(outer, "ASCII85Decode") && is(flate, "FlateDecode") => {
                ascii85(data).and_then(|data| inflater.zlib(&data))
            }
            _ => None,
        };
        plain.ok_or(Unknown)
    }

    /// What a stream says of its length; 0 if nothing, where readers look for its end.
    fn length(&self, object: &PdfObject) -> Result<usize, Unknown> {
        let lengths = match object.get("Length") {
            None => return Ok(0),
            Some(Value::Ref(number)) => self.versions(*number)?,
            Some(length) => return length.int().ok_or(Unknown),
        };
        let lengths = lengths.iter().filter_map(|version| version.value.int());
        lengths.max().ok_or(Unknown)
    }

    fn read_at(&mut self, marker: &Marker, end: usize) -> Result<(), Unknown> {
        let body = self.bytes.get(marker.body..end).ok_or(Unknown)?;
        let mut lexer = Lexer::new(body);
        let value = lexer.value(&mut self.kept)?;
        let stream = match lexer.token() {
            Ok(Some(Token::Word(b"stream"))) => {
                let rest = lexer.rest();
                let data = [b"\r\n".as_slice(), b"\n", b"\r"]
                    .iter()
                    .find_map(|line_end| rest.strip_prefix(*line_end))
                    .unwrap_or(rest);
                Some(end - data.len()..end)
            }
            _ => None,
        };
        self.add(marker.number, PdfObject { value, stream })
    }

    fn add(&mut self, number: Option<u32>, object: PdfObject) -> Result<(), Unknown> {
        if object.get("Encrypt").is_some() {
            return Err(Unknown);
        }
        let Some(number) = number else {
            return Ok(());
        };
        self.count += 1;
        if self.count > MOST_OBJECTS {
            return Err(Unknown);
        }
        self.by_number.entry(number).or_default().push(object);
        Ok(())
    }

    /// Adds the objects in object streams, which any stream with their entries is, whatever its type says.
    fn unpack(&mut self, inflater: &mut Inflater) -> Result<(), Unknown> {
        let packed = |object: &PdfObject| object.is_stream() && object.get("First").is_some();
        let mut streams = Vec::new();
        for (number, object) in self.all().filter(|(_, object)| packed(object)) {
            let (Some(Value::Int(count)), Some(Value::Int(first))) =
                (object.get("N"), object.get("First"))
            else {
                return Err(Unknown);
            };
            streams.push((number, *count, *first));
        }
        for (number, count, first) in streams {
            // Of several versions, one cannot be told from another here.
            let data = match self.data(number, inflater)?.as_mut_slice() {
                [data] => std::mem::take(data),
                _ => return Err(Unknown),
            };
            self.unpack_one(&data, count, first)?;
        }
        Ok(())
    }

    /// An object stream: pairs of number and offset, and the values at the offsets.
    fn unpack_one(&mut self, data: &[u8], count: usize, first: usize) -> Result<(), Unknown> {
        let mut header = Lexer::new(data.get(..first).ok_or(Unknown)?);
        let mut places = Vec::new();
        while let Some(token) = header.token()? {
            let Token::Word(word) = token else {
                return Err(Unknown);
            };
            places.push(parse_integer(word).ok_or(Unknown)?);
        }
        if places.len() % 2 != 0 || places.len() / 2 != count {
            return Err(Unknown);
        }
        let mut pairs = places.chunks_exact(2).peekable();
        while let Some([number, offset]) = pairs.next() {
            let end = match pairs.peek() {
                // One value under two numbers would be read twice.
                Some([_, next]) if next <= offset => return Err(Unknown),
                Some([_, next]) => first.saturating_add(*next),
                _ => data.len(),
            };
            let body = data
                .get(first.saturating_add(*offset)..end)
                .ok_or(Unknown)?;
            let value = Lexer::new(body).value(&mut self.kept)?;
            let number = u32::try_from(*number).map_err(|_| Unknown)?;
            self.add(
                Some(number),
                PdfObject {
                    value,
                    stream: None,
                },
            )?;
        }
        Ok(())
    }
}

impl Value {
    fn int(&self) -> Option<usize> {
        match self {
            Self::Int(number) => Some(*number),
            _ => None,
        }
    }
}

/// Where objects and trailers begin, in order.
fn markers(bytes: &[u8]) -> Result<Vec<Marker>, Unknown> {
    let mut markers = Vec::new();
    for at in memchr::memmem::find_iter(bytes, b"obj") {
        markers.extend(object_marker(bytes, at)?);
        if markers.len() > MOST_OBJECTS {
            return Err(Unknown);
        }
    }
    for start in memchr::memmem::find_iter(bytes, b"trailer") {
        let body = start + b"trailer".len();
        if bytes.get(body).is_some_and(|byte| !is_regular(*byte)) {
            markers.push(Marker {
                number: None,
                start,
                body,
            });
        }
    }
    markers.sort_by_key(|marker| marker.start);
    Ok(markers)
}

/// The object that begins with the `obj` at `at`, if one does.
fn object_marker(bytes: &[u8], at: usize) -> Result<Option<Marker>, Unknown> {
    let body = at + b"obj".len();
    let before = bytes.get(..at).unwrap_or_default();
    let alone = before
        .last()
        .is_none_or(|byte| !is_regular(*byte) || byte.is_ascii_digit());
    let ends = bytes
        .get(body)
        .is_none_or(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_');
    if !alone || !ends {
        return Ok(None);
    }
    let (before, generation) = number_before(before);
    let (before, number) = number_before(before);
    if generation.is_empty() || number.is_empty() {
        // `12 0 %comment` and the like; a word of some text, more often.
        return Err(Unknown);
    }
    let number = parse_integer(number).and_then(|number| u32::try_from(number).ok());
    Ok(Some(Marker {
        number: Some(number.ok_or(Unknown)?),
        start: before.len(),
        body,
    }))
}

/// The digits at the end of `bytes` before any space, and what is before them.
fn number_before(bytes: &[u8]) -> (&[u8], &[u8]) {
    let spaces = bytes
        .iter()
        .rev()
        .take_while(|byte| is_space(**byte))
        .count();
    let bytes = bytes.get(..bytes.len() - spaces).unwrap_or_default();
    let digits = bytes
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    bytes
        .split_at_checked(bytes.len() - digits)
        .unwrap_or((bytes, &[]))
}

//! The frames in which Bedrock streams an answer: Amazon's event stream
//! (<https://smithy.io/2.0/aws/amazon-eventstream.html>).
//!
//! They are read where they lie. The SDK's reader copies every header on its own and adds up its checksums number by
//! number; with what it makes of the payload it was a fifth of all that a small request cost. The tests hold this
//! reader against it.

use std::mem;

use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::byte_stream::error::Error as ByteStreamError;
use bytes::{Buf, BytesMut};
use serde_json::error::Category;

/// The frame's length, its headers' length, and a checksum of both.
const PRELUDE: usize = 12;
/// The checksum of all before it.
const CHECKSUM: usize = 4;

/// Room for some frames: most are shorter than half a kilobyte.
const BUFFER: usize = 2048;

/// The frames of one answer, as they come.
#[derive(Debug)]
pub struct Frames {
    body: ByteStream,
    buffer: BytesMut,
    /// How much of the buffer is the frame that was handed out last.
    taken: usize,
}

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    pub kind: FrameKind<'a>,
    /// JSON of an event or an exception; an error has none.
    pub payload: &'a [u8],
}

/// What a frame is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind<'a> {
    /// An event of this name.
    Event(&'a str),
    /// The end, for a reason that the service's model knows by this name.
    Exception(&'a str),
    /// The end, for another reason.
    Error { code: &'a str, message: &'a str },
}

/// Why an answer can be read no further.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error("the connection failed")]
    Connection(#[from] ByteStreamError),
    #[error("the connection ended within a frame, after {0} bytes of it")]
    Unfinished(usize),
    #[error("a frame's {0} and its checksum differ")]
    Checksum(&'static str),
    #[error("a frame of {frame} bytes cannot have {headers} bytes of headers")]
    Lengths { frame: usize, headers: usize },
    #[error("a frame's headers cannot be read")]
    Headers,
    #[error("a frame of the type {0:?}, which no stream has")]
    Type(String),
    /// What stands there may be the answer's own words, and no business of a log.
    #[error("{what} is not its JSON: {why:?} at byte {at}")]
    Payload {
        what: String,
        why: Category,
        at: usize,
    },
}

impl Frames {
    /// Those in this body.
    pub fn new(body: SdkBody) -> Self {
        Self {
            body: ByteStream::new(body),
            buffer: BytesMut::with_capacity(BUFFER),
            taken: 0,
        }
    }

    /// The next frame; `None` once the body ends behind one. Nothing is lost when it is not waited for to the end.
    pub async fn next(&mut self) -> Result<Option<Frame<'_>>, Broken> {
        self.buffer.advance(mem::take(&mut self.taken));
        let Some(length) = self.fill().await? else {
            return Ok(None);
        };
        self.taken = length;
        read(self.buffer.get(..length).unwrap_or_default()).map(Some)
    }

    /// Waits until a frame is here, and says how long it is.
    async fn fill(&mut self) -> Result<Option<usize>, Broken> {
        loop {
            if let Some(length) = length(&self.buffer)?
                && length <= self.buffer.len()
            {
                return Ok(Some(length));
            }
            match self.body.try_next().await? {
                Some(bytes) => self.buffer.extend_from_slice(&bytes),
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(Broken::Unfinished(self.buffer.len())),
            }
        }
    }
}

/// How long the frame is that begins here; `None` until its prelude is here.
fn length(bytes: &[u8]) -> Result<Option<usize>, Broken> {
    let Some(prelude) = bytes.first_chunk::<PRELUDE>() else {
        return Ok(None);
    };
    let (mut numbers, mut checksum) = prelude.split_at(PRELUDE - CHECKSUM);
    if crc32fast::hash(numbers) != checksum.get_u32() {
        return Err(Broken::Checksum("prelude"));
    }
    let frame = numbers.get_u32() as usize;
    let headers = numbers.get_u32() as usize;
    if frame.saturating_sub(PRELUDE + CHECKSUM) < headers || frame < PRELUDE + CHECKSUM {
        return Err(Broken::Lengths { frame, headers });
    }
    Ok(Some(frame))
}

/// Reads a frame of which all is here and the prelude is right.
fn read(frame: &[u8]) -> Result<Frame<'_>, Broken> {
    let unfinished = || Broken::Unfinished(frame.len());
    let (bytes, checksum) = frame.split_last_chunk().ok_or_else(unfinished)?;
    if crc32fast::hash(bytes) != u32::from_be_bytes(*checksum) {
        return Err(Broken::Checksum("bytes"));
    }
    let (mut prelude, rest) = bytes.split_at_checked(PRELUDE).ok_or_else(unfinished)?;
    prelude.advance(size_of::<u32>());
    let headers = prelude.get_u32() as usize;
    let (headers, payload) = rest.split_at_checked(headers).ok_or_else(unfinished)?;
    let kind = kind(headers)?;
    Ok(Frame { kind, payload })
}

fn kind(mut headers: &[u8]) -> Result<FrameKind<'_>, Broken> {
    let (mut message_type, mut name, mut message) = ("", "", "");
    while !headers.is_empty() {
        let (header, value) = header(&mut headers).ok_or(Broken::Headers)?;
        let known = match header {
            b":message-type" => &mut message_type,
            b":event-type" | b":exception-type" | b":error-code" => &mut name,
            b":error-message" => &mut message,
            _ => continue,
        };
        *known = str::from_utf8(value).map_err(|_| Broken::Headers)?;
    }
    match message_type {
        "event" => Ok(FrameKind::Event(name)),
        "exception" => Ok(FrameKind::Exception(name)),
        "error" => Ok(FrameKind::Error {
            code: name,
            message,
        }),
        other => Err(Broken::Type(other.to_owned())),
    }
}

/// Takes one header off, name and value; `None`: it cannot be read.
fn header<'a>(headers: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let length = headers.try_get_u8().ok()?;
    let name = headers.split_off(..usize::from(length))?;
    // By type: true and false, three widths of integers, 64 bits, bytes and text, a time, a UUID.
    let length = match headers.try_get_u8().ok()? {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        6 | 7 => usize::from(headers.try_get_u16().ok()?),
        9 => 16,
        _ => return None,
    };
    Some((name, headers.split_off(..length)?))
}

#[cfg(all(test, feature = "local"))]
mod tests;

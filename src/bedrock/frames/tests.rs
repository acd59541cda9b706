use std::convert::Infallible;
use std::task::Poll;

use aws_smithy_eventstream::frame::{read_message_from, write_message_to};
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use bytes::Bytes;
use futures_util::{FutureExt, stream};
use http_body_util::StreamBody;
use proptest::prelude::*;

use super::*;

/// A frame as the SDK writes it.
fn written(headers: &[(&str, HeaderValue)], payload: &[u8]) -> Vec<u8> {
    let mut message = Message::new(payload.to_vec());
    for (name, value) in headers {
        message = message.add_header(Header::new((*name).to_owned(), value.clone()));
    }
    let mut bytes = Vec::new();
    write_message_to(&message, &mut bytes).unwrap();
    bytes
}

fn text(text: &str) -> HeaderValue {
    HeaderValue::String(text.to_owned().into())
}

fn event(name: &str, payload: &[u8]) -> Vec<u8> {
    let headers = [
        (":event-type", text(name)),
        (":content-type", text("application/json")),
        (":message-type", text("event")),
    ];
    written(&headers, payload)
}

/// A body that arrives in these pieces.
fn body(pieces: Vec<Bytes>) -> SdkBody {
    let frames = pieces
        .into_iter()
        .map(|piece| Ok::<_, Infallible>(hyper::body::Frame::data(piece)));
    SdkBody::from_body_1_x(StreamBody::new(stream::iter(frames)))
}

/// What is read of a body, and how it ends.
async fn all(pieces: Vec<Bytes>) -> (Vec<(String, Vec<u8>)>, Option<Broken>) {
    let mut frames = Frames::new(body(pieces));
    let mut read = Vec::new();
    loop {
        match frames.next().await {
            Ok(Some(frame)) => {
                let FrameKind::Event(name) = frame.kind else {
                    panic!("{frame:?}");
                };
                read.push((name.to_owned(), frame.payload.to_vec()));
            }
            Ok(None) => return (read, None),
            Err(broken) => return (read, Some(broken)),
        }
    }
}

#[test]
fn what_a_frame_is_for_stands_in_its_headers() {
    let exception = [
        (":exception-type", text("throttlingException")),
        (":message-type", text("exception")),
    ];
    let error = [
        (":error-code", text("InternalError")),
        (":error-message", text("it broke")),
        (":message-type", text("error")),
    ];
    let among_others = [
        ("a", HeaderValue::Bool(true)),
        ("b", HeaderValue::Bool(false)),
        ("c", HeaderValue::Byte(-1)),
        ("d", HeaderValue::Int16(-1)),
        ("e", HeaderValue::Int32(-1)),
        ("f", HeaderValue::Int64(-1)),
        ("g", HeaderValue::ByteArray(Bytes::from_static(&[0, 255]))),
        (
            "h",
            HeaderValue::Timestamp(aws_smithy_types::DateTime::from_secs(1)),
        ),
        ("i", HeaderValue::Uuid(u128::MAX)),
        (":event-type", text("metadata")),
        (":message-type", text("event")),
    ];
    let cases: [(&[_], _); 3] = [
        (&exception, FrameKind::Exception("throttlingException")),
        (
            &error,
            FrameKind::Error {
                code: "InternalError",
                message: "it broke",
            },
        ),
        (&among_others, FrameKind::Event("metadata")),
    ];
    for (headers, kind) in cases {
        let bytes = written(headers, b"{}");
        let frame = read(&bytes).unwrap();
        assert_eq!(
            frame,
            Frame {
                kind,
                payload: b"{}"
            }
        );
    }
    for headers in [vec![], vec![(":message-type", text("initial-response"))]] {
        let bytes = written(&headers, b"");
        assert!(matches!(read(&bytes), Err(Broken::Type(_))), "{headers:?}");
    }
    let not_text = HeaderValue::ByteArray(Bytes::from_static(&[255]));
    let bytes = written(&[(":message-type", not_text)], b"");
    assert!(matches!(read(&bytes), Err(Broken::Headers)));
}

/// A frame of these numbers and bytes, whose checksums are right.
fn forged(length: u32, headers: u32, bytes: &[u8]) -> Vec<u8> {
    let mut frame = [length.to_be_bytes(), headers.to_be_bytes()].concat();
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame.extend(bytes);
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame
}

#[test]
fn lengths_that_cannot_be_are_told_at_the_prelude() {
    for (frame, headers) in [(0, 0), (15, 0), (16, 1), (20, u32::MAX)] {
        let forged = forged(frame, headers, b"");
        assert!(
            matches!(length(&forged), Err(Broken::Lengths { .. })),
            "{frame} {headers}"
        );
    }
    assert!(matches!(length(&forged(16, 0, b"")), Ok(Some(16))));
}

#[test]
fn headers_that_end_too_early_are_told() {
    let headers: [&[u8]; 6] = [
        b"\x05name",
        b"\x01a",
        b"\x01a\x07",
        b"\x01a\x07\x00\x09short",
        b"\x01a\x04\x00\x00\x00",
        b"\x01a\x63",
    ];
    for bytes in headers {
        let many = u32::try_from(bytes.len()).unwrap();
        let forged = forged(many + 16, many, bytes);
        assert!(matches!(length(&forged), Ok(Some(_))));
        assert!(matches!(read(&forged), Err(Broken::Headers)), "{bytes:?}");
    }
}

#[test]
fn no_bit_can_change_unseen() {
    let frame = event("contentBlockDelta", b"{\"delta\":{\"text\":\"so\"}}");
    for bit in 0..frame.len() * 8 {
        let mut garbled = frame.clone();
        garbled[bit / 8] ^= 1 << (bit % 8);
        let found = length(&garbled).and_then(|_| read(&garbled).map(|_| ()));
        assert!(
            matches!(found, Err(Broken::Checksum(_))),
            "bit {bit}: {found:?}"
        );
    }
}

#[tokio::test]
async fn a_body_that_ends_within_a_frame_is_not_whole() {
    let frames = [event("messageStart", b"{}"), event("messageStop", b"{}")];
    let border = frames[0].len();
    let bytes = Bytes::from(frames.concat());
    for end in 0..=bytes.len() {
        let (read, broken) = all(vec![bytes.slice(..end)]).await;
        let whole = [0, border, bytes.len()]
            .iter()
            .position(|whole| *whole == end);
        match (whole, broken) {
            (Some(frames), None) => assert_eq!(read.len(), frames),
            (None, Some(Broken::Unfinished(left))) => {
                assert_eq!(left, end - if end > border { border } else { 0 });
            }
            (_, broken) => panic!("{end}: {broken:?}"),
        }
    }
}

#[tokio::test]
async fn who_stops_waiting_loses_nothing() {
    let bytes = Bytes::from(event("messageStop", b"{}"));
    let mut pieces = vec![bytes.slice(..20), bytes.slice(20..)];
    let mut ready = false;
    let slow = stream::poll_fn(move |context| {
        ready = !ready;
        if ready {
            let piece = (!pieces.is_empty()).then(|| pieces.remove(0));
            return Poll::Ready(
                piece.map(|piece| Ok::<_, Infallible>(hyper::body::Frame::data(piece))),
            );
        }
        context.waker().wake_by_ref();
        Poll::Pending
    });
    let mut frames = Frames::new(SdkBody::from_body_1_x(StreamBody::new(slow)));
    assert!(frames.next().now_or_never().is_none());
    let frame = frames.next().await.unwrap().unwrap();
    assert_eq!(frame.kind, FrameKind::Event("messageStop"));
    assert!(frames.next().await.unwrap().is_none());
}

fn any_value() -> impl Strategy<Value = HeaderValue> {
    prop_oneof![
        any::<bool>().prop_map(HeaderValue::Bool),
        any::<i8>().prop_map(HeaderValue::Byte),
        any::<i16>().prop_map(HeaderValue::Int16),
        any::<i32>().prop_map(HeaderValue::Int32),
        any::<i64>().prop_map(HeaderValue::Int64),
        any::<Vec<u8>>().prop_map(|bytes| HeaderValue::ByteArray(bytes.into())),
        ".{0,20}".prop_map(|value| text(&value)),
        any::<i32>().prop_map(
            |at| HeaderValue::Timestamp(aws_smithy_types::DateTime::from_secs(at.into()))
        ),
        any::<u128>().prop_map(HeaderValue::Uuid),
    ]
}

prop_compose! {
    fn any_frame()(
        name in "[a-zA-Z]{0,20}",
        others in proptest::collection::vec(("[a-z]{1,9}", any_value()), 0..4),
        payload in any::<Vec<u8>>(),
    ) -> Vec<u8> {
        let others = others.iter().map(|(name, value)| (&**name, value.clone()));
        let known = [(":event-type", text(&name)), (":message-type", text("event"))];
        written(&others.chain(known).collect::<Vec<_>>(), &payload)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn frames_are_read_as_the_sdk_reads_them_however_they_arrive(
        frames in proptest::collection::vec(any_frame(), 0..6),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..9),
    ) {
        let expected: Vec<(String, Vec<u8>)> = frames.iter().map(|frame| {
            let message = read_message_from(&mut &frame[..]).unwrap();
            let mut headers = message.headers().iter();
            let name = headers.find(|header| header.name().as_str() == ":event-type").unwrap();
            (name.value().as_string().unwrap().as_str().to_owned(), message.payload().to_vec())
        }).collect();
        let bytes = Bytes::from(frames.concat());
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| bytes.slice(cut[0]..cut[1])).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (read, broken) = runtime.block_on(all(pieces));
        prop_assert!(broken.is_none(), "{broken:?}");
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn no_bytes_are_too_strange(bytes in any::<Vec<u8>>(), forge in any::<bool>(), headers in 0..40_u32) {
        let bytes = if forge {
            forged(u32::try_from(bytes.len()).unwrap() + 16, headers, &bytes)
        } else {
            bytes
        };
        if let Ok(Some(length)) = length(&bytes) {
            prop_assert!(length >= 16);
            read(bytes.get(..length).unwrap_or_default()).ok();
        }
    }
}

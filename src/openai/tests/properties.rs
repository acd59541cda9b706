use http::HeaderMap;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};

use crate::openai::ChatRequest;
use crate::wire::WireRequest;
use crate::wire::surrogates;

const KEYS: [&str; 41] = [
    "messages",
    "role",
    "content",
    "type",
    "text",
    "image_url",
    "url",
    "tool_calls",
    "tool_call_id",
    "id",
    "function",
    "name",
    "arguments",
    "parameters",
    "tools",
    "tool_choice",
    "thinking_blocks",
    "thinking",
    "signature",
    "cache_control",
    "stop",
    "max_tokens",
    "reasoning_effort",
    "metadata",
    "file",
    "file_data",
    "filename",
    "source",
    "data",
    "media_type",
    "citations",
    "response_format",
    "json_schema",
    "schema",
    "guardrailConfig",
    "requestMetadata",
    "service_tier",
    "anthropic_beta",
    "output_config",
    "seed",
    "function_call",
];

const WORDS: [&str; 18] = [
    "",
    "user",
    "assistant",
    "tool",
    "system",
    "text",
    "image_url",
    "function",
    "thinking",
    "data:image/png;base64,AAAA",
    "{\"a\": 1}",
    "enabled",
    "file",
    "document",
    "base64",
    "data:application/pdf;base64,AAAA",
    "https://example.com/a.png",
    "json_schema",
];

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(WORDS.to_vec()).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 5, |inner| {
        let fields = prop::collection::vec((select(KEYS.to_vec()), inner.clone()), 0..5);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::Array),
            fields.prop_map(|fields| {
                let fields = fields
                    .into_iter()
                    .map(|(key, value)| (key.to_owned(), value));
                Value::Object(fields.collect::<Map<_, _>>())
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: ProptestConfig::default().cases.max(2_000), ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_body_is_it_is_read_or_refused_with_its_field(messages in json(), tools in json(), key in select(KEYS.to_vec()), value in json()) {
        let mut body = Map::from_iter([("messages".to_owned(), messages), ("tools".to_owned(), tools)]);
        body.insert(key.to_owned(), value);
        let body = Value::Object(body).to_string();
        let read = ChatRequest::parse(body.as_bytes()).and_then(|mut chat| {
            let found = vec![bytes::Bytes::from_static(b"GIF8"); chat.remote_images().len()];
            chat.put_images(found);
            Box::new(chat).into_conversation(&HeaderMap::new())
        });
        if let Err(error) = read {
            prop_assert_eq!(error.status.as_u16(), 400);
            prop_assert!(error.param.is_some_and(|param| !param.is_empty()), "{}", error.message);
            prop_assert!(!error.message.contains("Wire"), "{}", error.message);
        }
    }

    #[test]
    fn text_of_any_kind_is_repaired_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..80), text in ".{0,40}") {
        let _ = ChatRequest::parse(&bytes);
        let _ = surrogates::objects(&bytes, 3);
        let json = Value::from(text).to_string();
        let repaired = surrogates::repaired(json.as_bytes());
        prop_assert_eq!(&*repaired, json.as_bytes());
    }

    #[test]
    fn units_of_utf_16_become_what_a_lossy_decoder_makes_of_them(units in prop::collection::vec(prop_oneof![any::<u16>(), 0xd800_u16..0xe000], 0..12)) {
        let escapes: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
        let (read, _): (String, _) = surrogates::parse(format!("\"{escapes}\"").as_bytes()).unwrap();
        prop_assert_eq!(read, String::from_utf16_lossy(&units));
    }
}

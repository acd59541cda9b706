use aws_sdk_bedrockruntime::types::{
    CacheDetail, ContentBlockDeltaEvent, ContentBlockStartEvent, ConverseStreamMetadataEvent,
    MessageStopEvent, ToolUseBlockDelta, ToolUseBlockStart,
};

use super::*;
use crate::conversation::{Request, ToolChoice};

fn start(block: i32, id: &str, name: &str) -> ConverseStreamOutput {
    let call = ToolUseBlockStart::builder()
        .tool_use_id(id)
        .name(name)
        .build()
        .unwrap();
    let event = ContentBlockStartEvent::builder()
        .content_block_index(block)
        .start(ContentBlockStart::ToolUse(call));
    ConverseStreamOutput::ContentBlockStart(event.build().unwrap())
}

fn input(block: i32, json: &str) -> ConverseStreamOutput {
    let piece = ToolUseBlockDelta::builder().input(json).build().unwrap();
    let event = ContentBlockDeltaEvent::builder()
        .content_block_index(block)
        .delta(ContentBlockDelta::ToolUse(piece));
    ConverseStreamOutput::ContentBlockDelta(event.build().unwrap())
}

#[test]
fn tool_calls_are_counted_from_0_and_named_as_the_client_named_them() {
    let request = Request {
        tool_choice: ToolChoice::Named("read file".into()),
        ..Request::default()
    };
    let names = Names::of(&request);
    let mapped = names.to_bedrock("read file");
    let mut decoder = Decoder::new(names);
    let call = |index, id: &str, name: &str| {
        Some(Event::ToolCall {
            index,
            id: id.into(),
            name: name.into(),
        })
    };
    let piece = |index, json: &str| {
        Some(Event::ToolInput {
            index,
            json: json.into(),
        })
    };
    assert_eq!(
        decoder.decode(start(2, "a", &mapped)),
        call(0, "a", "read file")
    );
    assert_eq!(decoder.decode(input(2, "{")), piece(0, "{"));
    assert_eq!(
        decoder.decode(start(5, "b", "other")),
        call(1, "b", "other")
    );
    assert_eq!(decoder.decode(input(5, "{}")), piece(1, "{}"));
    assert_eq!(decoder.decode(input(9, "of no call")), None);
}

#[test]
fn written_tokens_are_told_apart_by_how_long_they_are_kept() {
    let detail = |ttl, tokens| {
        let detail = CacheDetail::builder().ttl(ttl).input_tokens(tokens);
        detail.build().unwrap()
    };
    let usage = TokenUsage::builder()
        .input_tokens(3)
        .output_tokens(61)
        .total_tokens(2_435)
        .cache_read_input_tokens(2_074)
        .cache_write_input_tokens(297)
        .cache_details(detail(CacheTtl::OneHour, 200))
        .cache_details(detail(CacheTtl::FiveMinutes, 97))
        .build()
        .unwrap();
    let metadata = ConverseStreamMetadataEvent::builder().usage(usage).build();
    let event = Decoder::new(Names::default()).decode(ConverseStreamOutput::Metadata(metadata));
    let Some(Event::Usage(usage)) = event else {
        panic!("{event:?}");
    };
    assert_eq!((usage.cache_write_1h, usage.cache_write_5m), (200, 97));
    assert_eq!((usage.prompt(), usage.total()), (2_374, 2_435));
}

#[test]
fn reasons_that_the_sdk_does_not_know_are_kept() {
    let cases = [
        ("end_turn", StopReason::EndTurn),
        ("tool_use", StopReason::ToolUse),
        ("refusal", StopReason::ContentFiltered),
        ("malformed_tool_use", StopReason::Malformed),
        (
            "model_context_window_exceeded",
            StopReason::ContextWindowExceeded,
        ),
        ("tomorrow", StopReason::Other("tomorrow".into())),
    ];
    for (word, reason) in cases {
        let stop = MessageStopEvent::builder().stop_reason(word.into());
        let event = ConverseStreamOutput::MessageStop(stop.build().unwrap());
        let decoded = Decoder::new(Names::default()).decode(event);
        assert_eq!(decoded, Some(Event::Stop(reason)), "{word}");
    }
}

fn delta(block: i32, delta: ContentBlockDelta) -> ConverseStreamOutput {
    let event = ContentBlockDeltaEvent::builder()
        .content_block_index(block)
        .delta(delta);
    ConverseStreamOutput::ContentBlockDelta(event.build().unwrap())
}

#[test]
fn tokens_of_thinking_are_part_of_the_usage() {
    let keys = ["thinking_tokens", "output_tokens_details", "usage"];
    let fields = keys
        .into_iter()
        .fold(Document::Number(Number::PosInt(40)), |inner, key| {
            Document::Object([(key.to_owned(), inner)].into())
        });
    let mut decoder = Decoder::new(Names::default());
    let stop = MessageStopEvent::builder()
        .stop_reason(SdkStopReason::EndTurn)
        .additional_model_response_fields(fields);
    decoder.decode(ConverseStreamOutput::MessageStop(stop.build().unwrap()));
    let usage = TokenUsage::builder()
        .input_tokens(1)
        .output_tokens(50)
        .total_tokens(51);
    let metadata = ConverseStreamMetadataEvent::builder().usage(usage.build().unwrap());
    match decoder.decode(ConverseStreamOutput::Metadata(metadata.build())) {
        Some(Event::Usage(usage)) => assert_eq!(usage.reasoning, Some(40)),
        other => panic!("{other:?}"),
    }
}

fn any_event() -> impl proptest::strategy::Strategy<Value = ConverseStreamOutput> {
    use proptest::prelude::*;
    let block = || prop_oneof![Just(-1), Just(i32::MAX), 0..4_i32];
    prop_oneof![
        (block(), ".{0,3}").prop_map(|(block, id)| start(block, &id, &id)),
        (block(), ".{0,9}").prop_map(|(block, json)| input(block, &json)),
        (block(), ".{0,9}").prop_map(|(block, text)| delta(block, ContentBlockDelta::Text(text))),
        (block(), ".{0,9}").prop_map(|(block, text)| {
            delta(
                block,
                ContentBlockDelta::ReasoningContent(ReasoningContentBlockDelta::Signature(text)),
            )
        }),
        "[a-z_]{0,20}".prop_map(|reason| {
            let stop =
                MessageStopEvent::builder().stop_reason(SdkStopReason::from(reason.as_str()));
            ConverseStreamOutput::MessageStop(stop.build().unwrap())
        }),
        (any::<i32>(), any::<i32>(), any::<i32>()).prop_map(|(input, output, cached)| {
            let usage = TokenUsage::builder()
                .input_tokens(input)
                .output_tokens(output)
                .total_tokens(output)
                .cache_read_input_tokens(cached)
                .cache_write_input_tokens(cached);
            let metadata = ConverseStreamMetadataEvent::builder().usage(usage.build().unwrap());
            ConverseStreamOutput::Metadata(metadata.build())
        }),
    ]
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn whatever_order_events_come_in_every_piece_belongs_to_a_call_that_began(events in proptest::collection::vec(any_event(), 0..40)) {
        let mut decoder = Decoder::new(Names::default());
        let mut calls = 0;
        for event in events {
            match decoder.decode(event) {
                Some(Event::ToolCall { index, .. }) => {
                    proptest::prop_assert_eq!(index, calls);
                    calls += 1;
                }
                Some(Event::ToolInput { index, .. }) => proptest::prop_assert!(index < calls),
                _ => {}
            }
        }
    }
}

use bytes::Bytes;

use crate::conversation::{Event, Fold, StopReason, Usage};
use crate::openai::completion;
use crate::wire::ReplyMeta;

fn reply(events: Vec<Event>) -> serde_json::Value {
    let mut fold = Fold::default();
    events.into_iter().for_each(|event| fold.push(event));
    let meta = ReplyMeta {
        id: "chatcmpl-1".into(),
        created: 7,
        model: "m".into(),
        ..ReplyMeta::default()
    };
    let reply = completion(meta, fold.finish(), None);
    serde_json::to_value(reply).unwrap()
}

#[test]
fn a_reply_is_the_stream_folded() {
    let reply = reply(vec![
        Event::Thinking("Let me ".into()),
        Event::Thinking("see.".into()),
        Event::Signature("SIG==".into()),
        Event::Signature("ALONE==".into()),
        Event::RedactedThinking(Bytes::from_static(&[0, 1])),
        Event::Text("We".into()),
        Event::Text("ll.".into()),
        Event::ToolCall {
            index: 0,
            id: "t0".into(),
            name: "weather".into(),
            native: None,
        },
        Event::ToolInput {
            index: 0,
            json: "{\"city\": ".into(),
        },
        Event::ToolInput {
            index: 0,
            json: "\"Paris\"}".into(),
        },
        Event::ToolCall {
            index: 1,
            id: "t1".into(),
            name: "now".into(),
            native: None,
        },
        Event::Stop(StopReason::ToolUse),
        Event::Usage(Usage {
            input: 3,
            output: 5,
            cache_read: 7,
            ..Usage::default()
        }),
    ]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&reply).unwrap(), @r#"
    {
      "id": "chatcmpl-1",
      "object": "chat.completion",
      "created": 7,
      "model": "m",
      "choices": [
        {
          "index": 0,
          "finish_reason": "tool_calls",
          "message": {
            "role": "assistant",
            "content": "Well.",
            "reasoning_content": "Let me see.",
            "thinking_blocks": [
              {
                "type": "thinking",
                "thinking": "Let me see.",
                "signature": "SIG=="
              },
              {
                "type": "thinking",
                "thinking": "",
                "signature": "ALONE=="
              },
              {
                "type": "redacted_thinking",
                "data": "AAE="
              }
            ],
            "tool_calls": [
              {
                "id": "t0",
                "type": "function",
                "function": {
                  "name": "weather",
                  "arguments": "{\"city\": \"Paris\"}"
                }
              },
              {
                "id": "t1",
                "type": "function",
                "function": {
                  "name": "now",
                  "arguments": "{}"
                }
              }
            ]
          }
        }
      ],
      "usage": {
        "prompt_tokens": 10,
        "completion_tokens": 5,
        "total_tokens": 15,
        "prompt_tokens_details": {
          "cached_tokens": 7,
          "cache_write_tokens": 0
        },
        "completion_tokens_details": {
          "reasoning_tokens": 0
        },
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 7
      }
    }
    "#);
}

#[test]
fn content_is_null_beside_tool_calls_and_a_string_everywhere_else() {
    let call = Event::ToolCall {
        index: 0,
        id: "t".into(),
        name: "f".into(),
        native: None,
    };
    let stop = Event::Stop(StopReason::ToolUse);
    let alone = reply(vec![call.clone(), stop.clone()]);
    assert_eq!(
        alone["choices"][0]["message"]["content"],
        serde_json::Value::Null
    );
    let beside = reply(vec![Event::Text("a".into()), call, stop]);
    assert_eq!(beside["choices"][0]["message"]["content"], "a");
    let nothing = reply(vec![Event::Stop(StopReason::EndTurn)]);
    assert_eq!(nothing["choices"][0]["message"]["content"], "");
    assert!(nothing["choices"][0]["message"].get("tool_calls").is_none());
}

#[test]
fn unsigned_thinking_is_readable_but_no_block_to_send_back() {
    let reply = reply(vec![
        Event::Thinking("t".into()),
        Event::Text("a".into()),
        Event::Stop(StopReason::EndTurn),
    ]);
    let message = &reply["choices"][0]["message"];
    assert_eq!(message["reasoning_content"], "t");
    assert!(message.get("thinking_blocks").is_none());
}

#[test]
fn every_stop_reason_has_openai_s_word() {
    let cases = [
        (StopReason::EndTurn, "stop"),
        (StopReason::StopSequence(None), "stop"),
        (StopReason::MaxTokens, "length"),
        (StopReason::ContextWindowExceeded, "length"),
        (StopReason::ToolUse, "tool_calls"),
        (StopReason::GuardrailIntervened, "content_filter"),
        (StopReason::ContentFiltered, "content_filter"),
        (StopReason::Malformed, "stop"),
        (StopReason::Other("new".into()), "stop"),
    ];
    for (reason, word) in cases {
        let reply = reply(vec![Event::Stop(reason.clone())]);
        assert_eq!(reply["choices"][0]["finish_reason"], word, "{reason:?}");
    }
}

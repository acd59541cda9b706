//! Driven by the real client of the AWS SDK.

use std::time::Instant;

use aws_sdk_bedrockruntime::{
    error::ProvideErrorMetadata,
    types::{
        CachePointBlock, CachePointType, ContentBlock, ContentBlockDelta, ContentBlockStart,
        ConversationRole, ConverseStreamOutput, Message, ReasoningContentBlockDelta,
        SystemContentBlock, Tool, ToolConfiguration, ToolInputSchema, ToolSpecification,
    },
};
use aws_smithy_types::{Document, Number};
use serde_json::json;

use super::{
    fixtures::{LLAMA, NOVA, RETIRED, SONNET, client, start},
    *,
};

pub(super) fn user(text: &str) -> Message {
    message(
        ConversationRole::User,
        vec![ContentBlock::Text(text.into())],
    )
}

fn message(role: ConversationRole, content: Vec<ContentBlock>) -> Message {
    let message = Message::builder().role(role).set_content(Some(content));
    message.build().unwrap()
}

fn thinking(budget: u64) -> Document {
    let fields = [
        ("type".to_owned(), Document::String("enabled".into())),
        (
            "budget_tokens".to_owned(),
            Document::Number(Number::PosInt(budget)),
        ),
    ];
    let thinking = Document::Object(fields.into_iter().collect());
    Document::Object([("thinking".to_owned(), thinking)].into_iter().collect())
}

fn weather() -> ToolConfiguration {
    let schema = Document::Object(
        [("type".to_owned(), Document::String("object".into()))]
            .into_iter()
            .collect(),
    );
    let spec = ToolSpecification::builder()
        .name("get_weather")
        .input_schema(ToolInputSchema::Json(schema))
        .build()
        .unwrap();
    ToolConfiguration::builder()
        .tools(Tool::ToolSpec(spec))
        .build()
        .unwrap()
}

/// A stream, folded.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) text: String,
    thinking: String,
    signature: String,
    tool: Option<(String, String)>,
    tool_input: String,
    pub(super) stop: Option<String>,
    usage: Option<aws_sdk_bedrockruntime::types::TokenUsage>,
    pub(super) unknown: usize,
    /// How the stream ended, where it did not end well.
    pub(super) error: Option<String>,
}

pub(super) async fn hear(
    output: aws_sdk_bedrockruntime::operation::converse_stream::ConverseStreamOutput,
) -> Heard {
    let mut stream = output.stream;
    let mut heard = Heard::default();
    loop {
        match stream.recv().await {
            Ok(Some(event)) => heard.take(event),
            Ok(None) => return heard,
            Err(error) => {
                heard.error = Some(format!("{error:?}"));
                return heard;
            }
        }
    }
}

impl Heard {
    fn take(&mut self, event: ConverseStreamOutput) {
        match event {
            ConverseStreamOutput::ContentBlockStart(start) => {
                if let Some(ContentBlockStart::ToolUse(tool)) = start.start {
                    self.tool = Some((tool.tool_use_id, tool.name));
                }
            }
            ConverseStreamOutput::ContentBlockDelta(delta) => match delta.delta {
                Some(ContentBlockDelta::Text(text)) => self.text.push_str(&text),
                Some(ContentBlockDelta::ToolUse(tool)) => self.tool_input.push_str(&tool.input),
                Some(ContentBlockDelta::ReasoningContent(thought)) => match thought {
                    ReasoningContentBlockDelta::Text(text) => self.thinking.push_str(&text),
                    ReasoningContentBlockDelta::Signature(signature) => self.signature = signature,
                    _ => self.unknown += 1,
                },
                _ => self.unknown += 1,
            },
            ConverseStreamOutput::MessageStop(stop) => {
                self.stop = Some(stop.stop_reason.as_str().to_owned());
            }
            ConverseStreamOutput::Metadata(metadata) => self.usage = metadata.usage,
            ConverseStreamOutput::MessageStart(_) | ConverseStreamOutput::ContentBlockStop(_) => {}
            _ => self.unknown += 1,
        }
    }
}

#[tokio::test]
async fn a_stream_decodes_to_text_and_usage() {
    let simulated = start().await;
    let client = client(&simulated);
    let output = client
        .converse_stream()
        .model_id(NOVA)
        .messages(user("hello there"));
    let heard = hear(output.send().await.unwrap()).await;
    assert!(heard.text.contains("simulated") && heard.text.contains("hello there"));
    assert_eq!(heard.stop.as_deref(), Some("end_turn"));
    let usage = heard.usage.unwrap();
    assert_eq!(usage.total_tokens, usage.input_tokens + usage.output_tokens);
    assert_eq!(heard.error, None);

    let output = client
        .converse()
        .model_id(NOVA)
        .messages(user("hello there"));
    let output = output.send().await.unwrap();
    assert_eq!(output.stop_reason.as_str(), "end_turn");
    assert_eq!(output.usage.unwrap().total_tokens, usage.total_tokens);

    let seen = simulated.requests_for(NOVA);
    assert_eq!(seen.len(), 2);
    assert!(
        seen[0]
            .authorization
            .contains("/us-east-1/bedrock/aws4_request")
    );
    assert_eq!(
        seen[0].body["messages"][0]["content"][0]["text"],
        "hello there"
    );
    assert_eq!((seen[0].status, seen[0].end), (200, AnswerOutcome::Taken));
    assert_eq!(seen[0].connection, seen[1].connection);
    assert_eq!(simulated.billed(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tool_is_called_and_thinking_comes_back_with_its_signature() {
    let simulated = start().await;
    let client = client(&simulated);
    let ask = |messages: Vec<Message>| {
        client
            .converse_stream()
            .model_id(SONNET)
            .set_messages(Some(messages))
            .tool_config(weather())
            .additional_model_request_fields(thinking(2000))
            .send()
    };
    let question = user("call get_weather");
    let heard = hear(ask(vec![question.clone()]).await.unwrap()).await;
    let (id, name) = heard.tool.clone().unwrap();
    assert_eq!(
        (name.as_str(), heard.tool_input.as_str()),
        ("get_weather", "{}")
    );
    assert_eq!(heard.stop.as_deref(), Some("tool_use"));

    use aws_sdk_bedrockruntime::types::{
        ReasoningContentBlock, ReasoningTextBlock, ToolResultBlock, ToolResultContentBlock,
        ToolUseBlock,
    };
    let replay = |signature: &str| {
        let thought = ReasoningTextBlock::builder()
            .text(&heard.thinking)
            .signature(signature);
        let thought = ReasoningContentBlock::ReasoningText(thought.build().unwrap());
        let call = ToolUseBlock::builder().tool_use_id(&id).name("get_weather");
        let call = call
            .input(Document::Object(Default::default()))
            .build()
            .unwrap();
        let result = ToolResultBlock::builder().tool_use_id(&id);
        let result = result
            .content(ToolResultContentBlock::Text("sunny".into()))
            .build()
            .unwrap();
        let content = vec![
            ContentBlock::ReasoningContent(thought),
            ContentBlock::ToolUse(call),
        ];
        vec![
            question.clone(),
            message(ConversationRole::Assistant, content),
            message(
                ConversationRole::User,
                vec![ContentBlock::ToolResult(result)],
            ),
        ]
    };
    let done = hear(ask(replay(&heard.signature)).await.unwrap()).await;
    assert!(done.text.contains("sunny"));
    let error = ask(replay("c2lnbmF0dXJl"))
        .await
        .unwrap_err()
        .into_service_error();
    assert!(
        error
            .message()
            .unwrap()
            .contains("Invalid `signature` in `thinking` block")
    );
}

#[tokio::test]
async fn the_cache_is_written_once_and_read_after_that() {
    let simulated = start().await;
    let client = client(&simulated);
    let point = || {
        CachePointBlock::builder()
            .r#type(CachePointType::Default)
            .build()
            .unwrap()
    };
    let long = "all work and no play ".repeat(300);
    let ask = async |turns: &[&str]| {
        let (last, earlier) = turns.split_last().unwrap();
        let mut messages = Vec::new();
        for turn in earlier {
            messages.push(user(turn));
            messages.push(message(
                ConversationRole::Assistant,
                vec![ContentBlock::Text("ok".into())],
            ));
        }
        let content = vec![
            ContentBlock::Text((*last).into()),
            ContentBlock::CachePoint(point()),
        ];
        messages.push(message(ConversationRole::User, content));
        let output = client
            .converse_stream()
            .model_id(SONNET)
            .system(SystemContentBlock::Text(long.clone()))
            .set_messages(Some(messages));
        hear(output.send().await.unwrap()).await.usage.unwrap()
    };
    let first = ask(&["one"]).await;
    assert!(first.cache_write_input_tokens.unwrap() > 1500);
    assert_eq!(first.cache_read_input_tokens, Some(0));
    assert_eq!(first.cache_details.as_ref().unwrap()[0].ttl.as_str(), "5m");
    // The point has moved on by a turn: what it wrote before is found behind it.
    let second = ask(&["one", "two"]).await;
    assert_eq!(
        second.cache_read_input_tokens,
        first.cache_write_input_tokens
    );
    assert!(second.cache_write_input_tokens.unwrap() < 10);
    let all = second.input_tokens
        + second.output_tokens
        + second.cache_read_input_tokens.unwrap()
        + second.cache_write_input_tokens.unwrap();
    assert_eq!(second.total_tokens, all);
}

#[tokio::test]
async fn refusals_reach_the_client_with_type_and_status() {
    let simulated = start().await;
    let client = client(&simulated);
    let refused = async |id: &str, words: &str| {
        let output = client
            .converse_stream()
            .model_id(id)
            .messages(user("hi"))
            .tool_config(weather());
        let error = output.send().await.unwrap_err().into_service_error();
        assert_eq!(error.code(), Some("ValidationException"));
        assert_eq!(error.message(), Some(words));
    };
    let invalid = "The provided model identifier is invalid.";
    refused("us.does-not-exist", invalid).await;
    refused(RETIRED, invalid).await;
    refused(
        LLAMA,
        "This model doesn't support tool use in streaming mode.",
    )
    .await;
    // A script brings the dead back, and knows models that nobody else knows.
    for id in [
        RETIRED,
        "my-model",
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc",
    ] {
        simulated.script(id, [Step::text("I live")]);
        let output = client.converse_stream().model_id(id).messages(user("hi"));
        assert_eq!(hear(output.send().await.unwrap()).await.text, "I live");
        assert_eq!(simulated.requests_for(id).last().unwrap().step, "reply");
    }
    assert_eq!(simulated.billed(), 3);
}

#[tokio::test]
async fn who_does_not_sign_is_not_served() {
    let simulated = start().await;
    let url = format!("{}/model/{NOVA}/converse", simulated.url());
    let body = json!({"messages": [{"role": "user", "content": [{"text": "hi"}]}]});
    let post = |token: Option<&str>| {
        let request = reqwest::Client::new().post(&url).json(&body);
        match token {
            Some(token) => request.bearer_auth(token).send(),
            None => request.send(),
        }
    };
    let response = post(None).await.unwrap();
    assert_eq!(response.status(), 403);
    let kind = response.headers()["x-amzn-errortype"].to_str().unwrap();
    assert!(kind.starts_with("MissingAuthenticationTokenException:http"));
    assert_eq!(post(Some("bedrock-api-key-1")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn scripts_and_requests_are_within_reach_of_other_processes() {
    let simulated = start().await;
    let http = reqwest::Client::new();
    let url = |path: &str| format!("{}/_simulated/{path}", simulated.url());
    let script = json!({"model": NOVA, "steps": [{"outcome": {"reply": {"blocks": [{"text": "over http"}]}}}],
        "rest": {"always": {"outcome": {"fail": {"status": 503, "type": "ServiceUnavailableException"}}}}});
    let response = http.post(url("script")).json(&script).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let sdk = client(&simulated);
    let ask = || sdk.converse().model_id(NOVA).messages(user("hi")).send();
    assert!(ask().await.is_ok());
    let error = ask().await.unwrap_err().into_service_error();
    assert!(error.is_service_unavailable_exception());
    let seen: serde_json::Value = http
        .get(url("requests"))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(seen["billed"], 1);
    assert_eq!(seen["requests"][1]["status"], 503);
    http.delete(url("script")).send().await.unwrap();
    assert!(ask().await.is_ok());
    let bad = http
        .post(url("script"))
        .body(r#"{"steps": 1}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(bad.status(), 400);
}

#[tokio::test]
async fn it_streams_at_its_pace_and_stops_when_dropped() {
    let options = SimulatorOptions::new(fixtures::lookup).with_pace(Duration::from_millis(5));
    let simulated = Simulated::start(options).await.unwrap();
    let client = client(&simulated);
    let from = Instant::now();
    let output = client
        .converse_stream()
        .model_id(NOVA)
        .messages(user("hello"));
    let heard = hear(output.send().await.unwrap()).await;
    assert!(heard.error.is_none() && from.elapsed() > Duration::from_millis(50));
    simulated.stop();
    let output = client
        .converse_stream()
        .model_id(NOVA)
        .messages(user("hello"));
    assert!(output.send().await.is_err());
}

//! The bare pass-through's own part: OpenAI's JSON as the SDK's types, written as anybody would who needs nothing more.

use std::collections::HashMap;

use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::config::Builder;
use aws_sdk_bedrockruntime::operation::converse_stream::builders::ConverseStreamFluentBuilder;
use aws_sdk_bedrockruntime::types::{
    ContentBlock, ConversationRole, InferenceConfiguration, Message, SystemContentBlock, Tool,
    ToolConfiguration, ToolInputSchema, ToolResultBlock, ToolResultContentBlock, ToolSpecification,
    ToolUseBlock,
};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::{Document, Number};
use serde::Deserialize;
use serde_json::Value;

use crate::Error;

/// The body of a chat request, as far as a pass-through looks.
#[derive(Debug, Deserialize)]
pub struct Chat {
    /// The model's id on Bedrock.
    pub model: String,
    /// Whether the answer streams.
    #[serde(default)]
    pub stream: bool,
    max_tokens: Option<i32>,
    messages: Vec<WireMessage>,
    #[serde(default)]
    tools: Vec<WireTool>,
}

#[derive(Debug, Deserialize)]
struct WireMessage {
    role: String,
    content: Option<String>,
    #[serde(default)]
    tool_calls: Vec<WireCall>,
    tool_call_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct WireCall {
    id: String,
    function: WireFunction,
}

#[derive(Debug, Deserialize)]
struct WireFunction {
    name: String,
    arguments: String,
}

#[derive(Debug, Deserialize)]
struct WireTool {
    function: Definition,
}

#[derive(Debug, Deserialize)]
struct Definition {
    name: String,
    description: String,
    parameters: Value,
}

/// A client as the environment has it: the default chain, the default retries.
pub async fn client() -> Client {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let loader = aws_config::defaults(aws_config::BehaviorVersion::latest()).http_client(http);
    Client::from_conf(Builder::from(&loader.load().await).build())
}

/// The call that this request becomes.
pub fn call(client: &Client, chat: Chat) -> Result<ConverseStreamFluentBuilder, Error> {
    let inference = InferenceConfiguration::builder()
        .set_max_tokens(chat.max_tokens)
        .build();
    let mut call = client
        .converse_stream()
        .model_id(chat.model)
        .inference_config(inference);
    for message in chat.messages {
        let text = message.content.unwrap_or_default();
        let (role, blocks) = match message.role.as_str() {
            "system" => {
                call = call.system(SystemContentBlock::Text(text));
                continue;
            }
            "assistant" => {
                let mut blocks = vec![ContentBlock::Text(text)];
                for call in message.tool_calls {
                    let input: Value = serde_json::from_str(&call.function.arguments)?;
                    let block = ToolUseBlock::builder()
                        .tool_use_id(call.id)
                        .name(call.function.name);
                    blocks.push(ContentBlock::ToolUse(block.input(document(input)).build()?));
                }
                (ConversationRole::Assistant, blocks)
            }
            "tool" => {
                let result = ToolResultBlock::builder().set_tool_use_id(message.tool_call_id);
                let result = result.content(ToolResultContentBlock::Text(text)).build()?;
                (
                    ConversationRole::User,
                    vec![ContentBlock::ToolResult(result)],
                )
            }
            _ => (ConversationRole::User, vec![ContentBlock::Text(text)]),
        };
        call = call.messages(
            Message::builder()
                .role(role)
                .set_content(Some(blocks))
                .build()?,
        );
    }
    if !chat.tools.is_empty() {
        let mut tools = ToolConfiguration::builder();
        for tool in chat.tools {
            let tool = tool.function;
            let schema = ToolInputSchema::Json(document(tool.parameters));
            let spec = ToolSpecification::builder()
                .name(tool.name)
                .description(tool.description);
            tools = tools.tools(Tool::ToolSpec(spec.input_schema(schema).build()?));
        }
        call = call.tool_config(tools.build()?);
    }
    Ok(call)
}

fn document(value: Value) -> Document {
    match value {
        Value::Null => Document::Null,
        Value::Bool(value) => Document::Bool(value),
        Value::Number(number) => Document::Number(match (number.as_u64(), number.as_i64()) {
            (Some(number), _) => Number::PosInt(number),
            (None, Some(number)) => Number::NegInt(number),
            (None, None) => Number::Float(number.as_f64().unwrap_or_default()),
        }),
        Value::String(text) => Document::String(text),
        Value::Array(items) => Document::Array(items.into_iter().map(document).collect()),
        Value::Object(fields) => {
            let fields = fields
                .into_iter()
                .map(|(name, value)| (name, document(value)));
            Document::Object(fields.collect::<HashMap<_, _>>())
        }
    }
}

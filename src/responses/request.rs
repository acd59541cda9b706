//! The body of `POST /v1/responses`, and its translation into the domain.

use bytes::Bytes;
use http::HeaderMap;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::conversation::{AnswerFormat, Part, Request, Role, Sampling, Thinking, Turn};
use crate::openai::format::{self, ResponseFormat};
use crate::wire::limits::{self, MOST_TOOLS};
use crate::wire::{
    self, ApiError, Arguments, Body, Control, Labels, LeftOut, List, MockFailure, Options,
    RemoteImage, Seal, WireFallback, effort, numbers,
};

use super::item::WireItem;
use super::tools::{Offer, WireChoice, WireTool};

/// The body as it came.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
pub struct ResponsesRequest {
    model: Option<String>,
    #[serde(default)]
    input: Input,
    instructions: Option<String>,
    tools: Option<List<WireTool, MOST_TOOLS>>,
    tool_choice: Option<WireChoice>,
    parallel_tool_calls: Option<bool>,
    #[serde(default, deserialize_with = "numbers::count")]
    max_output_tokens: Option<u32>,
    temperature: Option<f32>,
    top_p: Option<f32>,
    reasoning: Option<WireReasoning>,
    text: Option<WireText>,
    stream: Option<bool>,
    include: Option<Vec<String>>,
    prompt_cache_key: Option<String>,
    user: Option<String>,
    safety_identifier: Option<String>,
    metadata: Option<Value>,
    previous_response_id: Option<Value>,
    conversation: Option<Value>,
    prompt: Option<Value>,
    background: Option<bool>,
    // The gateway's own, by LiteLLM's names.
    drop_params: Option<bool>,
    tags: Option<Value>,
    disable_fallbacks: Option<bool>,
    fallbacks: Option<Vec<WireFallback>>,
    mock_testing_fallbacks: Option<bool>,
    #[serde(skip)]
    unknown: Vec<String>,
}

/// Fields that change no answer of this gateway.
const HARMLESS: [&str; 10] = [
    "client_metadata",
    "context_management",
    "extra_body",
    "max_tool_calls",
    "prompt_cache_retention",
    "service_tier",
    "store",
    "stream_options",
    "top_logprobs",
    "truncation",
];

/// A string, or items.
#[derive(Debug, Default)]
enum Input {
    #[default]
    Missing,
    Text(String),
    Items(Vec<WireItem>),
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(
            match wire::Content::<WireItem>::deserialize(deserializer)? {
                wire::Content::Empty => Self::Missing,
                wire::Content::Text(text) => Self::Text(text),
                wire::Content::Parts(items) => Self::Items(items),
            },
        )
    }
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
struct WireReasoning {
    effort: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(expecting = "an object")]
struct WireText {
    format: Option<TextFormat>,
}

/// The chat wire's form with one level less.
#[derive(Debug, Deserialize)]
#[serde(expecting = "an object such as {\"type\": \"json_object\"}")]
struct TextFormat {
    r#type: String,
    name: Option<String>,
    description: Option<String>,
    schema: Option<Value>,
}

impl Body for ResponsesRequest {
    fn parse(body: &[u8]) -> Result<Self, ApiError> {
        wire::parse(body).map(|(request, unknown)| Self {
            unknown: unknown
                .into_iter()
                .filter(|field| !HARMLESS.contains(&field.as_str()))
                .collect(),
            ..request
        })
    }

    fn remote_images(&mut self) -> Vec<RemoteImage> {
        let mut images = Vec::new();
        for (at, item) in self.items().iter_mut().enumerate() {
            for (field, content) in [("content", &mut item.content), ("output", &mut item.output)] {
                for (part, picture) in content.remote() {
                    images.push(RemoteImage {
                        param: format!("input[{at}].{field}[{part}].image_url"),
                        url: picture.address().unwrap_or_default().to_owned(),
                    });
                }
            }
        }
        images
    }

    fn put_images(&mut self, pictures: Vec<Bytes>) {
        let contents = self
            .items()
            .iter_mut()
            .flat_map(|item| [&mut item.content, &mut item.output]);
        let parts = contents.flat_map(|content| content.remote());
        for ((_, part), picture) in parts.zip(pictures) {
            part.put(picture);
        }
    }

    fn is_sealed(&self) -> bool {
        match &self.input {
            Input::Items(items) => items.iter().any(WireItem::is_sealed),
            Input::Missing | Input::Text(_) => false,
        }
    }

    fn unseal(&mut self, seal: &Seal) {
        self.items().iter_mut().for_each(|item| item.unseal(seal));
    }

    fn into_conversation(mut self, headers: &HeaderMap) -> Result<(Request, Options), ApiError> {
        self.refuse_what_needs_a_store()?;
        if self.max_output_tokens == Some(0) {
            let param = "max_output_tokens";
            return Err(ApiError::bad_request(
                format!("'{param}' must be at least 1."),
                param,
            ));
        }
        let mut left_out = LeftOut::fields(std::mem::take(&mut self.unknown));
        let offer = Offer::of(self.tools.unwrap_or_default().0)?;
        let thinking = match self.reasoning.and_then(|reasoning| reasoning.effort) {
            Some(word) => {
                let effort = effort(&word, "reasoning.effort")?;
                Some(effort.map_or(Thinking::Off, Thinking::Effort))
            }
            None => None,
        };
        let (system, turns) = conversation(self.instructions, self.input, &mut left_out)?;
        limits::check(&system, &turns, "input")?;
        let request = Request {
            system,
            turns,
            tool_choice: offer.choice(self.tool_choice)?,
            tools: offer.tools,
            parallel_tool_calls: self.parallel_tool_calls,
            sampling: Sampling {
                max_tokens: self.max_output_tokens,
                temperature: self.temperature,
                top_p: self.top_p,
                ..Sampling::default()
            },
            thinking,
            format: answer_format(self.text)?,
            ..Request::default()
        };
        let include = self.include.unwrap_or_default();
        let control = Control {
            disable_fallbacks: self.disable_fallbacks,
            fallbacks: self.fallbacks,
            mock_failure: (self.mock_testing_fallbacks == Some(true))
                .then_some(MockFailure::Unavailable),
            drop_params: self.drop_params,
            ..Control::default()
        };
        let options = Options {
            model: self.model.filter(|model| !model.is_empty()),
            stream: self.stream.unwrap_or(false),
            include_thinking: include
                .iter()
                .any(|what| what == "reasoning.encrypted_content"),
            free_form: offer.free_form,
            labels: Labels::new(
                self.user.or(self.safety_identifier),
                self.prompt_cache_key,
                self.tags.as_ref(),
                self.metadata.as_ref(),
                headers,
            )?,
            left_out: left_out.into_names(),
            ..Options::controlled(control, headers)?
        };
        Ok((request, options))
    }
}

impl ResponsesRequest {
    fn items(&mut self) -> &mut [WireItem] {
        match &mut self.input {
            Input::Items(items) => items,
            Input::Missing | Input::Text(_) => &mut [],
        }
    }

    fn refuse_what_needs_a_store(&self) -> Result<(), ApiError> {
        let asked = |value: &Option<Value>| value.as_ref().is_some_and(|value| !value.is_null());
        let fields = [
            ("previous_response_id", asked(&self.previous_response_id)),
            ("conversation", asked(&self.conversation)),
            ("prompt", asked(&self.prompt)),
            ("background", self.background == Some(true)),
        ];
        match fields.into_iter().find(|(_, asked)| *asked) {
            Some((field, _)) => {
                let message = format!(
                    "'{field}' needs a store of responses, which this gateway does not have: send the whole \
                     conversation as 'input'."
                );
                Err(ApiError::bad_request(message, field))
            }
            None => Ok(()),
        }
    }
}

/// The system prompt and the turns: leading system messages are the prompt, later ones keep their place.
fn conversation(
    instructions: Option<String>,
    input: Input,
    left_out: &mut LeftOut,
) -> Result<(Vec<Part>, Vec<Turn>), ApiError> {
    let mut system: Vec<Part> = Vec::new();
    let instructions = instructions.filter(|text| !text.is_empty());
    system.extend(instructions.map(Part::Text));
    let mut turns = Vec::new();
    match input {
        Input::Missing => {
            return Err(ApiError::bad_request(
                "Missing required parameter: 'input'.",
                "input",
            ));
        }
        Input::Text(text) => turns.push(Turn {
            role: Role::User,
            parts: vec![Part::Text(text)],
        }),
        Input::Items(items) => {
            let mut arguments = Arguments::default();
            for (at, item) in items.into_iter().enumerate() {
                match item.into_turn(&format!("input[{at}]"), &mut arguments, left_out)? {
                    Some(turn) if turn.role == Role::System && turns.is_empty() => {
                        system.extend(turn.parts);
                    }
                    Some(turn) => turns.push(turn),
                    None => {}
                }
            }
        }
    }
    if turns.is_empty() {
        let message = "'input' holds nothing that a model could answer.";
        return Err(ApiError::bad_request(message, "input"));
    }
    Ok((system, turns))
}

fn answer_format(text: Option<WireText>) -> Result<AnswerFormat, ApiError> {
    let Some(wanted) = text.and_then(|text| text.format) else {
        return Ok(AnswerFormat::Text);
    };
    let form = ResponseFormat::new(
        wanted.r#type,
        wanted.name,
        wanted.description,
        wanted.schema,
    );
    format::wanted(Some(form)).map_err(|error| ApiError {
        message: error
            .message
            .replace("response_format.json_schema", "text.format")
            .replace("response_format", "text.format"),
        param: error.param.map(|_| "text.format".to_owned()),
        ..error
    })
}

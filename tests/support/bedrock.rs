//! The simulated Bedrock behind a gateway under test: its models, what it answers, and what it was asked.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use bedrock_sidecar::catalog::Catalog;
use bedrock_sidecar::simulator::{Block, ScriptedReply, Simulated, SimulatorOptions, Step, Tokens};
use serde_json::{Value, json};

use super::TestApp;

/// What an SDK client needs that talks to nobody but this machine.
pub fn offline_sdk() -> aws_config::SdkConfig {
    aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::latest())
        .region(aws_config::Region::from_static("us-east-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "test", "test", None, None, "test",
        )))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build()
}

/// A Bedrock of all models that the catalog knows.
pub fn all_models() -> SimulatorOptions {
    let catalog = Catalog::bundled();
    SimulatorOptions::new(move |id| {
        Some(catalog.resolve(id, None, None)).filter(|model| model.known)
    })
}

/// [`all_models`], started.
pub async fn simulated() -> Simulated {
    Simulated::start(all_models()).await.unwrap()
}

/// Bedrock's refusal of a request for what it says, in these words.
pub fn validation_error(message: &str) -> Step {
    Step::fail(400, "ValidationException", message)
}

/// The usage of an answer without a cache.
pub fn tokens(input: u64, output: u64) -> Tokens {
    Tokens {
        input,
        output,
        ..Tokens::default()
    }
}

/// The thinking of [`thoughtful`].
pub const THOUGHT: &str = "I should look first.";

/// An answer that thinks, then calls the tool `look`.
pub fn thoughtful() -> ScriptedReply {
    ScriptedReply::tool("look", &json!({"at": "it"})).with_thinking(THOUGHT)
}

/// An answer that thinks in text that JSON escapes and in a redacted block, then calls the tool `look`.
pub fn thoughtful_and_redacted() -> ScriptedReply {
    let mut reply =
        ScriptedReply::tool("look", &json!({"at": "it"})).with_thinking("I should \"look\".\n");
    reply
        .blocks
        .insert(1, Block::Redacted("AP8KcmVkYWN0ZWQ=".into()));
    reply
}

/// No request was refused for its form.
pub fn none_refused(app: &TestApp) {
    for seen in app.bedrock.requests() {
        assert_ne!(seen.status, 400, "{}: {}", seen.refusal, seen.body);
    }
}

impl TestApp {
    /// The last request that Bedrock saw, which it took.
    pub fn last_sent(&self) -> Value {
        let seen = self.bedrock.requests().pop().unwrap();
        assert_eq!(seen.status, 200, "{}", seen.refusal);
        seen.body
    }

    /// The names of the tools that the last request offered.
    pub fn tool_names_sent(&self) -> Vec<String> {
        let tools = self.last_sent()["toolConfig"]["tools"].as_array().cloned();
        let tools = tools.unwrap_or_default().into_iter();
        let names = tools.filter_map(|tool| Some(tool["toolSpec"]["name"].as_str()?.to_owned()));
        names.collect()
    }

    /// What Bedrock got of the last request for this model.
    pub fn last_sent_to(&self, model: &str) -> Value {
        self.bedrock.requests_for(model).pop().unwrap().body
    }
}

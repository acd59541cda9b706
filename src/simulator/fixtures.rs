//! Models and clients for the tests of this folder.

use aws_sdk_bedrockruntime::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
};
use jiff::civil::date;

use super::{Simulated, SimulatorOptions, model::able};
use crate::catalog::{Caching, EndOfLife, Family, Model, ThinkingSupport};

pub(super) const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
pub(super) const OPUS: &str = "global.anthropic.claude-opus-4-7";
pub(super) const NOVA: &str = "us.amazon.nova-lite-v1:0";
pub(super) const ASTRA: &str = "us.openai.gpt-6-astra";
pub(super) const LLAMA: &str = "us.meta.llama4-maverick-17b-instruct-v1:0";
pub(super) const PIXTRAL: &str = "us.mistral.pixtral-large-2502-v1:0";
pub(super) const RETIRED: &str = "us.anthropic.claude-3-7-sonnet-20250219-v1:0";

/// A small catalog, by the words in an id.
pub(super) fn lookup(id: &str) -> Option<Model> {
    if id.contains("does-not-exist") || !id.contains('.') || id.contains("v1:O") {
        return None;
    }
    let mut model = able(id);
    model.known = true;
    model.limits.input = Some(200_000);
    model.limits.output = Some(64_000);
    let abilities = &mut model.abilities;
    abilities.thinking = ThinkingSupport::None;
    let mut caching = Caching {
        min_tokens: 1024,
        one_hour: false,
        tools: true,
    };
    if id.contains("claude") {
        model.family = Family::Claude;
        abilities.thinking = ThinkingSupport::Budget;
        abilities.documents_beside_results = false;
        if id.contains("4-5") {
            caching.one_hour = true;
        }
        if id.contains("4-6") {
            abilities.thinking = ThinkingSupport::BudgetOrAdaptive;
            abilities.prefill = false;
        }
        if id.contains("4-7") {
            abilities.thinking = ThinkingSupport::Adaptive { always_on: false };
            abilities.prefill = false;
            abilities.sampling = false;
        }
        if id.contains("3-7") {
            model.lifecycle.end = EndOfLife::On(date(2026, 4, 28));
        }
        abilities.caching = Some(caching);
        return Some(model);
    }
    abilities.prefill = false;
    abilities.caching = None;
    if id.contains("nova") {
        model.family = Family::Nova;
        caching.tools = false;
        abilities.caching = Some(caching);
    }
    abilities.encrypted_thinking = id.contains("gpt");
    if id.contains("gpt") {
        model.limits.least_output = Some(16);
        abilities.thinking = ThinkingSupport::ReasoningObject;
        abilities.effort_none = false;
    }
    if id.contains("pixtral") {
        model.family = Family::Mistral;
        abilities.tool_choice = false;
        abilities.tool_result_images = false;
        abilities.text_beside_results = false;
    }
    if id.contains("llama4") {
        model.family = Family::Llama;
        abilities.stop_sequences = false;
        abilities.tool_choice = false;
        abilities.tools_while_streaming = false;
    }
    Some(model)
}

pub(super) async fn start() -> Simulated {
    let options = SimulatorOptions::new(lookup).with_today(date(2026, 11, 23));
    Simulated::start(options).await.unwrap()
}

/// The real client, with its own retries off.
pub(super) fn client(simulated: &Simulated) -> Client {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let config = aws_sdk_bedrockruntime::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("AKIDTEST", "secret", None, None, "test"))
        .retry_config(RetryConfig::disabled())
        .http_client(http)
        .endpoint_url(simulated.url())
        .build();
    Client::from_conf(config)
}

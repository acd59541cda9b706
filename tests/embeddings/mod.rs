//! Vectors: `POST /v1/embeddings`, as clients ask for them.

mod batches;
mod clients;
mod models;
mod money;
mod recorded;
mod refusals;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use reqwest::Response;
use serde_json::{Value, json};

use crate::support::TestApp;

/// A group for each kind of model, and one of two deployments of one model.
const CONFIG: &str = "
model_list:
  - {model_name: titan, litellm_params: {model: bedrock/amazon.titan-embed-text-v2:0, aws_region_name: us-east-1}}
  - {model_name: titan-v1, litellm_params: {model: bedrock/amazon.titan-embed-text-v1, aws_region_name: us-east-1}}
  - {model_name: titan-image, litellm_params: {model: bedrock/amazon.titan-embed-image-v1, aws_region_name: us-east-1}}
  - {model_name: cohere-v3, litellm_params: {model: bedrock/cohere.embed-english-v3, aws_region_name: us-east-1}}
  - {model_name: cohere, litellm_params: {model: bedrock/us.cohere.embed-v4:0, aws_region_name: us-east-1}}
  - {model_name: cohere-global, litellm_params: {model: bedrock/global.cohere.embed-v4:0, aws_region_name: us-east-1}}
  - {model_name: nova, litellm_params: {model: bedrock/amazon.nova-2-multimodal-embeddings-v1:0, aws_region_name: us-east-1}}
  - {model_name: chat, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0, aws_region_name: us-east-1}}
  - {model_name: order, litellm_params: {model: bedrock/cohere.rerank-v3-5:0, aws_region_name: us-east-1}}
litellm_settings:
  num_retries: 2
  fallbacks: [{titan: [cohere, chat]}, {cohere: [titan-v1, cohere-global]}]
";

const TITAN: &str = "amazon.titan-embed-text-v2:0";
const COHERE: &str = "us.cohere.embed-v4:0";
const COHERE_GLOBAL: &str = "global.cohere.embed-v4:0";

async fn gateway() -> TestApp {
    TestApp::builder().config(CONFIG).start().await
}

async fn ask(app: &TestApp, body: &Value) -> Response {
    app.post("/v1/embeddings", body).send().await.unwrap()
}

/// The reply, which must be a success.
async fn embed(app: &TestApp, body: &Value) -> Value {
    success(ask(app, body).await).await
}

async fn success(response: Response) -> Value {
    let status = response.status();
    let text = response.text().await.unwrap();
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// The vectors of a reply as the SDKs of OpenAI read them, in the order in which they stand.
fn vectors(reply: &Value) -> Vec<Vec<f32>> {
    assert_eq!(reply["object"], "list");
    let data = reply["data"].as_array().unwrap().iter().enumerate();
    data.map(|(at, item)| {
        assert_eq!(
            (&item["object"], &item["index"]),
            (&json!("embedding"), &json!(at))
        );
        match &item["embedding"] {
            Value::String(text) => {
                let bytes = BASE64_STANDARD.decode(text).unwrap();
                let (numbers, rest) = bytes.as_chunks::<4>();
                assert!(rest.is_empty());
                numbers
                    .iter()
                    .map(|bytes| f32::from_le_bytes(*bytes))
                    .collect()
            }
            list => serde_json::from_value(list.clone()).unwrap(),
        }
    })
    .collect()
}

/// So many different texts.
fn texts(number: usize) -> Vec<String> {
    (0..number).map(|at| format!("text number {at}")).collect()
}

/// The tokens that the simulated Bedrock counts for these texts.
fn tokens<T: AsRef<str>>(texts: &[T]) -> u64 {
    let counts = texts.iter().map(|text| text.as_ref().len().div_ceil(4) + 1);
    counts.sum::<usize>() as u64
}

/// The texts that Titan was asked for, in the order of its calls.
fn sent_to_titan(app: &TestApp) -> Vec<String> {
    let seen = app.bedrock.requests_for(TITAN).into_iter();
    seen.map(|seen| seen.body["inputText"].as_str().unwrap().to_owned())
        .collect()
}

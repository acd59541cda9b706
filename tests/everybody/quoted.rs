//! Bedrock quotes a client's fields and values in its refusals: they are the client's words, not Bedrock's.

use bedrock_sidecar::simulator::Step;
use serde_json::{Map, json};

use super::{Shared, ordinary, with};
use crate::support::{PRIMARY, validation_error};

/// What Bedrock says of a model, of an account or of the gateway's credentials, as a client would quote it.
const SENTENCES: [&str; 16] = [
    "You invoked an unsupported model or your request did not allow prompt caching.",
    "did not allow prompt caching",
    "There is nothing available to cache. Please remove the invalid cache point and try again.",
    "This model doesn't support the temperature field. Remove temperature and try again.",
    "support the stopSequences field",
    "This model doesn't support the toolConfig.toolChoice.any field. Remove toolConfig.toolChoice.any and try again.",
    "This model doesn't support tool use in streaming mode.",
    "This model does not support assistant message prefill. The conversation must end with a user message.",
    "invalid beta flag",
    "`temperature` is deprecated for this model.",
    "Too many tokens per day, please wait before trying again.",
    "The provided model identifier is invalid.",
    "This model version has reached the end of its life. Please refer to the AWS documentation for more details.",
    "The security token included in the request is expired",
    "Bedrock is unable to process your request.",
    "Input is too long for requested model.",
];

#[tokio::test]
async fn a_field_that_is_named_like_a_refusal_is_no_refusal_of_the_target() {
    let shared = Shared::new().await;
    for sentence in SENTENCES {
        let mut fields = Map::new();
        fields.insert(sentence.to_owned(), json!(1));
        // The simulated Bedrock says "<field>: Extra inputs are not permitted", as the real one does.
        for _ in 0..4 {
            let body = with(&json!({"additional_model_request_fields": fields}));
            let response = shared.attack(&body).await;
            assert_ne!(response.status(), 401);
        }
        shared.assert_unharmed(sentence).await;
    }
}

/// The ways in which refusals quote, around a sentence.
fn quotations(sentence: &str) -> Vec<String> {
    vec![
        format!(
            "The model returned the following errors: {sentence}: Extra inputs are not permitted"
        ),
        format!("tools.0.custom.{sentence}: Extra inputs are not permitted"),
        format!("messages.0.content.1.{sentence}: Input should be a valid string"),
        format!(
            "1 validation error detected: Value '{sentence}' at 'toolConfig.tools.1.member.toolSpec.name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_-]+"
        ),
        format!(
            "Malformed input request: #/properties/{sentence}: extraneous key [{sentence}] is not permitted, please reformat your input and try again."
        ),
        format!("\"{sentence}\" is not a valid value"),
        format!("Unexpected value(s) `{sentence}` for the `anthropic-beta` header"),
        format!("x\n{sentence}\ny: Extra inputs are not permitted"),
    ]
}

#[tokio::test]
async fn a_sentence_that_is_quoted_by_a_refusal_is_not_bedrock_s() {
    let shared = Shared::new().await;
    for sentence in SENTENCES {
        for quotation in quotations(sentence) {
            // Nothing in this request is out of the ordinary: the words alone must not be believed.
            let refusal = validation_error(&quotation);
            shared.app.bedrock.script(PRIMARY, [refusal]);
            shared.attack(&ordinary()).await;
        }
        shared.assert_unharmed(sentence).await;
    }
}

#[tokio::test]
async fn a_refusal_inside_a_stream_is_read_the_same_way() {
    let shared = Shared::new().await;
    for sentence in SENTENCES {
        let quotation = format!("{sentence}: Extra inputs are not permitted");
        let refusal = Step::echo().exception_after(0, "validationException", &quotation);
        shared.app.bedrock.script(PRIMARY, [refusal]);
        let mut body = ordinary();
        body["stream"] = json!(true);
        shared.attack(&body).await.text().await.unwrap();
        shared.assert_unharmed(sentence).await;
    }
}

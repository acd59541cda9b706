//! A body sent whole and streamed, which Bedrock must be asked in the same way.

use reqwest::RequestBuilder;
use serde_json::{Value, json};

use super::{PRIMARY, TestApp, dropped};

/// Sends the body whole and streamed, as `request` makes a request of it. Returns what Bedrock was asked for the primary
/// model and what the reply names as left out, empty if nothing was: both are the same for either way.
pub async fn both_ways(
    app: &TestApp,
    mut body: Value,
    request: impl Fn(&Value) -> RequestBuilder,
) -> (Value, String) {
    let mut seen = Vec::new();
    for stream in [false, true] {
        body["stream"] = json!(stream);
        let reply = request(&body).send().await.unwrap();
        let status = reply.status();
        let dropped = dropped(&reply).unwrap_or_default();
        let text = reply.text().await.unwrap();
        assert_eq!(status, 200, "{body}: {text}");
        assert!(!text.contains("\"error\":{"), "{body}: {text}");
        let mut sent = app.bedrock.requests_for(PRIMARY).pop().unwrap();
        assert_eq!(sent.status, 200, "{}", sent.refusal);
        remove_betas(&mut sent.body);
        seen.push((sent.body, dropped));
    }
    let streamed = seen.pop().unwrap();
    assert_eq!(Some(&streamed), seen.last());
    streamed
}

/// [`both_ways`], with the master key to this path.
pub async fn post_both_ways(app: &TestApp, path: &str, body: Value) -> (Value, String) {
    both_ways(app, body, |body| app.post(path, body)).await
}

/// Only a stream asks for arguments as they are written.
fn remove_betas(sent: &mut Value) {
    let sent = sent.as_object_mut().unwrap();
    if let Some(Value::Object(fields)) = sent.get_mut("additionalModelRequestFields") {
        fields.remove("anthropic_beta");
        if fields.is_empty() {
            sent.remove("additionalModelRequestFields");
        }
    }
}

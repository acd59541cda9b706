//! An EventBridge bus: rules take it from there, with the alert's fields to filter by.
//! <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>

use serde_json::{Value, json};
use url::Url;

use super::aws::Arn;
use super::{Alert, NotAnArn};
use crate::transport::{AwsRequest, LONGEST_ANSWER, Transport};

/// A bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventBus {
    arn: String,
    region: String,
    url: Url,
}

impl EventBus {
    /// As pages and items call it.
    pub const NAME: &str = "eventbridge";

    /// The bus of this ARN; `endpoint`: where EventBridge is, if not at Amazon's.
    ///
    /// # Errors
    /// When it is no ARN of a bus.
    pub fn new(arn: &str, endpoint: Option<Url>) -> Result<Self, NotAnArn> {
        let wrong = || NotAnArn {
            arn: arn.to_owned(),
            of: "an EventBridge bus",
            example: "arn:aws:events:us-east-1:123456789012:event-bus/default",
        };
        let read = Arn::read(arn, "events").ok_or_else(wrong)?;
        Ok(Self {
            url: read.endpoint("events", endpoint).ok_or_else(wrong)?,
            arn: arn.to_owned(),
            region: read.region,
        })
    }

    pub(super) async fn send(&self, alert: &Alert, transport: &Transport) -> Result<(), String> {
        let entry = json!({
            "Source": "bedrock-sidecar",
            "DetailType": alert.kind.detail_type(),
            "Detail": alert.event().to_string(),
            "EventBusName": self.arn,
        });
        let request = AwsRequest {
            url: &self.url,
            service: "events",
            region: &self.region,
            headers: &[
                ("content-type", "application/x-amz-json-1.1"),
                ("x-amz-target", "AWSEvents.PutEvents"),
            ],
            body: json!({ "Entries": [entry] }).to_string(),
            longest_answer: LONGEST_ANSWER,
        };
        let answer = transport.post_signed(request).await;
        let answer = answer.map_err(|error| error.to_string())?;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        // The call is good although its entry is not.
        match answer.get("FailedEntryCount").and_then(Value::as_u64) {
            Some(failed) if failed > 0 => Err(format!("the event was refused: {answer}")),
            _ => Ok(()),
        }
    }
}

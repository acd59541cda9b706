//! An SNS topic: mail, text messages, queues, and chat through Amazon Q Developer, without a secret here.
//! <https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>

use url::{Url, form_urlencoded};

use super::aws::Arn;
use super::{Alert, NotAnArn};
use crate::transport::{AwsRequest, LONGEST_ANSWER, Transport};

/// What a subject may have (<https://docs.aws.amazon.com/sns/latest/api/API_Publish.html>): below 100 characters.
const LONGEST_SUBJECT: usize = 99;

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnsTopic {
    arn: String,
    region: String,
    url: Url,
}

impl SnsTopic {
    /// As pages and items call it.
    pub const NAME: &str = "sns";

    /// The topic of this ARN; `endpoint`: where SNS is, if not at Amazon's.
    ///
    /// # Errors
    /// When it is no ARN of a topic.
    pub fn new(arn: &str, endpoint: Option<Url>) -> Result<Self, NotAnArn> {
        let wrong = || NotAnArn {
            arn: arn.to_owned(),
            of: "an SNS topic",
            example: "arn:aws:sns:us-east-1:123456789012:alerts",
        };
        let read = Arn::read(arn, "sns").ok_or_else(wrong)?;
        Ok(Self {
            url: read.endpoint("sns", endpoint).ok_or_else(wrong)?,
            arn: arn.to_owned(),
            region: read.region,
        })
    }

    pub(super) async fn send(&self, alert: &Alert, transport: &Transport) -> Result<(), String> {
        let request = AwsRequest {
            url: &self.url,
            service: "sns",
            region: &self.region,
            headers: &[("content-type", "application/x-www-form-urlencoded")],
            body: self.form(alert),
            longest_answer: LONGEST_ANSWER,
        };
        let sent = transport.post_signed(request).await;
        sent.map(drop).map_err(|error| error.to_string())
    }

    /// The parameters of the call.
    fn form(&self, alert: &Alert) -> String {
        let event = alert.event();
        let message = format!("{}\n{}\n\n{event:#}", alert.title, alert.text);
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("Action", "Publish")
            .append_pair("Version", "2010-03-31")
            .append_pair("TopicArn", &self.arn)
            .append_pair("Subject", &subject(&alert.title))
            .append_pair("Message", &message)
            .append_pair("MessageAttributes.entry.1.Name", "event")
            .append_pair("MessageAttributes.entry.1.Value.DataType", "String")
            .append_pair(
                "MessageAttributes.entry.1.Value.StringValue",
                alert.kind.as_str(),
            );
        if self.arn.ends_with(".fifo") {
            // Within five minutes SNS itself sends an id once.
            form.append_pair("MessageGroupId", "alerts")
                .append_pair("MessageDeduplicationId", &deduplication(&alert.id));
        }
        form.finish()
    }
}

/// A subject has ASCII alone, and no control characters. Names in it are keys' and clients'.
fn subject(title: &str) -> String {
    let shown = title.chars().map(|c| match c {
        ' '..='~' => c,
        _ => '?',
    });
    shown.take(LONGEST_SUBJECT).collect()
}

/// An id of letters, digits and punctuation, 128 at most.
fn deduplication(id: &str) -> String {
    use sha2::{Digest, Sha256};
    hex::encode(Sha256::digest(id))
}

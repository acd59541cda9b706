//! Where alerts are sent: an SNS topic, an event bus, a Slack channel.

mod aws;
mod event_bus;
mod slack;
mod sns;

use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;

use super::Alert;
use crate::transport::Transport;

pub use event_bus::EventBus;
pub use slack::{NotAWebhook, SlackWebhook};
pub use sns::SnsTopic;

/// How long a channel has for one alert.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// A name that is no ARN of what it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{arn}' is no ARN of {of}, which looks like {example}")]
pub struct NotAnArn {
    arn: String,
    of: &'static str,
    example: &'static str,
}

/// The channels of a process.
#[derive(Debug, Clone, Default)]
pub struct AlertChannels {
    /// Sends the requests; `None`: nothing is sent.
    pub transport: Option<Transport>,
    /// The topic that is published to.
    pub topic: Option<SnsTopic>,
    /// The bus that events are put on.
    pub event_bus: Option<EventBus>,
    /// The webhook that is called.
    pub slack: Option<SlackWebhook>,
}

/// A channel's name, and whether it took the alert.
pub(super) type SendOutcome = (&'static str, Result<(), String>);

impl AlertChannels {
    /// The names of the channels that alerts are sent to.
    pub fn names(&self) -> Vec<&'static str> {
        let names = [
            self.topic.as_ref().map(|_| SnsTopic::NAME),
            self.event_bus.as_ref().map(|_| EventBus::NAME),
            self.slack.as_ref().map(|_| SlackWebhook::NAME),
        ];
        names.into_iter().flatten().collect()
    }

    /// Sends an alert to all of them at once, but for those that had it already.
    pub(super) async fn send(&self, alert: &Alert, had_it: &[String]) -> Vec<SendOutcome> {
        let Some(transport) = &self.transport else {
            return Vec::new();
        };
        let wanted = self.names().into_iter();
        let wanted = wanted.filter(|name| !had_it.iter().any(|had| had == name));
        let sends = wanted.map(|name| async move {
            let sent = timeout(TIME_LIMIT, self.send_to(name, alert, transport)).await;
            let late = || format!("no answer within {} s", TIME_LIMIT.as_secs());
            (name, sent.unwrap_or_else(|_| Err(late())))
        });
        join_all(sends).await
    }

    async fn send_to(
        &self,
        name: &str,
        alert: &Alert,
        transport: &Transport,
    ) -> Result<(), String> {
        match (name, &self.topic, &self.event_bus, &self.slack) {
            (SnsTopic::NAME, Some(topic), ..) => topic.send(alert, transport).await,
            (EventBus::NAME, _, Some(bus), _) => bus.send(alert, transport).await,
            (SlackWebhook::NAME, .., Some(slack)) => slack.send(alert, transport).await,
            _ => Ok(()),
        }
    }
}

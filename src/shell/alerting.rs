//! Where alerts are sent, as the environment and the configuration say it.

use aws_config::SdkConfig;
use url::Url;

use super::env_config::{EnvConfigError, on_lambda};
use crate::alerts::{
    AlertChannels, AlertOptions, EventBus, SlackWebhook, SnsTopic, USUAL_PERCENTS,
};
use crate::config::Config;
use crate::transport::Transport;

/// What the environment says of alerts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlertVariables {
    topic: Option<SnsTopic>,
    event_bus: Option<EventBus>,
    slack: Option<SlackWebhook>,
}

/// The one value of `alerting` that means something here.
const SLACK: &str = "slack";

impl AlertVariables {
    /// Reads a topic's ARN, a bus's ARN and a webhook's address. `AWS_ENDPOINT_URL_SNS` and
    /// `AWS_ENDPOINT_URL_EVENTBRIDGE` name other places than Amazon's, as they do for the SDK.
    pub(super) fn read(
        topic: Option<String>,
        event_bus: Option<String>,
        webhook: Option<String>,
        get: &impl Fn(&str) -> Option<String>,
    ) -> Result<Self, EnvConfigError> {
        let endpoint = |name: &str| get(name).and_then(|url| Url::parse(&url).ok());
        let topic = topic.map(|arn| {
            let topic = SnsTopic::new(arn.trim(), endpoint("AWS_ENDPOINT_URL_SNS"));
            topic.map_err(|_| EnvConfigError {
                name: "ALERT_TOPIC_ARN",
                value: arn,
                expected: "a topic's ARN, such as arn:aws:sns:us-east-1:123456789012:alerts",
            })
        });
        let event_bus = event_bus.map(|arn| {
            let bus = EventBus::new(arn.trim(), endpoint("AWS_ENDPOINT_URL_EVENTBRIDGE"));
            bus.map_err(|_| EnvConfigError {
                name: "ALERT_EVENT_BUS_ARN",
                value: arn,
                expected: "a bus's ARN, such as arn:aws:events:us-east-1:123456789012:event-bus/default",
            })
        });
        Ok(Self {
            topic: topic.transpose()?,
            event_bus: event_bus.transpose()?,
            slack: webhook.map(|address| slack(&address, get)).transpose()?,
        })
    }

    /// What is told, and where. Warns of what the configuration wants and does not get.
    pub(super) fn options(&self, config: &Config, sdk: &SdkConfig) -> AlertOptions {
        let general = &config.general;
        let wants_slack = general.alerting.iter().any(|name| name == SLACK);
        for other in general.alerting.iter().filter(|name| *name != SLACK) {
            tracing::warn!(
                "alerting: '{other}' is not known here; alerts go to Slack, an SNS topic and an event bus"
            );
        }
        if wants_slack && self.slack.is_none() {
            tracing::warn!("alerting: slack has no SLACK_WEBHOOK_URL, and no alert is sent there");
        }
        let percents = general.budget_alert_percents.clone();
        AlertOptions {
            budget_percents: percents.unwrap_or_else(|| USUAL_PERCENTS.to_vec()),
            channels: AlertChannels {
                transport: Some(Transport::new(sdk.credentials_provider())),
                topic: self.topic.clone(),
                event_bus: self.event_bus.clone(),
                slack: self.slack.clone().filter(|_| wants_slack),
            },
        }
    }
}

fn slack(
    address: &str,
    get: impl Fn(&str) -> Option<String>,
) -> Result<SlackWebhook, EnvConfigError> {
    let wrong = |expected| EnvConfigError {
        name: "SLACK_WEBHOOK_URL",
        // Whoever knows it may write to the channel.
        value: "…".to_owned(),
        expected,
    };
    // Whoever may describe a function reads its variables.
    if on_lambda(get) {
        return Err(wrong(
            "absent from a function, which holds no secret: subscribe the channel to the topic of ALERT_TOPIC_ARN",
        ));
    }
    let webhook = SlackWebhook::new(address);
    let expected = "an address that begins with https:// (or http:// on this machine)";
    webhook.map_err(|_| wrong(expected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::EnvConfig;

    fn read(variables: &[(&str, &str)]) -> Result<AlertVariables, EnvConfigError> {
        let get = |name: &str| {
            let mut variables = variables.iter();
            let found = variables.find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        EnvConfig::read(get).map(|env| env.alerts)
    }

    #[test]
    fn a_wrong_channel_is_told_and_its_secret_is_not() {
        for (name, value) in [
            ("ALERT_TOPIC_ARN", "alerts"),
            (
                "ALERT_TOPIC_ARN",
                "arn:aws:sqs:us-east-1:123456789012:alerts",
            ),
            ("ALERT_EVENT_BUS_ARN", "default"),
        ] {
            let error = read(&[(name, value)]).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(value), "{error}");
        }
        let secret = "http://hooks.example/T0/secret";
        let error = read(&[("SLACK_WEBHOOK_URL", secret)]).unwrap_err();
        assert!(!error.to_string().contains("secret") && error.to_string().contains("https://"));
        let good = ("SLACK_WEBHOOK_URL", "https://hooks.example/T0/secret");
        assert!(read(&[good]).unwrap().slack.is_some());
        let lambda = ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023");
        let error = read(&[good, lambda]).unwrap_err().to_string();
        assert!(error.contains("holds no secret"), "{error}");
        assert_eq!(read(&[]).unwrap(), AlertVariables::default());
    }
}

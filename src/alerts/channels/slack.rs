//! A webhook of Slack, or of what speaks like it (<https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>).

use serde_json::json;
use url::{Host, Url};

use super::Alert;
use crate::transport::Transport;

/// The address of a webhook. Whoever knows it may write to the channel: it shows in no log.
#[derive(Clone, PartialEq, Eq)]
pub struct SlackWebhook(Url);

/// An address that cannot be a webhook's. It is a secret, and so is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it must be an address that begins with https:// (http:// on this machine alone)")]
pub struct NotAWebhook;

impl SlackWebhook {
    /// As pages and items call it.
    pub const NAME: &str = "slack";

    /// The webhook at this address.
    ///
    /// # Errors
    /// When it is no address, or one to which the alert would go unencrypted.
    pub fn new(address: &str) -> Result<Self, NotAWebhook> {
        let url = Url::parse(address.trim()).map_err(|_| NotAWebhook)?;
        let is_here = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        let is_good =
            url.scheme() == "https" && url.has_host() || url.scheme() == "http" && is_here;
        is_good.then_some(Self(url)).ok_or(NotAWebhook)
    }

    pub(super) async fn send(&self, alert: &Alert, transport: &Transport) -> Result<(), String> {
        let (title, text) = (escaped(&alert.title), escaped(&alert.text));
        let section = json!({
            "type": "section",
            "text": {"type": "mrkdwn", "text": format!("*{title}*\n{text}")},
        });
        let message = json!({"text": title, "blocks": [section]});
        let sent = transport.post_json(&self.0, &[], message.to_string()).await;
        sent.map(drop).map_err(|error| error.to_string())
    }
}

/// A text as text: names in it are keys' and clients', and must not become links or mentions
/// (<https://docs.slack.dev/messaging/formatting-message-text#escaping>).
fn escaped(text: &str) -> String {
    let text = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    // Marks of bold, code and the like.
    text.replace(['*', '_', '~', '`'], " ")
}

impl std::fmt::Debug for SlackWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SlackWebhook")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_called_encrypted_or_on_this_machine() {
        for (address, is_good) in [
            ("https://hooks.slack.example/services/T/B/x", true),
            ("http://127.0.0.1:4001/hook", true),
            ("http://[::1]/hook", true),
            ("http://localhost/hook", true),
            ("http://10.0.0.1/hook", false),
            ("http://hooks.slack.example/services/T/B/x", false),
            ("ftp://127.0.0.1/", false),
            ("hooks.slack.example", false),
            ("", false),
        ] {
            assert_eq!(SlackWebhook::new(address).is_ok(), is_good, "{address}");
        }
        let webhook = SlackWebhook::new("https://hooks.slack.example/secret").unwrap();
        assert!(!format!("{webhook:?}").contains("secret"));
    }

    #[test]
    fn names_are_shown_as_they_are_and_mention_nobody() {
        assert_eq!(
            escaped("<!channel> a&b `x`"),
            "&lt;!channel&gt; a&amp;b  x "
        );
    }
}

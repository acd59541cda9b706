//! The connections to AWS: one connector that all clients share, and that can be replaced under them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// The connections of every client. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Connections {
    connect_timeout: Duration,
    /// Built at its first use: each client's own would read the machine's root certificates once more.
    connector: Arc<Mutex<Option<SharedHttpConnector>>>,
}

impl Connections {
    /// None are open yet.
    pub(super) fn new(connect_timeout: Duration) -> Self {
        Self {
            connect_timeout,
            connector: Arc::default(),
        }
    }

    /// What an SDK client is given.
    pub(super) fn client(&self) -> SharedHttpClient {
        let connections = self.clone();
        http_client_fn(move |_, components| connections.current(components))
    }

    /// Forgets the idle ones: later calls open their own. A call under way keeps the connector that it began with.
    pub(super) fn renew(&self) {
        self.lock().take();
    }

    fn current(&self, components: &RuntimeComponents) -> SharedHttpConnector {
        let build = || {
            let settings = HttpConnectorSettings::builder()
                .connect_timeout(self.connect_timeout)
                .build();
            let mut builder = Connector::builder().connector_settings(settings);
            builder.set_sleep_impl(components.sleep_impl());
            let tls = Provider::Rustls(CryptoMode::Ring);
            SharedHttpConnector::new(builder.tls_provider(tls).build())
        };
        self.lock().get_or_insert_with(build).clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<SharedHttpConnector>> {
        self.connector
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, feature = "local"))]
mod tests {
    use std::time::Duration;

    use aws_credential_types::Credentials;
    use aws_sdk_bedrockruntime::config::{BehaviorVersion, Region, SharedCredentialsProvider};
    use aws_sdk_bedrockruntime::operation::converse_stream::ConverseStreamOutput;
    use aws_sdk_bedrockruntime::types::{ContentBlock, ConversationRole, Message};
    use aws_sdk_bedrockruntime::{Client, Config};

    use super::Connections;
    use crate::catalog::Catalog;
    use crate::simulator::{Simulated, SimulatorOptions, Step};

    const MODEL: &str = "us.amazon.nova-lite-v1:0";

    async fn bedrock() -> Simulated {
        let catalog = Catalog::bundled();
        let options = SimulatorOptions::new(|id| Some(catalog.resolve(id, None, None)));
        Simulated::start(options).await.unwrap()
    }

    fn client(bedrock: &Simulated, connections: &Connections) -> Client {
        let credentials = Credentials::new("test", "test", None, None, "test");
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(bedrock.url())
            .http_client(connections.client());
        Client::from_conf(config.build())
    }

    async fn ask(client: &Client) -> ConverseStreamOutput {
        let hello = Message::builder()
            .role(ConversationRole::User)
            .content(ContentBlock::Text("hello".to_owned()));
        let request = client.converse_stream().model_id(MODEL);
        let request = request.messages(hello.build().unwrap());
        request.send().await.unwrap()
    }

    async fn events(mut answer: ConverseStreamOutput) -> usize {
        let mut events = 0;
        while answer.stream.recv().await.unwrap().is_some() {
            events += 1;
        }
        events
    }

    #[tokio::test]
    async fn a_stream_under_way_survives_and_later_calls_open_their_own_connection() {
        let bedrock = bedrock().await;
        let connections = Connections::new(Duration::from_secs(3));
        let client = client(&bedrock, &connections);
        let whole = events(ask(&client).await).await;
        events(ask(&client).await).await;

        let slow = Step::echo().pace(Duration::from_millis(20));
        bedrock.script(MODEL, [slow]);
        let under_way = ask(&client).await;
        connections.renew();
        assert_eq!(events(under_way).await, whole);
        events(ask(&client).await).await;

        let requests = bedrock.requests();
        let used: Vec<u64> = requests.iter().map(|seen| seen.connection).collect();
        assert_eq!(used[0], used[1], "kept alive");
        assert_eq!(used[1], used[2], "taken before the renewal");
        assert_ne!(used[2], used[3], "not reused after it");
    }
}

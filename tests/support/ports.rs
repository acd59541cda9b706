//! Ports that do not do what a service does.

use tokio::net::TcpListener;

/// A port that takes connections and never answers.
pub async fn silent_port() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

//! A listener's connections, served with the limits that a server needs whose clients are not all well meant: whoever
//! sends his headers slowly, or sends too many, does not occupy it.

use std::io;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::ServiceBuilder;
use tower_http::add_extension::AddExtensionLayer;

use crate::ClientAddress;

/// How long a client may take for the head of a request, and a kept connection may be idle.
pub(super) const HEAD_LIMIT: Duration = Duration::from_secs(30);
const MAX_HEADERS: usize = 100;
/// The head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// After a listener failed, as for want of file descriptors, it is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` ends, and then until the requests under way have their answers.
pub(super) async fn serve(
    listener: TcpListener,
    app: Router,
    head_limit: Duration,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(head_limit)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES);
    let open = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let (stream, from) = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_the_clients(&error) => continue,
                Err(error) => {
                    tracing::error!(%error, "no connection could be accepted");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        // Without it every stream's first byte waits 40 ms for the acknowledgement of its head.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let service = ServiceBuilder::new()
            .layer(AddExtensionLayer::new(ClientAddress(from.ip())))
            .service(app.clone());
        let connection =
            http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let watched = open.watch(connection);
        tokio::spawn(async move {
            // A client that leaves, or does not speak HTTP, is nobody's error.
            if let Err(error) = watched.await {
                tracing::debug!(%error, %from, "a connection ended");
            }
        });
    }
    drop(listener);
    open.shutdown().await;
}

/// The connection was gone before it was accepted.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::{Arc, Mutex};

    use axum::Extension;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::oneshot;
    use tokio::task::JoinHandle;

    use super::*;

    /// A server under test.
    struct Server {
        address: SocketAddr,
        /// Lets `/slow` answer.
        answer: oneshot::Sender<()>,
        stop: oneshot::Sender<()>,
        serving: JoinHandle<()>,
    }

    async fn server(head_limit: Duration) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (answer, asked) = oneshot::channel::<()>();
        let asked = Arc::new(Mutex::new(Some(asked)));
        let slow = async move || {
            let asked = asked.lock().unwrap().take().unwrap();
            asked.await.unwrap();
            "done"
        };
        let from = async |Extension(ClientAddress(ip)): Extension<ClientAddress>| ip.to_string();
        let app = Router::new()
            .route("/", get(from))
            .route("/slow", get(slow));
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move { stopped.await.unwrap_or_default() };
        let serving = tokio::spawn(serve(listener, app, head_limit, stopped));
        Server {
            address,
            answer,
            stop,
            serving,
        }
    }

    async fn said(stream: &mut TcpStream) -> String {
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    async fn sent(to: &Server, bytes: &str) -> TcpStream {
        let mut client = TcpStream::connect(to.address).await.unwrap();
        client.write_all(bytes.as_bytes()).await.unwrap();
        client
    }

    #[tokio::test]
    async fn after_the_stop_requests_under_way_are_answered_and_no_new_ones() {
        let server = server(HEAD_LIMIT).await;
        let mut under_way = sent(&server, "GET /slow HTTP/1.1\r\nhost: x\r\n\r\n").await;
        let mut other = sent(
            &server,
            "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        )
        .await;
        assert!(said(&mut other).await.ends_with("127.0.0.1"));
        server.stop.send(()).unwrap();
        server.answer.send(()).unwrap();
        assert!(said(&mut under_way).await.ends_with("done"));
        server.serving.await.unwrap();
        assert!(TcpStream::connect(server.address).await.is_err());
    }

    #[tokio::test]
    async fn too_many_headers_are_refused() {
        let server = server(HEAD_LIMIT).await;
        let headers: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
        let request = format!("GET / HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        let mut client = sent(&server, &request).await;
        assert!(said(&mut client).await.starts_with("HTTP/1.1 431"));
    }

    #[tokio::test]
    async fn a_client_that_never_ends_its_head_is_left() {
        let server = server(Duration::from_millis(20)).await;
        let mut client = sent(&server, "GET / HTTP/1.1\r\nhost: x\r\nx-never").await;
        assert!(!said(&mut client).await.contains("200 OK"));
    }
}

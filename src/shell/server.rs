//! A listener's connections, served with the limits that a server needs whose clients are not all well meant: a client
//! that sends its headers slowly, sends too many, or opens many connections does not take what the others need.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceBuilder;

use super::clients::ClientAddresses;

/// Files that a connection may need beside its own: the calls of Bedrock and of the table that it leads to, the
/// embedded table's with both their ends.
const FILES_OF_A_CONNECTION: usize = 4;
/// Files that are kept for everything else: the table's file, the log, connections that are kept for the next call.
const OTHER_FILES: usize = 64;
/// Fewer connections are no server.
const LEAST_CONNECTIONS: usize = 8;
/// More need memory rather than files.
const MOST_CONNECTIONS: usize = 16_384;

/// The limits of a server.
#[derive(Debug, Clone, Copy)]
pub(super) struct ServerLimits {
    /// How long a client may take for the head of a request, and a kept connection may be idle.
    pub(super) head: Duration,
    /// Connections that are open at the same time. Further ones wait until one of them ends.
    pub(super) connections: usize,
}

impl ServerLimits {
    /// For a process that may have so many files open. Without a limit of its own, clients could take all of them, and
    /// there would be none for the calls of Bedrock and the table.
    pub(super) fn of_files(files: usize) -> Self {
        let connections = files.saturating_sub(OTHER_FILES) / FILES_OF_A_CONNECTION;
        Self {
            head: Duration::from_secs(30),
            connections: connections.clamp(LEAST_CONNECTIONS, MOST_CONNECTIONS),
        }
    }
}

const MAX_HEADERS: usize = 100;
/// The head of a request, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How long the server waits to accept again after a listener failed, as for want of file descriptors.
const ACCEPT_RETRY_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` ends, and then until the requests under way have their answers.
pub(super) async fn serve(
    listener: TcpListener,
    app: Router,
    clients: ClientAddresses,
    limits: ServerLimits,
    stop: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES);
    let open = GracefulShutdown::new();
    let clients = Arc::new(clients);
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut stop = std::pin::pin!(stop);
    loop {
        let (place, (stream, from)) = tokio::select! {
            accepted = accept(&listener, &places, limits.connections) => match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_client_abort(&error) => continue,
                Err(error) => {
                    tracing::error!(%error, "no connection could be accepted");
                    tokio::time::sleep(ACCEPT_RETRY_PAUSE).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        // Without it every stream's first byte waits 40 ms for the acknowledgement of its head.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let clients = Arc::clone(&clients);
        let service = ServiceBuilder::new()
            .map_request(move |request: Request<Incoming>| clients.tell(request, from.ip()))
            .service(app.clone());
        let connection =
            http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
        let watched = open.watch(connection);
        tokio::spawn(async move {
            let _place = place;
            // A client that leaves, or does not speak HTTP, is no error of the server.
            if let Err(error) = watched.await {
                tracing::debug!(%error, %from, "a connection ended");
            }
        });
    }
    drop(listener);
    open.shutdown().await;
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
    most: usize,
) -> io::Result<(OwnedSemaphorePermit, (TcpStream, SocketAddr))> {
    if places.available_permits() == 0 {
        tracing::warn!(most, "all connections are in use; further clients wait");
    }
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.map_err(io::Error::other)?;
    Ok((place, listener.accept().await?))
}

/// The connection was gone before it was accepted.
fn is_client_abort(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use axum::Extension;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::oneshot;
    use tokio::task::JoinHandle;

    use super::*;
    use crate::ClientAddress;

    /// A server under test.
    struct Server {
        address: SocketAddr,
        /// Lets `/slow` answer.
        answer: oneshot::Sender<()>,
        stop: oneshot::Sender<()>,
        serving: JoinHandle<()>,
    }

    const LIMITS: ServerLimits = ServerLimits {
        head: Duration::from_secs(30),
        connections: 8,
    };

    async fn server(limits: ServerLimits) -> Server {
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
        let clients = ClientAddresses::behind(Vec::new());
        let serving = tokio::spawn(serve(listener, app, clients, limits, stopped));
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
        let server = server(LIMITS).await;
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
        let server = server(LIMITS).await;
        let headers: String = (0..200).map(|n| format!("x-{n}: y\r\n")).collect();
        let request = format!("GET / HTTP/1.1\r\nhost: x\r\n{headers}\r\n");
        let mut client = sent(&server, &request).await;
        assert!(said(&mut client).await.starts_with("HTTP/1.1 431"));
    }

    #[tokio::test]
    async fn a_client_that_never_ends_its_head_is_left() {
        let head = Duration::from_millis(20);
        let server = server(ServerLimits { head, ..LIMITS }).await;
        let mut client = sent(&server, "GET / HTTP/1.1\r\nhost: x\r\nx-never").await;
        assert!(!said(&mut client).await.contains("200 OK"));
    }

    #[tokio::test]
    async fn a_connection_above_the_limit_is_served_once_another_one_ends() {
        let connections = 2;
        let server = server(ServerLimits {
            connections,
            ..LIMITS
        })
        .await;
        let request = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let idle = [sent(&server, "").await, sent(&server, "").await];
        let mut third = sent(&server, request).await;
        let answer = tokio::time::timeout(Duration::from_millis(100), said(&mut third)).await;
        assert!(answer.is_err(), "{answer:?}");
        drop(idle);
        assert!(said(&mut third).await.ends_with("127.0.0.1"));
    }

    #[test]
    fn connections_leave_most_files_to_the_calls_that_they_lead_to() {
        let of = |files| ServerLimits::of_files(files).connections;
        assert_eq!([of(0), of(256), of(1_024)], [8, 48, 240]);
        assert_eq!(of(usize::MAX), 16_384);
    }
}

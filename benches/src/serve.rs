//! The servers' loop: every connection without Nagle's algorithm and, towards clients that have it, without delayed
//! acknowledgements.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

use crate::Error;

/// What every server here answers.
pub type Reply = Response<BoxBody<Bytes, Infallible>>;

/// A reply that is whole.
pub fn whole(content_type: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Full::new(body.into()).boxed());
    let value = http::HeaderValue::from_static(content_type);
    reply
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, value);
    reply
}

/// Serves on this socket until the process ends.
pub async fn serve<F, R>(listener: TcpListener, handle: F) -> Result<(), Error>
where
    F: Fn(Request<Incoming>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<Reply, Error>> + Send + 'static,
{
    let handle = Arc::new(handle);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let handle = Arc::clone(&handle);
        tokio::spawn(async move {
            let service = service_fn(move |request| handle(request));
            let connection =
                http1::Builder::new().serve_connection(TokioIo::new(AtOnce(stream)), service);
            // A client may leave whenever it wants to.
            connection.await.ok();
        });
    }
}

/// A connection that acknowledges at once what it has read. Without this a client that writes in small pieces, and
/// keeps Nagle's algorithm on, is measured with 40 ms that are the system's.
struct AtOnce(TcpStream);

impl AsyncRead for AtOnce {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.0).poll_read(context, buffer);
        SockRef::from(&self.0).set_tcp_quickack(true)?;
        read
    }
}

impl AsyncWrite for AtOnce {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }
}

//! The socket side: connections with a number, without Nagle's delay, that a handler can reset.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// One accepted connection, as handlers see it.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    /// Counts accepted connections from 0.
    pub(super) number: u64,
    closed: CancellationToken,
    hard: Arc<AtomicBool>,
}

impl Connection {
    /// Closes the connection with a TCP reset, whatever is on its way.
    pub(super) fn reset(&self) {
        self.hard.store(true, Ordering::Release);
        self.closed.cancel();
    }
}

impl Connected<IncomingStream<'_, Door>> for Connection {
    fn connect_info(stream: IncomingStream<'_, Door>) -> Self {
        stream.remote_addr().clone()
    }
}

/// The listener. When `open` is cancelled, every connection ends.
#[derive(Debug)]
pub(super) struct Door {
    listener: TcpListener,
    open: CancellationToken,
    next: AtomicU64,
}

impl Door {
    pub(super) fn new(listener: TcpListener, open: CancellationToken) -> Self {
        Self {
            listener,
            open,
            next: AtomicU64::new(0),
        }
    }

    fn connection(&self) -> Connection {
        Connection {
            number: self.next.fetch_add(1, Ordering::Relaxed),
            closed: self.open.child_token(),
            hard: Arc::default(),
        }
    }
}

impl Listener for Door {
    type Io = ConnectionStream;
    type Addr = Connection;

    async fn accept(&mut self) -> (ConnectionStream, Connection) {
        // axum's own accept waits out the errors of a full file table.
        let (stream, _) = Listener::accept(&mut self.listener).await;
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        let connection = self.connection();
        let wire = ConnectionStream {
            stream,
            closed: Box::pin(connection.closed.clone().cancelled_owned()),
            hard: connection.hard.clone(),
        };
        (wire, connection)
    }

    fn local_addr(&self) -> io::Result<Connection> {
        Ok(self.connection())
    }
}

/// A TCP stream that ends when its [`Connection`] says so.
#[derive(Debug)]
pub(super) struct ConnectionStream {
    stream: TcpStream,
    closed: Pin<Box<WaitForCancellationFutureOwned>>,
    hard: Arc<AtomicBool>,
}

impl ConnectionStream {
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.closed.as_mut().poll(context).is_pending() {
            return Ok(());
        }
        if self.hard.load(Ordering::Acquire) {
            self.stream.set_zero_linger()?;
        }
        Err(io::ErrorKind::ConnectionAborted.into())
    }
}

impl AsyncRead for ConnectionStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for ConnectionStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

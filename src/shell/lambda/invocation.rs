//! One invocation from outside: what is done before the event is handled, and what must be done before the next one
//! is asked for, for then Lambda freezes the process.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use lambda_http::Error;
use lambda_runtime::LambdaInvocation;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;
use tower::{Layer, Service};

use super::super::Connections;
use super::{deadline, nodelay};

/// How long a connection may be idle and is still taken to be open. Bedrock and DynamoDB, and whatever is on the way to
/// them, close an idle one after a minute or more; a frozen process does not see it.
const LONGEST_IDLE_CONNECTION: Duration = Duration::from_secs(50);

/// The last moment to give up on records that are still under way: a killed invocation would lose the process too.
const LAST: Duration = Duration::from_millis(300);

/// Wraps every invocation.
#[derive(Debug, Clone)]
pub(super) struct Invocations {
    tasks: TaskTracker,
    connections: Connections,
    runtime_api: Option<SocketAddr>,
    /// In wall time: the monotonic clock stands still while the process is frozen.
    last_awake: Arc<Mutex<SystemTime>>,
}

impl Invocations {
    /// `tasks` are the requests whose ends are waited for; it must be closed.
    pub(super) fn new(
        tasks: TaskTracker,
        connections: Connections,
        runtime_api: Option<SocketAddr>,
    ) -> Self {
        Self {
            tasks,
            connections,
            runtime_api,
            last_awake: Arc::new(Mutex::new(SystemTime::now())),
        }
    }

    fn begin(&self) {
        if let Some(api) = self.runtime_api {
            nodelay::set(api);
        }
        let slept = SystemTime::now().duration_since(self.awake());
        if slept.is_ok_and(|slept| slept > LONGEST_IDLE_CONNECTION) {
            self.connections.renew();
        }
    }

    /// Waits until every request has its record. Without an end there is no freeze either, and an emulator that takes
    /// a stream for ended at its head can serve the next request meanwhile.
    async fn end(self, end: Option<Instant>) {
        if let Some(end) = end {
            let last = end.checked_sub(LAST).unwrap_or(end);
            if timeout_at(last, self.tasks.wait()).await.is_err() {
                tracing::error!("the invocation ends before its record is written");
            }
        }
        *self.lock() = SystemTime::now();
    }

    fn awake(&self) -> SystemTime {
        *self.lock()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, SystemTime> {
        self.last_awake
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Layer<S> for Invocations {
    type Service = Wrapped<S>;

    fn layer(&self, inner: S) -> Wrapped<S> {
        Wrapped {
            inner,
            around: self.clone(),
        }
    }
}

/// The runtime's own service with [`Invocations`] around it.
#[derive(Debug, Clone)]
pub(super) struct Wrapped<S> {
    inner: S,
    around: Invocations,
}

impl<S> Service<LambdaInvocation> for Wrapped<S>
where
    S: Service<LambdaInvocation, Response = (), Error = Error>,
    S::Future: Send + 'static,
{
    type Response = ();
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let around = self.around.clone();
        around.begin();
        let end = deadline::end(&invocation.context);
        let handled = self.inner.call(invocation);
        Box::pin(async move {
            let result = handled.await;
            around.end(end).await;
            result
        })
    }
}

//! A simulated Bedrock: an HTTP server on loopback that speaks the real wire of `bedrock-runtime`.
//!
//! It serves Converse, ConverseStream and CountTokens, Claude's own Messages format by InvokeModel and its stream
//! (`messages/`), and vectors and the order of documents (`retrieval/`); refuses what Bedrock refuses in Bedrock's
//! words ([`validate`]), answers like a small, honest echo of a model ([`echo`]), accounts for the prompt cache (see
//! `cache.rs`), and can be told to fail in every way that a network or a service fails ([`Step`]). The gateway does not
//! know that it talks to it: same SDK, other endpoint. Nothing here may be used by the gateway proper, and nothing here
//! is in the Lambda binary.
//!
//! ```no_run
//! # async fn example(catalog: std::collections::HashMap<String, bedrock_sidecar::catalog::Model>) -> std::io::Result<()> {
//! use bedrock_sidecar::simulator::{Simulated, SimulatorOptions, Step};
//!
//! let bedrock = Simulated::start(SimulatorOptions::new(move |id| catalog.get(id).cloned())).await?;
//! bedrock.script("us.amazon.nova-lite-v1:0", [Step::throttle(), Step::text("hello").cut_after(2)]);
//! // … point an SDK client at `bedrock.url()` …
//! assert_eq!(bedrock.requests().len(), 2);
//! # Ok(())
//! # }
//! ```

use std::{fmt, io, net::SocketAddr, sync::Arc, time::Duration};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::catalog::Model;

mod auth;
mod binding;
mod cache;
mod call_format;
mod connection;
mod control;
mod converse;
mod count;
pub mod echo;
mod json;
mod messages;
mod model;
mod queue;
mod record;
mod reply;
mod retrieval;
mod script;
mod served;
mod service;
mod signature;
mod stream;
pub mod validate;
mod wire;

pub use call_format::CallFormat;
pub use queue::{ANY_MODEL, Rest};
pub use record::{AnswerOutcome, SeenRequest};
pub use reply::{Block, RawEvent, ScriptedReply, Tokens};
pub use script::{Fault, FaultKind, Step, StepOutcome};
pub use served::Served;
pub use wire::ErrorReply;

use connection::Door;
use service::SimulatorService;

/// Finds what the catalog knows of a model id; `None`: Bedrock does not know it.
pub type Lookup = Arc<dyn Fn(&str) -> Option<Model> + Send + Sync>;

/// How a simulated Bedrock behaves where no script says otherwise.
#[derive(Clone)]
pub struct SimulatorOptions {
    /// Which models there are and what they can do.
    pub lookup: Lookup,
    /// Where it listens. Port 0 takes a free one.
    pub address: SocketAddr,
    /// The pause between two events of a stream: a human pace for people, zero for tests.
    pub pace: Duration,
    /// The day, for models that have reached the end of their life.
    pub today: Date,
    /// Requests without a signature or a bearer token get 403.
    pub check_auth: bool,
    /// Thinking blocks count only with a signature that this service issued.
    pub check_signatures: bool,
}

impl SimulatorOptions {
    /// What tests want: a free port, no pauses, everything checked.
    pub fn new(lookup: impl Fn(&str) -> Option<Model> + Send + Sync + 'static) -> Self {
        Self {
            lookup: Arc::new(lookup),
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            pace: Duration::ZERO,
            today: TimeZone::UTC.to_datetime(Timestamp::now()).date(),
            check_auth: true,
            check_signatures: true,
        }
    }

    /// Streams at this pace.
    pub fn with_pace(mut self, pace: Duration) -> Self {
        self.pace = pace;
        self
    }

    /// Listens here.
    pub fn with_address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Takes this for the current day.
    pub fn with_today(mut self, today: Date) -> Self {
        self.today = today;
        self
    }
}

impl fmt::Debug for SimulatorOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("address", &self.address)
            .field("pace", &self.pace)
            .field("today", &self.today)
            .finish_non_exhaustive()
    }
}

/// A running simulated Bedrock. It stops, with all its connections, when it is dropped.
#[derive(Debug)]
pub struct Simulated {
    service: Arc<SimulatorService>,
    address: SocketAddr,
    open: DropGuard,
}

impl Simulated {
    /// Binds and serves in a task of the current runtime.
    ///
    /// # Errors
    ///
    /// When the address cannot be bound.
    pub async fn start(options: SimulatorOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(options.address).await?;
        let address = listener.local_addr()?;
        let open = CancellationToken::new();
        let service = Arc::new(SimulatorService::new(options));
        let router = control::router(service.clone());
        let door = Door::new(listener, open.clone());
        let closing = open.clone();
        tokio::spawn(async move {
            let serve = axum::serve(
                door,
                router.into_make_service_with_connect_info::<connection::Connection>(),
            );
            tokio::select! {
                _ = serve => {}
                () = closing.cancelled() => {}
            }
        });
        Ok(Self {
            service,
            address,
            open: open.drop_guard(),
        })
    }

    /// The endpoint for `AWS_ENDPOINT_URL_BEDROCK_RUNTIME`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Adds steps to a model's queue ([`ANY_MODEL`]: to the queue of all models). Each is used once.
    pub fn script(&self, model: &str, steps: impl IntoIterator<Item = Step>) {
        self.service.scripts().push(model, steps);
    }

    /// What a model does from now on when its queue is empty.
    pub fn always(&self, model: &str, step: Step) {
        self.service
            .scripts()
            .rest(model, Rest::Always(Box::new(step)));
    }

    /// What happens to a share of a model's requests (0 to 1) when its queue is empty: one of these steps, at
    /// random.
    pub fn sometimes(&self, model: &str, share: f64, steps: Vec<Step>) {
        let rest = Rest::Sometimes { share, steps };
        self.service.scripts().rest(model, rest);
    }

    /// Forgets a model's script; [`ANY_MODEL`] forgets all scripts.
    pub fn unscript(&self, model: &str) {
        self.service.scripts().clear(model);
    }

    /// All requests so far, in order, those that never got an answer included.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.service.record().all()
    }

    /// The requests for one model.
    pub fn requests_for(&self, model: &str) -> Vec<SeenRequest> {
        let mut requests = self.requests();
        requests.retain(|seen| seen.model == model);
        requests
    }

    /// How many answers were begun: what the real service would bill.
    pub fn billed(&self) -> usize {
        self.service.record().billed()
    }

    /// Forgets requests, counts, scripts and the prompt cache.
    pub fn reset(&self) {
        self.service.reset();
    }

    /// Stops listening and ends every connection. Dropping does the same.
    pub fn stop(self) {
        drop(self.open.disarm().drop_guard());
    }
}

#[cfg(test)]
mod faults;
#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod tests;

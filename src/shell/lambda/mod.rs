//! The Lambda shell: the one handler behind Lambda's Runtime API, as a function URL with response streaming calls it.
//!
//! It knows what a server does not: an invocation has an end, the process is frozen between two of them, and what is
//! not done before the next event is asked for is done late or never.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;

use super::startup::{ShellDefaults, Startup, Upstream, start};
use super::{EnvConfig, StartError};
use crate::app;

mod client;
mod connect;
mod deadline;
mod invocation;
mod nodelay;
mod reply;

use invocation::Invocations;

/// Where the Runtime API is.
const RUNTIME_API: &str = "AWS_LAMBDA_RUNTIME_API";

/// Before an invocation ends, so much time is left for the end of the stream and the record.
const TIME_FOR_RECORDS: Duration = Duration::from_secs(3);

/// Whether this process was started behind a Runtime API: on Lambda, or under an emulator.
pub fn is_asked_for() -> bool {
    std::env::var_os(RUNTIME_API).is_some_and(|address| !address.is_empty())
}

/// Serves invocations until the process is ended.
///
/// # Errors
/// When the process cannot start, or the Runtime API goes away.
pub async fn serve(env: &EnvConfig) -> Result<(), StartError> {
    let defaults = ShellDefaults {
        json_logs: env.on_lambda,
        // An environment answers one request at a time, and is paid for until its record is written.
        commit_delay: Duration::ZERO,
    };
    let startup = start(env, upstream(env), defaults).await?;
    connect::ahead(&startup.state);
    let Startup {
        state, connections, ..
    } = &startup;
    // Never opened again: a closed tracker still takes tasks, and can be waited for.
    state.tasks.close();
    let invocations = Invocations::new(state.tasks.clone(), connections.clone(), runtime_api());
    lambda_http::streaming_runtime_concurrent(router(app(state.clone().without_metrics())))
        .layer(invocations)
        .run_concurrent()
        .await
        .map_err(StartError::Runtime)
}

/// The application with what an invocation adds. The layers are around all of it: those of the application's own router
/// would be boxes around each of its routes.
fn router(app: Router) -> Router {
    Router::new()
        .fallback_service(app)
        .layer(from_fn(deadline::tell))
        .layer(from_fn(client::tell))
        .layer(from_fn(reply::fill))
}

/// On Lambda, Amazon's. Under an emulator, as on a developer's machine.
#[cfg(feature = "local")]
fn upstream(env: &EnvConfig) -> Upstream {
    match (env.on_lambda, env.simulated) {
        (true, _) => Upstream::Amazon,
        (false, true) => Upstream::Simulated,
        (false, false) => Upstream::Auto,
    }
}

#[cfg(not(feature = "local"))]
fn upstream(_: &EnvConfig) -> Upstream {
    Upstream::Amazon
}

/// The Runtime API's address, as far as it is one: on Lambda `169.254.100.1:9001`, under an emulator perhaps a URL.
fn runtime_api() -> Option<SocketAddr> {
    let value = std::env::var(RUNTIME_API).ok()?;
    let value = value.trim_start_matches("http://");
    value.split('/').next()?.parse().ok()
}

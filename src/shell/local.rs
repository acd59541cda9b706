//! The local shell: a server on this machine, with the embedded table and, where there are no credentials, the
//! simulated Bedrock.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;

use crate::store::time;
use crate::{AppState, app};

use super::clients::ClientAddresses;
use super::startup::{ShellDefaults, Startup, start};
use super::{EnvConfig, StartError, files, server};
use crate::simulator::Simulated;

pub use super::startup::Upstream;

/// Records that come within so long of each other share a call to the table, which takes as long again itself.
const COMMIT_DELAY: Duration = Duration::from_millis(5);

/// Serves until the process is told to stop (Ctrl-C or SIGTERM), then lets requests under way end. `SIMULATED_BEDROCK`
/// goes before what the command line says of the upstream.
pub async fn serve(env: &EnvConfig, upstream: Upstream) -> Result<(), StartError> {
    let upstream = if env.simulated {
        Upstream::Simulated
    } else {
        upstream
    };
    let defaults = ShellDefaults {
        json_logs: false,
        commit_delay: COMMIT_DELAY,
    };
    let Startup {
        state,
        simulated,
        embedded,
        ..
    } = start(env, upstream, defaults).await?;

    // So that the first request's lines in the log are signed. Without it they say so.
    state.ledger.fetch_secret().await;
    let listener = bind(env).await?;
    let address = listener.local_addr().map_err(StartError::Serve)?;
    announce(address, env, &state, simulated.as_ref());

    let tasks = state.tasks.clone();
    let limits = server::ServerLimits::of_files(files::most());
    tracing::info!(
        connections = limits.connections,
        "most connections at a time"
    );
    let clients = ClientAddresses::behind(state.config.general.trusted_proxies.clone());
    server::serve(listener, app(state), clients, limits, stop_signal()).await;

    // The clients have their answers; their records may still be on the way.
    tasks.close();
    tasks.wait().await;
    if let Some(embedded) = embedded {
        embedded.stop().await;
    }
    Ok(())
}

async fn bind(env: &EnvConfig) -> Result<TcpListener, StartError> {
    let address = SocketAddr::new(env.host, env.port);
    TcpListener::bind(address)
        .await
        .map_err(|source| StartError::Bind { address, source })
}

/// Says where it listens, what it calls, and what to try first.
fn announce(address: SocketAddr, env: &EnvConfig, state: &AppState, simulated: Option<&Simulated>) {
    let upstream = match simulated {
        Some(bedrock) => format!(
            "the SIMULATED Bedrock at {} (no AWS call is made)",
            bedrock.url()
        ),
        None => format!(
            "Amazon Bedrock ({} unless a deployment says otherwise)",
            env.region
        ),
    };
    let table = match &env.table_name {
        Some(name) => format!("DynamoDB table {name}"),
        None => format!("embedded in {}", env.data_dir.display()),
    };
    let key = if state.master_key.is_open() {
        ""
    } else {
        " -H \"Authorization: Bearer $LITELLM_MASTER_KEY\""
    };
    let names = state.config.listed_names(time::day(Timestamp::now()));
    let model = names.first().map(String::as_str).unwrap_or_default();
    println!(
        "bedrock-sidecar {} listens on http://{address}",
        env!("CARGO_PKG_VERSION")
    );
    println!(
        "  models from {}, Bedrock: {upstream}, records: {table}",
        state.config.name
    );
    println!("  admin pages: http://{address}/ui");
    println!(
        "  try: curl http://{address}/v1/chat/completions{key} -H 'Content-Type: application/json' \
         -d '{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"what llm are you\"}}]}}'"
    );
}

/// Ctrl-C or SIGTERM. A second one ends the process at once: its sender does not want to wait for streams.
async fn stop_signal() {
    told_to_stop().await;
    tracing::info!("stopping: requests under way may end; a second signal ends them");
    tokio::spawn(async {
        told_to_stop().await;
        std::process::exit(130);
    });
}

async fn told_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    match (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) {
        (Ok(mut interrupt), Ok(mut terminate)) => tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        },
        (Err(error), _) | (_, Err(error)) => {
            tracing::warn!(%error, "signals cannot be heard: the server stops only when it is killed");
            std::future::pending().await
        }
    }
}

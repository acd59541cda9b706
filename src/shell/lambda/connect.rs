//! Connections that are opened while Lambda still starts the environment, so that the first request finds them.

use std::time::Duration;

use tokio::time::sleep;

use crate::AppState;

/// Lambda counts as started what has asked for its first event. That comes first: reading the machine's root
/// certificates alone takes longer than all the rest.
const READY: Duration = Duration::from_millis(1);

/// Regions beyond these are opened when they are asked.
const REGIONS: usize = 2;

/// Starts to open connections to Bedrock and the table. No request waits for them: a first request that comes sooner
/// opens its own.
pub(super) fn ahead(state: &AppState) {
    for endpoint in state.routes.first_endpoints().into_iter().take(REGIONS) {
        let endpoint = endpoint.clone();
        tokio::spawn(async move {
            sleep(READY).await;
            endpoint.open().await;
        });
    }
    // The table's connection, the first copy of what other instances have written, and the secret they share.
    let state = state.clone();
    tokio::spawn(async move {
        sleep(READY).await;
        tokio::join!(state.routes.refresh_shared_state(), state.secret.get());
    });
}

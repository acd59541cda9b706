//! Whose a request is that the local server has accepted.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use http::Request;

use super::forwarded;
use crate::ClientAddress;
use crate::config::Network;

/// Who has sent a request.
#[derive(Debug)]
pub(super) struct Clients {
    /// Proxies that are believed when they say for whom a request is.
    trusted: Vec<Network>,
    /// Whether the log has been told of a proxy that is not one of them.
    told: AtomicBool,
}

impl Clients {
    /// Clients, some of them behind these proxies.
    pub(super) fn behind(trusted: Vec<Network>) -> Self {
        Self {
            trusted,
            told: AtomicBool::new(false),
        }
    }

    /// Tells the gateway the client's address. `peer` is who has connected.
    pub(super) fn tell<B>(&self, mut request: Request<B>, peer: IpAddr) -> Request<B> {
        let headers = request.headers();
        if forwarded::is_said(headers) && !forwarded::is_trusted(peer, &self.trusted) {
            self.warn(peer);
        }
        let client = forwarded::client(peer, headers, &self.trusted);
        request.extensions_mut().insert(ClientAddress(client));
        request
    }

    /// Once in a process's life: anybody can send these headers.
    fn warn(&self, peer: IpAddr) {
        if !self.told.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                "X-Forwarded-For or Forwarded came from an address that is not believed: if it is a proxy's, name it in \
                 general_settings.trusted_proxies, or all its clients count as one address where logins are counted"
            );
        }
    }
}

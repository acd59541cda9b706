//! The client's address of a request that the local server has accepted.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use http::Request;

use super::forwarded;
use crate::ClientAddress;
use crate::config::Network;

/// Finds the address of a request's client.
#[derive(Debug)]
pub(super) struct ClientAddresses {
    /// Proxies that are believed when they name a request's client.
    trusted: Vec<Network>,
    /// The log has a warning of a proxy that is not one of them.
    has_warned: AtomicBool,
}

impl ClientAddresses {
    /// Clients, some of them behind these proxies.
    pub(super) fn behind(trusted: Vec<Network>) -> Self {
        Self {
            trusted,
            has_warned: AtomicBool::new(false),
        }
    }

    /// Tells the gateway the client's address. `peer` is the other end of the connection.
    pub(super) fn tell<B>(&self, mut request: Request<B>, peer: IpAddr) -> Request<B> {
        let headers = request.headers();
        if forwarded::is_said(headers) && !forwarded::is_trusted(peer, &self.trusted) {
            self.warn(peer);
        }
        let client = forwarded::client(peer, headers, &self.trusted);
        request.extensions_mut().insert(ClientAddress(client));
        request
    }

    /// Warns once in a process's life: any client can send these headers.
    fn warn(&self, peer: IpAddr) {
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                %peer,
                "X-Forwarded-For or Forwarded came from an address that is not believed: if it is a proxy's, name it in \
                 general_settings.trusted_proxies, or all its clients count as one address where logins are counted"
            );
        }
    }
}

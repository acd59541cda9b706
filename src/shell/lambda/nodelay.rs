//! Nagle's algorithm, off for the Runtime API. The runtime's client leaves it on and has no switch for it; with it a
//! response's head, its separator and its first bytes, each written on their own, wait for an acknowledgement that may
//! take 40 ms.

use std::net::SocketAddr;
use std::os::fd::BorrowedFd;

use socket2::SockRef;

/// Where the runtime's sockets are: it opens them early, and the system gives the lowest free number.
const DESCRIPTORS: std::ops::Range<i32> = 3..64;

/// Switches it off on every socket that is connected to `api`.
#[allow(unsafe_code)]
pub(super) fn set(api: SocketAddr) {
    for number in DESCRIPTORS {
        // SAFETY: the number is not -1, and the borrow ends within this turn of the loop. A number that is not open, or
        // is closed meanwhile, makes the two calls below fail; neither of them closes, reads or writes.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        let socket = SockRef::from(&descriptor);
        let peer = socket.peer_addr().ok().and_then(|peer| peer.as_socket());
        if peer == Some(api)
            && let Err(error) = socket.set_tcp_nodelay(true)
        {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn sockets_to_the_runtime_api_lose_their_delay_and_others_keep_it() {
        let listen = || TcpListener::bind("127.0.0.1:0").unwrap();
        let (api, other) = (listen(), listen());
        let to_api = TcpStream::connect(api.local_addr().unwrap()).unwrap();
        let to_other = TcpStream::connect(other.local_addr().unwrap()).unwrap();
        set(api.local_addr().unwrap());
        assert!(to_api.nodelay().unwrap());
        assert!(!to_other.nodelay().unwrap());
    }
}

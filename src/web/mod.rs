//! Calls of hosts on the web that are not AWS's: what requests or the configuration name.
//!
//! A name is resolved here, every address of it must be one that may be reached, and the connection goes to the address
//! that was checked, so that a second answer of the name server changes nothing. No redirect is followed.

mod address;
mod call;

pub(crate) use address::is_public;
pub(crate) use call::{WebCall, WebError};

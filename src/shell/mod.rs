//! What a process is, and what only a developer's machine needs.

#[cfg(feature = "local")]
pub mod simulated;

//! How many files the process may have open: connections are files too.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More are not asked for: some systems allow a billion and some programs that are started from here walk through all.
const WANTED: u64 = 65_536;

/// The limit, after it was raised as far as the system lets the process: shells and service managers start programs with
/// a small one, 1,024 mostly, that may be raised.
pub(super) fn most() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let Some(current) = limit.current else {
        return usize::MAX;
    };
    let wanted = limit.maximum.map_or(WANTED, |most| most.min(WANTED));
    let raised = Rlimit {
        current: Some(wanted),
        maximum: limit.maximum,
    };
    let files = if wanted > current && setrlimit(Resource::Nofile, raised).is_ok() {
        wanted
    } else {
        current
    };
    usize::try_from(files).unwrap_or(usize::MAX)
}

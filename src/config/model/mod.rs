//! What the gateway works with: the file resolved into deployments, groups, routing and settings.

pub(super) mod access;
pub(super) mod changes;
pub(super) mod defaults;
pub(super) mod deployment;
pub(super) mod entry;
pub(super) mod groups;
pub(super) mod long_context;
pub(super) mod overrides;
pub(super) mod pattern;
pub(super) mod pattern_expansion;
pub(super) mod public;
pub(super) mod routes;
pub(super) mod routing;
pub(super) mod settings;
pub(super) mod target;

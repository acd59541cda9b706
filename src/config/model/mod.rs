//! What the gateway works with: the file resolved into deployments, groups, routing and settings.

mod access;
mod changes;
mod config;
mod defaults;
mod deployment;
mod entry;
mod groups;
mod long_context;
mod merge;
mod overrides;
mod pattern;
mod pattern_expansion;
mod public;
mod resolve;
mod routes;
mod routing;
mod settings;
mod target;
mod warnings;

pub use changes::Changes;
pub use config::Config;
pub use deployment::{
    CachePolicy, Credentials, Defaults, Deployment, DeploymentLimits, Group, InjectionLocation,
    InjectionPoint, PatternSource,
};
pub use pattern::fits_pattern;
pub(super) use pattern::is_pattern;
pub use public::hide_addresses;
pub use routing::{FallbackKind, Fallbacks, GroupAlias, Routing};
pub use settings::{FirstEventLimit, General, Settings, StreamRecovery};

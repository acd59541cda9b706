//! What the gateway works with: the file resolved into deployments, groups, routing and settings.

mod access;
mod changes;
mod config;
mod defaults;
mod deployment;
mod dialect_rule;
mod entry;
mod groups;
mod identity;
mod long_context;
mod merge;
mod overrides;
mod pattern;
mod pattern_expansion;
mod protections;
mod public;
mod resolve;
mod routes;
mod routing;
mod settings;
mod target;
mod warnings;

pub use changes::{Changes, Storing, WrongFallbacks};
pub use config::Config;
pub use deployment::{
    CachePolicy, Credentials, Defaults, Deployment, DeploymentLimits, Group, InjectionLocation,
    InjectionPoint, PatternSource,
};
pub use dialect_rule::DialectRule;
pub use pattern::fits_pattern;
pub(super) use pattern::is_pattern;
pub use protections::MissingProtections;
pub use public::hide_addresses;
pub use routing::{FallbackKind, Fallbacks, GroupAlias, Routing};
pub use settings::{Affinity, FirstEventLimit, General, Settings, StreamRecovery};
pub(super) use target::is_of_other_provider;

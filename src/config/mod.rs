//! The configuration: LiteLLM's YAML, checked and resolved into deployments, groups and settings.
//!
//! Nothing here calls anything: the environment is handed in, the file is read once, and what comes out is plain data.
//!
//! [`Config::parse`] takes the file through three floors. `file` reads the YAML: it puts the environment's values in the
//! place of `os.environ/NAME`, and knows a line and a column for every path. `schema` reads its mappings into structs that
//! have LiteLLM's keys as fields; an entry of `model_list` is then a `WrittenEntry`. `model` makes a [`Deployment`] of the
//! entry (`model/entry.rs`): the model that it names, its region and credentials, and the catalog's data with what the
//! entry says over it. Deployments of one `model_name` form a [`Group`] (`model/groups.rs`), and fallbacks and aliases are
//! checked against the groups (`model/routes.rs`). Each floor notes the errors that it finds and goes on, so that one
//! reading finds them all.

mod bundled;
mod check;
mod file;
mod model;
mod parse;
mod schema;

pub use bundled::{BUNDLED, load};
pub use check::{Report, check};
pub use file::{ConfigError, ConfigProblems, FilePosition, Warning, nearest_model};
pub use model::{
    CachePolicy, Changes, Config, Credentials, Defaults, Deployment, DeploymentLimits,
    FallbackKind, Fallbacks, FirstEventLimit, General, Group, GroupAlias, InjectionLocation,
    InjectionPoint, PatternSource, Routing, Settings, StreamRecovery, fits_pattern, hide_addresses,
};
pub use schema::{
    Network, NotANetwork, NotAPeriod, Period, RetryKind, RetryPolicy, Secret, Window,
};

/// Looks a variable of the environment up.
pub type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

#[cfg(test)]
mod tests;

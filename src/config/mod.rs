//! The configuration: LiteLLM's YAML, checked and resolved into deployments, groups and settings.
//!
//! Nothing here calls anything: the environment is handed in, the file is read once, and what comes out is plain data.
//!
//! [`Config::parse`] takes the file through three floors. `file` reads the YAML: it puts the environment's values in the
//! place of `os.environ/NAME`, and knows a line and a column for every path. `schema` reads its mappings into structs that
//! have LiteLLM's keys as fields; an entry of `model_list` is then a `WrittenEntry`. `model` makes a [`Deployment`] of the
//! entry (`model/entry.rs`): the model that it names, its region and credentials, and the catalog's data with what the
//! entry says over it. Deployments of one `model_name` form a [`Group`] (`model/groups.rs`), and fallbacks and aliases are
//! checked against the groups (`model/routes.rs`). Each floor notes what it finds and goes on, so that one reading finds
//! everything: errors, warnings with what is at stake, and the changes that `migrate` makes.
//!
//! What becomes of the keys that no struct reads stands in `litellm_keys`, a table of all that LiteLLM has. An entry of
//! another provider is a `LeftOutEntry`: its name stays known, so that a request for it is told why it is not served.
//!
//! `from_litellm` writes such a file from the models that a LiteLLM proxy keeps in its database.

mod bundled;
mod check;
mod file;
#[cfg(feature = "local")]
mod from_litellm;
mod litellm_keys;
mod migrate;
mod model;
mod parse;
mod schema;

pub use bundled::{BUNDLED, load};
pub use check::{Chain, CheckOptions, CheckRow, Finding, Report, check};
pub use file::{ConfigError, ConfigProblems, FilePosition, Stake, Warning, nearest_model};
#[cfg(feature = "local")]
pub use from_litellm::{FromLitellmError, ListedSettings, from_litellm};
pub use migrate::{Migrated, migrate};
pub use model::{
    Affinity, CachePolicy, Changes, Config, Credentials, Defaults, Deployment, DeploymentLimits,
    DialectRule, FallbackKind, Fallbacks, FirstEventLimit, General, Group, GroupAlias,
    InjectionLocation, InjectionPoint, MissingProtections, PatternSource, Routing, Settings,
    Storing, StreamRecovery, WrongFallbacks, fits_pattern, hide_addresses,
};
pub use schema::{
    ClaimCondition, ClaimPath, ConfiguredTeam, IdentitySettings, Network, NotANetwork, NotAPeriod,
    NotStoreResponses, Period, Preset, RetryKind, RetryPolicy, RoleConditions, Secret, SignIn,
    StoreResponses, TokenAlgorithm, TokenIssuer, TokenKind, WebSearchSettings, Window,
};

/// Looks a variable of the environment up.
pub type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

#[cfg(test)]
mod tests;

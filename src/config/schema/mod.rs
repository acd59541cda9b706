//! The keys of the file, as written: one struct per idea, so several structs may read the same mapping.
//!
//! A key belongs here when it has an effect. What becomes of the other keys of LiteLLM's stands in `litellm_keys/`.

mod entry;
mod identity;
mod network;
mod period;
mod request;
mod retry;
mod secret;
mod settings;
mod store_responses;
mod team;
mod web_search;
mod written;

pub(super) use entry::{
    Access, CustomPrices, LimitKeys, ModelEntry, ModelInfoKeys, ModelTarget, OuterLimits,
};
pub use identity::{
    ClaimCondition, ClaimPath, IdentitySettings, Preset, RoleConditions, SignIn, TokenAlgorithm,
    TokenIssuer, TokenKind,
};
pub use network::{Network, NotANetwork};
pub use period::{NotAPeriod, Period, Window};
pub(super) use request::{
    DialectParam, EffortParam, Injection, InjectionPlace, InjectionRole, LatencyParam,
    RequestDefaults, ServiceTierParam, ThinkingParam, ThinkingType, Ttl,
};
pub use retry::{RetryKind, RetryPolicy};
pub use secret::Secret;
pub(super) use settings::{
    AliasParam, ConfigFile, GeneralKeys, RetryAndTimeouts, RoutingKeys, StreamRecoveryParam,
};
pub use store_responses::{NotStoreResponses, StoreResponses};
pub use team::ConfiguredTeam;
pub use web_search::WebSearchSettings;
#[cfg(test)]
pub(in crate::config) use web_search::WrittenSearch;
pub(super) use written::{
    LeftOutEntry, LitellmSettings, RouterSettings, ServedEntry, WrittenEntry, WrittenFile,
};

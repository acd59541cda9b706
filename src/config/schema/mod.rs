//! The keys of the file, as written: one struct per idea, so several structs may read the same mapping.
//!
//! A key belongs here when it has an effect. Keys of LiteLLM that have none stand in `file/keys.rs`.

mod entry;
mod network;
mod period;
mod request;
mod retry;
mod secret;
mod settings;
mod written;

pub(super) use entry::{Access, CustomPrices, LimitKeys, ModelEntry, ModelInfoKeys, ModelTarget};
pub use network::{Network, NotANetwork};
pub use period::{NotAPeriod, Period, Window};
pub(super) use request::{
    EffortParam, Injection, InjectionPlace, InjectionRole, LatencyParam, RequestDefaults,
    ServiceTierParam, ThinkingParam, ThinkingType, Ttl,
};
pub use retry::{RetryKind, RetryPolicy};
pub use secret::Secret;
pub(super) use settings::{
    AliasParam, ConfigFile, GeneralKeys, RetryAndTimeouts, RoutingKeys, StreamRecoveryParam,
};
pub(super) use written::{LitellmSettings, RouterSettings, WrittenEntry, WrittenFile};

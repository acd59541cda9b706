//! The keys of the file, as written: one struct per idea, so several structs may read the same mapping.
//!
//! A key belongs here when it has an effect. Keys of LiteLLM that have none stand in `file/keys.rs`.

mod entry;
pub(super) mod network;
pub(super) mod period;
mod request;
pub(super) mod retry;
pub(super) mod secret;
mod settings;

pub(super) use entry::{Access, CustomPrices, LimitKeys, ModelEntry, ModelInfoKeys, ModelTarget};
pub(super) use request::{
    EffortParam, Injection, InjectionPlace, InjectionRole, LatencyParam, RequestDefaults,
    ServiceTierParam, ThinkingParam, ThinkingType, Ttl,
};
use settings::StreamRecoveryParam;
pub(super) use settings::{AliasParam, ConfigFile, GeneralKeys, RetryAndTimeouts, RoutingKeys};

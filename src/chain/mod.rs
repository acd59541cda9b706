//! Chains: which targets may answer a request, in which order, and what happens when one fails.
//!
//! [`Routes`] knows the targets, [`policy`] says what a failure of each kind leads to, and [`run`] carries it out.
//! Nothing here knows a wire format or HTTP; what a target is asked is `bedrock/`'s business.

mod attempt;
mod cooldown;
mod count;
mod fallback;
mod interface;
mod lacks;
mod limits;
mod load_balance;
mod omitted;
mod pattern_targets;
pub mod policy;
mod queue;
mod recovery;
mod retry;
mod routes;
mod run;
mod runtime_config;
mod shared_state;
mod target;
mod times;
mod unsupported_features;

pub use cooldown::{Health, HealthStatus};
pub use count::{PromptTokens, count_plan, count_tokens};
pub use fallback::{Fallback, FallbackRequest, FallbackSource};
pub use interface::{Afforded, AnswerStarted, AttemptOffer, ChainOptions, Outcome, Sink};
pub use routes::{Routes, UnknownModel};
pub use run::run;
pub use shared_state::{SaveError, Saved};
pub use target::Target;
pub use unsupported_features::Lack;

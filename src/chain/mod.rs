//! Chains: which targets may answer a request, in which order, and what happens when one fails.
//!
//! [`Routes`] knows the targets, [`policy`] says what a failure of each kind leads to, and [`run`] carries it out.
//! Nothing here knows a wire format or HTTP; what a target is asked is `bedrock/`'s business.

mod affinity;
mod attempt;
mod call;
mod cooldown;
mod count;
mod fallback;
mod interface;
mod learned_lacks;
mod limits;
mod load_balance;
mod omitted;
mod pattern_targets;
pub mod policy;
mod queue;
mod recovery;
mod refresh;
mod refused_thinking;
mod regions;
mod retrieval;
mod retry;
mod routes;
mod run;
mod runtime_state;
mod shared_lacks;
mod shared_state;
mod target;
mod timeouts;

pub use affinity::{AffinitySession, SessionName};
pub use cooldown::{Health, HealthStatus};
pub use count::{PromptTokens, count_plan, count_tokens};
pub use fallback::{Fallback, FallbackRequest, FallbackSource};
pub use interface::{Afforded, AnswerStarted, AttemptOffer, ChainOptions, ChainOutcome, Sink};
pub use learned_lacks::Lack;
pub use refresh::{SaveError, SavedSettings};
pub use regions::AllowedRegions;
pub use retrieval::{Purse, RetrievalOffer, RetrievalOutcome, retrieve};
pub use routes::{Routes, UnknownModel};
pub use run::run;
pub use target::Target;

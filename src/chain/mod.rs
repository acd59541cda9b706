//! Chains: which targets may answer a request, in which order, and what happens when one fails.
//!
//! [`Routes`] knows the targets, [`policy`] says what a failure of each kind leads to, and [`run`] carries it out.
//! Nothing here knows a wire format or HTTP; what a target is asked is `bedrock/`'s business.

mod ask;
mod attempt;
mod choice;
mod cooldown;
mod count;
mod fallback;
mod lacks;
mod limits;
mod live;
mod made;
mod omitted;
pub mod policy;
mod queue;
mod recovery;
mod routes;
mod run;
mod shared;
mod target;
mod times;
mod tries;
mod without;

pub use ask::{Afforded, Ask, Begun, Offer, Outcome, Sink};
pub use cooldown::{Health, Wellness};
pub use count::{Count, count_plan, count_tokens};
pub use fallback::{Fallback, FallbackRequest, FallbackSource};
pub use routes::{Routes, UnknownModel};
pub use run::run;
pub use shared::{SaveError, Saved};
pub use target::Target;
pub use without::Lack;

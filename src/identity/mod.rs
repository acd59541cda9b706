//! Teams, their members, users and customers: who may do what beside the key's own settings; and tokens of identity
//! providers (`token/`).
//!
//! A key names its team and its user. [`Directory`] has both, and the key's membership, as read with the key; what each
//! allows is an [`Allowance`]. The keys ([`crate::keys`]) keep to all of them together.

mod allowance;
mod change;
mod check;
mod customers;
mod directory;
mod error;
mod from_file;
mod manage;
mod member;
mod row;
mod team;
mod token;
mod user;

pub use allowance::{Allowance, AllowanceChanges};
pub(crate) use allowance::{increased, instant, parse_instant};
pub use change::Change;
pub(crate) use change::{as_text, dollars, given};
pub(crate) use check::{
    check_amount, check_increase, check_metadata, check_names, check_tags, check_text,
};
pub use customers::{Customer, Customers};
pub use directory::{Directory, KeyOwners};
pub use error::{AlreadyExists, IdentityError, IdentityKind, InvalidSetting, Requirement};
pub use member::{Member, MemberChanges, MemberRole};
pub use team::{Team, TeamChanges, TeamSettings};
pub use token::{Access, ClaimType, Malformation, TokenRefusal, VerifiedToken, Verifier};
pub(crate) use token::{Discovery, IssuerAtWork, SignInAnswer, looks_like_token};
pub use user::{User, UserChanges, UserSettings};

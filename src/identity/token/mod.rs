//! Tokens of identity providers: JSON Web Tokens (RFC 7519) whose bearer is whom they say.
//!
//! [`Verifier`] is the interface: a token goes in, a [`VerifiedToken`] comes out, or a [`TokenRefusal`] that says why not.
//! What a token says is believed in this order and no other: it is for one of the configured issuers (`iss` picks which,
//! before anything else is looked at), one of that issuer's own keys has signed it, in the way that belongs to the key, and
//! then what its claims say of time, audience and person.
//!
//! - `jwt`: the three parts of a token, without belief.
//! - `jwk`: an issuer's keys, and the check of a signature.
//! - `key_set`: where the keys come from: this process, the table, the issuer.
//! - `claims`: what a claim's value is, with strict types.
//! - `check`: which claims are wanted.
//! - `userinfo`: what an issuer says of a person beside the identity token.
//! - `issuer`: one issuer at work.

mod check;
mod claims;
mod discovery;
mod issuer;
mod jwk;
mod jwt;
mod key_set;
mod refusal;
#[cfg(test)]
mod tests;
mod userinfo;
mod verifier;

pub use check::{Access, VerifiedToken};
pub(crate) use discovery::Discovery;
pub(crate) use issuer::{IssuerAtWork, SignInAnswer};
pub(crate) use jwt::looks_like_token;
pub use refusal::{ClaimType, Malformation, TokenRefusal};
pub use verifier::Verifier;

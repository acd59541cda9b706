//! The documents tell the truth about this repository: README.md, README.ja.md, which says the same in Japanese, and the
//! pages of `docs/`.
//!
//! A block of `bash` runs as it stands, against a gateway with the shipped configuration ([`commands`]). A block of another
//! language needs what no test has (AWS, root, minutes): of it, only the names are checked ([`names`]).

mod commands;
mod container;
mod links;
mod names;
mod page;
mod parallel;
mod release;
mod variables;

//! The keys of LiteLLM's file, and what becomes of each here.
//!
//! The tables name every key that LiteLLM documents or reads, a file for each section of the configuration. A row says
//! what happens, and where something is missing, whether that leaves anybody unprotected: whoever moves a file over must
//! learn that a guardrail, a budget or a lock in it is none here. Keys of the gateway's own are not among them.

use serde_yaml::Value;

mod callbacks;
mod general_settings;
mod litellm_params;
mod litellm_settings;
mod model_info;
mod model_list_entry;
mod prices;
mod reasons;
mod router_settings;
#[cfg(test)]
mod tests;
mod top_level;

/// What becomes of a key of LiteLLM's here. A reason is a clause without a full stop; its subject comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum LitellmSupport {
    /// It does what it does in LiteLLM: the schema reads it.
    Works,
    /// It is read, or its purpose is served, in another way: how.
    WorksDifferently(&'static str),
    /// It has no meaning here: why.
    NoMeaning(&'static str),
    /// What it does in LiteLLM is not done here: what happens instead. It protects nobody.
    NotDone(&'static str),
    /// It protects somebody or something in LiteLLM (access, content, money, privacy) and is not done here: what is then
    /// not protected.
    NotProtected(&'static str),
}

/// A key of LiteLLM's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) struct LitellmKey {
    /// Where it stands.
    pub section: Section,
    /// The key itself.
    pub name: &'static str,
    /// What becomes of it.
    pub status: LitellmSupport,
}

/// The sections of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::config) enum Section {
    /// The file itself.
    TopLevel,
    /// `general_settings`.
    GeneralSettings,
    /// `litellm_settings`.
    LitellmSettings,
    /// `router_settings`.
    RouterSettings,
    /// An entry of `model_list`.
    ModelListEntry,
    /// `litellm_params` of an entry.
    LitellmParams,
    /// `model_info` of an entry.
    ModelInfo,
}

/// What becomes of a key with this value, if LiteLLM has the key.
pub(in crate::config) fn status(
    section: Section,
    name: &str,
    value: &Value,
) -> Option<LitellmSupport> {
    let status = find(section, name)?.status;
    Some(match status {
        reasons::NO_HOOKS if callbacks::protect_nobody(value) => reasons::NO_LOGGERS,
        status => status,
    })
}

/// The key of this name in a section, if LiteLLM has it.
pub(in crate::config) fn find(section: Section, name: &str) -> Option<&'static LitellmKey> {
    keys(section).find(|key| key.name == name)
}

/// The names of all keys that LiteLLM has in a section.
pub(in crate::config) fn names(section: Section) -> impl Iterator<Item = &'static str> {
    keys(section).map(|key| key.name)
}

fn keys(section: Section) -> impl Iterator<Item = &'static LitellmKey> {
    tables(section).into_iter().flatten()
}

/// The tables of a section.
fn tables(section: Section) -> [&'static [LitellmKey]; 2] {
    match section {
        Section::TopLevel => [top_level::KEYS, &[]],
        Section::GeneralSettings => [general_settings::KEYS, &[]],
        Section::LitellmSettings => [litellm_settings::KEYS, &[]],
        Section::RouterSettings => [router_settings::KEYS, &[]],
        Section::ModelListEntry => [model_list_entry::KEYS, &[]],
        Section::LitellmParams => [litellm_params::KEYS, prices::IN_PARAMS],
        Section::ModelInfo => [model_info::KEYS, prices::IN_INFO],
    }
}

/// Makes the rows of one section.
struct Rows(Section);

impl Rows {
    const fn key(&self, name: &'static str, status: LitellmSupport) -> LitellmKey {
        LitellmKey {
            section: self.0,
            name,
            status,
        }
    }
}

//! What this process has learned since its start: which targets are in cooldown, what they turned out to lack, what was
//! saved over the file's chains, and which thinking was refused. All but the last is shared with other instances
//! through the table (see `shared_state.rs`).

use std::sync::{Arc, PoisonError, RwLock};

use crate::config::Config;

use super::cooldown::{CooldownSettings, Cooldowns};
use super::learned_lacks::Learned;
use super::refused_thinking::RefusedThinking;

/// What this process has learned since its start; all but `refused_thinking` is shared.
#[derive(Debug)]
pub(super) struct RuntimeState {
    /// The configuration as the file has it.
    pub(super) as_loaded: Arc<Config>,
    pub(super) cooldowns: Cooldowns,
    pub(super) learned: Learned,
    /// Known to this process alone.
    pub(super) refused_thinking: RefusedThinking,
    /// The configuration with the changes that are in force, and the version that they were saved as.
    in_force: RwLock<(Arc<Config>, u64)>,
}

impl RuntimeState {
    pub(super) fn new(config: Arc<Config>) -> Self {
        Self {
            cooldowns: Cooldowns::new(CooldownSettings::from(&config.settings)),
            learned: Learned::default(),
            refused_thinking: RefusedThinking::default(),
            in_force: RwLock::new((Arc::clone(&config), 0)),
            as_loaded: config,
        }
    }

    /// The configuration with the changes that are in force.
    pub(super) fn in_force(&self) -> Arc<Config> {
        let in_force = self.in_force.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&in_force.0)
    }

    /// The version that is in force; 0: the file's.
    pub(super) fn version(&self) -> u64 {
        self.in_force
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .1
    }

    /// From now on this is in force.
    pub(super) fn enforce(&self, config: Arc<Config>, version: u64) {
        *self
            .in_force
            .write()
            .unwrap_or_else(PoisonError::into_inner) = (config, version);
    }
}

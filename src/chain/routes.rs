//! The targets of a configuration, and which of them follow which.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::bedrock::{BedrockClients, Class, Endpoint};
use crate::config::{Affinity, Config, Deployment, FallbackKind, Group};
use crate::store::Table;

use super::affinity::AffinitySession;
use super::cooldown::{Cooldowns, Health};
use super::fallback::FallbackRequest;
use super::interface::ChainOptions;
use super::learned_lacks::{Lack, Learned};
use super::load_balance::{LoadBalance, Siblings};
use super::pattern_targets::PatternCache;
use super::policy::{Backoff, retry_kind};
use super::queue::QueuedTarget;
use super::refused_thinking::RefusedThinking;
use super::runtime_state::RuntimeState;
use super::shared_state::SharedState;
use super::target::Target;
use crate::clock::Clock;

/// The most characters of an unknown name that an error repeats.
const LONGEST_SAID: usize = 200;

/// No group, alias or deployment has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "Invalid model name passed in model={name}. Call `/v1/models` to view available models for your key."
)]
pub struct UnknownModel {
    /// The name as it was asked for.
    pub name: String,
}

/// Every target, by group, and what is known of it.
#[derive(Debug)]
pub struct Routes {
    /// As loaded: names, groups, limits.
    config: Arc<Config>,
    groups: HashMap<String, Arc<Siblings>>,
    /// Of each entry of the file, by its id.
    endpoints: HashMap<String, Endpoint>,
    /// What stands behind patterns, as far as it was asked for.
    pattern_cache: PatternCache,
    backoff: Backoff,
    load_balance: LoadBalance,
    clock: Clock,
    /// The log has said that credentials are missing.
    has_logged_missing_credentials: AtomicBool,
    pub(super) runtime: Arc<RuntimeState>,
    pub(super) shared_state: Option<SharedState>,
}

impl Routes {
    /// The targets of `config`, each with its client. What they turn out to be is known to this process alone until
    /// a table is named by [`Routes::sharing`].
    pub async fn new(config: Arc<Config>, mut clients: BedrockClients, backoff: Backoff) -> Self {
        let mut endpoints = HashMap::new();
        for deployment in config.deployments() {
            let endpoint = clients.endpoint(deployment).await;
            endpoints.insert(deployment.id.clone(), endpoint);
        }
        let groups = config.groups().iter().filter(|group| !group.is_pattern());
        let groups = groups.map(|group| {
            let siblings = siblings(&config, &endpoints, group);
            (group.name.clone(), Arc::new(siblings))
        });
        Self {
            runtime: Arc::new(RuntimeState::new(Arc::clone(&config))),
            groups: groups.collect(),
            endpoints,
            pattern_cache: PatternCache::default(),
            config,
            backoff,
            load_balance: LoadBalance::default(),
            clock: Clock::default(),
            has_logged_missing_credentials: AtomicBool::new(false),
            shared_state: None,
        }
    }

    /// Cooldowns and saved settings are shared with other instances through this table.
    #[must_use]
    pub fn sharing(self, table: Table) -> Self {
        let shared_state = Some(SharedState::new(table));
        Self {
            shared_state,
            ..self
        }
    }

    /// Measures ages with this clock.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Chooses among siblings by chance from this seed.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        let load_balance = LoadBalance::seeded(seed);
        Self {
            load_balance,
            ..self
        }
    }

    /// The group that a request means by this name; without one, the configuration's default.
    pub fn group<'n>(&'n self, model: Option<&'n str>) -> Result<&'n str, UnknownModel> {
        let name = model
            .or(self.config.routing.default_model.as_deref())
            .unwrap_or_default();
        self.config.resolve_name(name).ok_or_else(|| UnknownModel {
            name: name.chars().take(LONGEST_SAID).collect(),
        })
    }

    /// The targets of one group, in the file's order.
    pub fn targets(&self, group: &str) -> Vec<Arc<Target>> {
        let siblings = self.siblings(group);
        siblings.map_or_else(Vec::new, |siblings| siblings.targets.clone())
    }

    /// Every target, group by group in the file's order. Patterns have none of their own.
    pub fn configured_targets(&self) -> impl Iterator<Item = &Arc<Target>> {
        let groups = self.config.groups().iter();
        groups
            .filter_map(|group| self.groups.get(&group.name))
            .flat_map(|siblings| &siblings.targets)
    }

    /// The targets behind patterns that were asked lately.
    pub fn pattern_targets(&self) -> Vec<Arc<Target>> {
        let pattern_siblings = self.pattern_cache.all().into_iter();
        pattern_siblings
            .flat_map(|siblings| siblings.targets.clone())
            .collect()
    }

    /// The addresses that are asked first: the first deployment of each group, each region and identity once.
    pub fn first_endpoints(&self) -> Vec<&Endpoint> {
        let firsts = self.config.groups().iter();
        let firsts = firsts.filter_map(|group| group.deployments.first());
        let mut found: Vec<&Arc<Deployment>> = Vec::new();
        for deployment in firsts {
            if !found
                .iter()
                .any(|known| known.shares_connections(deployment))
            {
                found.push(deployment);
            }
        }
        let found = found.into_iter();
        found
            .filter_map(|deployment| self.endpoints.get(&deployment.id))
            .collect()
    }

    /// The groups that follow `group` now, in order.
    pub fn fallbacks(&self, group: &str, kind: FallbackKind) -> Vec<String> {
        let config = self.runtime.in_force();
        let most = config
            .settings
            .max_fallbacks
            .map_or(usize::MAX, |most| most as usize);
        let groups = config.fallbacks_of(group, kind).into_iter().take(most);
        groups.map(str::to_owned).collect()
    }

    /// The configuration with what people have changed over the file.
    pub fn current_config(&self) -> Arc<Config> {
        self.runtime.in_force()
    }

    /// What is known of a target's health.
    pub fn health(&self, target: &Target) -> Health {
        self.cooldowns().health(target, &self.clock)
    }

    /// What a target turned out to lack, as far as this instance knows.
    pub fn lacks(&self, target: &Target) -> Vec<Lack> {
        let now = self.clock.now();
        self.learned().lacks(target.deployment_id(), now)
    }

    /// The targets of this request, in order: the deployments of its group, then those of each fallback. Those outside
    /// of its regions are left out.
    pub(super) fn queued_targets(&self, options: &ChainOptions) -> Vec<QueuedTarget> {
        with_places(allowed(self.chain(options), options))
    }

    /// The targets that a request would have and that are all outside of its regions: each group with its region and
    /// model. `None`: it has one, or has none at all.
    pub fn outside_of_regions(&self, options: &ChainOptions) -> Option<Vec<String>> {
        if options.regions.is_any() {
            return None;
        }
        let chain = self.chain(options);
        let is_allowed = |queued: &QueuedTarget| options.regions.allow(&queued.target);
        if chain.is_empty() || chain.iter().any(is_allowed) {
            return None;
        }
        let described = chain.iter().map(|QueuedTarget { target, .. }| {
            let (group, region) = (target.group(), &target.deployment().region);
            format!("{group} ({} in {region})", target.model_id())
        });
        Some(described.collect())
    }

    fn chain(&self, options: &ChainOptions) -> Vec<QueuedTarget> {
        if let Some(target) = &options.only {
            return vec![QueuedTarget {
                target: Arc::clone(target),
                request: None,
                hop: 0,
                place: 0,
            }];
        }
        let session = options.session.as_ref();
        let mut chain = self.group_targets(&options.group, 0, None, session);
        match &options.fallbacks {
            _ if options.disable_fallbacks => {}
            Some(fallbacks) => {
                for (hop, next) in (1..).zip(fallbacks) {
                    let request = next.request.as_ref();
                    chain.extend(self.group_targets(&next.group, hop, request, session));
                }
            }
            None => chain.extend(self.fallback_targets(options, FallbackKind::General)),
        }
        chain
    }

    /// The targets of this request after a failure of this kind; empty unless the configuration says.
    pub(super) fn special_fallbacks(
        &self,
        options: &ChainOptions,
        kind: FallbackKind,
    ) -> Vec<QueuedTarget> {
        with_places(allowed(self.fallback_targets(options, kind), options))
    }

    fn fallback_targets(&self, options: &ChainOptions, kind: FallbackKind) -> Vec<QueuedTarget> {
        let groups = (1..).zip(self.fallbacks(&options.group, kind));
        let session = options.session.as_ref();
        groups
            .flat_map(|(hop, next)| self.group_targets(&next, hop, None, session))
            .collect()
    }

    /// The deployments of the group that was asked for, in the order in which a session asks them.
    pub(super) fn allowed_targets(
        &self,
        options: &ChainOptions,
        session: &AffinitySession,
    ) -> Vec<Arc<Target>> {
        let own = self.group_targets(&options.group, 0, None, Some(session));
        let own = allowed(own, options).into_iter();
        own.map(|queued| queued.target).collect()
    }

    /// The deployments of one group at this place of a chain, each asked `request` where that is not what the others
    /// are asked.
    fn group_targets(
        &self,
        group: &str,
        hop: u32,
        request: Option<&FallbackRequest>,
        session: Option<&AffinitySession>,
    ) -> Vec<QueuedTarget> {
        let targets = self.balanced(group, session).into_iter();
        let queued_targets = targets.map(|target| QueuedTarget {
            target,
            request: request.cloned(),
            hop,
            place: 0,
        });
        queued_targets.collect()
    }

    /// The deployments of one group, in the order in which one request asks them.
    fn balanced(&self, group: &str, session: Option<&AffinitySession>) -> Vec<Arc<Target>> {
        let Some(siblings) = self.siblings(group) else {
            return Vec::new();
        };
        let mut targets = self.load_balance.order(&siblings, session);
        if targets.len() > 1
            && let Some(ids) = self.runtime.in_force().routing.order.get(group)
        {
            let place = |target: &Arc<Target>| {
                let place = ids.iter().position(|id| id == target.deployment_id());
                place.unwrap_or(usize::MAX)
            };
            targets.sort_by_key(place);
        }
        if let Some(session) = session {
            Self::move_current_deployment_first(&mut targets, session);
        }
        targets
    }

    fn siblings(&self, group: &str) -> Option<Arc<Siblings>> {
        if let Some(siblings) = self.groups.get(group) {
            return Some(Arc::clone(siblings));
        }
        self.pattern_cache.get(group, || {
            let group = self.config.group(group)?;
            Some(siblings(&self.config, &self.endpoints, &group))
        })
    }

    pub(super) fn backoff(&self) -> Backoff {
        self.backoff
    }

    /// The least wait between two tries of one target.
    pub(super) fn min_pause(&self) -> Duration {
        self.config.settings.retry_after
    }

    /// How often the configuration says a target is tried again after a failure of this kind; `None`: it does not say
    /// anything about the kind.
    pub(super) fn configured_retries(&self, target: &Target, class: Class) -> Option<u32> {
        let kind = retry_kind(class)?;
        let settings = &self.config.settings;
        let of_groups = &settings.model_group_retry_policy;
        let of_pattern = || of_groups.get(&target.deployment().pattern.as_ref()?.group);
        let of_group = of_groups.get(target.group());
        of_group
            .or_else(of_pattern)
            .and_then(|policy| policy.of(kind))
            .or_else(|| settings.retry_policy.of(kind))
    }

    /// Whether this is the first time that this process finds no credentials.
    pub(super) fn is_first_without_credentials(&self) -> bool {
        !self
            .has_logged_missing_credentials
            .swap(true, Ordering::Relaxed)
    }

    pub(super) fn learned(&self) -> &Learned {
        &self.runtime.learned
    }

    pub(super) fn refused_thinking(&self) -> &RefusedThinking {
        &self.runtime.refused_thinking
    }

    pub(super) fn cooldowns(&self) -> &Cooldowns {
        &self.runtime.cooldowns
    }

    /// Whether sessions stay with the deployment that has their cache.
    pub fn affinity(&self) -> Affinity {
        self.config.settings.affinity
    }

    /// The clock by which ages are measured.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// How long an answer is read to its end after its client has gone.
    pub(super) fn drain_limit(&self) -> Duration {
        self.config.settings.drain_timeout
    }
}

/// The targets of a group of the file, or of one that was made for a name.
fn siblings(config: &Config, endpoints: &HashMap<String, Endpoint>, group: &Group) -> Siblings {
    let targets = group.deployments.iter().filter_map(|deployment| {
        let endpoint = endpoints.get(deployment.entry_id())?.clone();
        Some(Arc::new(Target::new(config, deployment, endpoint)))
    });
    Siblings {
        targets: targets.collect(),
        weights: group.weights(),
    }
}

/// Those in the regions of a request.
fn allowed(mut chain: Vec<QueuedTarget>, options: &ChainOptions) -> Vec<QueuedTarget> {
    if !options.regions.is_any() {
        chain.retain(|queued| options.regions.allow(&queued.target));
    }
    chain
}

/// Each with its place.
fn with_places(mut chain: Vec<QueuedTarget>) -> Vec<QueuedTarget> {
    for (place, queued) in chain.iter_mut().enumerate() {
        queued.place = place;
    }
    chain
}

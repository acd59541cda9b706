//! A deployment with all that a call of it needs.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::bedrock::Endpoint;
use crate::catalog::{Model, Price};
use crate::config::{Config, Defaults, Deployment, FirstEventLimit, StreamRecovery};

/// A deployment with all that a call of it needs.
#[derive(Debug)]
pub struct Target {
    deployment: Arc<Deployment>,
    endpoint: Endpoint,
    first_event_limit: FirstEventLimit,
    idle_limit: Duration,
    tool_call_idle_limit: Duration,
    num_retries: u32,
    recovery: StreamRecovery,
}

impl Target {
    pub(super) fn new(config: &Config, deployment: &Arc<Deployment>, endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            first_event_limit: config.first_event_limit(deployment),
            idle_limit: config.idle_limit(deployment),
            tool_call_idle_limit: config.tool_call_idle_limit(deployment),
            num_retries: config.retries(deployment),
            recovery: config.recovery(deployment),
            deployment: Arc::clone(deployment),
        }
    }

    /// The group that it belongs to.
    pub fn group(&self) -> &str {
        &self.deployment.group
    }

    /// The deployment's id.
    pub fn deployment_id(&self) -> &str {
        &self.deployment.id
    }

    /// The deployment itself.
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// Whether a client named the model: it stands behind a pattern.
    pub(crate) fn is_named_by_client(&self) -> bool {
        self.deployment.entry_id() != self.deployment.id
    }

    /// What Bedrock is asked for: a model id, an inference profile's id or an ARN.
    pub fn model_id(&self) -> &str {
        &self.deployment.model_id
    }

    /// What the model can do.
    pub fn model(&self) -> &Model {
        &self.deployment.model
    }

    /// What the model costs at this moment; `None` where that is not known.
    pub fn price(&self, moment: Timestamp) -> Option<Cow<'_, Price>> {
        let price = self.deployment.model.price.as_ref()?;
        Some(price.at(moment))
    }

    /// What the configuration says where a request says nothing.
    pub fn defaults(&self) -> &Defaults {
        &self.deployment.defaults
    }

    /// The endpoint and the credentials that it is called with.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// How long it may take for the first event.
    pub fn first_event_limit(&self) -> FirstEventLimit {
        self.first_event_limit
    }

    /// How long it may be silent between two events.
    pub fn idle_limit(&self) -> Duration {
        self.idle_limit
    }

    /// How long it may be silent inside a tool call.
    pub fn tool_call_idle_limit(&self) -> Duration {
        self.tool_call_idle_limit
    }

    /// Retries: attempts after the first.
    pub fn num_retries(&self) -> u32 {
        self.num_retries
    }

    /// The context window in tokens; 0 where it is not known.
    pub(super) fn window(&self) -> u32 {
        self.deployment.model.limits.input.unwrap_or(0)
    }

    /// What happens to a stream of it that is cut after text has gone out.
    pub fn recovery(&self) -> StreamRecovery {
        self.recovery
    }
}

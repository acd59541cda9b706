//! One way to reach one model: what an entry of `model_list` means once everything is resolved.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::overrides::Overrides;
use crate::catalog::{Dialect, Model};
use crate::config::{FilePosition, Secret, StreamRecovery};
use crate::conversation::Thinking;

/// The deployments that share a `model_name`.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The `model_name`.
    pub name: String,
    /// In the file's order, at least one.
    pub deployments: Vec<Arc<Deployment>>,
}

/// One entry of `model_list`, resolved: which model, where, with which credentials, how.
#[derive(Debug, Clone, PartialEq)]
pub struct Deployment {
    /// `model_info.id`, else a SHA-256 over the entry: the same from start to start.
    pub id: String,
    /// The `model_name` it belongs to; of a deployment that was expanded from a pattern, the name that was asked for.
    pub group: String,
    /// The entry with stars from which it was expanded, for one name.
    pub pattern: Option<PatternSource>,
    /// What Bedrock is asked for: a model id, an inference profile's id or an ARN.
    pub model_id: String,
    /// `litellm_params.model` as written, with its prefixes.
    pub configured_model: String,
    /// Where that stands in the file.
    pub place: Option<FilePosition>,
    /// The AWS region that is called.
    pub region: String,
    /// Regions that may answer a request for this group (`allowed_regions: [eu-*]`), fallbacks included. Empty: all.
    pub allowed_regions: Vec<String>,
    /// The credentials that it is called with.
    pub credentials: Credentials,
    /// Another address than the region's own (`aws_bedrock_runtime_endpoint`). It may have a password in it.
    pub endpoint: Option<Secret>,
    /// What the model can do, takes and costs: the catalog's word under the config's overrides.
    pub model: Model,
    /// Its share among its siblings, and its limits.
    pub limits: DeploymentLimits,
    /// Total time limit of a call that does not stream (`timeout`).
    pub timeout: Option<Duration>,
    /// Limit for the first event, and for silence between events (`stream_timeout`).
    pub stream_timeout: Option<Duration>,
    /// Retries on this deployment before the next one is called (`num_retries`).
    pub num_retries: Option<u32>,
    /// Its cooldown after failures (`cooldown_time`).
    pub cooldown_time: Option<Duration>,
    /// What happens to a stream of it that is cut after text has gone out (`stream_recovery`).
    pub stream_recovery: Option<StreamRecovery>,
    /// What a request gets that does not say otherwise.
    pub defaults: Defaults,
    /// Answers instead of Bedrock, for tests (`mock_response`).
    pub mock_response: Option<String>,
    /// `litellm_params` without credentials and secrets, for `GET /model/info`.
    pub params: Map<String, Value>,
    /// `model_info` without secrets, for `GET /model/info`.
    pub info: Map<String, Value>,
    /// What the entry says of its model; deployments that are expanded from the entry need it too.
    pub(super) overrides: Arc<Overrides>,
}

/// The entry with stars from which a deployment was expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatternSource {
    /// Its `model_name`.
    pub group: String,
    /// Its id.
    pub id: String,
}

impl Deployment {
    /// Whether both are called through the same client.
    pub fn shares_connections(&self, other: &Deployment) -> bool {
        self.region == other.region
            && self.credentials == other.credentials
            && self.endpoint == other.endpoint
    }

    /// What patterns of a key's models are compared with: the model as it is written, and as files wrote it that said
    /// `converse/`.
    pub fn names_for_patterns(&self) -> [Cow<'_, str>; 2] {
        let of_old = format!("bedrock/converse/{}", self.model_id);
        [self.configured_model.as_str().into(), of_old.into()]
    }

    /// The id of its entry in the file: its limits hold for all deployments that are expanded from the entry, taken together.
    pub fn entry_id(&self) -> &str {
        self.pattern
            .as_ref()
            .map_or(&self.id, |pattern| &pattern.id)
    }
}

/// The credentials that Bedrock is called with. Equal credentials can share a client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Credentials {
    /// Whatever the SDK's default chain finds: environment, profile, the function's role.
    Default,
    /// A profile of the AWS configuration files.
    Profile(String),
    /// An access key.
    Keys {
        /// `aws_access_key_id`.
        access_key_id: Secret,
        /// `aws_secret_access_key`.
        secret_access_key: Secret,
        /// `aws_session_token`, for temporary keys.
        session_token: Option<Secret>,
    },
    /// A role to assume.
    Role {
        /// `aws_role_name`: the role's ARN.
        arn: String,
        /// `aws_session_name`.
        session_name: String,
        /// `aws_external_id`.
        external_id: Option<String>,
        /// The credentials that assume the role.
        source: Box<Credentials>,
    },
    /// A Bedrock API key (`api_key`).
    Bearer(Secret),
}

/// A deployment's share among its siblings, and its limits.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct DeploymentLimits {
    /// Weight of the choice.
    pub weight: Option<f64>,
    /// Siblings with a lower order are asked first.
    pub order: Option<u32>,
    /// Requests per minute.
    pub rpm: Option<u64>,
    /// Tokens per minute.
    pub tpm: Option<u64>,
    /// Requests at the same time.
    pub max_parallel_requests: Option<u32>,
}

/// What a request gets that does not say otherwise. The names are those of the request's own fields.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Defaults {
    /// `max_tokens` or `max_completion_tokens`.
    pub max_tokens: Option<u32>,
    /// `temperature`.
    pub temperature: Option<f32>,
    /// `top_p`.
    pub top_p: Option<f32>,
    /// `top_k`.
    pub top_k: Option<u32>,
    /// `stop`.
    pub stop: Vec<String>,
    /// `thinking`, else `reasoning_effort`.
    pub thinking: Option<Thinking>,
    /// `guardrailConfig`: goes to Bedrock as written, whatever a request says.
    pub guardrail: Option<Value>,
    /// A request's own guardrail goes before this one (`allow_client_guardrails` of the settings).
    pub client_guardrails: bool,
    /// `performanceConfig.latency`: `standard` or `optimized`.
    pub latency: Option<String>,
    /// `service_tier`: `default`, `flex`, `priority` or `reserved`.
    pub service_tier: Option<String>,
    /// `requestMetadata`: tags in Bedrock's invocation log.
    pub request_metadata: BTreeMap<String, String>,
    /// `additional_model_request_fields` and `anthropic_beta`: go to the model as written.
    pub model_fields: Map<String, Value>,
    /// `drop_params`, where this deployment differs from the rest.
    pub drop_params: Option<bool>,
    /// Where cache points go beside the client's own.
    pub caching: CachePolicy,
    /// `dialect`: the language in which Bedrock is always asked; `None`: it follows from the request and the model.
    pub dialect: Option<Dialect>,
}

/// Where cache points go, on a model that can cache.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum CachePolicy {
    /// Where the client marks them, and where they pay.
    #[default]
    Planned,
    /// Only where the client marks them (`prompt_caching: false`, or an empty `cache_control_injection_points`).
    ClientOnly,
    /// Where the client marks them, and at these places.
    At(Vec<InjectionPoint>),
}

/// One of LiteLLM's `cache_control_injection_points`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectionPoint {
    /// Where.
    pub location: InjectionLocation,
    /// The point lives for an hour instead of five minutes.
    pub one_hour: bool,
}

/// The place of an [`InjectionPoint`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InjectionLocation {
    /// The end of the tools.
    Tools,
    /// Every message of a role (`system`, `user`, `assistant`), as the client's list counts messages.
    Role(String),
    /// The message at this index; negative counts from the end.
    Message(i64),
}

impl Group {
    /// The weight of each deployment in the choice among siblings, in their order: `weight` where any sibling has
    /// one, else `rpm`, else `tpm`, else all the same. Siblings without the deciding number have the weight 0,
    /// unless none has it.
    pub fn weights(&self) -> Vec<f64> {
        let by = |get: fn(&DeploymentLimits) -> Option<f64>| -> Option<Vec<f64>> {
            let known: Vec<_> = self.deployments.iter().map(|d| get(&d.limits)).collect();
            let total: f64 = known.iter().flatten().sum();
            (total > 0.0).then(|| known.into_iter().map(|n| n.unwrap_or(0.0)).collect())
        };
        #[allow(clippy::cast_precision_loss)] // a ratio of shares
        by(|share| share.weight)
            .or_else(|| by(|share| share.rpm.map(|n| n as f64)))
            .or_else(|| by(|share| share.tpm.map(|n| n as f64)))
            .unwrap_or_else(|| vec![1.0; self.deployments.len()])
    }
}

//! From an entry of `model_list` to a deployment.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::overrides::Overrides;
use super::pattern;
use super::public;
use super::target::{NamedModel, is_region};
use crate::catalog::Catalog;
use crate::config::file::document::YamlDocument;
use crate::config::file::path::FieldPath;
use crate::config::file::section::{FileSection, Findings};
use crate::config::schema::{
    Access, CustomPrices, LimitKeys, ModelEntry, ModelInfoKeys, ModelTarget, RequestDefaults,
};
use crate::config::{ConfigError, Credentials, Deployment, DeploymentLimits, Environment, Secret};
/// Where a deployment is called when nothing says otherwise.
const DEFAULT_REGION: &str = "us-east-1";

/// What entries have in common.
pub(in crate::config) struct Common<'a> {
    pub document: &'a YamlDocument<'a>,
    pub environment: &'a Environment<'a>,
    /// `litellm_settings.aws_*`.
    pub access: Access,
    /// `prompt_caching` of the settings.
    pub prompt_caching: Option<bool>,
    /// `allow_client_guardrails` of the settings.
    pub client_guardrails: bool,
}

impl Common<'_> {
    /// Reads the entry at a path: the deployment, and the names a request may call it by.
    pub(in crate::config) fn deployment(
        &self,
        at: &FieldPath,
        findings: &mut Findings,
    ) -> Result<(Deployment, Vec<String>), ConfigError> {
        let document = self.document;
        let mut entry = FileSection::at(document, at.clone(), "model_list")?;
        let written: ModelEntry = entry.read(findings)?;
        entry.finish(findings);
        let group = (written.model_name)
            .ok_or_else(|| document.error(at, "the field `model_name` is missing"))?;

        let mut params = FileSection::at(document, at.key("litellm_params"), "litellm_params")?;
        let target: ModelTarget = params.read(findings)?;
        let access: Access = params.read(findings)?;
        let sharing: LimitKeys = params.read(findings)?;
        let request: RequestDefaults = params.read(findings)?;
        let prices: CustomPrices = params.read(findings)?;
        let public = public::params(params.fields());
        let params_at = params.path.clone();
        params.finish(findings);

        let mut info = FileSection::at(document, at.key("model_info"), "model_info")?.open();
        let said: ModelInfoKeys = info.read(findings)?;
        let info_prices: CustomPrices = info.read(findings)?;
        let info_fields = public::info(info.fields());

        let model_at = params_at.key("model");
        let configured = target
            .model
            .ok_or_else(|| document.error(&params_at, "the field `model` is missing"))?;
        let named =
            NamedModel::parse(&configured).map_err(|message| document.error(&model_at, message))?;
        let is_pattern = pattern::is_pattern(&configured);
        if pattern::stars(&configured) > pattern::stars(&group) {
            let message = format!(
                "found {configured:?}, which has more stars than the model_name {group:?} can fill"
            );
            return Err(document.error(&model_at, message));
        }
        if is_pattern && target.model_id.is_some() {
            let message = "found an id beside a model with a star, expected one model";
            return Err(document.error(&params_at.key("model_id"), message));
        }
        let region = self.region(&access, &named, &params_at)?;
        let credentials =
            access
                .credentials(&self.access, self.environment)
                .map_err(|missing| {
                    document.error(&params_at, format!("half of a key: {missing} is missing"))
                })?;

        // With `model_id` LiteLLM calls that, and takes `model` for what is behind it.
        let (model_id, behind) = match target.model_id {
            Some(id) => (id, Some(named.id.clone())),
            None => (named.id.clone(), None),
        };
        let base = said
            .base_model
            .as_ref()
            .or(target.base_model.as_ref())
            .cloned()
            .or(behind);
        let base = base.map(|base| NamedModel::parse(&base).map_or(base, |named| named.id));
        let overrides = Overrides {
            info: said,
            prices: prices.or(info_prices),
            base,
        };
        let model = overrides.model(&model_id, &region);
        if !model.known && !is_pattern {
            let catalog = Catalog::bundled();
            let hint = catalog.nearest(&model.id);
            let hint = hint.map_or(String::new(), |id| {
                format!("; the nearest known model is {id}")
            });
            let message = format!(
                "model {} is not in the catalog: its cost is unknown and it is taken to have tools and pictures, \
                 but neither caching nor thinking{hint}. model_info.base_model can name the model behind it",
                model.id
            );
            findings.warnings.push(document.remark(&model_at, message));
        }
        // What the catalog has for each model behind a pattern may be the other half.
        if let Some(missing) = overrides.missing_price(&model).filter(|_| !is_pattern) {
            let message = format!("half of a price: {missing} is missing");
            return Err(document.error(&params_at, message));
        }

        let deployment = Deployment {
            id: (overrides.info.id.clone()).unwrap_or_else(|| id(&group, &public, &credentials)),
            pattern: None,
            overrides: Arc::new(overrides),
            group,
            model_id,
            configured_model: configured,
            region,
            credentials,
            endpoint: (target.aws_bedrock_runtime_endpoint)
                .or(target.api_base)
                .map(Secret::new),
            model,
            share: DeploymentLimits {
                weight: sharing.weight,
                order: sharing.order,
                rpm: sharing.rpm,
                tpm: sharing.tpm,
                max_parallel_requests: sharing.max_parallel_requests,
            },
            timeout: sharing.timeout,
            stream_timeout: sharing.stream_timeout,
            num_retries: sharing.num_retries.or(sharing.max_retries),
            cooldown_time: sharing.cooldown_time,
            stream_recovery: sharing.stream_recovery.map(Into::into),
            defaults: request.defaults(self.prompt_caching, self.client_guardrails),
            mock_response: target.mock_response,
            params: public,
            info: info_fields,
        };
        let names = if pattern::is_pattern(&deployment.group) {
            Vec::new()
        } else {
            named.names
        };
        Ok((deployment, names))
    }

    fn region(
        &self,
        access: &Access,
        named: &NamedModel,
        at: &FieldPath,
    ) -> Result<String, ConfigError> {
        let variable = |name: &str| (self.environment)(name).filter(|value| !value.is_empty());
        let region = (access.aws_region_name.clone())
            .or_else(|| named.own_region().map(str::to_owned))
            .or_else(|| self.access.aws_region_name.clone())
            .or_else(|| variable("AWS_REGION_NAME"))
            .or_else(|| variable("AWS_REGION"))
            .unwrap_or_else(|| DEFAULT_REGION.to_owned());
        if is_region(&region) {
            return Ok(region);
        }
        let at = at.key("aws_region_name");
        let found = match self.document.variable(&at) {
            Some(name) => format!("the value of os.environ/{name}"),
            None => format!("{region:?}"),
        };
        Err(self.document.error(
            &at,
            format!("found {found}, expected an AWS region, such as us-east-1"),
        ))
    }
}

/// The same from start to start, different for entries that differ, and silent about secrets: only which key is used
/// counts, as a hash.
fn id(group: &str, public: &Map<String, Value>, credentials: &Credentials) -> String {
    let keys: BTreeMap<&String, &Value> = public.iter().collect();
    let mut hash = Sha256::new();
    hash.update(group);
    for (key, value) in keys {
        hash.update(format!("\0{key}\0{value}"));
    }
    let who = match credentials {
        Credentials::Default => "",
        Credentials::Profile(name) => name,
        Credentials::Keys { access_key_id, .. } => access_key_id.expose(),
        Credentials::Role { arn, .. } => arn,
        Credentials::Bearer(key) => key.expose(),
    };
    hash.update(format!("\0as\0{who}"));
    hex::encode(hash.finalize())
}

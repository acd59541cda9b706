//! From an entry of `model_list` to a deployment.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::overrides::Overrides;
use super::target::{NamedModel, arn_placeholder, is_region};
use super::{pattern, public};
use crate::catalog::{Catalog, Model};
use crate::config::file::{FieldPath, Findings, Stake, YamlDocument};
use crate::config::schema::{Access, ServedEntry};
use crate::config::{Credentials, Deployment, DeploymentLimits, Environment, Secret};

/// Where a deployment is called when nothing says otherwise.
const DEFAULT_REGION: &str = "us-east-1";

/// What all entries have in common.
pub(super) struct EntryContext<'a> {
    pub document: &'a YamlDocument<'a>,
    pub environment: &'a Environment<'a>,
    /// `litellm_settings.aws_*`.
    pub access: Access,
    /// `prompt_caching` of the settings.
    pub prompt_caching: Option<bool>,
    /// `allow_client_guardrails` of the settings.
    pub client_guardrails: bool,
}

impl EntryContext<'_> {
    /// Every name that an entry would have if it had no errors: its `model_name`, and those of its model.
    pub(super) fn names(&self, entry: &ServedEntry) -> (Option<String>, Vec<String>) {
        let target = entry.target.as_ref();
        let model = target.and_then(|target| NamedModel::parse(target.model.as_ref()?).ok());
        let of_model = model.map_or_else(Vec::new, |model| model.names);
        (entry.model_name.clone(), of_model)
    }

    /// The deployment of an entry, and the names a request may call it by. `None`: the entry has errors, which are
    /// noted.
    pub(super) fn deployment(
        &self,
        entry: ServedEntry,
        findings: &mut Findings,
    ) -> Option<(Deployment, Vec<String>)> {
        let named = self.named_model(&entry, findings);
        let region = named
            .as_ref()
            .and_then(|named| self.region(&entry, named, findings));
        let credentials = self.credentials(&entry, findings);

        let (named, region, target) = (named?, region?, entry.target?);
        // With `model_id` LiteLLM calls that, and takes `model` for what is behind it.
        let (model_id, behind) = match target.model_id {
            Some(id) => (id, Some(named.id.clone())),
            None => (named.id.clone(), None),
        };
        let (info, prices) = (entry.info?, entry.prices?);
        let base = info.base_model.clone().or(target.base_model).or(behind);
        let base = base.map(|base| NamedModel::parse(&base).map_or(base, |named| named.id));
        let overrides = Overrides { info, prices, base };
        let model = overrides.model(&model_id, &region);
        let configured_model = target.model?;
        // A pattern is no model: what the catalog has for each model behind it may be the other half of its price.
        if !pattern::is_pattern(&configured_model) {
            self.warn_if_unknown(&model, &entry.at, findings);
            self.warn_of_placeholders(&entry.at, &named, entry.access.as_ref(), findings);
            if let Some(missing) = overrides.missing_price(&model) {
                let message = format!("half of a price: {missing} is missing");
                findings.error(self.document.error(&params_of(&entry.at), message));
                return None;
            }
        }

        let (group, credentials) = (entry.model_name?, credentials?);
        let (limits, request) = (entry.limits?, entry.request?);
        let names = if pattern::is_pattern(&group) {
            Vec::new()
        } else {
            named.names
        };
        let params = public::params(&entry.all_params);
        let deployment = Deployment {
            id: (overrides.info.id.clone()).unwrap_or_else(|| id(&group, &params, &credentials)),
            pattern: None,
            overrides: Arc::new(overrides),
            group,
            model_id,
            configured_model,
            place: self
                .document
                .place_of_value(&params_of(&entry.at).key("model")),
            region,
            allowed_regions: target.allowed_regions.unwrap_or_default(),
            credentials,
            endpoint: (target.aws_bedrock_runtime_endpoint)
                .or(target.api_base)
                .map(Secret::new),
            model,
            limits: DeploymentLimits {
                weight: limits.weight,
                order: limits.order,
                rpm: limits.rpm,
                tpm: limits.tpm,
                max_parallel_requests: limits.max_parallel_requests,
            },
            timeout: limits.timeout,
            stream_timeout: limits.stream_timeout,
            num_retries: limits.num_retries.or(limits.max_retries),
            cooldown_time: limits.cooldown_time,
            stream_recovery: limits.stream_recovery.map(Into::into),
            defaults: request.defaults(self.prompt_caching, self.client_guardrails),
            mock_response: target.mock_response,
            params,
            info: public::info(&entry.all_info),
        };
        Some((deployment, names))
    }

    /// What `litellm_params.model` names.
    fn named_model(&self, entry: &ServedEntry, findings: &mut Findings) -> Option<NamedModel> {
        let target = entry.target.as_ref()?;
        let model = target.model.as_ref()?;
        let model_at = params_of(&entry.at).key("model");
        let wrong = |message: String| self.document.error(&model_at, message);
        let provider = target.custom_llm_provider.as_deref();
        let named = NamedModel::of_entry(model, provider);
        let named = findings.keep(named.map_err(|not| wrong(not.message(model))))?;
        let group = entry.model_name.as_ref();
        if let Some(group) = group.filter(|group| pattern::stars(model) > pattern::stars(group)) {
            findings.error(wrong(format!(
                "found {model:?}, which has more stars than the model_name {group:?} can fill"
            )));
            return None;
        }
        if pattern::is_pattern(model) && target.model_id.is_some() {
            let at = params_of(&entry.at).key("model_id");
            let message = "found an id beside a model with a star, expected one model";
            findings.error(self.document.error(&at, message));
            return None;
        }
        Some(named)
    }

    /// The nearest place that names a region decides: the entry, its model, the settings, the environment.
    fn region(
        &self,
        entry: &ServedEntry,
        named: &NamedModel,
        findings: &mut Findings,
    ) -> Option<String> {
        let own = entry.access.as_ref()?.aws_region_name.clone();
        let own = own.or_else(|| named.own_region().map(str::to_owned));
        let common = self.access.aws_region_name.clone();
        let mut at = params_of(&entry.at).key("aws_region_name");
        if own.is_none() && common.is_some() {
            at = FieldPath::of(&["litellm_settings", "aws_region_name"]);
        }
        let (region, variable) = match own.or(common) {
            Some(region) => (region, self.document.variable(&at)),
            None => {
                let names = ["AWS_REGION_NAME", "AWS_REGION"].into_iter();
                let mut variables =
                    names.filter_map(|name| Some(((self.environment)(name)?, Some(name))));
                let set = variables.find(|(value, _)| !value.is_empty());
                set.unwrap_or_else(|| (DEFAULT_REGION.to_owned(), None))
            }
        };
        if is_region(&region) {
            return Some(region);
        }
        let found = match variable {
            Some(name) => format!("the value of os.environ/{name}"),
            None => format!("{region:?}"),
        };
        let message = format!("found {found}, expected an AWS region, such as us-east-1");
        findings.error(self.document.error(&at, message));
        None
    }

    fn credentials(&self, entry: &ServedEntry, findings: &mut Findings) -> Option<Credentials> {
        let access = entry.access.as_ref()?;
        let credentials = access.credentials(&self.access, self.environment);
        findings.keep(credentials.map_err(|missing| {
            let message = format!("half of a key: {missing} is missing");
            self.document.error(&params_of(&entry.at), message)
        }))
    }

    fn warn_if_unknown(&self, model: &Model, entry_at: &FieldPath, findings: &mut Findings) {
        if model.known || model.kind.is_no_chat() {
            return;
        }
        let hint = Catalog::bundled().nearest(&model.id);
        let subject = match hint {
            Some(id) => format!("{} (the nearest known model is {id})", model.id),
            None => model.id.clone(),
        };
        let message = "not in the catalog: its cost is unknown, and it is taken to have tools and pictures, but neither \
             caching nor thinking (model_info.base_model can name the model behind an id)";
        let model_at = params_of(entry_at).key("model");
        findings.warn(
            self.document
                .warning_about(subject, Stake::Call, &model_at, message),
        );
    }

    /// Warns of what the author of the file left to be filled in: Bedrock refuses it.
    fn warn_of_placeholders(
        &self,
        entry_at: &FieldPath,
        named: &NamedModel,
        access: Option<&Access>,
        findings: &mut Findings,
    ) {
        let role = access.and_then(|access| access.aws_role_name.as_deref());
        for (key, placeholder) in [
            ("model", named.placeholder()),
            ("aws_role_name", role.and_then(arn_placeholder)),
        ] {
            if let Some(placeholder) = placeholder {
                let at = params_of(entry_at).key(key);
                let message = format!(
                    "{placeholder:?} in the ARN is a placeholder: put the region and the account in, for AWS refuses the \
                     call until then"
                );
                findings.warn(self.document.warning(Stake::Call, &at, message));
            }
        }
    }
}

/// Where the `litellm_params` of the entry at this path stand.
fn params_of(entry_at: &FieldPath) -> FieldPath {
    entry_at.key("litellm_params")
}

/// A deployment's id: the same from start to start, different for entries that differ, and silent about secrets: only
/// which key is used counts, as a hash.
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

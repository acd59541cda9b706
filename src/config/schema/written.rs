//! The whole file as written: the settings, and the entries of `model_list` with their two mappings.

use std::collections::BTreeMap;

use serde_yaml::{Mapping, Value};

use super::{
    Access, ConfigFile, CustomPrices, GeneralKeys, LimitKeys, ModelEntry, ModelInfoKeys,
    ModelTarget, OuterLimits, RequestDefaults, RetryAndTimeouts, RoutingKeys,
};
use crate::config::Secret;
use crate::config::file::{FieldPath, FileSection, Findings, Stake, YamlDocument, not_replaced};
use crate::config::litellm_keys::Section;

/// The file as written. A section of the settings that has errors is as if it said nothing.
pub(in crate::config) struct WrittenFile {
    /// Empty: the file has no models, or none that can be read, which has been told.
    pub model_list: Vec<WrittenEntry>,
    pub litellm_settings: LitellmSettings,
    pub router_settings: RouterSettings,
    pub general_settings: GeneralKeys,
    pub environment_variables: BTreeMap<String, Secret>,
}

/// `litellm_settings`.
pub(in crate::config) struct LitellmSettings {
    pub retry_and_timeouts: RetryAndTimeouts,
    pub routing: RoutingKeys,
    pub access: Access,
    pub general: GeneralKeys,
}

/// `router_settings`.
pub(in crate::config) struct RouterSettings {
    pub retry_and_timeouts: RetryAndTimeouts,
    pub routing: RoutingKeys,
}

/// An entry of `model_list`.
pub(in crate::config) enum WrittenEntry {
    Served(Box<ServedEntry>),
    LeftOut(LeftOutEntry),
}

/// An entry whose model is another provider's. Nothing else of it is read.
pub(in crate::config) struct LeftOutEntry {
    pub at: FieldPath,
    pub model_name: String,
    /// `litellm_params.model`.
    pub model: String,
}

/// An entry that is served. A part is `None` where it has errors, which have been told.
pub(in crate::config) struct ServedEntry {
    pub at: FieldPath,
    pub model_name: Option<String>,
    pub target: Option<ModelTarget>,
    pub access: Option<Access>,
    /// Of the entry, else of `litellm_params`, else of `model_info`: LiteLLM's order.
    pub limits: Option<LimitKeys>,
    pub request: Option<RequestDefaults>,
    /// `model_info`, for what the gateway itself reads of it.
    pub info: Option<ModelInfoKeys>,
    /// Of `litellm_params`, else of `model_info`.
    pub prices: Option<CustomPrices>,
    /// All of `litellm_params`.
    pub all_params: Mapping,
    /// All of `model_info`.
    pub all_info: Mapping,
}

impl WrittenFile {
    /// Reads the file. `is_left_out` decides of a `litellm_params.model` and a `custom_llm_provider` whether they are
    /// another provider's.
    pub(in crate::config) fn read(
        document: &YamlDocument<'_>,
        is_left_out: fn(&str, Option<&str>) -> bool,
        findings: &mut Findings,
    ) -> Self {
        let mut top = FileSection::at(document, FieldPath::default(), Section::TopLevel, findings);
        let file: Option<ConfigFile> = top.read(findings);
        top.warn_of_other_keys(findings);

        let mut section = |name: &str, section| {
            FileSection::at(document, FieldPath::of(&[name]), section, findings)
        };
        let mut litellm = section("litellm_settings", Section::LitellmSettings);
        let mut router = section("router_settings", Section::RouterSettings);
        let mut general = section("general_settings", Section::GeneralSettings);
        let litellm_settings = LitellmSettings {
            retry_and_timeouts: litellm.read(findings).unwrap_or_default(),
            routing: litellm.read(findings).unwrap_or_default(),
            access: litellm.read(findings).unwrap_or_default(),
            general: litellm.read(findings).unwrap_or_default(),
        };
        let router_settings = RouterSettings {
            retry_and_timeouts: router.read(findings).unwrap_or_default(),
            routing: router.read(findings).unwrap_or_default(),
        };
        let general_settings = general.read(findings).unwrap_or_default();
        for section in [litellm, router, general] {
            section.warn_of_other_keys(findings);
        }

        let at = FieldPath::of(&["model_list"]);
        let (entries, environment_variables) = match file {
            Some(file) => {
                let entries = file.model_list.map_or(0, |entries| entries.len());
                if entries == 0 {
                    let message = "found no models, expected at least one. LiteLLM may keep its models in its database: \
                         save what GET /model/info of the old proxy answers as models.json, and write them out with \
                         `bedrock-sidecar models from-litellm models.json > config.yml`";
                    findings.error(document.error(&at, message));
                }
                (entries, file.environment_variables.unwrap_or_default())
            }
            None => (0, BTreeMap::new()),
        };
        let entries = (0..entries).map(|n| {
            let at = at.index(n);
            match LeftOutEntry::read(document, &at, is_left_out) {
                Some(entry) => WrittenEntry::LeftOut(entry),
                None => WrittenEntry::Served(Box::new(ServedEntry::read(document, at, findings))),
            }
        });
        let model_list: Vec<_> = entries.collect();
        let left_out: Vec<&FieldPath> = model_list
            .iter()
            .filter_map(|entry| match entry {
                WrittenEntry::LeftOut(entry) => Some(&entry.at),
                WrittenEntry::Served(_) => None,
            })
            .collect();
        warn_of_shell_variables(document, &left_out, findings);
        Self {
            model_list,
            litellm_settings,
            router_settings,
            general_settings,
            environment_variables,
        }
    }
}

impl LeftOutEntry {
    /// The entry at this path, if its model is another provider's.
    fn read(
        document: &YamlDocument<'_>,
        at: &FieldPath,
        is_left_out: fn(&str, Option<&str>) -> bool,
    ) -> Option<Self> {
        let text = |path: FieldPath| document.get(&path).and_then(Value::as_str);
        let params = at.key("litellm_params");
        let model = text(params.key("model"))?;
        let provider = text(params.key("custom_llm_provider"));
        is_left_out(model, provider).then(|| Self {
            model_name: text(at.key("model_name")).unwrap_or(model).to_owned(),
            model: model.to_owned(),
            at: at.clone(),
        })
    }
}

impl ServedEntry {
    fn read(document: &YamlDocument<'_>, at: FieldPath, findings: &mut Findings) -> Self {
        let mut entry = FileSection::at(document, at.clone(), Section::ModelListEntry, findings);
        let read: Option<ModelEntry> = entry.read(findings);
        let entry_limits: Option<OuterLimits> = entry.read(findings);
        let has_params = entry.fields().contains_key("litellm_params");
        let model_name = read.and_then(|read| {
            if !has_params {
                findings.error(document.error(&at, "the field `litellm_params` is missing"));
            }
            let missing = || document.error(&at, "the field `model_name` is missing");
            findings.keep(read.model_name.ok_or_else(missing))
        });
        entry.warn_of_other_keys(findings);

        let params_at = at.key("litellm_params");
        let mut params = FileSection::at(document, params_at, Section::LitellmParams, findings);
        let target = params.read(findings).filter(|target: &ModelTarget| {
            if has_params && target.model.is_none() {
                let params_at = at.key("litellm_params");
                findings.error(document.error(&params_at, "the field `model` is missing"));
            }
            target.model.is_some()
        });
        let access = params.read(findings);
        let limits: Option<LimitKeys> = params.read(findings);
        let request = params.read(findings);
        let prices: Option<CustomPrices> = params.read(findings);
        let all_params = params.fields().clone();
        params.warn_of_other_keys(findings);

        let mut model_info =
            FileSection::at(document, at.key("model_info"), Section::ModelInfo, findings);
        let info = model_info.read(findings);
        let info_prices: Option<CustomPrices> = model_info.read(findings);
        let info_limits: Option<OuterLimits> = model_info.read(findings);
        let all_info = model_info.fields().clone();
        model_info.warn_of_other_keys(findings);
        let limits = match (entry_limits, limits, info_limits) {
            (Some(entry), Some(params), Some(info)) => Some(params.between(&entry, &info)),
            _ => None,
        };
        Self {
            at,
            model_name,
            target,
            access,
            limits,
            request,
            info,
            prices: prices.zip(info_prices).map(|(own, other)| own.or(other)),
            all_params,
            all_info,
        }
    }
}

/// Warns of variables as shells write them in fields that no struct reads. `left_out`: the entries that nothing is read
/// of.
fn warn_of_shell_variables(
    document: &YamlDocument<'_>,
    left_out: &[&FieldPath],
    findings: &mut Findings,
) {
    for (path, name) in document.unexpanded() {
        let is_left_out = left_out.iter().any(|entry| path.0.starts_with(&entry.0));
        if !is_left_out && !findings.is_told(path) {
            findings.replace_variable(document, path, name);
            let message = not_replaced(name);
            findings.warn(document.warning(Stake::Difference, path, message));
        }
    }
}

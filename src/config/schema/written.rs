//! The whole file as written: the settings, and the entries of `model_list` with their two mappings.

use std::collections::BTreeMap;

use serde_yaml::Mapping;

use super::{
    Access, ConfigFile, CustomPrices, GeneralKeys, LimitKeys, ModelEntry, ModelInfoKeys,
    ModelTarget, RequestDefaults, RetryAndTimeouts, RoutingKeys,
};
use crate::config::Secret;
use crate::config::file::{FieldPath, FileSection, Findings, PathStep, YamlDocument};

/// Fields whose variable may be unset without a warning: the region then has a default, and credentials come from the
/// SDK's default chain.
const MAY_BE_UNSET: [&str; 6] = [
    "aws_region_name",
    "aws_access_key_id",
    "aws_secret_access_key",
    "aws_session_token",
    "aws_profile_name",
    "master_key",
];

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

/// An entry of `model_list`. A part is `None` where it has errors, which have been told.
pub(in crate::config) struct WrittenEntry {
    pub at: FieldPath,
    pub model_name: Option<String>,
    pub target: Option<ModelTarget>,
    pub access: Option<Access>,
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
    pub(in crate::config) fn read(document: &YamlDocument<'_>, findings: &mut Findings) -> Self {
        warn_of_unset_variables(document, findings);
        let mut top = FileSection::at(document, FieldPath::default(), "", findings);
        let file: Option<ConfigFile> = top.read(findings);
        top.warn_of_unknown_keys(findings);

        let mut section =
            |name: &'static str| FileSection::at(document, FieldPath::of(&[name]), name, findings);
        let mut litellm = section("litellm_settings");
        let mut router = section("router_settings");
        let mut general = section("general_settings");
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
            section.warn_of_unknown_keys(findings);
        }

        let at = FieldPath::of(&["model_list"]);
        let (entries, environment_variables) = match file {
            Some(file) => {
                let entries = file.model_list.map_or(0, |entries| entries.len());
                if entries == 0 {
                    let message = "found no models, expected at least one";
                    findings.error(document.error(&at, message));
                }
                (entries, file.environment_variables.unwrap_or_default())
            }
            None => (0, BTreeMap::new()),
        };
        let entries = (0..entries).map(|n| WrittenEntry::read(document, at.index(n), findings));
        Self {
            model_list: entries.collect(),
            litellm_settings,
            router_settings,
            general_settings,
            environment_variables,
        }
    }
}

impl WrittenEntry {
    fn read(document: &YamlDocument<'_>, at: FieldPath, findings: &mut Findings) -> Self {
        let mut entry = FileSection::at(document, at.clone(), "model_list", findings);
        let read: Option<ModelEntry> = entry.read(findings);
        let has_params = entry.fields().contains_key("litellm_params");
        let model_name = read.and_then(|read| {
            if !has_params {
                findings.error(document.error(&at, "the field `litellm_params` is missing"));
            }
            let missing = || document.error(&at, "the field `model_name` is missing");
            findings.keep(read.model_name.ok_or_else(missing))
        });
        entry.warn_of_unknown_keys(findings);

        let params_at = at.key("litellm_params");
        let mut params = FileSection::at(document, params_at, "litellm_params", findings);
        let target = params.read(findings).filter(|target: &ModelTarget| {
            if has_params && target.model.is_none() {
                let params_at = at.key("litellm_params");
                findings.error(document.error(&params_at, "the field `model` is missing"));
            }
            target.model.is_some()
        });
        let access = params.read(findings);
        let limits = params.read(findings);
        let request = params.read(findings);
        let prices: Option<CustomPrices> = params.read(findings);
        let all_params = params.fields().clone();
        params.warn_of_unknown_keys(findings);

        // Keys of `model_info` that the gateway does not read are the user's own: `GET /model/info` shows them.
        let mut model_info =
            FileSection::at(document, at.key("model_info"), "model_info", findings);
        let info = model_info.read(findings);
        let info_prices: Option<CustomPrices> = model_info.read(findings);
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
            all_info: model_info.fields().clone(),
        }
    }
}

fn warn_of_unset_variables(document: &YamlDocument<'_>, findings: &mut Findings) {
    for (path, name) in document.unset() {
        let may_be_unset = matches!(
            path.0.last(),
            Some(PathStep::Key(key)) if MAY_BE_UNSET.contains(&key.as_str())
        );
        if !may_be_unset {
            let message = format_args!("os.environ/{name} is not set, so the default applies");
            findings.warn(document.warning(path, message));
        }
    }
}

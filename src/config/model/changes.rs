//! What people change over the file while the gateway runs: the fallbacks, the order of a group's deployments, and what
//! is stored of prompts and replies.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::config::{Config, Fallbacks, Group, Routing};

/// What is laid over the file. As JSON it is what the settings page saves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Changes {
    /// The fallbacks in force; `None`: those of the file.
    pub fallbacks: Option<Fallbacks>,
    /// By group, the ids of its deployments in the order in which they are asked, instead of by chance and weight.
    /// Those that are not named come last, and an id that the file no longer has means nothing.
    pub order: BTreeMap<String, Vec<String>>,
    /// What is stored of prompts and replies; `None`: as the file says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storing: Option<Storing>,
}

/// Whether prompts and replies are stored, where neither a key nor a client says so, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storing {
    /// Whether they are.
    pub prompts: bool,
    /// For so many days; `None`: as the file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
}

/// Why a list of fallbacks makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WrongFallbacks {
    /// It is of a model that is not there, or names one.
    #[error("there is no model {0:?}")]
    NoModel(String),
    /// It names the model that it is of.
    #[error("{0:?} falls back to itself")]
    ToItself(String),
    /// It names a model twice.
    #[error("{group:?} falls back to {target:?} twice: the second would never be asked")]
    Twice {
        /// The model that it is of.
        group: String,
        /// The model that it names.
        target: String,
    },
}

impl Config {
    /// This configuration with these changes.
    ///
    /// # Errors
    /// When a list of fallbacks makes no sense.
    pub fn changed(&self, changes: &Changes) -> Result<Self, WrongFallbacks> {
        let fallbacks = changes.fallbacks.as_ref();
        let fallbacks = fallbacks.unwrap_or(&self.routing.fallbacks).clone();
        for (group, targets) in fallbacks.lists() {
            self.check_list(group, targets)?;
        }
        let order = changes.order.iter();
        let order = order
            .filter(|(group, _)| self.groups().iter().any(|known| known.name == **group))
            .map(|(group, ids)| (group.clone(), ids.clone()));
        let routing = Routing {
            fallbacks,
            order: order.collect(),
            ..self.routing.clone()
        };
        let mut general = self.general.clone();
        if let Some(storing) = changes.storing {
            general.store_prompts = storing.prompts;
            general.content_retention_days = storing.days.or(general.content_retention_days);
        }
        Ok(Self {
            routing,
            general,
            ..self.clone()
        })
    }

    fn check_list(&self, group: &str, targets: &[String]) -> Result<(), WrongFallbacks> {
        let stands_for_many = group == "*" || self.groups.is_pattern(group);
        let group_itself = (!stands_for_many).then_some(group);
        for name in targets.iter().map(String::as_str).chain(group_itself) {
            if self.groups.resolve(name) != Some(name) {
                return Err(WrongFallbacks::NoModel(name.to_owned()));
            }
        }
        if targets.iter().any(|target| target == group) {
            return Err(WrongFallbacks::ToItself(group.to_owned()));
        }
        let mut seen = HashSet::new();
        match targets.iter().find(|target| !seen.insert(*target)) {
            Some(twice) => Err(WrongFallbacks::Twice {
                group: group.to_owned(),
                target: twice.clone(),
            }),
            None => Ok(()),
        }
    }

    /// The fallbacks and orders in force as YAML, to be put into the file.
    pub fn routing_yaml(&self) -> String {
        #[derive(Serialize)]
        struct File<'a> {
            litellm_settings: Lists<'a>,
        }
        #[derive(Serialize)]
        struct Lists<'a> {
            fallbacks: Vec<BTreeMap<&'a str, &'a [String]>>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            context_window_fallbacks: Vec<BTreeMap<&'a str, &'a [String]>>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            content_policy_fallbacks: Vec<BTreeMap<&'a str, &'a [String]>>,
            #[serde(skip_serializing_if = "<[String]>::is_empty")]
            default_fallbacks: &'a [String],
        }
        fn one_by_one(map: &BTreeMap<String, Vec<String>>) -> Vec<BTreeMap<&str, &[String]>> {
            let lists = map.iter();
            lists
                .map(|(group, targets)| BTreeMap::from([(group.as_str(), targets.as_slice())]))
                .collect()
        }
        let fallbacks = &self.routing.fallbacks;
        let file = File {
            litellm_settings: Lists {
                fallbacks: one_by_one(&fallbacks.general),
                context_window_fallbacks: one_by_one(&fallbacks.context_window),
                content_policy_fallbacks: one_by_one(&fallbacks.content_policy),
                default_fallbacks: &fallbacks.default,
            },
        };
        // Names and lists of names always serialize.
        let mut yaml = serde_yaml::to_string(&file).unwrap_or_default();
        for (group, ids) in &self.routing.order {
            if let Some(group) = self.group(group) {
                yaml.push_str(&orders(&group, ids));
            }
        }
        yaml
    }
}

/// Which `order` each deployment of a group needs: it stands in the deployment's own entry, so here in comments.
fn orders(group: &Group, ids: &[String]) -> String {
    let mut lines = format!(
        "# In litellm_params of the deployments of {:?}:\n",
        group.name
    );
    let deployments = ids.iter().filter_map(|id| {
        let mut all = group.deployments.iter();
        all.find(|deployment| deployment.id == *id)
    });
    for (place, deployment) in deployments.enumerate() {
        // Writing to a String never fails.
        let _ = writeln!(
            lines,
            "#   {:?} in {:?}: order: {}",
            deployment.configured_model,
            deployment.region,
            place + 1
        );
    }
    lines
}

impl Fallbacks {
    /// Every list with the group that it is for; `*` for the default one.
    fn lists(&self) -> impl Iterator<Item = (&str, &[String])> {
        let maps = [&self.general, &self.context_window, &self.content_policy];
        let lists = maps.into_iter().flatten();
        let lists = lists.map(|(group, targets)| (group.as_str(), targets.as_slice()));
        lists.chain([("*", self.default.as_slice())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "
model_list:
  - {model_name: a, litellm_params: {model: bedrock/us.amazon.nova-pro-v1:0}}
  - {model_name: a, litellm_params: {model: bedrock/us.amazon.nova-lite-v1:0}}
  - {model_name: b, litellm_params: {model: bedrock/us.amazon.nova-micro-v1:0}}
  - {model_name: 'c: #1', litellm_params: {model: bedrock/us.amazon.nova-premier-v1:0}}
";

    fn parse(yaml: &str) -> Config {
        Config::parse("test.yml", yaml, &|_| None).unwrap().0
    }

    fn lists(of: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
        let of = of.iter();
        of.map(|(group, targets)| {
            let targets = targets.iter().map(|name| (*name).to_owned());
            ((*group).to_owned(), targets.collect())
        })
        .collect()
    }

    fn general(of: &[(&str, &[&str])]) -> Changes {
        Changes {
            fallbacks: Some(Fallbacks {
                general: lists(of),
                ..Fallbacks::default()
            }),
            ..Changes::default()
        }
    }

    #[test]
    fn lists_that_make_no_sense_are_refused_in_words() {
        let config = parse(FILE);
        for (changes, words) in [
            (general(&[("a", &["nope"])]), "no model \"nope\""),
            (general(&[("nope", &["a"])]), "no model \"nope\""),
            (general(&[("a", &["b", "a"])]), "falls back to itself"),
            (general(&[("a", &["b", "b"])]), "twice"),
        ] {
            let error = config.changed(&changes).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        assert!(config.changed(&general(&[("*", &["b"])])).is_ok());
    }

    #[test]
    fn the_yaml_means_the_same_when_it_is_put_into_the_file() {
        let config = parse(FILE);
        let changes = Changes {
            fallbacks: Some(Fallbacks {
                general: lists(&[("a", &["c: #1", "b"]), ("*", &["b"])]),
                context_window: lists(&[("b", &["a"])]),
                content_policy: lists(&[("a", &["b"])]),
                default: vec!["c: #1".to_owned()],
            }),
            order: lists(&[("a", &["x\ny"])]),
            ..Changes::default()
        };
        let changed = config.changed(&changes).unwrap();
        let again = parse(&format!("{FILE}{}", changed.routing_yaml()));
        assert_eq!(again.routing.fallbacks, changed.routing.fallbacks);
    }

    #[test]
    fn the_yaml_says_where_an_order_stands() {
        let config = parse(FILE);
        let ids = config.groups()[0].deployments.iter().rev();
        let ids: Vec<String> = ids.map(|deployment| deployment.id.clone()).collect();
        let changes = Changes {
            order: [("a".to_owned(), ids)].into(),
            ..Changes::default()
        };
        let yaml = config.changed(&changes).unwrap().routing_yaml();
        assert!(
            yaml.contains("#   \"bedrock/us.amazon.nova-lite-v1:0\" in \"us-east-1\": order: 1\n"),
            "{yaml}"
        );
    }
}

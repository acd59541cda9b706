//! `router_settings`: the aliases and fallbacks that name what there is.

use serde_json::{Map, Value};

use super::{FromLitellmError, text, yaml};
use crate::config::Config;

/// The settings of LiteLLM's router as it shows them.
#[derive(Debug)]
pub struct ListedSettings {
    values: Map<String, Value>,
    /// Where each comes from, in answers that tell it.
    sources: Option<Map<String, Value>>,
}

impl ListedSettings {
    /// Reads what `GET /get/config/callbacks` or `GET /router/settings` answered.
    ///
    /// # Errors
    /// When it is neither.
    pub fn read(answer: &str) -> Result<Self, FromLitellmError> {
        let mut answer: Value = serde_json::from_str(answer)?;
        let mut object = |name: &str| match answer.get_mut(name) {
            Some(Value::Object(fields)) => Some(std::mem::take(fields)),
            _ => None,
        };
        let values = object("router_settings").or_else(|| object("current_values"));
        Ok(Self {
            values: values.ok_or(FromLitellmError::NoSettings)?,
            sources: object("source"),
        })
    }

    /// Whether somebody has set it; `None`: the answer does not tell.
    fn is_set(&self, name: &str) -> Option<bool> {
        let source = self.sources.as_ref()?.get(name).and_then(Value::as_str);
        Some(!matches!(source, None | Some("default" | "unset")))
    }
}

/// What is written, and what could not be.
#[derive(Debug, Default)]
pub(super) struct WrittenRouting {
    settings: Map<String, Value>,
    /// Each as a line of text.
    left_out: Vec<String>,
}

const ALIASES: &str = "model_group_alias";
const FALLBACKS: [&str; 3] = [
    "fallbacks",
    "context_window_fallbacks",
    "content_policy_fallbacks",
];
const POLICIES: [&str; 2] = ["retry_policy", "model_group_retry_policy"];

impl WrittenRouting {
    /// `models` is the file so far; `settings` are LiteLLM's.
    pub(super) fn new(
        models: &str,
        listed_aliases: Vec<(String, String)>,
        settings: Option<&ListedSettings>,
    ) -> Self {
        let mut routing = Self::default();
        // A file with errors names nothing: `check` tells them.
        let somewhere = |name: &str| (name == "AWS_REGION").then(|| "us-east-1".to_owned());
        let Ok((config, _)) = Config::parse("config.yml", models, &somewhere) else {
            return routing;
        };
        let mut aliases = Map::new();
        let of_settings = settings.and_then(|settings| settings.values.get(ALIASES)?.as_object());
        let of_settings = of_settings.into_iter().flatten();
        let of_settings = of_settings.map(|(alias, target)| (alias.clone(), target.clone()));
        let of_list = listed_aliases.into_iter();
        let of_list = of_list.map(|(alias, target)| (alias, Value::String(target)));
        for (alias, target) in of_settings.chain(of_list) {
            let name = target.as_str().or_else(|| target.get("model")?.as_str());
            let is_known =
                name.is_some_and(|name| !name.contains('*') && config.resolve_name(name).is_some());
            if aliases.contains_key(&alias) {
                continue;
            }
            if is_known && config.resolve_name(&alias).is_none() {
                aliases.insert(alias, target);
            } else {
                routing.leave_out(ALIASES, &alias, &target);
            }
        }
        let settings_of = |name: &str| settings.and_then(|settings| settings.values.get(name));
        for kind in FALLBACKS {
            let lists = settings_of(kind).and_then(Value::as_array);
            let names = FallbackNames {
                config: &config,
                aliases: &aliases,
            };
            routing.add_fallbacks(kind, lists.into_iter().flatten(), &names);
        }
        for policy in POLICIES {
            if let Some(value) = settings_of(policy).and_then(without_nulls) {
                routing.settings.insert(policy.to_owned(), value);
            }
        }
        if !aliases.is_empty() {
            routing.settings.insert(ALIASES.to_owned(), aliases.into());
        }
        routing.add_others(settings);
        routing
    }

    /// Settings that name no model: taken where LiteLLM says that somebody has set them.
    fn add_others(&mut self, settings: Option<&ListedSettings>) {
        let Some(settings) = settings else { return };
        for (name, value) in &settings.values {
            let is_taken = name == ALIASES
                || FALLBACKS.contains(&name.as_str())
                || POLICIES.contains(&name.as_str());
            let Some(set) = without_nulls(value).filter(|_| !is_taken) else {
                continue;
            };
            match settings.is_set(name) {
                Some(true) => drop(self.settings.insert(name.clone(), set)),
                Some(false) => {}
                None => self.left_out.push(format!("{name}: {set}")),
            }
        }
    }

    fn add_fallbacks<'a>(
        &mut self,
        kind: &str,
        lists: impl Iterator<Item = &'a Value>,
        names: &FallbackNames<'_>,
    ) {
        let mut written = Vec::new();
        for (group, targets) in lists.filter_map(Value::as_object).flatten() {
            let Some(of) = names.resolve(group).or((group == "*").then_some("*")) else {
                self.leave_out(kind, group, targets);
                continue;
            };
            let targets = targets.as_array().into_iter().flatten();
            let (known, unknown): (Vec<&Value>, Vec<&Value>) = targets.partition(|target| {
                let name = target.as_str().filter(|name| !name.contains('*'));
                name.and_then(|name| names.resolve(name))
                    .is_some_and(|name| name != of)
            });
            for target in unknown {
                self.leave_out(kind, group, target);
            }
            if !known.is_empty() {
                let known: Vec<Value> = known.into_iter().cloned().collect();
                written.push(Value::Object(Map::from_iter([(
                    group.clone(),
                    known.into(),
                )])));
            }
        }
        if !written.is_empty() {
            self.settings.insert(kind.to_owned(), written.into());
        }
    }

    fn leave_out(&mut self, kind: &str, name: &str, value: &Value) {
        let line = format!("{kind}: {name} → {value}");
        if !self.left_out.contains(&line) {
            self.left_out.push(line);
        }
    }

    /// The section, with what was left out as comments.
    pub(super) fn yaml(&self) -> String {
        let mut written = String::new();
        if !self.settings.is_empty() {
            written.push('\n');
            written.push_str(&yaml::section("router_settings", &self.settings));
        }
        if !self.left_out.is_empty() {
            written.push_str(
                "\n# Left out of router_settings: what names no model of this file, and what LiteLLM shows whether somebody \
                 has\n# set it or not:\n",
            );
            for line in &self.left_out {
                written.push_str(&text::comment("", line));
            }
        }
        written
    }
}

/// The names that a fallback may have.
struct FallbackNames<'a> {
    config: &'a Config,
    aliases: &'a Map<String, Value>,
}

impl<'a> FallbackNames<'a> {
    /// The `model_name` that a name means.
    fn resolve(&'a self, name: &'a str) -> Option<&'a str> {
        let alias = self.aliases.get(name);
        let target =
            alias.and_then(|target| target.as_str().or_else(|| target.get("model")?.as_str()));
        self.config.resolve_name(target.unwrap_or(name))
    }
}

/// A setting without what is not set in it; `None`: nothing is.
fn without_nulls(value: &Value) -> Option<Value> {
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::Array(items) if items.is_empty() => None,
        Value::String(text) if text.is_empty() => None,
        Value::Object(fields) => {
            let set = fields.iter();
            let set = set.filter_map(|(name, value)| Some((name.clone(), without_nulls(value)?)));
            let set: Map<String, Value> = set.collect();
            (!set.is_empty()).then_some(Value::Object(set))
        }
        other => Some(other.clone()),
    }
}

//! Which models a key may ask for.

use crate::config::{Config, fits_pattern};

use super::VirtualKey;

/// The reference system's words for all models.
const ALL: [&str; 3] = ["*", "all-proxy-models", "all-team-models"];

impl VirtualKey {
    /// The model that this key's requests mean by a name.
    pub fn alias_of<'a>(&'a self, requested: &'a str) -> &'a str {
        let alias = self.settings.aliases.get(requested);
        alias.map_or(requested, String::as_str)
    }

    /// Whether it may ask for `requested`, which means `group`. An entry of its models is a name as requests use it
    /// (group, alias, Bedrock id), or a pattern with `*` over such names: `claude-*`, `bedrock/*`.
    pub fn may_use(&self, requested: &str, group: &str, config: &Config) -> bool {
        let models = &self.settings.models;
        let is_named = |entry: &String| {
            let entry = entry.as_str();
            if ALL.contains(&entry) || entry == requested || entry == group {
                true
            } else if entry.contains('*') {
                let found = config.group(group);
                let deployments = found.iter().flat_map(|group| &group.deployments);
                deployments
                    .map(|deployment| deployment.configured_model.as_str())
                    .chain([requested, group])
                    .any(|name| fits_pattern(entry, name))
            } else {
                config.resolve_name(entry) == Some(group)
            }
        };
        models.is_empty() || models.iter().any(is_named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_in_an_entry_stands_for_any_text() {
        for (pattern, name, expected) in [
            ("bedrock/*", "bedrock/us.amazon.nova-pro-v1:0", true),
            ("bedrock/*", "openai/gpt", false),
            ("claude-*", "claude-", true),
            ("*sonnet*", "us.anthropic.claude-sonnet-5-5", true),
            ("*sonnet*", "us.anthropic.claude-opus-5-5", false),
            ("claude-*-global", "claude-opus-5-5-global", true),
            ("claude-*-global", "claude-opus-5-5", false),
            ("a*a", "a", false),
        ] {
            assert_eq!(fits_pattern(pattern, name), expected, "{pattern} {name}");
        }
    }
}

//! Which models a key may ask for.

use crate::config::Config;

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
                    .any(|name| matches(entry, name))
            } else {
                config.resolve_name(entry) == Some(group)
            }
        };
        models.is_empty() || models.iter().any(is_named)
    }
}

/// Whether a name has the form of a pattern, in which each `*` stands for any text.
fn matches(pattern: &str, name: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| name.strip_prefix(first)) else {
        return false;
    };
    let mut pieces = pieces.peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, name, expected) in [
            ("bedrock/*", "bedrock/us.amazon.nova-pro-v1:0", true),
            ("bedrock/*", "openai/gpt", false),
            ("claude-*", "claude-", true),
            ("*sonnet*", "us.anthropic.claude-sonnet-5-5", true),
            ("*sonnet*", "us.anthropic.claude-opus-5-5", false),
            ("claude-*-global", "claude-opus-5-5-global", true),
            ("claude-*-global", "claude-opus-5-5", false),
            ("a*a", "a", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}

//! Which models a caller may ask for.

use crate::config::{Config, fits_pattern};

use crate::identity::KeyOwners;

use super::{Caller, VirtualKey};

/// The reference system's words for all models.
const ALL: [&str; 3] = ["*", "all-proxy-models", "all-team-models"];

impl VirtualKey {
    /// Whether its own models let it ask for `requested`, which means `group`.
    pub fn may_use(&self, requested: &str, group: &str, config: &Config) -> bool {
        lists(&self.settings.models, requested, group, config)
    }
}

impl Caller {
    /// The model that a name means for this caller: by the key's aliases, else the team's, else the name itself.
    pub fn alias_of<'a>(&'a self, requested: &'a str) -> &'a str {
        let Some(key) = &self.virtual_key else {
            return requested;
        };
        let team = self.owners.team.as_ref();
        let of_team = |name: &str| Some(team?.settings.model_aliases.get(name)?.as_str());
        match key.settings.aliases.get(requested) {
            Some(meant) => meant,
            None => of_team(requested).unwrap_or(requested),
        }
    }

    /// The names that its key and its team have for models.
    pub fn aliases(&self) -> impl Iterator<Item = &String> {
        let key = self.virtual_key.as_ref();
        let own = key.into_iter().flat_map(|key| key.settings.aliases.keys());
        let team = self.owners.team.as_ref();
        own.chain(
            team.into_iter()
                .flat_map(|team| team.settings.model_aliases.keys()),
        )
    }

    /// The regions that the key, its team and its user may be answered in: all of them have to list one. An empty list
    /// has all.
    pub fn region_lists(&self) -> impl Iterator<Item = &[String]> {
        let KeyOwners { team, member, user } = &self.owners;
        let key = self.virtual_key.as_ref();
        let key = key.map(|key| &*key.settings.allowed_regions);
        let team = team
            .as_ref()
            .map(|team| &*team.settings.allowance.allowed_regions);
        let member = member.as_ref().map(|member| &*member.allowed_regions);
        let user = user
            .as_ref()
            .map(|user| &*user.settings.allowance.allowed_regions);
        [key, team, member, user].into_iter().flatten()
    }

    /// The models that the key, its team, its membership there, and a user of a key without a team may ask for: all of
    /// them have to list one.
    pub fn model_lists(&self) -> impl Iterator<Item = (&'static str, &[String])> {
        let KeyOwners { team, member, user } = &self.owners;
        let key = self.virtual_key.as_ref();
        let is_of_team = team.is_some();
        let key = key.map(|key| ("key", &*key.settings.models));
        let team = team
            .as_ref()
            .map(|team| ("team", &*team.settings.allowance.models));
        let member = member.as_ref().map(|member| ("member", &*member.models));
        let user = user.as_ref().filter(|_| !is_of_team);
        let user = user.map(|user| ("user", &*user.settings.allowance.models));
        [key, team, member, user].into_iter().flatten()
    }
}

/// Whether a list of models has `requested`, which means `group`; an empty list has all. An entry is a name as requests
/// use it (group, alias, Bedrock id), or a pattern with `*` over such names: `claude-*`, `bedrock/*`.
pub fn lists(models: &[String], requested: &str, group: &str, config: &Config) -> bool {
    let is_named = |entry: &String| {
        let entry = entry.as_str();
        if ALL.contains(&entry) || entry == requested || entry == group {
            true
        } else if entry.contains('*') {
            let found = config.group(group);
            let deployments = found.iter().flat_map(|group| &group.deployments);
            let names = deployments.flat_map(|deployment| deployment.names_for_patterns());
            names
                .chain([requested.into(), group.into()])
                .any(|name| fits_pattern(entry, &name))
        } else {
            config.resolve_name(entry) == Some(group)
        }
    };
    models.is_empty() || models.iter().any(is_named)
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

//! Regions that may answer a request: targets elsewhere are left out of its chain.

use crate::config::fits_pattern;

use super::Target;

/// Lists of regions, or of patterns such as `eu-*`. Each of them has to allow a target.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedRegions(Vec<Vec<String>>);

/// Where an inference profile with this prefix sends requests
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html>).
const DESTINATIONS: [(&str, &[&str]); 8] = [
    ("us", &["us-east-1", "us-east-2", "us-west-1", "us-west-2"]),
    (
        "eu",
        &[
            "eu-central-1",
            "eu-central-2",
            "eu-north-1",
            "eu-south-1",
            "eu-south-2",
            "eu-west-1",
            "eu-west-2",
            "eu-west-3",
        ],
    ),
    (
        "apac",
        &[
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-northeast-3",
            "ap-south-1",
            "ap-south-2",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-3",
            "ap-southeast-4",
        ],
    ),
    ("jp", &["ap-northeast-1", "ap-northeast-3"]),
    ("au", &["ap-southeast-2", "ap-southeast-4"]),
    (
        "ca",
        &["ca-central-1", "ca-west-1", "us-east-1", "us-west-2"],
    ),
    ("us-gov", &["us-gov-east-1", "us-gov-west-1"]),
    // Anywhere: only a list that has everything allows it.
    ("global", &["global"]),
];

impl AllowedRegions {
    /// These lists; an empty one allows everything.
    pub fn new<'a>(lists: impl Iterator<Item = &'a [String]>) -> Self {
        let lists = lists.filter(|list| !list.is_empty());
        Self(lists.map(<[String]>::to_vec).collect())
    }

    /// Whether every region may answer.
    pub fn is_any(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a target answers in allowed regions alone.
    pub fn allow(&self, target: &Target) -> bool {
        self.is_any() || self.allow_call(&target.deployment().region, target.model_id())
    }

    /// Whether a call of this model in this region is answered in allowed regions alone.
    fn allow_call(&self, region: &str, model_id: &str) -> bool {
        // Of an ARN, the profile's own name.
        let name = model_id.rsplit('/').next().unwrap_or(model_id);
        let prefix = name.split_once('.').map(|(prefix, _)| prefix);
        let mut profiles = DESTINATIONS.iter();
        let profile = profiles.find(|(profile, _)| prefix == Some(profile));
        let own = [region];
        let destinations = profile.map_or(&own[..], |(_, destinations)| destinations);
        self.0.iter().all(|list| {
            let is_in = |region: &&str| {
                list.iter()
                    .any(|entry| entry == region || fits_pattern(entry, region))
            };
            destinations.iter().all(is_in)
        })
    }

    /// The lists, for people: a region has to be in each of them.
    pub fn lists(&self) -> Vec<String> {
        self.0.iter().map(|list| list.join(", ")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_outside_of_a_list_is_not_allowed() {
        let eu: &[&str] = &["eu-*"];
        for (lists, region, model, allowed) in [
            (&[][..], "us-east-1", "amazon.nova-pro-v1:0", true),
            (&[eu][..], "eu-west-1", "amazon.nova-pro-v1:0", true),
            (&[eu], "us-east-1", "amazon.nova-pro-v1:0", false),
            (&[eu], "eu-west-1", "eu.anthropic.claude-sonnet-5-5", true),
            (
                &[eu],
                "eu-west-1",
                "global.anthropic.claude-sonnet-5-5",
                false,
            ),
            (&[eu], "eu-west-1", "us.anthropic.claude-sonnet-5-5", false),
            // The profile goes to other regions of Europe too.
            (
                &[&["eu-west-1"]],
                "eu-west-1",
                "eu.amazon.nova-pro-v1:0",
                false,
            ),
            (&[&["eu-west-1"]], "eu-west-1", "amazon.nova-pro-v1:0", true),
            (
                &[&["ap-northeast-*"]],
                "ap-northeast-1",
                "jp.anthropic.claude-haiku-4-5",
                true,
            ),
            (
                &[&["ap-northeast-*"]],
                "ap-northeast-1",
                "apac.amazon.nova-pro-v1:0",
                false,
            ),
            (
                &[&["*"]],
                "us-east-1",
                "global.anthropic.claude-sonnet-5-5",
                true,
            ),
            (&[&["*"], eu], "us-east-1", "amazon.nova-pro-v1:0", false),
            (
                &[eu],
                "eu-west-1",
                "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/global.anthropic.claude-x",
                false,
            ),
            (
                &[eu],
                "eu-west-1",
                "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abcdef",
                true,
            ),
        ] {
            let lists: Vec<Vec<String>> = lists
                .iter()
                .map(|list| list.iter().map(|entry| (*entry).to_owned()).collect())
                .collect();
            let regions = AllowedRegions::new(lists.iter().map(Vec::as_slice));
            assert_eq!(
                regions.allow_call(region, model),
                allowed,
                "{lists:?} {region} {model}"
            );
        }
    }
}

//! What is legal but will not work: retired models, and inference profiles in a region that does not have them.

use jiff::civil::Date;

use crate::config::{Config, Deployment, FallbackKind, Group};

impl Deployment {
    /// The model behind it has reached the end of its life.
    pub fn is_retired(&self, today: Date) -> bool {
        self.model.end_of_life.is_some_and(|end| end <= today)
    }
}

impl Config {
    /// What is legal but will not work: chains without a living model, inference profiles called from a region that
    /// does not have them.
    pub fn warnings(&self, today: Date) -> Vec<String> {
        let mut warnings = Vec::new();
        let mut hopeless = Vec::new();
        for group in self.groups() {
            let mut chain = vec![group.name.as_str()];
            chain.extend(self.fallbacks_of(&group.name, FallbackKind::General));
            let mut targets = chain.iter().filter_map(|name| self.group(name));
            if !group.is_pattern() && targets.all(|group| group.is_retired(today)) {
                hopeless.push(group.name.as_str());
            }
            for deployment in &group.deployments {
                let foreign = foreign_prefix(&deployment.model_id, &deployment.region);
                if let Some(prefix) = foreign.filter(|_| !deployment.is_retired(today)) {
                    warnings.push(format!(
                        "{}: a {prefix} inference profile cannot be called from {}",
                        group.name, deployment.region
                    ));
                }
            }
        }
        if !hopeless.is_empty() {
            warnings.push(format!(
                "only retired models in the chain of {}: give it a living fallback",
                hopeless.join(", ")
            ));
        }
        warnings
    }
}

impl Group {
    /// All its models have reached the end of their lives.
    pub(in crate::config) fn is_retired(&self, today: Date) -> bool {
        self.deployments
            .iter()
            .all(|deployment| deployment.is_retired(today))
    }
}

/// The geographic prefix of an inference profile that a region does not have
/// (<https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html>).
pub(super) fn foreign_prefix<'a>(model_id: &'a str, region: &str) -> Option<&'a str> {
    const REGIONS_OF_PREFIX: [(&str, &[&str]); 6] = [
        ("us", &["us-", "ca-"]),
        ("us-gov", &["us-gov-"]),
        ("eu", &["eu-"]),
        ("apac", &["ap-"]),
        ("jp", &["ap-northeast-"]),
        ("au", &["ap-southeast-"]),
    ];
    let (prefix, _) = model_id.split_once('.')?;
    let (_, homes) = REGIONS_OF_PREFIX
        .iter()
        .find(|(known, _)| *known == prefix)?;
    let at_home = homes.iter().any(|home| region.starts_with(home));
    (!at_home).then_some(prefix)
}

//! What is legal but will not work: retired models, inference profiles in a region that does not have them, models that
//! Converse does not serve by AWS's own word, and vectors of two models in one chain.

use jiff::civil::Date;

use super::target::arn_placeholder;
use crate::config::file::merge_warnings;
use crate::config::{Config, Deployment, FallbackKind, FilePosition, Group, Stake, Warning};

impl Deployment {
    /// The model behind it has reached the end of its life.
    pub fn is_retired(&self, today: Date) -> bool {
        self.model.lifecycle.is_over(today)
    }

    /// Calling it is known to fail: its model is retired, its inference profile is another region's, its ARN was never
    /// filled in, or its model is for something that is not done here.
    pub(in crate::config) fn will_fail(&self, today: Date) -> bool {
        self.is_retired(today)
            || foreign_prefix(&self.model_id, &self.region).is_some()
            || arn_placeholder(&self.model_id).is_some()
            || !self.model.is_served()
    }

    /// Why a call of it will fail or may fail, beside retirement.
    fn obstacles(&self) -> Vec<String> {
        let mut obstacles = Vec::new();
        if let Some(prefix) = foreign_prefix(&self.model_id, &self.region) {
            obstacles.push(format!(
                "inference profiles of {prefix} cannot be called from {} (aws_region_name of an entry, or AWS_REGION for \
                 all, says from where)",
                self.region
            ));
        }
        if !self.model.is_served() {
            obstacles.push(format!(
                "calling it fails, for nothing here knows how to ask this model of the kind {}",
                self.model.kind
            ));
        } else if self.model.known && self.model.retrieval.is_none() && !self.model.converse {
            obstacles.push("not served by Converse, as AWS's model card has it".to_owned());
        }
        obstacles
    }
}

impl Config {
    /// What is legal but will not work: chains without a living model, and deployments whose calls are known to fail.
    pub fn warnings(&self, today: Date) -> Vec<Warning> {
        let warning = |place: Option<FilePosition>, subject: &str, message: String| Warning {
            file: self.name.clone(),
            place,
            also_at: Vec::new(),
            stake: Stake::Call,
            field: String::new(),
            subjects: vec![subject.to_owned()],
            message,
        };
        let mut warnings = Vec::new();
        for group in self.groups() {
            let mut chain = vec![group.name.as_str()];
            chain.extend(self.fallbacks_of(&group.name, FallbackKind::General));
            let mut targets = chain.iter().filter_map(|name| self.group(name));
            if !group.is_pattern() && targets.all(|group| group.is_retired(today)) {
                let place = group.deployments.first().and_then(|first| first.place);
                let message = "only retired models in the chain, which needs a living fallback";
                warnings.push(warning(place, &group.name, message.to_owned()));
            }
            let living = group.deployments.iter();
            for deployment in living.filter(|deployment| !deployment.is_retired(today)) {
                let subject = if group.name == deployment.model_id {
                    group.name.clone()
                } else {
                    format!("{} ({})", group.name, deployment.model_id)
                };
                let obstacles = deployment.obstacles().into_iter();
                warnings
                    .extend(obstacles.map(|reason| warning(deployment.place, &subject, reason)));
                if let Some(reason) = deployment.idle_dialect() {
                    let message = format!("dialect: messages has no effect, for {reason}");
                    warnings.push(Warning {
                        stake: Stake::NoEffect,
                        ..warning(deployment.place, &subject, message)
                    });
                }
            }
            if let Some(others) = self.never_asked(group, &chain) {
                let place = group.deployments.first().and_then(|first| first.place);
                let message = format!(
                    "never asked in its place, for another model's vectors do not fit among its own: {others}"
                );
                warnings.push(warning(place, &group.name, message));
            }
        }
        merge_warnings(warnings)
    }
}

impl Config {
    /// What stands in the chain of a group for vectors and makes others than its first deployment does.
    fn never_asked(&self, group: &Group, chain: &[&str]) -> Option<String> {
        let first = group.deployments.first().filter(|_| !group.is_pattern())?;
        let own = first.model.embedding()?;
        let is_other = |deployment: &Deployment| {
            let space = deployment.model.embedding().map(|other| &other.space);
            space != Some(&own.space)
        };
        let groups = chain.iter().filter_map(|name| self.group(name));
        let mut others: Vec<String> = groups
            .flat_map(|group| group.deployments.clone())
            .filter(|deployment| is_other(deployment))
            .map(|deployment| format!("{} ({})", deployment.group, deployment.model_id))
            .collect();
        others.dedup();
        (!others.is_empty()).then(|| others.join(", "))
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

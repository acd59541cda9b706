//! The three lines at the end of a check: what will work, what will not, and what to do next.

use std::fmt;

use serde::Serialize;

use super::{CheckOptions, MissingProtections, count};
use crate::config::{Config, FallbackKind, Group};

/// What a file comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Outcome {
    works: String,
    does_not_work: String,
    next: String,
}

impl Outcome {
    /// Of a file that cannot be read.
    pub(super) fn of_errors(errors: usize) -> Self {
        Self {
            works: "nothing yet".to_owned(),
            does_not_work: format!("the file, for it has {}", count(errors, "error")),
            next: "mend what ERRORS names, and check again".to_owned(),
        }
    }

    /// Of a file that was read. `missing` is the protection that it asks for and does not get, `accepted` that of keys which
    /// it accepts as missing; `errors` counts the former and what a strict check refuses.
    pub(super) fn of_config(
        config: &Config,
        options: CheckOptions,
        missing: Option<&MissingProtections>,
        accepted: &[&str],
        errors: usize,
    ) -> Self {
        let groups = config.groups().iter();
        let (answering, silent): (Vec<_>, Vec<_>) = groups
            .map(|group| (group.name.as_str(), answers(config, group, options)))
            .partition(|(_, answers)| *answers);
        let names = |groups: Vec<(&'_ str, bool)>| -> Vec<String> {
            groups
                .into_iter()
                .map(|(name, _)| name.to_owned())
                .collect()
        };
        let (answering, silent) = (names(answering), names(silent));
        let left_out: Vec<String> = config.left_out_names().map(str::to_owned).collect();

        let works = match answering.len() {
            0 => "no model".to_owned(),
            n => format!("{}: {}", count(n, "model"), shortened(&answering)),
        };
        let mut failing = Vec::new();
        if let Some(missing) = missing {
            let keys = missing.keys().join(", ");
            failing.push(format!("protection by {keys}"));
        }
        if !accepted.is_empty() {
            let keys = accepted.join(", ");
            failing.push(format!("protection by {keys}, as accept_missing says"));
        }
        if !silent.is_empty() {
            failing.push(format!(
                "no living model that can be called behind {}",
                shortened(&silent)
            ));
        }
        if !left_out.is_empty() {
            let models = shortened(&left_out);
            failing.push(format!("models of other providers: {models}"));
        }
        Self {
            works,
            does_not_work: if failing.is_empty() {
                "nothing that is known of".to_owned()
            } else {
                failing.join("; ")
            },
            next: next(config, missing, &silent, !left_out.is_empty(), errors),
        }
    }
}

/// The most pressing thing to do.
fn next(
    config: &Config,
    missing: Option<&MissingProtections>,
    silent: &[String],
    leaves_out: bool,
    errors: usize,
) -> String {
    let name = &config.name;
    if let Some(missing) = missing {
        return format!(
            "read under ERRORS what is then not protected; if that is all right, write {}",
            missing.acceptance()
        );
    }
    if errors > 0 {
        return "mend what ERRORS names, or check without --strict".to_owned();
    }
    if !silent.is_empty() {
        return format!(
            "give {} another model or a fallback; what WARNINGS names says why",
            shortened(silent)
        );
    }
    if leaves_out {
        return format!(
            "start it as it is, or write a copy without what is left out: bedrock-sidecar migrate {name}"
        );
    }
    format!("start it: CONFIG_FILE={name} bedrock-sidecar serve")
}

/// Whether a model that can be called stands in the group, or in what follows it.
fn answers(config: &Config, group: &Group, options: CheckOptions) -> bool {
    let followers = config.fallbacks_of(&group.name, FallbackKind::General);
    let followers = followers.into_iter().filter_map(|name| config.group(name));
    let can_answer = |group: &Group| {
        let mut deployments = group.deployments.iter();
        deployments.any(|deployment| !deployment.will_fail(options.today))
    };
    can_answer(group) || followers.into_iter().any(|group| can_answer(&group))
}

/// The first names of many.
fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 8;
    match names.split_at_checked(SHOWN) {
        Some((first, rest)) if !rest.is_empty() => {
            format!("{} and {} more", first.join(", "), rest.len())
        }
        _ => names.join(", "),
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "What works:       {}", self.works)?;
        writeln!(f, "What does not:    {}", self.does_not_work)?;
        writeln!(f, "What to do next:  {}", self.next)
    }
}

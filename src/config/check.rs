//! What a file means, as text for people and as JSON for machines: `bedrock-sidecar check`.

mod dialect;
mod outcome;
mod table;

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;
use serde::Serialize;

pub use self::dialect::DialectChoice;
use self::outcome::Outcome;
use super::{
    Config, ConfigError, ConfigProblems, Environment, FallbackKind, FilePosition,
    MissingProtections, Stake, Warning, load,
};

/// How strict a check is, and on which day.
#[derive(Debug, Clone, Copy)]
pub struct CheckOptions {
    /// It decides which models are retired.
    pub today: Date,
    /// What the file has and is left out here is an error too: entries of other providers, fallbacks that name no model.
    pub strict: bool,
}

/// The outcome of a check. Prints as text for people, and serializes for machines.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The file's name as it was asked for.
    pub file: String,
    /// A server starts with the file. Warnings do not count against it.
    pub sound: bool,
    /// One row for each deployment, in the file's order. None where the file has errors.
    pub models: Vec<CheckRow>,
    /// What is asked, in order, by model.
    pub chains: Vec<Chain>,
    /// Why the file cannot be used.
    pub errors: Vec<Finding>,
    /// What the user should know, the most important first.
    pub warnings: Vec<Finding>,
    #[serde(flatten)]
    outcome: Outcome,
}

/// A deployment of the file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckRow {
    /// The `model_name`.
    pub model: String,
    /// What Bedrock is asked for.
    pub on_bedrock: String,
    /// The region that is called.
    pub region: String,
    /// Tokens of a prompt.
    pub context: Option<u32>,
    /// Tokens of an answer.
    pub output: Option<u32>,
    /// Dollars per million tokens of input.
    pub input_price: Option<String>,
    /// Dollars per million tokens of output.
    pub output_price: Option<String>,
    /// The price is that of another place: this one's own is not in the catalog.
    pub price_of_base: bool,
    /// In which format Bedrock is asked, and why. `None`: another entry's models stand behind this one, or it makes no
    /// conversation.
    pub dialect: Option<DialectChoice>,
    /// What the model can do, or why it cannot be called.
    pub can: String,
}

/// What is asked for one `model_name`, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chain {
    /// The `model_name`.
    pub model: String,
    /// Its other names, and whether it stands in for requests without one.
    pub notes: Vec<String>,
    /// All its models are retired.
    pub retired: bool,
    /// What follows when it fails.
    pub fallbacks: Vec<String>,
    /// What follows when the prompt is too long for it.
    pub context_window_fallbacks: Vec<String>,
    /// What follows when it refuses the content.
    pub content_policy_fallbacks: Vec<String>,
}

/// An error or a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Where, if it can be said.
    pub place: Option<FilePosition>,
    /// Where the same holds, too.
    pub also_at: Vec<FilePosition>,
    /// What is at stake, of a warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stake: Option<Stake>,
    /// The field's path; may be empty.
    pub field: String,
    /// What the message is about, where that is no field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
    /// What was found.
    pub message: String,
    /// As it is printed.
    #[serde(skip)]
    line: String,
}

impl From<&ConfigError> for Finding {
    fn from(error: &ConfigError) -> Self {
        Self {
            place: error.place,
            also_at: error.also_at.clone(),
            stake: None,
            field: error.field.clone(),
            subjects: Vec::new(),
            message: error.message.clone(),
            line: error.to_string(),
        }
    }
}

impl From<&Warning> for Finding {
    fn from(warning: &Warning) -> Self {
        Self {
            place: warning.place,
            also_at: warning.also_at.clone(),
            stake: Some(warning.stake),
            field: warning.field.clone(),
            subjects: warning.subjects.clone(),
            message: warning.message.clone(),
            line: warning.to_string(),
        }
    }
}

/// Reads a configuration and says what it means: models, chains, errors and warnings.
pub fn check(name: &str, environment: &Environment<'_>, options: CheckOptions) -> Report {
    Report::new(name, load(name, environment), options)
}

impl Report {
    /// The report of a file that was read, or could not be.
    pub(super) fn new(
        name: &str,
        read: Result<(Config, Vec<Warning>), ConfigProblems>,
        options: CheckOptions,
    ) -> Self {
        match read {
            Ok((config, warnings)) => of_config(&config, warnings, options),
            Err(problems) => {
                let errors: Vec<Finding> = problems.errors.iter().map(Finding::from).collect();
                Report {
                    file: name.to_owned(),
                    sound: false,
                    models: Vec::new(),
                    chains: Vec::new(),
                    outcome: Outcome::of_errors(errors.len()),
                    errors,
                    warnings: problems.warnings.iter().map(Finding::from).collect(),
                }
            }
        }
    }
}

fn of_config(config: &Config, found: Vec<Warning>, options: CheckOptions) -> Report {
    let mut warnings = found;
    warnings.extend(config.warnings(options.today));
    warnings.sort_by_key(|warning| (warning.stake, warning.place));
    let missing = config.require_protections().err();
    let unprotected = missing.iter().flat_map(|missing| &missing.warnings);
    let is_error = |warning: &&Warning| options.strict && warning.stake <= Stake::LeftOut;
    let errors = unprotected.chain(warnings.iter().filter(is_error));
    let errors: Vec<Finding> = errors.map(Finding::from).collect();
    let accepted = warnings.iter();
    let accepted = accepted.filter(|warning| warning.stake == Stake::Protection);
    let accepted: Vec<&str> = accepted.map(Warning::key).collect();
    Report {
        file: config.name.clone(),
        sound: errors.is_empty(),
        models: table::rows(config, options.today),
        chains: chains(config, options.today),
        outcome: Outcome::of_config(config, options, missing.as_ref(), &accepted, errors.len()),
        errors,
        warnings: warnings
            .iter()
            .filter(|warning| !is_error(warning))
            .map(Finding::from)
            .collect(),
    }
}

fn chains(config: &Config, today: Date) -> Vec<Chain> {
    let mut other_names: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, alias) in &config.routing.aliases {
        let notes = other_names.entry(&alias.group).or_default();
        notes.push(format!("also {name}"));
    }
    let chains = config.groups().iter().map(|group| {
        let next = |kind| {
            let names = config.fallbacks_of(&group.name, kind).into_iter();
            names.map(str::to_owned).collect()
        };
        let mut notes = other_names.remove(group.name.as_str()).unwrap_or_default();
        if config.routing.default_model.as_deref() == Some(&group.name) {
            notes.push("for requests that name no model".to_owned());
        }
        Chain {
            model: group.name.clone(),
            notes,
            retired: group.is_retired(today),
            fallbacks: next(FallbackKind::General),
            context_window_fallbacks: next(FallbackKind::ContextWindow),
            content_policy_fallbacks: next(FallbackKind::ContentPolicy),
        }
    });
    chains.collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<&str> = self
            .chains
            .iter()
            .map(|chain| chain.model.as_str())
            .collect();
        names.dedup();
        if self.models.is_empty() {
            writeln!(f, "{} cannot be used", self.file)?;
        } else {
            writeln!(
                f,
                "{}: {}, {}",
                self.file,
                count(names.len(), "model"),
                count(self.models.len(), "deployment")
            )?;
        }
        if !self.models.is_empty() {
            table::write(f, &self.models)?;
            self.write_chains(f)?;
        }
        if !self.errors.is_empty() {
            writeln!(f, "\nERRORS\n")?;
            for error in &self.errors {
                writeln!(f, "  {}", error.line)?;
            }
        }
        if !self.warnings.is_empty() {
            writeln!(f, "\nWARNINGS, the most important first\n")?;
            for warning in &self.warnings {
                writeln!(f, "  {}", warning.line)?;
            }
        }
        write!(f, "\n{}", self.outcome)
    }
}

impl Report {
    fn write_chains(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let retired: Vec<&str> = self
            .chains
            .iter()
            .filter(|chain| chain.retired)
            .map(|chain| chain.model.as_str())
            .collect();
        let named = |name: &str| {
            let mark = if retired.contains(&name) {
                " (retired)"
            } else {
                ""
            };
            format!("{name}{mark}")
        };
        writeln!(f, "\nCHAINS: what is asked, in order")?;
        for chain in &self.chains {
            let notes = if chain.notes.is_empty() {
                String::new()
            } else {
                format!(" [{}]", chain.notes.join("; "))
            };
            writeln!(f, "\n  {}{notes}", named(&chain.model))?;
            for (next, when) in [
                (&chain.fallbacks, ""),
                (
                    &chain.context_window_fallbacks,
                    "when the prompt is too long: ",
                ),
                (
                    &chain.content_policy_fallbacks,
                    "when the content is refused: ",
                ),
            ] {
                if !next.is_empty() {
                    let next: Vec<_> = next.iter().map(|name| named(name)).collect();
                    writeln!(f, "    {when}→ {}", next.join("\n    → "))?;
                }
            }
        }
        Ok(())
    }
}

fn count(n: usize, of: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {of}{plural}")
}

//! What a file means, as text for people: `bedrock-sidecar check`.

use std::fmt::{self, Write};

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::model::is_pattern;
use super::{Config, Deployment, Environment, FallbackKind, load};
use crate::catalog::{Model, ThinkingSupport};

/// The outcome of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// To be printed as it is.
    pub text: String,
    /// The file can be used. Warnings do not count against it.
    pub sound: bool,
}

/// Reads a configuration and says what it means: models, chains and warnings, or the error. `today` decides which
/// models are retired.
pub fn check(name: &str, environment: &Environment<'_>, today: Date) -> Report {
    match load(name, environment) {
        Err(error) => Report {
            text: format!("{error}\n"),
            sound: false,
        },
        Ok((config, warnings)) => {
            let warnings = warnings.iter().map(ToString::to_string);
            let warnings = warnings.chain(config.warnings(today)).collect();
            let view = View {
                config: &config,
                today,
                warnings,
            };
            Report {
                text: view.to_string(),
                sound: true,
            }
        }
    }
}

struct View<'c> {
    config: &'c Config,
    today: Date,
    warnings: Vec<String>,
}

const COLUMNS: [&str; 8] = [
    "MODEL",
    "ON BEDROCK",
    "REGION",
    "CONTEXT",
    "OUTPUT",
    "$ IN",
    "$ OUT",
    "CAN",
];
const RIGHT_ALIGNED: [bool; 8] = [false, false, false, true, true, true, true, false];

impl fmt::Display for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let config = self.config;
        let deployments = config.deployments().count();
        writeln!(
            f,
            "{}: {}, {}",
            config.name,
            count(config.groups().len(), "model"),
            count(deployments, "deployment")
        )?;

        let mut rows = vec![COLUMNS.map(str::to_owned)];
        rows.extend(config.deployments().map(|deployment| self.row(deployment)));
        let widths: Vec<usize> = (0..COLUMNS.len())
            .map(|column| {
                rows.iter()
                    .filter_map(|row| row.get(column))
                    .map(|cell| cell.chars().count())
                    .max()
            })
            .map(Option::unwrap_or_default)
            .collect();
        f.write_char('\n')?;
        for row in &rows {
            let mut line = String::new();
            for ((cell, width), right) in row.iter().zip(&widths).zip(RIGHT_ALIGNED) {
                if right {
                    write!(line, "{cell:>width$}  ")?;
                } else {
                    write!(line, "{cell:<width$}  ")?;
                }
            }
            writeln!(f, "  {}", line.trim_end())?;
        }
        writeln!(f, "\n  Prices are dollars per million tokens.")?;
        let mut prices = rows.iter().filter_map(|row| row.get(5..7)).flatten();
        if prices.any(|cell| cell.ends_with('*')) {
            writeln!(
                f,
                "  * the price of the base model: this profile's own is not in the catalog."
            )?;
        }

        writeln!(f, "\nCHAINS: what is asked, in order")?;
        for group in config.groups() {
            writeln!(
                f,
                "\n  {}{}",
                self.named(&group.name),
                self.notes(&group.name)
            )?;
            for (kind, when) in [
                (FallbackKind::General, ""),
                (FallbackKind::ContextWindow, "when the prompt is too long: "),
                (FallbackKind::ContentPolicy, "when the content is refused: "),
            ] {
                let next = config.fallbacks_of(&group.name, kind);
                if !next.is_empty() {
                    let next: Vec<_> = next.into_iter().map(|name| self.named(name)).collect();
                    writeln!(f, "    {when}→ {}", next.join("\n    → "))?;
                }
            }
        }

        if !self.warnings.is_empty() {
            writeln!(f, "\nWARNINGS\n")?;
        }
        for warning in &self.warnings {
            writeln!(f, "  {warning}")?;
        }
        Ok(())
    }
}

impl View<'_> {
    fn row(&self, deployment: &Deployment) -> [String; 8] {
        let model = &deployment.model;
        let price = |get: fn(&Model) -> Option<Decimal>| match get(model) {
            None => "unknown".to_owned(),
            Some(amount) if model.price.as_ref().is_some_and(|price| price.from_base) => {
                format!("{amount}*")
            }
            Some(amount) => amount.to_string(),
        };
        let can = match (model.known, model.end_of_life) {
            _ if is_pattern(&deployment.model_id) => self.behind(deployment),
            (_, Some(end)) if deployment.is_retired(self.today) => format!("RETIRED on {end}"),
            (_, Some(end)) => format!("{} (until {end})", abilities(model)),
            (true, None) => abilities(model),
            (false, None) => "NOT IN THE CATALOG".to_owned(),
        };
        [
            deployment.group.clone(),
            deployment.model_id.clone(),
            deployment.region.clone(),
            model.limits.input.map_or_else(|| "?".to_owned(), tokens),
            model.limits.output.map_or_else(|| "?".to_owned(), tokens),
            price(|model| Some(model.price.as_ref()?.standard.input)),
            price(|model| Some(model.price.as_ref()?.standard.output)),
            can,
        ]
    }

    /// What an entry with stars stands for.
    fn behind(&self, entry: &Deployment) -> String {
        let mut groups = self.config.groups().iter();
        let group = groups.find(|group| group.name == entry.group);
        let names = group.map_or(0, |group| self.config.names_behind(group, self.today).len());
        format!("whatever is asked for, such as {names} of the catalog")
    }

    fn named(&self, group: &str) -> String {
        let retired = self
            .config
            .group(group)
            .is_some_and(|group| group.is_retired(self.today));
        let mark = if retired { " (retired)" } else { "" };
        format!("{group}{mark}")
    }

    /// Its other names, and whether it stands in for requests without one.
    fn notes(&self, group: &str) -> String {
        let routing = &self.config.routing;
        let aliases = routing
            .aliases
            .iter()
            .filter(|(_, alias)| alias.group == group);
        let mut notes: Vec<String> = aliases.map(|(name, _)| format!("also {name}")).collect();
        if routing.default_model.as_deref() == Some(group) {
            notes.push("for requests that name no model".to_owned());
        }
        if notes.is_empty() {
            String::new()
        } else {
            format!(" [{}]", notes.join("; "))
        }
    }
}

fn abilities(model: &Model) -> String {
    let can = &model.abilities;
    let thinking = match can.thinking {
        ThinkingSupport::None => "",
        ThinkingSupport::Adaptive { always_on: true } => "thinking (always)",
        _ => "thinking",
    };
    let tools = match (can.tools, can.tools_while_streaming) {
        (true, true) => "tools",
        (true, false) => "tools (not while streaming)",
        (false, _) => "",
    };
    let words = [
        if can.caching.is_some() { "caching" } else { "" },
        thinking,
        tools,
        if can.vision { "pictures" } else { "" },
        if can.documents { "documents" } else { "" },
    ];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    words.join(", ")
}

fn count(n: usize, of: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {of}{plural}")
}

/// `200k`, `1M`, `8192`: short where that is exact.
fn tokens(n: u32) -> String {
    match n {
        0 => "0".to_owned(),
        n if n.is_multiple_of(1_000_000) => format!("{}M", n / 1_000_000),
        n if n.is_multiple_of(1_000) => format!("{}k", n / 1_000),
        n => n.to_string(),
    }
}

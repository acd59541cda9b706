//! Writes models as compact YAML: a line per kind of fact, variants only where they differ.

use std::fmt::Write;

use rust_decimal::Decimal;

use super::CallPlace;
use super::facts::{Facts, Prices};

/// Appends one model: the base id's facts, then what its profiles and regions have of their own.
pub(super) fn model(yaml: &mut String, base: &str, places: &[(CallPlace, Facts)]) {
    let own = places.iter().find(|(place, _)| *place == CallPlace::Base);
    let global = places
        .iter()
        .find(|(place, _)| *place == CallPlace::Named("global".to_owned()));
    let Some((_, facts)) = own.or(global).or(places.first()) else {
        return;
    };
    let mut profiles = Vec::new();
    let mut variants: Vec<(WrittenLayer, Vec<&str>)> = Vec::new();
    for (place, other) in places {
        let CallPlace::Named(name) = place else {
            continue;
        };
        let layer = WrittenLayer::difference(facts, other);
        if layer == WrittenLayer::default() {
            // A region like the base needs no word; a profile does, for it is an id of its own.
            if !name.ends_with(|last: char| last.is_ascii_digit()) {
                profiles.push(name.as_str());
            }
        } else if let Some((_, names)) = variants.iter_mut().find(|(known, _)| *known == layer) {
            names.push(name);
        } else {
            variants.push((layer, vec![name]));
        }
    }

    line(yaml, format_args!("  {base}:"));
    line(yaml, format_args!("    base:"));
    WrittenLayer::whole(facts).write(yaml, "      ");
    if !profiles.is_empty() {
        line(
            yaml,
            format_args!("    profiles: [{}]", profiles.join(", ")),
        );
    }
    if own.is_none() {
        line(yaml, format_args!("    profile_only: true"));
    }
    if !variants.is_empty() {
        line(yaml, format_args!("    variants:"));
    }
    for (layer, names) in variants {
        line(yaml, format_args!("      - for: [{}]", names.join(", ")));
        line(yaml, format_args!("        has:"));
        layer.write(yaml, "          ");
    }
}

/// What is written of an entry: everything for a base, the differences for a variant.
#[derive(Debug, Default, PartialEq)]
struct WrittenLayer {
    scalars: Vec<(&'static str, String)>,
    can: Vec<&'static str>,
    cannot: Vec<&'static str>,
    prices: Option<Prices>,
}

impl WrittenLayer {
    fn whole(facts: &Facts) -> Self {
        Self {
            scalars: scalars(facts),
            can: facts.can.clone(),
            cannot: facts.cannot.clone(),
            prices: Some(facts.prices.clone()),
        }
    }

    fn difference(base: &Facts, other: &Facts) -> Self {
        let known = scalars(base);
        let missing = |from: &[&'static str], of: &[&'static str]| -> Vec<_> {
            of.iter()
                .filter(|word| !from.contains(word))
                .copied()
                .collect()
        };
        let mut can = missing(&base.can, &other.can);
        can.extend(missing(&other.cannot, &base.cannot));
        let mut cannot = missing(&other.can, &base.can);
        cannot.extend(missing(&base.cannot, &other.cannot));
        let mut differing: Vec<_> = scalars(other)
            .into_iter()
            .filter(|fact| !known.contains(fact))
            .collect();
        if base.thinking.is_some() && other.thinking.is_none() {
            differing.push(("thinking", "none".to_owned()));
        }
        Self {
            scalars: differing,
            can,
            cannot,
            prices: (base.prices != other.prices).then(|| other.prices.clone()),
        }
    }

    fn write(&self, yaml: &mut String, indent: &str) {
        for (name, value) in &self.scalars {
            line(yaml, format_args!("{indent}{name}: {value}"));
        }
        for (name, words) in [("can", &self.can), ("cannot", &self.cannot)] {
            if !words.is_empty() {
                list(yaml, indent, name, words);
            }
        }
        let Some(prices) = &self.prices else { return };
        line(
            yaml,
            format_args!("{indent}price: {}", row(&prices.standard)),
        );
        if !prices.above.is_empty() {
            line(yaml, format_args!("{indent}above:"));
        }
        for (over, rates) in &prices.above {
            line(
                yaml,
                format_args!("{indent}  - {{over: {over}, price: {}}}", row(rates)),
            );
        }
        for (name, rates) in [("flex", &prices.flex), ("priority", &prices.priority)] {
            if !rates.is_empty() {
                line(yaml, format_args!("{indent}{name}: {}", row(rates)));
            }
        }
    }
}

fn scalars(facts: &Facts) -> Vec<(&'static str, String)> {
    let mut scalars = Vec::new();
    let mut push = |name, value: Option<String>| {
        if let Some(value) = value {
            scalars.push((name, value));
        }
    };
    push("context", facts.context.map(|n| n.to_string()));
    push("output", facts.output.map(|n| n.to_string()));
    push(
        "end_of_life",
        facts.end_of_life.as_ref().map(|day| format!("{day:?}")),
    );
    push("thinking", facts.thinking.map(str::to_owned));
    push("cache_min", facts.cache_min.map(|n| n.to_string()));
    scalars
}

fn row(row: &[(&'static str, Decimal)]) -> String {
    let rates: Vec<String> = row
        .iter()
        .map(|(name, price)| format!("{name}: \"{price}\""))
        .collect();
    format!("{{{}}}", rates.join(", "))
}

/// A list that may take several lines.
fn list(yaml: &mut String, indent: &str, name: &str, words: &[&str]) {
    const WIDTH: usize = 110;
    let mut text = format!("{indent}{name}: [");
    for (n, word) in words.iter().enumerate() {
        let end = if n + 1 == words.len() { "]" } else { "," };
        if text.len() + 1 + word.len() + end.len() > WIDTH {
            line(yaml, format_args!("{text}"));
            text = format!("{indent}  {word}{end}");
        } else {
            let space = if n == 0 { "" } else { " " };
            text = format!("{text}{space}{word}{end}");
        }
    }
    line(yaml, format_args!("{text}"));
}

fn line(yaml: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(yaml, "{text}");
}

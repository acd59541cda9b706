//! The table of a file's models.

use std::fmt::{self, Write};

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{CheckRow, DialectChoice};
use crate::catalog::{LifecycleState, Model, Price, Retrieval, ThinkingSupport};
use crate::config::model::is_pattern;
use crate::config::{Config, Deployment};

const COLUMNS: [&str; 9] = [
    "MODEL",
    "ON BEDROCK",
    "REGION",
    "FORMAT",
    "CONTEXT",
    "OUTPUT",
    "$ IN",
    "$ OUT",
    "CAN",
];
const RIGHT_ALIGNED: [bool; 9] = [false, false, false, false, true, true, true, true, false];

/// A row for each deployment, in the file's order.
pub(super) fn rows(config: &Config, today: Date) -> Vec<CheckRow> {
    config
        .deployments()
        .map(|deployment| row(config, deployment, today))
        .collect()
}

fn row(config: &Config, deployment: &Deployment, today: Date) -> CheckRow {
    let model = &deployment.model;
    let known = model.price.as_ref().map(|price| price.on(today));
    let price = |rate: fn(&Price) -> Decimal| known.as_ref().map(|price| rate(price).to_string());
    let can = match model.lifecycle.on(today) {
        _ if is_pattern(&deployment.model_id) => behind(config, deployment, today),
        LifecycleState::Retired { on: Some(day) } => format!("RETIRED on {day}"),
        LifecycleState::Retired { on: None } => "RETIRED on an unknown day".to_owned(),
        _ if !model.is_served() => format!("NO CHAT MODEL ({})", model.kind),
        LifecycleState::Legacy { since, until } => {
            let word = |name, day: Option<Date>| day.map(|day| format!(" {name} {day}"));
            let since = word("since", since).unwrap_or_default();
            let until = word("until", until).unwrap_or_default();
            format!("{} (legacy{since}{until})", abilities(model))
        }
        LifecycleState::Active if model.known => abilities(model),
        LifecycleState::Active => "NOT IN THE CATALOG".to_owned(),
    };
    CheckRow {
        model: deployment.group.clone(),
        on_bedrock: deployment.model_id.clone(),
        region: deployment.region.clone(),
        context: model.limits.input,
        // Vectors and an order are no tokens.
        output: model.limits.output.or(model.retrieval.as_ref().map(|_| 0)),
        input_price: price(|price| price.standard.input),
        output_price: price(|price| price.standard.output),
        price_of_base: known.as_ref().is_some_and(|price| price.from_base),
        dialect: deployment.dialect_rule().map(DialectChoice::from),
        can,
    }
}

/// What an entry with stars stands for.
fn behind(config: &Config, entry: &Deployment, today: Date) -> String {
    let mut groups = config.groups().iter();
    let group = groups.find(|group| group.name == entry.group);
    let names = group.map_or(0, |group| config.names_behind(group, today).len());
    format!("whatever is asked for, such as {names} of the catalog")
}

/// What a model for vectors or for the order of documents gives.
fn retrieved(retrieval: &Retrieval, model: &Model) -> String {
    match retrieval {
        Retrieval::Embedding(embedding) => {
            let lengths: Vec<String> = embedding.dimensions.iter().map(u32::to_string).collect();
            format!("vectors of {}", lengths.join(", "))
        }
        Retrieval::Rerank(_) => {
            let price = model.price.as_ref().and_then(|price| price.per_query);
            let price = price.map_or_else(|| "unknown".to_owned(), |price| format!("${price}"));
            format!("the order of documents, {price} for 100")
        }
    }
}

fn abilities(model: &Model) -> String {
    if let Some(retrieval) = &model.retrieval {
        return retrieved(retrieval, model);
    }
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

/// The table as text, and what its marks mean.
pub(super) fn write(f: &mut fmt::Formatter<'_>, models: &[CheckRow]) -> fmt::Result {
    let mut rows = vec![COLUMNS.map(str::to_owned)];
    rows.extend(models.iter().map(cells));
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
    if models.iter().any(|row| row.price_of_base) {
        writeln!(
            f,
            "  * the price of another place: this one's own is not in the catalog."
        )?;
    }
    if models.iter().any(|row| row.dialect.is_some()) {
        writeln!(
            f,
            "  FORMAT is how Bedrock is asked. by client: requests to /v1/messages in Claude's own (messages), others by Converse."
        )?;
    }
    Ok(())
}

fn cells(row: &CheckRow) -> [String; 9] {
    let price = |price: &Option<String>| match price {
        None => "unknown".to_owned(),
        Some(amount) if row.price_of_base => format!("{amount}*"),
        Some(amount) => amount.clone(),
    };
    [
        row.model.clone(),
        row.on_bedrock.clone(),
        row.region.clone(),
        row.dialect.map_or("", |choice| choice.cell).to_owned(),
        row.context.map_or_else(|| "?".to_owned(), tokens),
        row.output.map_or_else(|| "?".to_owned(), tokens),
        price(&row.input_price),
        price(&row.output_price),
        row.can.clone(),
    ]
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

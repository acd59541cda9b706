//! What was measured, as tables for people and as JSON for programs.

use std::fmt::Write;
use std::fs;

use serde_json::{Value, json};

use crate::compare::{
    BARE, BEFORE, CROWD, Cell, Comparison, DIRECT, GATEWAY, LITELLM, MANY, Row, Rows,
};
use crate::prompt::Size;
use crate::upstream::{LONG, PACED, SHORT};

type Figure = fn(&Row) -> f64;

/// A goal and whether it was met.
#[derive(Debug)]
pub struct Goal {
    /// What was to be, with its figure.
    pub wanted: String,
    /// What is.
    pub found: f64,
    /// Whether that is good enough.
    pub met: bool,
}

impl Goal {
    /// At most so much.
    pub fn at_most(wanted: &str, most: f64, found: f64) -> Goal {
        Goal {
            wanted: format!("{wanted}: at most {most}"),
            found,
            met: found <= most,
        }
    }

    /// At least so much.
    pub fn at_least(wanted: &str, least: f64, found: f64) -> Goal {
        Goal {
            wanted: format!("{wanted}: at least {least}"),
            found,
            met: found >= least,
        }
    }
}

/// A cell's name.
pub fn name(cell: &Cell) -> String {
    let native = if cell.native {
        " in Claude's own format"
    } else {
        ""
    };
    let kind = match (cell.stream, cell.answer) {
        (false, _) => "whole".to_owned(),
        (true, PACED) => format!("stream, {} at a pace", cell.answer.deltas),
        (true, answer) => format!("stream, {}{native}", answer.deltas),
    };
    format!("{kind} · {} · {}", cell.size.name(), cell.connections)
}

/// A cell on one line, while it is measured.
pub fn line(cell: &Cell, rows: &Rows) -> String {
    let mut line = format!("{:36}", name(cell));
    for (name, row) in rows {
        let _ = write!(
            line,
            "  {name} {:.0}/s {:.0} µs",
            row.found.per_second, row.cpu
        );
    }
    line
}

/// The whole report in Markdown.
pub fn markdown(comparison: &Comparison, goals: &[Goal]) -> String {
    let mut text = format!("# What the gateway costs\n\n{}\n", machine());
    text += "\nAgainst the bare pass-through; work is the kind of answer, the prompt, and the connections.\n\n";
    text += "| work | throughput | CPU per request | first byte added p50 · p99 µs | whole added p50 µs | over direct, first byte p50 µs |\n";
    text += "|---|---|---|---|---|---|\n";
    for (cell, rows) in &comparison.cells {
        let (Some(gateway), Some(bare), Some(direct)) =
            (rows.get(GATEWAY), rows.get(BARE), rows.get(DIRECT))
        else {
            continue;
        };
        let _ = writeln!(
            text,
            "| {} | {:.2} × | {:.2} × | {:.0} · {:.0} | {:.0} | {:.0} |",
            name(cell),
            gateway.found.per_second / bare.found.per_second,
            gateway.cpu / bare.cpu,
            gateway.found.first[0] - bare.found.first[0],
            gateway.found.first[1] - bare.found.first[1],
            gateway.found.whole[0] - bare.found.whole[0],
            gateway.found.first[0] - direct.found.first[0],
        );
    }
    text += "\n| goal | found | |\n|---|---|---|\n";
    for goal in goals {
        let _ = writeln!(
            text,
            "| {} | {:.2} | {} |",
            goal.wanted,
            goal.found,
            if goal.met { "met" } else { "**missed**" }
        );
    }
    text += "\n| work | who | requests/s | first byte p50 · p99 µs | whole p50 · p99 µs | CPU µs | RSS peak → after, MB |\n";
    text += "|---|---|---|---|---|---|---|\n";
    for (cell, rows) in &comparison.cells {
        for (who, row) in rows {
            text += &absolute(&name(cell), who, row);
        }
    }
    for (who, row) in &comparison.crowd {
        let work = format!("{MANY} models and keys · 1 KB · 16");
        text += &absolute(&work, who, row);
    }
    let ready: Vec<String> = comparison
        .ready
        .iter()
        .map(|(who, kib)| format!("{who} {}", megabytes(*kib)))
        .collect();
    let (answered, recorded) = comparison.records;
    let _ = writeln!(
        text,
        "\nMemory when ready, MB: {}. Records in the table: {recorded} of {answered} requests.",
        ready.join(", ")
    );
    text
}

fn absolute(work: &str, who: &str, row: &Row) -> String {
    let found = &row.found;
    let memory = if row.peak == 0 {
        "–".to_owned()
    } else {
        format!("{} → {}", megabytes(row.peak), megabytes(row.after))
    };
    format!(
        "| {work} | {who} | {:.0} | {:.0} · {:.0} | {:.0} · {:.0} | {:.0} | {memory} |\n",
        found.per_second, found.first[0], found.first[1], found.whole[0], found.whole[1], row.cpu
    )
}

fn megabytes(kib: u64) -> String {
    format!("{:.1}", kib as f64 / 1024.0)
}

/// The whole report as JSON.
pub fn json(comparison: &Comparison, goals: &[Goal]) -> Value {
    let cells = comparison.cells.iter().map(|(cell, rows)| {
        json!({
            "deltas": cell.answer.deltas, "paced": cell.answer == PACED, "stream": cell.stream, "native": cell.native,
            "prompt": cell.size.name(), "connections": cell.connections, "rows": rows,
        })
    });
    let goals = goals
        .iter()
        .map(|goal| json!({"goal": goal.wanted, "found": goal.found, "met": goal.met}));
    json!({
        "machine": machine(),
        "cells": cells.collect::<Vec<_>>(),
        "crowd": comparison.crowd,
        "ready_kib": comparison.ready,
        "requests": comparison.records.0,
        "records": comparison.records.1,
        "goals": goals.collect::<Vec<_>>(),
    })
}

/// What this gateway is to be, in ratios that hold on any machine.
pub fn goals(comparison: &Comparison) -> Vec<Goal> {
    let row = |who: &str, wanted: Cell| {
        let rows = comparison
            .cells
            .iter()
            .find(|(cell, _)| *cell == wanted)
            .map(|(_, rows)| rows);
        rows.and_then(|rows| rows.get(who))
            .cloned()
            .unwrap_or_default()
    };
    let cell = |stream, size, connections| Cell {
        answer: SHORT,
        stream,
        native: false,
        size,
        connections,
    };
    let (small, large) = (cell(false, Size::OneKb, 1), cell(false, Size::OneMb, 1));
    let ratio = |of: Figure, cell| of(&row(GATEWAY, cell)) / of(&row(BARE, cell));
    let (throughput, cpu): (Figure, Figure) = (|row| row.found.per_second, |row| row.cpu);
    let stream = cell(true, Size::OneKb, 1);
    let per_event = |who, short: Cell| {
        let long = row(
            who,
            Cell {
                answer: LONG,
                ..short
            },
        );
        (long.cpu - row(who, short).cpu) / (LONG.deltas - SHORT.deltas) as f64
    };
    let native = Cell {
        native: true,
        ..stream
    };
    let peak = |who| {
        comparison
            .cells
            .iter()
            .filter_map(|(_, rows)| Some(rows.get(who)?.peak))
            .max()
            .unwrap_or(0) as f64
    };
    let mut goals = vec![
        Goal::at_most(
            "added p50 at 1 KB, µs",
            250.0,
            row(GATEWAY, small).found.whole[0] - row(BARE, small).found.whole[0],
        ),
        Goal::at_most("CPU at 1 MB, ×", 1.5, ratio(cpu, large)),
        Goal::at_least(
            "throughput at 1 KB and 16, ×",
            0.7,
            ratio(throughput, cell(false, Size::OneKb, 16)),
        ),
        Goal::at_least(
            "throughput at 1 KB and 64, ×",
            0.7,
            ratio(throughput, cell(false, Size::OneKb, 64)),
        ),
        Goal::at_least(
            "streams at 1 KB and 16, ×",
            0.8,
            ratio(throughput, cell(true, Size::OneKb, 16)),
        ),
        Goal::at_least(
            "streams at 1 KB and 64, ×",
            0.8,
            ratio(throughput, cell(true, Size::OneKb, 64)),
        ),
        Goal::at_most(
            "memory over 1.3 × the bare one's peak, MB",
            8.0,
            (peak(GATEWAY) - 1.3 * peak(BARE)) / 1024.0,
        ),
        Goal::at_most(
            "CPU per streamed event, µs",
            10.0,
            per_event(GATEWAY, stream),
        ),
        Goal::at_most(
            "CPU per streamed event in Claude's own format against Converse's, ×",
            1.1,
            per_event(GATEWAY, native) / per_event(GATEWAY, stream),
        ),
        Goal::at_most(
            "a stream's first byte over direct, µs",
            400.0,
            row(GATEWAY, stream).found.first[0] - row(DIRECT, stream).found.first[0],
        ),
        Goal::at_most(
            "growth: CPU at 1 MB over 10 × CPU at 100 KB, ×",
            1.2,
            row(GATEWAY, large).cpu / (10.0 * row(GATEWAY, cell(false, Size::HundredKb, 1)).cpu),
        ),
    ];
    let crowd = |who| comparison.crowd.get(who).map_or(f64::NAN, |row| row.cpu);
    goals.push(Goal::at_most(
        &format!("growth: CPU with {MANY} models and {MANY} keys, ×"),
        1.1,
        crowd(CROWD) / crowd(GATEWAY),
    ));
    if comparison.ready.contains_key(BEFORE) {
        goals.extend(against_before(row));
    }
    if comparison.ready.contains_key(LITELLM) {
        let busy = cell(false, Size::OneKb, 16);
        let added = |who| row(who, small).found.whole[0] - row(DIRECT, small).found.whole[0];
        goals.push(Goal::at_least(
            "throughput against LiteLLM, ×",
            50.0,
            throughput(&row(GATEWAY, busy)) / throughput(&row(LITELLM, busy)),
        ));
        goals.push(Goal::at_least(
            "LiteLLM's added time against this, ×",
            50.0,
            added(LITELLM) / added(GATEWAY).max(1.0),
        ));
    }
    goals
}

/// Where it was measured: processors, memory, and how busy the machine was.
pub fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let (cpu, load) = (read("/proc/cpuinfo"), read("/proc/loadavg"));
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or(": unknown");
    let processors = std::thread::available_parallelism().map_or(0, |count| count.get());
    let busy = load.split_whitespace().next().unwrap_or("unknown");
    format!(
        "{processors} processors ({}), load {busy} at the end.",
        model.trim_start_matches([' ', '\t', ':'])
    )
}

/// How much slower than an earlier build the gateway may be: where a user would not feel it.
fn against_before(row: impl Fn(&str, Cell) -> Row) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (stream, answer, size, least) in [
        (true, SHORT, Size::OneKb, 0.95),
        (true, LONG, Size::OneKb, 0.95),
        (false, SHORT, Size::OneMb, 0.95),
        (true, SHORT, Size::OneMb, 0.95),
        (false, SHORT, Size::OneKb, 0.85),
    ] {
        for connections in [16, 64] {
            let cell = Cell {
                answer,
                stream,
                native: false,
                size,
                connections,
            };
            let per_second = |who| row(who, cell).found.per_second;
            goals.push(Goal::at_least(
                &format!("throughput against before, {}, ×", name(&cell)),
                least,
                per_second(GATEWAY) / per_second(BEFORE),
            ));
        }
    }
    let stream = Cell {
        answer: SHORT,
        stream: true,
        native: false,
        size: Size::OneKb,
        connections: 1,
    };
    let first = |who| row(who, stream).found.first[0];
    goals.push(Goal::at_most(
        "a stream's first byte after before's, µs",
        100.0,
        first(GATEWAY) - first(BEFORE),
    ));
    goals
}

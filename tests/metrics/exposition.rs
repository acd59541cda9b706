//! Prometheus's text format in version 0.0.4, read as its specification is written
//! (<https://prometheus.io/docs/instrumenting/exposition_formats/>): stricter than Prometheus, which takes some of what the
//! specification forbids.

use std::collections::{BTreeMap, BTreeSet};

/// One line with a number.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) value: f64,
}

/// A metric: what its two comments say, and its samples.
#[derive(Debug)]
struct Family<'a> {
    name: &'a str,
    kind: Option<&'a str>,
    samples: Vec<Sample>,
}

/// All samples of a text, in its order, or the first thing that is wrong.
pub(super) fn read(text: &str) -> Result<Vec<Sample>, String> {
    let text = text.strip_suffix('\n').ok_or("no line feed at the end")?;
    let mut families: Vec<Family> = Vec::new();
    let mut seen = BTreeSet::new();
    for line in text.split('\n') {
        let read_line = |problem: String| format!("{problem}: {line}");
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, _) = help
                .split_once(' ')
                .ok_or(read_line("no help".to_owned()))?;
            if !seen.insert(name) {
                return Err(read_line("a second group of lines".to_owned()));
            }
            let (kind, samples) = (None, Vec::new());
            families.push(Family {
                name,
                kind,
                samples,
            });
            continue;
        }
        let family = families
            .last_mut()
            .ok_or(read_line("a line before any HELP".to_owned()))?;
        if let Some(typed) = line.strip_prefix("# TYPE ") {
            let (name, kind) = typed
                .split_once(' ')
                .ok_or(read_line("no type".to_owned()))?;
            let is_known = ["counter", "gauge", "histogram"].contains(&kind);
            if name != family.name || family.kind.is_some() || !is_known {
                return Err(read_line("a TYPE out of its place".to_owned()));
            }
            family.kind = Some(kind);
            continue;
        }
        family.samples.push(sample(line).map_err(read_line)?);
    }
    for family in &families {
        check(family).map_err(|problem| format!("{problem}: {}", family.name))?;
    }
    Ok(families
        .into_iter()
        .flat_map(|family| family.samples)
        .collect())
}

/// `name{label="value",…} number`.
fn sample(line: &str) -> Result<Sample, String> {
    let end = line.find(['{', ' ']).ok_or("no value")?;
    let (name, mut rest) = line.split_at(end);
    if !is_name(name, ":") {
        return Err("not a metric's name".to_owned());
    }
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, quoted) = rest.split_once("=\"").ok_or("not a label")?;
            if !is_name(label, "") || label.starts_with("__") {
                return Err("not a label's name".to_owned());
            }
            let (value, after) = label_value(quoted)?;
            if labels.insert(label.to_owned(), value).is_some() {
                return Err("a label twice".to_owned());
            }
            if let Some(after) = after.strip_prefix('}') {
                rest = after;
                break;
            }
            rest = after
                .strip_prefix(',')
                .ok_or("something between two labels")?;
        }
    }
    let number = rest.strip_prefix(' ').ok_or("no space before the value")?;
    let is_number = number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || b"+-.e".contains(&byte));
    let value = number.parse().ok().filter(|_| is_number);
    Ok(Sample {
        name: name.to_owned(),
        labels,
        value: value.ok_or("not a finite number")?,
    })
}

/// A label's value up to its quote, without its escapes, and what comes after the quote.
fn label_value(quoted: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((value, &quoted[at + 1..])),
            '\\' => value.push(match chars.next() {
                Some((_, '\\')) => '\\',
                Some((_, '"')) => '"',
                Some((_, 'n')) => '\n',
                _ => return Err("an escape that there is not".to_owned()),
            }),
            c => value.push(c),
        }
    }
    Err("a label's value without an end".to_owned())
}

fn is_name(text: &str, further: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphabetic() || c == '_' || further.contains(c);
    text.starts_with(is_letter) && text.chars().all(|c| is_letter(c) || c.is_ascii_digit())
}

/// What holds for the samples of one metric together.
fn check(family: &Family) -> Result<(), String> {
    let kind = family.kind.ok_or("no TYPE")?;
    if kind == "histogram" {
        return histogram(family);
    }
    let mut seen = Vec::new();
    for sample in &family.samples {
        if sample.name != family.name {
            return Err(format!("{} is no sample of it", sample.name));
        }
        if seen.contains(&&sample.labels) {
            return Err(format!("twice with {:?}", sample.labels));
        }
        if kind == "counter" && sample.value < 0.0 {
            return Err("a counter below zero".to_owned());
        }
        seen.push(&sample.labels);
    }
    Ok(())
}

type Labels = BTreeMap<String, String>;

/// The samples of a histogram with the same labels.
#[derive(Default)]
struct Series {
    /// Each one's bound and value.
    buckets: Vec<(f64, f64)>,
    sums: Vec<f64>,
    counts: Vec<f64>,
}

/// Buckets grow with their bound up to `+Inf`, which is the count; a sum may be there.
fn histogram(family: &Family) -> Result<(), String> {
    let mut all: BTreeMap<Labels, Series> = BTreeMap::new();
    for sample in &family.samples {
        let mut labels = sample.labels.clone();
        let bound = labels.remove("le");
        let part = sample.name.strip_prefix(family.name).unwrap_or_default();
        if (part == "_bucket") != bound.is_some() {
            return Err("`le` is a label of buckets, and of nothing else".to_owned());
        }
        let series = all.entry(labels).or_default();
        match part {
            "_bucket" => {
                let bound = match bound.as_deref() {
                    Some("+Inf") => Ok(f64::INFINITY),
                    bound => bound.unwrap_or_default().parse(),
                };
                let bound = bound.map_err(|_| "a bound that is no number")?;
                series.buckets.push((bound, sample.value));
            }
            "_sum" => series.sums.push(sample.value),
            "_count" => series.counts.push(sample.value),
            _ => return Err(format!("{} is no sample of it", sample.name)),
        }
    }
    for series in all.values() {
        let grows = series
            .buckets
            .windows(2)
            .all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1);
        let last = series.buckets.last().ok_or("no buckets")?;
        if !grows || last.0 != f64::INFINITY {
            return Err("buckets that do not grow up to +Inf".to_owned());
        }
        if series.counts != [last.1] || series.sums.len() > 1 {
            return Err("a count that is not the last bucket's".to_owned());
        }
    }
    Ok(())
}

#[test]
fn what_the_format_forbids_is_refused() {
    let head = |kind: &str| format!("# HELP m What it is.\n# TYPE m {kind}\n");
    let counter = head("counter");
    let read_back = read(&format!("{counter}m{{a=\"x \\\"\\\\\\n}}\",b=\"\"}} 1.5\n")).unwrap();
    assert_eq!(read_back[0].labels["a"], "x \"\\\n}");
    for (samples, problem) in [
        ("m 1", "no line feed at the end"),
        ("m{} 1\n", "not a label"),
        ("m{a=\"b\",} 1\n", "not a label"),
        ("m{a=\"b\" ,c=\"d\"} 1\n", "something between two labels"),
        ("m{a=\"b} 1\n", "a label's value without an end"),
        ("m{a=\"\\t\"} 1\n", "an escape that there is not"),
        ("m{a=\"b\",a=\"c\"} 1\n", "a label twice"),
        ("m{1a=\"b\"} 1\n", "not a label's name"),
        ("m{__a=\"b\"} 1\n", "not a label's name"),
        ("m{a=\"b\"}1\n", "no space before the value"),
        ("m-n 1\n", "not a metric's name"),
        ("m one\n", "not a finite number"),
        ("m NaN\n", "not a finite number"),
        ("m 1 \n", "not a finite number"),
        ("\n", "no value"),
        ("n 1\n", "n is no sample of it"),
        ("m -1\n", "a counter below zero"),
        ("m{a=\"b\",c=\"d\"} 1\nm{c=\"d\",a=\"b\"} 1\n", "twice with"),
        ("# TYPE m counter\n", "a TYPE out of its place"),
        (
            "m 1\n# HELP m Again.\n# TYPE m counter\n",
            "a second group of lines",
        ),
        ("# HELP n Of no type.\nn 1\n", "no TYPE"),
    ] {
        let refused = read(&format!("{counter}{samples}")).expect_err(samples);
        assert!(refused.starts_with(problem), "{samples}: {refused}");
    }
    assert!(read("m 1\n").unwrap_err().starts_with("a line before any"));
    assert!(
        read("# HELP m M.\n# TYPE m summary\n")
            .unwrap_err()
            .starts_with("a TYPE out")
    );
    let histogram = head("histogram");
    let whole = "m_bucket{le=\"0.5\"} 1\nm_bucket{le=\"+Inf\"} 2\nm_sum 3\nm_count 2\n";
    assert_eq!(read(&format!("{histogram}{whole}")).unwrap().len(), 4);
    for (from, to, problem) in [
        ("\"+Inf\"} 2", "\"0.4\"} 2", "buckets that do not grow"),
        ("le=\"0.5\"} 1", "le=\"0.5\"} 3", "buckets that do not grow"),
        ("m_count 2", "m_count 1", "a count that is not"),
        ("m_count 2\n", "", "a count that is not"),
        ("m_sum 3", "m_sum{le=\"1\"} 3", "`le` is a label of buckets"),
        ("m_sum 3", "m 3", "m is no sample of it"),
    ] {
        let broken = whole.replacen(from, to, 1);
        let refused = read(&format!("{histogram}{broken}")).expect_err(&broken);
        assert!(refused.starts_with(problem), "{broken}: {refused}");
    }
}

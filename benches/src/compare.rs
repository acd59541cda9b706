//! `make bench`: the same load on the upstream, on a bare pass-through and on the gateway, cell by cell, so that what
//! else the machine does falls on all of them alike.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::process::Command;

use crate::Error;
use crate::load::{Found, KEY, Load};
use crate::process::{Process, free_port};
use crate::prompt::{self, Size};
use crate::upstream::{ANSWERS, Answer, LONG, PACED, SHORT};

/// One kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// What the upstream answers.
    pub answer: Answer,
    /// Whether it is handed on as a stream.
    pub stream: bool,
    /// Whether the upstream is asked in Claude's own format, which the gateway alone speaks.
    pub native: bool,
    /// The prompt.
    pub size: Size,
    /// How many ask at the same time.
    pub connections: usize,
}

/// Whom the load was on, as the tables name them.
pub const DIRECT: &str = "direct";
/// The bare pass-through.
pub const BARE: &str = "bare";
/// The gateway.
pub const GATEWAY: &str = "gateway";
/// The gateway as an earlier build has it.
pub const BEFORE: &str = "before";
/// LiteLLM's proxy.
pub const LITELLM: &str = "litellm";
/// A gateway with many models, asked with many keys.
pub const CROWD: &str = "crowd";
/// So many of both.
pub const MANY: usize = 1000;

/// What was found for one cell and one of them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Row {
    /// What the load generator found.
    #[serde(flatten)]
    pub found: Found,
    /// Processor time of one request, in microseconds.
    pub cpu: f64,
    /// The most memory in use, in KiB.
    pub peak: u64,
    /// Memory in use afterwards, in KiB.
    pub after: u64,
}

/// The rows of one cell by name.
pub type Rows = BTreeMap<String, Row>;

/// What was measured.
#[derive(Debug)]
pub struct Comparison {
    /// Every cell with its rows.
    pub cells: Vec<(Cell, Rows)>,
    /// The gateway, and one with [`MANY`] models and as many keys, at the same work: a small whole answer.
    pub crowd: Rows,
    /// Memory of each when it was ready, in KiB.
    pub ready: BTreeMap<String, u64>,
    /// Requests that the gateway answered, and records that reached the table.
    pub records: (u64, u64),
}

impl Cell {
    /// What the gateway is asked for.
    fn model(&self) -> String {
        let model = self.answer.model;
        if self.native {
            native_name(model)
        } else {
            model.to_owned()
        }
    }

    /// Whether one of the compared speaks its format.
    fn is_for(&self, name: &str) -> bool {
        !self.native || name == GATEWAY
    }
}

/// The work: whole answers and short streams over all sizes, long and paced ones at the smallest, and the streams once
/// more in Claude's own format.
pub fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for stream in [false, true] {
        for size in [Size::OneKb, Size::HundredKb, Size::OneMb] {
            cells.extend([1, 16, 64].map(|connections| Cell {
                answer: SHORT,
                stream,
                native: false,
                size,
                connections,
            }));
        }
    }
    for (answer, native) in [(LONG, false), (SHORT, true), (LONG, true)] {
        cells.extend([1, 16, 64].map(|connections| Cell {
            answer,
            stream: true,
            native,
            size: Size::OneKb,
            connections,
        }));
    }
    cells.push(Cell {
        answer: PACED,
        stream: true,
        native: false,
        size: Size::OneKb,
        connections: 16,
    });
    cells
}

/// Everybody's turns at a cell. LiteLLM, tens of times slower, has one where no goal hangs on it.
const ROUNDS: usize = 3;

/// Measures every cell for so long in each round. The programs are looked for in `built`, files go into `kept`.
pub async fn run(built: &Path, kept: &Path, millis: u64) -> Result<Comparison, Error> {
    fs::create_dir_all(kept)?;
    let upstream = Process::role("upstream").await?;
    let table = Process::role("table").await?;
    let url = format!("http://{}", upstream.address);
    let mut gateways = Vec::new();
    // The two builds take turns beside each other, each with a table of its own.
    let table_before = Process::role("table").await?;
    if let Some(before) = std::env::var_os("BEFORE") {
        let yaml = configuration(&url, false);
        let built = Path::new(&before);
        let before = start_gateway(BEFORE, &yaml, built, kept, &url, &table_before);
        gateways.push((BEFORE, before.await?));
    }
    gateways.extend([
        (BARE, start_bare(&built.join("examples/bare"), &url).await?),
        (
            GATEWAY,
            start_gateway(
                GATEWAY,
                &configuration(&url, false),
                built,
                kept,
                &url,
                &table,
            )
            .await?,
        ),
    ]);
    if let Some(litellm) = std::env::var_os("LITELLM") {
        gateways.push((
            LITELLM,
            start_litellm(Path::new(&litellm), kept, &url).await?,
        ));
    }
    let mut ready = BTreeMap::new();
    for (name, process) in &gateways {
        ready.insert((*name).to_owned(), process.rss()?);
    }
    let mut measured = Vec::new();
    let mut answered = 0;
    // Part of a name, to look at some of the work alone.
    let wanted = std::env::var("CELLS").unwrap_or_default();
    let is_wanted = |cell: &Cell| crate::report::name(cell).contains(&wanted);
    for cell in cells().into_iter().filter(is_wanted) {
        let body = prompt::body(cell.size, &cell.model(), cell.stream);
        let file = kept.join("body.json");
        fs::write(&file, body.to_string())?;
        let load = |address: &str| Load {
            address: address.to_owned(),
            body: file.display().to_string(),
            stream: cell.stream,
            connections: cell.connections,
            millis,
            keys: 0,
        };
        let mut rows = Rows::new();
        for round in 0..ROUNDS {
            if cell.is_for(DIRECT) {
                let found = generate("direct", &load(&url), &url).await?;
                let row = Row {
                    cpu: found.own_cpu,
                    found,
                    ..Row::default()
                };
                keep(&mut rows, DIRECT, row);
            }
            for (name, process) in gateways.iter().filter(|(name, _)| cell.is_for(name)) {
                if *name == LITELLM && round > 0 && !is_a_goal(&cell) {
                    continue;
                }
                let row = measure(process, &load(&process.address), &url).await?;
                if *name == GATEWAY {
                    answered += row.found.all_requests;
                }
                keep(&mut rows, name, row);
            }
        }
        eprintln!("{}", crate::report::line(&cell, &rows));
        measured.push((cell, rows));
    }
    let records = (answered, count(&table).await?);
    let mut crowd = Rows::new();
    if let Some((_, gateway)) = gateways.iter().find(|(name, _)| *name == GATEWAY) {
        let crowded = start_gateway(CROWD, &many_models(&url), built, kept, &url, &table).await?;
        let file = kept.join("body.json");
        let body = prompt::body(Size::OneKb, SHORT.model, false);
        fs::write(&file, body.to_string())?;
        // In its first round each key is read from the table.
        for _ in 0..ROUNDS {
            for (name, process, keys) in [(GATEWAY, gateway, 0), (CROWD, &crowded, MANY)] {
                let load = Load {
                    address: process.address.clone(),
                    body: file.display().to_string(),
                    stream: false,
                    connections: 16,
                    millis,
                    keys,
                };
                keep(&mut crowd, name, measure(process, &load, &url).await?);
            }
        }
        crowded.end().await?;
    }
    for (_, process) in gateways {
        process.end().await?;
    }
    Ok(Comparison {
        cells: measured,
        crowd,
        ready,
        records,
    })
}

/// Small whole answers, in which LiteLLM is compared. Its first ones are slow: of several turns the fastest counts.
fn is_a_goal(cell: &Cell) -> bool {
    cell.size == Size::OneKb && !cell.stream
}

/// One turn of a gateway: what the load found, and what the gateway used.
async fn measure(process: &Process, load: &Load, upstream: &str) -> Result<Row, Error> {
    process.forget_peak()?;
    let before = process.cpu()?;
    let found = generate("load", load, upstream).await?;
    settle(process).await?;
    let used = process.cpu()?.saturating_sub(before);
    Ok(Row {
        cpu: used.as_secs_f64() * 1e6 / found.all_requests as f64,
        peak: process.peak()?,
        after: process.rss()?,
        found,
    })
}

/// Of several rounds the fastest: what else the machine does makes none faster.
fn keep(rows: &mut Rows, name: &str, mut row: Row) {
    let kept = rows.entry(name.to_owned()).or_default();
    row.peak = row.peak.max(kept.peak);
    if row.found.per_second > kept.found.per_second {
        *kept = row;
    } else {
        kept.peak = row.peak;
    }
}

/// A load generator in its own process.
async fn generate(role: &str, load: &Load, upstream: &str) -> Result<Found, Error> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg(role)
        .arg(serde_json::to_string(load)?)
        .envs(aws(upstream))
        .stderr(Stdio::inherit());
    let output = command.output().await?;
    if !output.status.success() {
        return Err(format!("the load on {} failed", load.address).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Waits until what the last requests left behind is done: their records.
async fn settle(process: &Process) -> Result<(), Error> {
    let mut before = process.cpu()?;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let now = process.cpu()?;
        if now.saturating_sub(before) < Duration::from_micros(500) {
            break;
        }
        before = now;
    }
    Ok(())
}

async fn count(server: &Process) -> Result<u64, Error> {
    use http_body_util::{BodyExt, Empty};
    let socket = tokio::net::TcpStream::connect(&server.address).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(socket)).await?;
    tokio::spawn(connection);
    let request = http::Request::get("/count")
        .header("host", &server.address)
        .body(Empty::<bytes::Bytes>::new())?;
    let body = sender
        .send_request(request)
        .await?
        .into_body()
        .collect()
        .await?
        .to_bytes();
    Ok(std::str::from_utf8(&body)?.parse()?)
}

/// What the SDK reads from the environment.
pub fn aws(upstream: &str) -> Vec<(&'static str, String)> {
    vec![
        ("AWS_REGION", "us-east-1".into()),
        ("AWS_ACCESS_KEY_ID", "AKIABENCH".into()),
        ("AWS_SECRET_ACCESS_KEY", "bench".into()),
        ("AWS_EC2_METADATA_DISABLED", "true".into()),
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", upstream.into()),
    ]
}

async fn start_bare(program: &Path, upstream: &str) -> Result<Process, Error> {
    let port = free_port().await?;
    let mut command = Command::new(program);
    command.env("PORT", port.to_string()).envs(aws(upstream));
    Process::server(command, port, Duration::from_secs(10)).await
}

/// The gateway with all that a deployment has: a key, a chain, the cache planner, JSON logs and a record of each
/// request in a table.
async fn start_gateway(
    name: &str,
    yaml: &str,
    built: &Path,
    kept: &Path,
    upstream: &str,
    table: &Process,
) -> Result<Process, Error> {
    let port = free_port().await?;
    let config = kept.join(name).with_extension("yml");
    fs::write(&config, yaml)?;
    let log = fs::File::create(kept.join(name).with_extension("log"))?;
    let mut command = Command::new(absolute(&built.join("bedrock-sidecar"))?);
    command
        .arg("serve")
        .current_dir(kept)
        .envs(aws(upstream))
        .env(
            "AWS_ENDPOINT_URL_DYNAMODB",
            format!("http://{}", table.address),
        )
        .env("CONFIG_FILE", absolute(&config)?)
        .env("LITELLM_MASTER_KEY", KEY)
        .env("PORT", port.to_string())
        .env("TABLE_NAME", "bench")
        .stdout(log);
    Process::server(command, port, Duration::from_secs(10)).await
}

async fn start_litellm(program: &Path, kept: &Path, upstream: &str) -> Result<Process, Error> {
    let port = free_port().await?;
    let config = kept.join("litellm.yml");
    fs::write(&config, configuration(upstream, true))?;
    let log = fs::File::create(kept.join("litellm.log"))?;
    let mut command = Command::new(absolute(program)?);
    command
        .arg("--config")
        .arg(absolute(&config)?)
        .args([
            "--port",
            &port.to_string(),
            "--host",
            "127.0.0.1",
            "--telemetry",
            "False",
        ])
        .current_dir(kept)
        .envs(aws(upstream))
        .stderr(log.try_clone()?)
        .stdout(log);
    Process::server(command, port, Duration::from_secs(120)).await
}

fn absolute(path: &Path) -> Result<PathBuf, Error> {
    Ok(path
        .canonicalize()
        .map_err(|error| format!("{}: {error}", path.display()))?)
}

/// The same with [`MANY`] models, those that are asked for at the end.
fn many_models(upstream: &str) -> String {
    let others = (ANSWERS.len()..MANY)
        .map(|number| deployment(&format!("other-{number}"), SHORT.model, upstream));
    let others: String = others.collect();
    let yaml = configuration(upstream, false);
    yaml.replacen("model_list:\n", &format!("model_list:\n{others}"), 1)
}

fn deployment(name: &str, model: &str, upstream: &str) -> String {
    entry(name, model, upstream, "")
}

fn entry(name: &str, model: &str, upstream: &str, more: &str) -> String {
    format!(
        "  - model_name: \"{name}\"\n    litellm_params: {{model: \"bedrock/converse/{model}\", aws_region_name: us-east-1, \
         aws_bedrock_runtime_endpoint: \"{upstream}\"{more}}}\n"
    )
}

/// The name under which a model is asked in Claude's own format.
fn native_name(model: &str) -> String {
    format!("native {model}")
}

/// One group for each of the upstream's answers, each with two fallbacks.
pub fn configuration(upstream: &str, for_litellm: bool) -> String {
    let mut yaml = "model_list:\n".to_owned();
    for Answer { model, .. } in ANSWERS {
        yaml += &deployment(model, model, upstream);
        if !for_litellm {
            let name = native_name(model);
            yaml += &entry(&name, model, upstream, ", dialect: messages");
        }
    }
    yaml += "litellm_settings:\n  num_retries: 2\n  fallbacks:\n";
    for Answer { model, .. } in ANSWERS {
        let others = ANSWERS
            .iter()
            .map(|other| other.model)
            .filter(|other| *other != model)
            .take(2);
        let others: Vec<String> = others.map(|other| format!("\"{other}\"")).collect();
        yaml += &format!("    - \"{model}\": [{}]\n", others.join(", "));
    }
    if for_litellm {
        yaml += &format!("general_settings:\n  master_key: {KEY}\n");
    } else {
        yaml += "general_settings:\n  json_logs: true\n";
    }
    yaml
}

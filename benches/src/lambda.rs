//! `make bench-lambda`: what a new environment costs before and with its first request, against a bare function from
//! the same lock file.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde::Serialize;
use tokio::process::Command;

use crate::Error;
use crate::compare::aws;
use crate::load::KEY;
use crate::process::Process;
use crate::prompt::{self, Size};
use crate::report::Goal;
use crate::runtime_api::{RuntimeApi, RuntimeEvent, chat};
use crate::upstream::SHORT;

/// Lambda's smallest memory, in KiB. The limit here is on addresses, of which a process has more than it uses.
const SMALLEST: u64 = 128 * 1024;

/// So many prompts of 1 MB come one after the other, by turns answered as a stream and whole.
const EVENTS: usize = 6;

/// One environment's life.
#[derive(Debug, Clone, Copy, Serialize)]
struct Life {
    /// From exec to the first `GET /next`, milliseconds.
    ready: f64,
    /// Processor time of that, milliseconds.
    ready_cpu: f64,
    /// From exec to the first byte of the first stream where its event waits already, milliseconds. That is what whoever
    /// makes Lambda start an environment waits for.
    cold: f64,
    /// From the first event to the first byte of its stream, milliseconds, when all that is done ahead is done.
    first: f64,
    /// Processor time of the first invocation, milliseconds, what init left to do included.
    first_cpu: f64,
    /// The same for the second event.
    warm: f64,
    /// The same for the second event.
    warm_cpu: f64,
    /// Memory in use before the first event, in KiB.
    rss: u64,
    /// What of it is the process's own, in KiB.
    own: u64,
    /// The most after both, in KiB.
    peak: u64,
}

/// What was found of one function.
#[derive(Debug, Clone, Serialize)]
pub struct Function {
    /// What it is.
    pub name: &'static str,
    /// Each figure's median and minimum over all lives, by name.
    pub figures: Vec<(&'static str, f64, f64)>,
    /// The most memory in use for prompts of 1 MB within 128 MB, in KiB.
    pub peak_at_1_mb: u64,
    /// The program in a zip, bytes.
    pub zip: u64,
}

impl Function {
    fn least(&self, wanted: &str) -> f64 {
        let found = self.figures.iter().find(|(name, ..)| *name == wanted);
        found.map_or(f64::NAN, |(_, _, least)| *least)
    }
}

/// Starts each function so many times, in turns.
pub async fn run(
    bare: &Path,
    gateway: &Path,
    kept: &Path,
    lives: usize,
) -> Result<[Function; 2], Error> {
    fs::create_dir_all(kept)?;
    let (bare, gateway) = (&copied(bare, kept)?, &copied(gateway, kept)?);
    let upstream = Process::role("upstream").await?;
    let table = Process::role("table").await?;
    let surroundings = Surroundings::of(&upstream, &table, kept);
    let mut found = [Vec::new(), Vec::new()];
    for _ in 0..lives {
        for (program, lives) in [bare, gateway].into_iter().zip(&mut found) {
            lives.push(surroundings.life(program).await?);
        }
    }
    let [of_bare, of_gateway] = found;
    Ok([
        surroundings.function("bare", bare, &of_bare).await?,
        surroundings
            .function("gateway", gateway, &of_gateway)
            .await?,
    ])
}

/// A copy of the program. How a file lies in the system's cache decides how much of it is mapped with each page that is
/// touched, and with copies that is alike for both.
fn copied(program: &Path, kept: &Path) -> Result<PathBuf, Error> {
    let copy = kept.join(program.file_name().ok_or("the program has no name")?);
    fs::copy(program, &copy)?;
    Ok(copy)
}

/// What a function finds around itself.
#[derive(Debug)]
pub(crate) struct Surroundings<'a> {
    upstream: String,
    table: String,
    kept: &'a Path,
}

impl<'a> Surroundings<'a> {
    /// An AWS of these two; logs are kept in this folder.
    pub(crate) fn of(upstream: &Process, table: &Process, kept: &'a Path) -> Surroundings<'a> {
        Surroundings {
            upstream: format!("http://{}", upstream.address),
            table: format!("http://{}", table.address),
            kept,
        }
    }

    /// The variables and files of an environment.
    pub(crate) fn environment(&self, command: &mut Command, api: &RuntimeApi) -> Result<(), Error> {
        command
            .env_clear()
            .envs(aws(&self.upstream))
            .env("AWS_ENDPOINT_URL_DYNAMODB", &self.table)
            .env("AWS_LAMBDA_RUNTIME_API", &api.address)
            .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023")
            .env("CONFIG_FILE", "iam_role_config.yml")
            .env("LITELLM_MASTER_KEY", KEY)
            .env("TABLE_NAME", "bench")
            .stdout(fs::File::create(self.kept.join("function.log"))?)
            .stderr(Stdio::inherit())
            .kill_on_drop(true);
        Ok(())
    }

    /// From exec to the first byte of the first stream, whose event is there before the function.
    async fn cold(&self, program: &Path) -> Result<Duration, Error> {
        let mut api = RuntimeApi::start().await?;
        api.send(&chat(&prompt::body(Size::OneKb, SHORT.model, true)))
            .await?;
        let mut command = Command::new(program);
        self.environment(&mut command, &api)?;
        let begun = Instant::now();
        let process = Process::new(command.spawn()?, String::new())?;
        ready(&mut api).await?;
        let first = first_byte(&mut api).await?;
        process.end().await?;
        Ok(first - begun)
    }

    /// From exec to the end of the second stream.
    async fn life(&self, program: &Path) -> Result<Life, Error> {
        let cold = self.cold(program).await?;
        let mut api = RuntimeApi::start().await?;
        let mut command = Command::new(program);
        self.environment(&mut command, &api)?;
        let begun = Instant::now();
        let process = Process::new(command.spawn()?, String::new())?;
        let ready = ready(&mut api).await?;
        let ready_cpu = process.cpu()?;
        // What is done ahead of the first event may end.
        tokio::time::sleep(Duration::from_millis(60)).await;
        let (rss, own) = (process.rss()?, process.own()?);
        let event = chat(&prompt::body(Size::OneKb, SHORT.model, true));
        let first = invoke(&mut api, &event).await?;
        let after_first = process.cpu()?;
        let warm = invoke(&mut api, &event).await?;
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        let life = Life {
            ready: millis(ready - begun),
            ready_cpu: millis(ready_cpu),
            cold: millis(cold),
            first: millis(first),
            first_cpu: millis(after_first.saturating_sub(ready_cpu)),
            warm: millis(warm),
            warm_cpu: millis(process.cpu()?.saturating_sub(after_first)),
            rss,
            own,
            peak: process.peak()?,
        };
        process.end().await?;
        Ok(life)
    }

    /// The most memory that prompts of 1 MB take, where no more than Lambda's smallest can be had.
    async fn peak_at_1_mb(&self, program: &Path) -> Result<u64, Error> {
        let mut api = RuntimeApi::start().await?;
        let mut command = Command::new("/bin/sh");
        let limited = format!("ulimit -v {SMALLEST} && exec \"$0\"");
        command.args(["-c", &limited]).arg(program);
        self.environment(&mut command, &api)?;
        let process = Process::new(command.spawn()?, String::new())?;
        api.told().await?;
        let event = |streams| chat(&prompt::body(Size::OneMb, SHORT.model, streams));
        for event in [event(true), event(false)].iter().cycle().take(EVENTS) {
            invoke(&mut api, event).await?;
        }
        let peak = process.peak()?;
        process.end().await?;
        Ok(peak)
    }

    async fn function(
        &self,
        name: &'static str,
        program: &Path,
        lives: &[Life],
    ) -> Result<Function, Error> {
        type Figure = (&'static str, fn(&Life) -> f64);
        let figures: [Figure; 10] = [
            ("exec → ready, ms", |life| life.ready),
            ("exec → ready, CPU ms", |life| life.ready_cpu),
            ("exec → first byte, ms", |life| life.cold),
            ("first stream's first byte, ms", |life| life.first),
            ("first invocation, CPU ms", |life| life.first_cpu),
            ("second stream's first byte, ms", |life| life.warm),
            ("second invocation, CPU ms", |life| life.warm_cpu),
            ("RSS when ready, MB", |life| life.rss as f64 / 1024.0),
            ("of that its own, MB", |life| life.own as f64 / 1024.0),
            ("RSS peak, MB", |life| life.peak as f64 / 1024.0),
        ];
        let figures = figures.map(|(name, of)| {
            let mut sorted: Vec<f64> = lives.iter().map(of).collect();
            sorted.sort_by(f64::total_cmp);
            let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
            (name, at(sorted.len() / 2), at(0))
        });
        let mut zip = DeflateEncoder::new(Vec::new(), Compression::best());
        zip.write_all(&fs::read(program)?)?;
        Ok(Function {
            name,
            figures: figures.to_vec(),
            peak_at_1_mb: self.peak_at_1_mb(program).await?,
            zip: zip.finish()?.len() as u64,
        })
    }
}

/// When a new function has asked for its first event.
pub(crate) async fn ready(api: &mut RuntimeApi) -> Result<Instant, Error> {
    match api.told().await? {
        RuntimeEvent::Ready(at) => Ok(at),
        _ => Err("it did not begin with asking for an event".into()),
    }
}

/// One invocation: the time to its first byte, when the function has asked for the next one.
pub(crate) async fn invoke(
    api: &mut RuntimeApi,
    event: &serde_json::Value,
) -> Result<Duration, Error> {
    let begun = Instant::now();
    api.send(event).await?;
    Ok(first_byte(api).await? - begun)
}

/// When the first byte of the answer under way came, when the function has asked for the next event.
async fn first_byte(api: &mut RuntimeApi) -> Result<Instant, Error> {
    let mut first = None;
    loop {
        match api.told().await? {
            RuntimeEvent::FirstByte(at) => first = Some(at),
            RuntimeEvent::Whole(..) => {}
            RuntimeEvent::Ready(_) => return first.ok_or_else(|| "it answered nothing".into()),
            RuntimeEvent::Failed => return Err("the invocation failed".into()),
        }
    }
}

/// What a function is to be.
pub fn goals([bare, gateway]: &[Function; 2]) -> Vec<Goal> {
    let ratio = |figure| gateway.least(figure) / bare.least(figure);
    vec![
        Goal::at_most("exec → ready, ×", 1.25, ratio("exec → ready, ms")),
        Goal::at_most("RSS peak, ×", 1.8, ratio("RSS peak, MB")),
        Goal::at_most(
            "RSS peak with 1 MB in 128 MB, ×",
            1.8,
            gateway.peak_at_1_mb as f64 / bare.peak_at_1_mb as f64,
        ),
        Goal::at_most("zip, MB", 6.0, gateway.zip as f64 / 1e6),
    ]
}

/// The report in Markdown.
pub fn markdown(functions: &[Function; 2], goals: &[Goal]) -> String {
    let [bare, gateway] = functions;
    let mut text = format!(
        "# What a new environment costs\n\n{}\n\n",
        crate::report::machine()
    );
    text += "| median (minimum) | bare | gateway | ratio of the minima |\n|---|---|---|---|\n";
    for ((name, of_bare, least_bare), (_, of_gateway, least)) in
        bare.figures.iter().zip(&gateway.figures)
    {
        text += &format!(
            "| {name} | {of_bare:.2} ({least_bare:.2}) | {of_gateway:.2} ({least:.2}) | {:.2} × |\n",
            least / least_bare
        );
    }
    let rest = |name: &str, of: fn(&Function) -> f64| {
        format!(
            "| {name} | {:.2} | {:.2} | {:.2} × |\n",
            of(bare),
            of(gateway),
            of(gateway) / of(bare)
        )
    };
    text += &rest("RSS peak, prompts of 1 MB within 128 MB, MB", |function| {
        function.peak_at_1_mb as f64 / 1024.0
    });
    text += &rest("zip, MB", |function| function.zip as f64 / 1e6);
    text += "\n| goal | found | |\n|---|---|---|\n";
    for goal in goals {
        text += &format!(
            "| {} | {:.2} | {} |\n",
            goal.wanted,
            goal.found,
            if goal.met { "met" } else { "**missed**" }
        );
    }
    text
}

//! The command line: what a developer's machine and a server of one's own are asked to do. The function on Lambda has none.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use bedrock_sidecar::config;
use bedrock_sidecar::shell::local::{self, Upstream};
use bedrock_sidecar::shell::replay::ReplayRequest;
use bedrock_sidecar::shell::{self, EnvConfig};

/// An OpenAI-compatible gateway for Amazon Bedrock.
#[derive(Debug, Parser)]
#[command(version)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve on this machine (HOST and PORT, 127.0.0.1:4000 without them)
    Serve {
        /// Call a simulated Bedrock inside this process: no credentials, no costs
        #[arg(long)]
        simulated: bool,
        /// Call the simulated Bedrock only where this machine has no AWS credentials
        #[arg(long, conflicts_with = "simulated")]
        simulated_without_credentials: bool,
    },
    /// Check a configuration and print its chains; the exit code is 1 when it is wrong
    Check {
        /// A path, or a bundled configuration's name; CONFIG_FILE without it
        config: Option<String>,
    },
    /// Write what logs have and the table has not: records it did not take, and requests whose process was killed
    Replay {
        /// Logs in any form, gzipped or not; standard input without any
        files: Vec<PathBuf>,
        /// Only say what would be written
        #[arg(long)]
        dry_run: bool,
        /// How old a request without a record must be to be taken for lost, such as 20m or 1h: older than a request may get
        #[arg(long, default_value = "20m", value_parser = duration)]
        grace: Duration,
        /// Believe lines without a signature too, such as those of version 0.1: whoever can write into the log can forge
        /// them. Their costs are computed anew
        #[arg(long)]
        accept_unsigned: bool,
    },
    /// The catalog of models
    #[command(subcommand)]
    Models(Models),
}

#[derive(Debug, Subcommand)]
enum Models {
    /// Rewrite config/models.yml from LiteLLM's price list, keeping its corrections
    Import {
        /// The price list, as JSON
        list: PathBuf,
        /// The catalog to rewrite
        #[arg(long, default_value = "config/models.yml")]
        catalog: PathBuf,
    },
}

impl Cli {
    /// Does what was asked for; without a command, serves.
    pub(crate) fn run(self) -> Result<ExitCode, Box<dyn Error>> {
        match self.command {
            None => serve(Upstream::Amazon)?,
            Some(Command::Serve {
                simulated: true, ..
            }) => serve(Upstream::Simulated)?,
            Some(Command::Serve {
                simulated_without_credentials: true,
                ..
            }) => serve(Upstream::Auto)?,
            Some(Command::Serve { .. }) => serve(Upstream::Amazon)?,
            Some(Command::Check { config }) => return check(config),
            Some(Command::Replay {
                files,
                dry_run,
                grace,
                accept_unsigned,
            }) => {
                return replay(&ReplayRequest {
                    files,
                    grace,
                    dry_run,
                    accept_unsigned,
                });
            }
            Some(Command::Models(Models::Import { list, catalog })) => import(&list, &catalog)?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Whether no command was given.
    pub(crate) fn is_bare(&self) -> bool {
        self.command.is_none()
    }
}

fn serve(upstream: Upstream) -> Result<(), Box<dyn Error>> {
    let contract = EnvConfig::read(|name| std::env::var(name).ok())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(local::serve(&contract, upstream))?)
}

fn import(list: &Path, catalog: &Path) -> Result<(), Box<dyn Error>> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let imported = bedrock_sidecar::catalog::import::import(&read(list)?, &read(catalog)?)?;
    std::fs::write(catalog, imported)?;
    Ok(())
}

/// The exit code is 1 when something could not be written.
fn replay(asked: &ReplayRequest) -> Result<ExitCode, Box<dyn Error>> {
    let contract = EnvConfig::read(|name| std::env::var(name).ok())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let summary = runtime.block_on(shell::replay::run(&contract, asked))?;
    print!("{summary}");
    Ok(if summary.failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Result<jiff::SignedDuration, _> = text.parse();
    let duration = parsed.map_err(|error| error.to_string())?;
    Duration::try_from(duration).map_err(|_| "it must not be negative".to_owned())
}

fn check(config: Option<String>) -> Result<ExitCode, Box<dyn Error>> {
    let env = |name: &str| std::env::var(name).ok();
    let name = match config {
        Some(name) => name,
        None => EnvConfig::read(env)?.config_file,
    };
    let today = jiff::tz::TimeZone::UTC
        .to_datetime(jiff::Timestamp::now())
        .date();
    let report = config::check(&name, &env, today);
    print!("{}", report.text);
    Ok(if report.sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

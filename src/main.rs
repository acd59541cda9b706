//! The binary: which shell, and what it was asked to do.

use std::error::Error;
#[cfg(feature = "local")]
use std::path::{Path, PathBuf};
use std::process::ExitCode;
#[cfg(feature = "local")]
use std::time::Duration;

use clap::{Parser, Subcommand};

use bedrock_sidecar::config;
#[cfg(feature = "local")]
use bedrock_sidecar::shell::local::{self, Upstream};
use bedrock_sidecar::shell::{self, Contract, lambda};

/// An OpenAI-compatible gateway for Amazon Bedrock.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve on this machine (HOST and PORT, 127.0.0.1:4000 without them)
    #[cfg(feature = "local")]
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
    #[cfg(feature = "local")]
    Replay {
        /// Logs in any form, gzipped or not; standard input without any
        files: Vec<PathBuf>,
        /// Only say what would be written
        #[arg(long)]
        dry_run: bool,
        /// How old a request without a record must be to be taken for lost, such as 20m or 1h: older than a request may get
        #[arg(long, default_value = "20m", value_parser = duration)]
        grace: Duration,
    },
    /// The catalog of models
    #[cfg(feature = "local")]
    #[command(subcommand)]
    Models(Models),
}

#[cfg(feature = "local")]
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

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bedrock-sidecar: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, Box<dyn Error>> {
    if !shell::on_lambda(|name| std::env::var(name).ok()) {
        read_dot_env()?;
    }
    match cli.command {
        None if lambda::is_asked_for() => serve_invocations()?,
        #[cfg(not(feature = "local"))]
        None => return Err("this binary is for Lambda: AWS_LAMBDA_RUNTIME_API is not set".into()),
        #[cfg(feature = "local")]
        None => serve(Upstream::Amazon)?,
        #[cfg(feature = "local")]
        Some(Command::Serve {
            simulated: true, ..
        }) => serve(Upstream::Simulated)?,
        #[cfg(feature = "local")]
        Some(Command::Serve {
            simulated_without_credentials: true,
            ..
        }) => serve(Upstream::Auto)?,
        #[cfg(feature = "local")]
        Some(Command::Serve { .. }) => serve(Upstream::Amazon)?,
        Some(Command::Check { config }) => return check(config),
        #[cfg(feature = "local")]
        Some(Command::Replay {
            files,
            dry_run,
            grace,
        }) => return replay(&files, dry_run, grace),
        #[cfg(feature = "local")]
        Some(Command::Models(Models::Import { list, catalog })) => import(&list, &catalog)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// `.env` of the working directory, for local use; what the environment says already stays. Read before any thread
/// exists.
fn read_dot_env() -> Result<(), Box<dyn Error>> {
    match dotenvy::from_path(".env") {
        Ok(()) => Ok(()),
        Err(error) if error.not_found() => Ok(()),
        Err(error) => Err(format!(".env: {error}").into()),
    }
}

/// One thread: an invocation is one request, and Lambda gives it one processor or a part of one.
fn serve_invocations() -> Result<(), Box<dyn Error>> {
    let contract = Contract::read(|name| std::env::var(name).ok())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(lambda::serve(&contract))?)
}

#[cfg(feature = "local")]
fn serve(upstream: Upstream) -> Result<(), Box<dyn Error>> {
    let contract = Contract::read(|name| std::env::var(name).ok())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(local::serve(&contract, upstream))?)
}

#[cfg(feature = "local")]
fn import(list: &Path, catalog: &Path) -> Result<(), Box<dyn Error>> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let imported = bedrock_sidecar::catalog::import::import(&read(list)?, &read(catalog)?)?;
    std::fs::write(catalog, imported)?;
    Ok(())
}

/// The exit code is 1 when something could not be written.
#[cfg(feature = "local")]
fn replay(files: &[PathBuf], dry_run: bool, grace: Duration) -> Result<ExitCode, Box<dyn Error>> {
    let contract = Contract::read(|name| std::env::var(name).ok())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let summary = runtime.block_on(shell::replay::run(&contract, files, grace, dry_run))?;
    print!("{summary}");
    Ok(if summary.failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[cfg(feature = "local")]
fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Result<jiff::SignedDuration, _> = text.parse();
    let duration = parsed.map_err(|error| error.to_string())?;
    Duration::try_from(duration).map_err(|_| "it must not be negative".to_owned())
}

fn check(config: Option<String>) -> Result<ExitCode, Box<dyn Error>> {
    let env = |name: &str| std::env::var(name).ok();
    let name = match config {
        Some(name) => name,
        None => Contract::read(env)?.config_file,
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

//! The command line: what a developer's machine and a server of one's own are asked to do. The function on Lambda has none.

use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use bedrock_sidecar::catalog::Catalog;
use bedrock_sidecar::catalog::verify::Verification;
use bedrock_sidecar::config::{self, CheckOptions, Config};
use bedrock_sidecar::keys::from_litellm::ImportOptions;
use bedrock_sidecar::shell::import_keys::ImportRequest;
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
        /// Refuse what would be left out: entries of other providers, fallbacks that name no model. For CI
        #[arg(long)]
        strict: bool,
        /// Print JSON instead of text
        #[arg(long)]
        json: bool,
    },
    /// Print a copy of a configuration in which everything has an effect here; what has none becomes a comment
    Migrate {
        /// A path
        config: PathBuf,
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
    /// The keys in the table
    #[command(subcommand)]
    Keys(Keys),
}

#[derive(Debug, Subcommand)]
enum Keys {
    /// Make the keys of a LiteLLM proxy here, with what they have spent: the keys themselves stay as they are
    FromLitellm {
        /// What `GET /key/list?return_full_object=true` answered, a file for each page; `-` is standard input
        files: Vec<PathBuf>,
        /// Only say what would be done
        #[arg(long)]
        dry_run: bool,
        /// Make keys also where something that protects them in LiteLLM is missing here, by its name in the output
        #[arg(long, value_name = "NAME", value_delimiter = ',')]
        accept_missing: Vec<String>,
    },
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
    /// Compare the catalog's prices with AWS's own price lists; the exit code is 1 when something differs
    Verify {
        /// Files of the offers AmazonBedrockFoundationModels and AmazonBedrock, of any region
        #[arg(required = true)]
        offers: Vec<PathBuf>,
    },
    /// Print a configuration with the models of a LiteLLM proxy, which may keep them in its database
    FromLitellm {
        /// What `GET /model/info` answered; standard input without it, or as `-`
        file: Option<PathBuf>,
        /// What `GET /get/config/callbacks` or `GET /router/settings` answered: takes fallbacks and aliases too
        #[arg(long)]
        settings: Option<PathBuf>,
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
            Some(Command::Check {
                config,
                strict,
                json,
            }) => return check(config, strict, json),
            Some(Command::Migrate { config }) => return migrate(&config),
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
            Some(Command::Models(Models::Verify { offers })) => return verify(&offers),
            Some(Command::Models(Models::FromLitellm { file, settings })) => {
                print_models(file.as_deref(), settings.as_deref())?;
            }
            Some(Command::Keys(Keys::FromLitellm {
                files,
                dry_run,
                accept_missing,
            })) => {
                let options = ImportOptions {
                    dry_run,
                    accept_missing,
                };
                return import_keys(&ImportRequest { files, options });
            }
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

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// The exit code is 1 when something differs, or nothing could be compared.
fn verify(offers: &[PathBuf]) -> Result<ExitCode, Box<dyn Error>> {
    let mut found = Verification::default();
    for offer in offers {
        let name = offer.display().to_string();
        found.add(Catalog::bundled(), &name, &read(offer)?)?;
    }
    print(&format!("{found}\n"))?;
    Ok(if found.agrees() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn import(list: &Path, catalog: &Path) -> Result<(), Box<dyn Error>> {
    let imported = bedrock_sidecar::catalog::import::import(&read(list)?, &read(catalog)?)?;
    std::fs::write(catalog, imported)?;
    Ok(())
}

fn print_models(models: Option<&Path>, settings: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let settings = match settings {
        Some(path) => {
            let (name, text) = answer(Some(path))?;
            let settings = config::ListedSettings::read(&text);
            Some(settings.map_err(|error| format!("{name}: {error}"))?)
        }
        None => None,
    };
    let (name, text) = answer(models)?;
    let written = config::from_litellm(&text, settings.as_ref());
    print(&written.map_err(|error| format!("{name}: {error}"))?)?;
    Ok(())
}

/// The name and the text of a file, or of standard input.
fn answer(file: Option<&Path>) -> Result<(String, String), Box<dyn Error>> {
    let (name, text) = match file.filter(|file| file.as_os_str() != "-") {
        Some(file) => (file.display().to_string(), std::fs::read_to_string(file)),
        None => (
            "standard input".to_owned(),
            std::io::read_to_string(std::io::stdin()),
        ),
    };
    match text {
        Ok(text) => Ok((name, text)),
        Err(error) => Err(format!("{name}: {error}").into()),
    }
}

/// The exit code is 1 when something could not be written.
fn replay(asked: &ReplayRequest) -> Result<ExitCode, Box<dyn Error>> {
    let contract = EnvConfig::read(|name| std::env::var(name).ok())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let summary = runtime.block_on(shell::replay::run(&contract, asked))?;
    print(&summary.to_string())?;
    Ok(if summary.failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The exit code is 1 when a key was not made.
fn import_keys(asked: &ImportRequest) -> Result<ExitCode, Box<dyn Error>> {
    let contract = EnvConfig::read(|name| std::env::var(name).ok())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let summary = runtime.block_on(shell::import_keys::run(&contract, asked))?;
    print(&summary.to_string())?;
    Ok(if summary.is_complete() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Prints a command's result. A reader that has seen enough of it (`| head`) is no error.
fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let parsed: Result<jiff::SignedDuration, _> = text.parse();
    let duration = parsed.map_err(|error| error.to_string())?;
    Duration::try_from(duration).map_err(|_| "it must not be negative".to_owned())
}

/// The exit code is 1 when the copy still has errors.
fn migrate(config: &Path) -> Result<ExitCode, Box<dyn Error>> {
    let env = |name: &str| std::env::var(name).ok();
    let name = config.display().to_string();
    let source = read(config)?;
    let migrated = config::migrate(&name, &source, &env);
    print(&migrated.text)?;
    eprintln!("{name}: {} places differ in the copy", migrated.changes);
    match Config::parse(&name, &migrated.text, &env) {
        Ok((config, _)) => match config.require_protections() {
            Ok(()) => return Ok(ExitCode::SUCCESS),
            Err(missing) => eprintln!("left in the copy, for you to decide:\n{missing}"),
        },
        Err(problems) => eprintln!("left in the copy, to be mended:\n{problems}"),
    }
    Ok(ExitCode::FAILURE)
}

fn check(config: Option<String>, strict: bool, json: bool) -> Result<ExitCode, Box<dyn Error>> {
    let env = |name: &str| std::env::var(name).ok();
    let name = match config {
        Some(name) => name,
        None => EnvConfig::read(env)?.config_file,
    };
    let today = jiff::tz::TimeZone::UTC
        .to_datetime(jiff::Timestamp::now())
        .date();
    let report = config::check(&name, &env, CheckOptions { today, strict });
    if json {
        print(&format!("{}\n", serde_json::to_string_pretty(&report)?))?;
    } else {
        print(&report.to_string())?;
    }
    Ok(if report.sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

//! `replay`: completes the ledger from logs: which logs, which table, and what to say about it.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::startup::Storage;
use super::{Connections, EnvConfig, StartError, aws};
use crate::config;
use crate::spend::replay::{Logs, ReplayOptions, Summary, Trust, replay};
use crate::spend::{Ledger, LedgerOptions, Signer};
use crate::store::WriteLimits;

/// A table that was away is given more time than a client would have: no client waits for this.
const LONGEST_WRITE: Duration = Duration::from_secs(30);

/// What a replay is asked for.
#[derive(Debug, Clone)]
pub struct ReplayRequest {
    /// The logs; standard input without any.
    pub files: Vec<PathBuf>,
    /// How old a request without a record must be to be taken for lost.
    pub grace: Duration,
    /// Nothing is written.
    pub dry_run: bool,
    /// Lines without a signature are believed too.
    pub accept_unsigned: bool,
}

/// Replays logs.
///
/// # Errors
/// When the configuration or a log cannot be read, with nothing written; or the table cannot, possibly with something
/// written.
pub async fn run(env: &EnvConfig, asked: &ReplayRequest) -> Result<Summary, StartError> {
    let (config, _) = config::load(&env.config_file, &|name| std::env::var(name).ok())?;
    let connections = Connections::new(config.settings.connect_timeout);
    let sdk = aws::load(&env.region, &connections).await;
    let books = Storage::open(env, &sdk).await?;
    let options = LedgerOptions {
        write: WriteLimits {
            total: LONGEST_WRITE,
            ..WriteLimits::default()
        },
        ..LedgerOptions::of(&config)
    };
    let ledger = Ledger::new(books.table, options);
    let secret = ledger.secret().stored().await?;
    let trust = Trust {
        signer: secret.map(|bytes| Signer::new(&bytes)),
        accept_unsigned: asked.accept_unsigned,
    };
    let logs = read(&asked.files, trust)?;
    let options = ReplayOptions {
        grace: asked.grace,
        now: Timestamp::now(),
        dry_run: asked.dry_run,
    };
    let summary = replay(&ledger, &config, logs, &options).await?;
    if let Some(embedded) = books.embedded {
        embedded.stop().await;
    }
    Ok(summary)
}

fn read(files: &[PathBuf], trust: Trust) -> Result<Logs, StartError> {
    let mut logs = Logs::new(trust);
    if files.is_empty() {
        let name = "standard input";
        let read = logs.read(name, io::stdin().lock());
        read.map_err(|source| log_error(name.to_owned(), source))?;
    }
    for file in files {
        let name = file.display().to_string();
        let read = File::open(file).and_then(|log| logs.read(&name, BufReader::new(log)));
        read.map_err(|source| log_error(name, source))?;
    }
    Ok(logs)
}

fn log_error(name: String, source: io::Error) -> StartError {
    StartError::File { name, source }
}

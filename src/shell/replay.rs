//! The books made whole from logs: which logs, which table, and what to say about it.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use super::gather::Books;
use super::{Connections, Contract, StartError, aws};
use crate::config;
use crate::spend::replay::{Logs, Options, Summary, replay};
use crate::spend::{Ledger, LedgerOptions};
use crate::store::WriteLimits;

/// A table that was away is given more time than a client would have: nobody waits for this.
const PATIENCE: Duration = Duration::from_secs(30);

/// Replays these files, or standard input without any.
///
/// # Errors
/// When the configuration or a log cannot be read, with nothing written; or the table cannot, possibly with something
/// written.
pub async fn run(
    contract: &Contract,
    files: &[PathBuf],
    grace: Duration,
    dry_run: bool,
) -> Result<Summary, StartError> {
    let (config, _) = config::load(&contract.config_file, &|name| std::env::var(name).ok())?;
    let logs = read(files)?;
    let connections = Connections::new(config.settings.connect_timeout);
    let sdk = aws::load(&contract.region, &connections).await;
    let books = Books::open(contract, &sdk).await?;
    let options = LedgerOptions {
        write: WriteLimits {
            total: PATIENCE,
            ..WriteLimits::default()
        },
        ..LedgerOptions::of(&config)
    };
    let ledger = Ledger::new(books.table, options);
    let options = Options {
        grace,
        now: Timestamp::now(),
        dry_run,
    };
    let summary = replay(&ledger, &config, logs, &options).await?;
    if let Some(embedded) = books.embedded {
        embedded.stop().await;
    }
    Ok(summary)
}

fn read(files: &[PathBuf]) -> Result<Logs, StartError> {
    let mut logs = Logs::default();
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
    StartError::Log { name, source }
}

//! `keys from-litellm`: imports the keys of a LiteLLM proxy into the table: which lists, and which table.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use tokio_util::task::TaskTracker;

use super::startup::Storage;
use super::{Connections, EnvConfig, StartError, aws};
use crate::app::key_options;
use crate::clock::Clock;
use crate::config;
use crate::keys::Keyring;
use crate::keys::from_litellm::{ImportOptions, ImportSummary, LitellmKeyList, import};

/// What an import is asked for.
#[derive(Debug, Clone)]
pub struct ImportRequest {
    /// The pages of LiteLLM's list; `-`, and nothing at all, is standard input.
    pub files: Vec<PathBuf>,
    /// How.
    pub options: ImportOptions,
}

/// Imports keys.
///
/// # Errors
/// When the configuration or a list cannot be read, with nothing written; or the table cannot, possibly with some keys
/// made.
pub async fn run(env: &EnvConfig, asked: &ImportRequest) -> Result<ImportSummary, StartError> {
    let list = read(&asked.files)?;
    let (config, _) = config::load(&env.config_file, &|name| std::env::var(name).ok())?;
    let connections = Connections::new(config.settings.connect_timeout);
    let sdk = aws::load(&env.region, &connections).await;
    let storage = Storage::open(env, &sdk).await?;
    let options = key_options(&config);
    let keyring = Keyring::new(storage.table, Clock::default(), options, TaskTracker::new());
    let summary = import(&keyring, &list, &config, &asked.options).await?;
    if let Some(embedded) = storage.embedded {
        embedded.stop().await;
    }
    Ok(summary)
}

fn read(files: &[PathBuf]) -> Result<LitellmKeyList, StartError> {
    let standard_input = [PathBuf::from("-")];
    let files = if files.is_empty() {
        &standard_input
    } else {
        files
    };
    let mut list = LitellmKeyList::default();
    for file in files {
        let is_standard_input = file.as_os_str() == "-";
        let name = match is_standard_input {
            true => "standard input".to_owned(),
            false => file.display().to_string(),
        };
        let mut page = String::new();
        let read = match is_standard_input {
            true => io::stdin().read_to_string(&mut page),
            false => File::open(file).and_then(|mut file| file.read_to_string(&mut page)),
        };
        if let Err(source) = read {
            return Err(StartError::File { name, source });
        }
        list.add(&page)
            .map_err(|source| StartError::LitellmKeyList { name, source })?;
    }
    Ok(list)
}

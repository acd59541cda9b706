//! What every shell gathers from its surroundings before it can serve: the configuration, the key, the clients, the
//! table, and, on a developer's machine, the simulated Bedrock and the embedded table.

use std::sync::Arc;
use std::time::Duration;

use aws_config::SdkConfig;

use crate::AppState;
use crate::bedrock::{BedrockClients, Override};
use crate::chain::Routes;
use crate::chain::policy::Backoff;
use crate::config;
use crate::spend::{Ledger, LedgerOptions};
use crate::store::{Table, TableOptions, time};

use super::{Connections, EnvConfig, StartError, aws, logging, search};
#[cfg(feature = "local")]
use crate::simulator::{Simulated, SimulatorOptions};
#[cfg(feature = "local")]
use crate::store::Embedded;

/// The embedded table's name.
#[cfg(feature = "local")]
const EMBEDDED_TABLE: &str = "bedrock-sidecar";

/// The simulated Bedrock's pause between two pieces of an answer: about how fast a person reads.
#[cfg(feature = "local")]
const HUMAN_PACE: Duration = Duration::from_millis(25);

/// Which Bedrock is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Upstream {
    /// Amazon's.
    #[default]
    Amazon,
    /// The simulated one.
    #[cfg(feature = "local")]
    Simulated,
    /// Amazon's where this machine has credentials, else the simulated one.
    #[cfg(feature = "local")]
    Auto,
}

/// All that a shell serves with.
pub(super) struct Startup {
    pub(super) state: AppState,
    /// What every client but the embedded table's is connected through.
    pub(super) connections: Connections,
    #[cfg(feature = "local")]
    pub(super) simulated: Option<Simulated>,
    #[cfg(feature = "local")]
    pub(super) embedded: Option<Embedded>,
}

/// In what shells differ.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShellDefaults {
    /// Whether log lines are JSON where the configuration does not say.
    pub(super) json_logs: bool,
    /// How long a record waits for others.
    pub(super) commit_delay: Duration,
}

/// Builds what the process needs. Logging begins as soon as the configuration says how.
pub(super) async fn start(
    env: &EnvConfig,
    upstream: Upstream,
    defaults: ShellDefaults,
) -> Result<Startup, StartError> {
    let variable = |name: &str| std::env::var(name).ok();
    let (config, warnings) = config::load(&env.config_file, &variable)?;
    let level = env
        .log_level
        .clone()
        .or_else(|| config.general.log_level.clone());
    logging::start(
        level.as_deref().unwrap_or("info"),
        config.general.json_logs.unwrap_or(defaults.json_logs),
        env.metrics.clone(),
    );
    let today = time::day(jiff::Timestamp::now());
    for warning in warnings.iter().chain(&config.warnings(today)) {
        tracing::warn!("{warning}");
    }
    if let Err(missing) = config.require_protections() {
        // A function that is in use goes on after an upgrade; `make deploy` has checked the file of a new one.
        if !env.on_lambda {
            return Err(missing.into());
        }
        for warning in &missing.warnings {
            tracing::error!("not protected: {warning}");
        }
    }
    if env.simulated && upstream == Upstream::Amazon {
        tracing::warn!(
            "SIMULATED_BEDROCK has no effect here: the function calls, and pays for, Amazon Bedrock"
        );
    }
    let config = Arc::new(config);
    let in_file = config.general.master_key.as_ref();
    let master_key = env.master_key(in_file.map(config::Secret::expose))?;
    let login = env.login();
    env.refuse_test_credentials(&master_key, &login)?;
    let connections = Connections::new(config.settings.connect_timeout);
    let sdk = aws::load(&env.region, &connections).await;

    #[cfg(feature = "local")]
    let simulated = simulated(upstream, &config, &sdk).await?;
    #[cfg(feature = "local")]
    let instead = simulated
        .as_ref()
        .map(|bedrock| Override { url: bedrock.url() });
    #[cfg(not(feature = "local"))]
    let (Upstream::Amazon, instead) = (upstream, None::<Override>);

    let storage = Storage::open(env, &sdk).await?;
    let table = storage.table;

    let alerts = env.alerts.options(&config, &sdk);
    let search = search::of(&config, env.search_endpoint.clone(), &sdk);
    let collector = env.traces.collector(&sdk);
    let clients = BedrockClients::new(sdk, &config, instead);
    let routes = Routes::new(Arc::clone(&config), clients, Backoff::default())
        .await
        .sharing(table.clone());
    let options = LedgerOptions {
        commit_delay: defaults.commit_delay,
        ..LedgerOptions::of(&config)
    };
    let ledger = Ledger::new(table, options);
    Ok(Startup {
        state: AppState::new(config, routes, master_key, login, ledger)
            .with_alerts(alerts)
            .with_web_search(search)
            .with_traces(collector),
        connections,
        #[cfg(feature = "local")]
        simulated,
        #[cfg(feature = "local")]
        embedded: storage.embedded,
    })
}

#[cfg(feature = "local")]
async fn simulated(
    upstream: Upstream,
    config: &config::Config,
    sdk: &SdkConfig,
) -> Result<Option<Simulated>, StartError> {
    let wanted = match upstream {
        Upstream::Amazon => false,
        Upstream::Simulated => true,
        Upstream::Auto => !names_credentials(config) && !aws::has_credentials(sdk).await,
    };
    if !wanted {
        return Ok(None);
    }
    let catalog = crate::catalog::Catalog::bundled();
    let options = SimulatorOptions::new(|id| {
        Some(catalog.resolve(id, None, None)).filter(|model| model.known)
    });
    Simulated::start(options.with_pace(HUMAN_PACE))
        .await
        .map(Some)
        .map_err(StartError::Simulated)
}

/// Whether the file itself has credentials for Bedrock.
#[cfg(feature = "local")]
fn names_credentials(config: &config::Config) -> bool {
    config
        .deployments()
        .any(|deployment| deployment.credentials != config::Credentials::Default)
}

/// Where the records are.
pub(super) struct Storage {
    pub(super) table: Table,
    /// Serves the table where it is a file.
    #[cfg(feature = "local")]
    pub(super) embedded: Option<Embedded>,
}

impl Storage {
    /// The table that `TABLE_NAME` says, else the embedded one.
    pub(super) async fn open(env: &EnvConfig, sdk: &SdkConfig) -> Result<Self, StartError> {
        let named = match &env.table_name {
            Some(name) => Some(connect(env, sdk, name).await?),
            None => None,
        };
        #[cfg(feature = "local")]
        let books = match named {
            Some(table) => Self {
                table,
                embedded: None,
            },
            None => {
                let embedded = Embedded::open(&env.data_dir).await?;
                Self {
                    table: embedded.table(EMBEDDED_TABLE).await?,
                    embedded: Some(embedded),
                }
            }
        };
        #[cfg(not(feature = "local"))]
        let books = Self {
            table: named.ok_or(StartError::NoTable)?,
        };
        Ok(books)
    }
}

async fn connect(env: &EnvConfig, sdk: &SdkConfig, name: &str) -> Result<Table, StartError> {
    // The function is built without the calls that make one.
    if env.create_table && (env.on_lambda || cfg!(not(feature = "local"))) {
        return Err(StartError::CreatesTable);
    }
    let options = TableOptions {
        name: name.to_owned(),
        endpoint: None,
        region: None,
    };
    let table = Table::connect(sdk, &options);
    #[cfg(feature = "local")]
    if env.create_table {
        table.create_if_missing().await?;
    }
    Ok(table)
}

//! The environment variables that the process reads.

use std::net::IpAddr;
use std::path::PathBuf;

use url::Url;

use super::alerting::AlertVariables;
use super::collector::TraceVariables;
use super::metrics::{MetricScope, MetricsOptions};
use super::search;
use crate::keys::{Login, MasterKey, MasterKeyError};

/// What the environment says, with its defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvConfig {
    /// `CONFIG_FILE`: a bundled configuration's name, or a path.
    pub config_file: String,
    /// `AWS_REGION_NAME`, else `AWS_REGION`: the region where a deployment names none.
    pub region: String,
    /// `TABLE_NAME`: the DynamoDB table; `None`: the embedded one.
    pub table_name: Option<String>,
    /// `CREATE_TABLE`: create the table at start when it is missing.
    pub create_table: bool,
    /// `DATA_DIR`: where the embedded table's file lives.
    pub data_dir: PathBuf,
    /// `HOST`: the address that the local server binds.
    pub host: IpAddr,
    /// `PORT`.
    pub port: u16,
    /// `LOG_LEVEL`: a level, or one for each target.
    pub log_level: Option<String>,
    /// `SIMULATED_BEDROCK`: call the simulated Bedrock even where there are credentials. Not on Lambda.
    pub simulated: bool,
    /// `CLOUDWATCH_METRICS` (`off`, `stage` or `model`) and `STAGE`: the metrics that are written beside the log.
    pub metrics: Option<MetricsOptions>,
    /// `ALERT_TOPIC_ARN`, `ALERT_EVENT_BUS_ARN` and `SLACK_WEBHOOK_URL`: where alerts are sent.
    pub alerts: AlertVariables,
    /// `AWS_ENDPOINT_URL_BEDROCK_AGENTCORE`: where the web is searched, if not at Amazon's.
    pub search_endpoint: Option<Url>,
    /// `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` and `OTEL_EXPORTER_OTLP_TRACES_HEADERS`: where spans are sent.
    pub traces: TraceVariables,
    /// `AWS_EXECUTION_ENV`: this is AWS Lambda, not an emulator.
    pub on_lambda: bool,
    master_key: Option<String>,
    master_key_sha256: Option<String>,
    allow_no_master_key: bool,
    ui_username: Option<String>,
    ui_password: Option<String>,
}

/// A variable that says nothing usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name} is '{value}'; it must be {expected}")]
pub struct EnvConfigError {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) expected: &'static str,
}

/// A process that others can reach has credentials which everybody can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TestCredentials {
    /// The master key is published.
    #[error(
        "the master key is the test key of .env.example, which everybody can read, and {place}: set LITELLM_MASTER_KEY \
         (or MASTER_KEY_SHA256) to a key of your own, which `echo sk-$(openssl rand -hex 32)` makes{way_out}"
    )]
    Key {
        /// Where others reach the process.
        place: String,
        /// What else would do.
        way_out: &'static str,
    },
    /// The password of the admin pages is published.
    #[error(
        "UI_PASSWORD is the test password of .env.example, which everybody can read, and {place}: set one of your own, \
         or none, and the master key is the password{way_out}"
    )]
    Password {
        /// Where others reach the process.
        place: String,
        /// What else would do.
        way_out: &'static str,
    },
}

impl EnvConfig {
    /// Reads the variables; an empty one counts as unset.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Result<Self, EnvConfigError> {
        let get = |name: &str| get(name).filter(|value| !value.trim().is_empty());
        let parsed = |name: &'static str, default: &str, expected: &'static str| {
            let value = get(name).unwrap_or_else(|| default.to_owned());
            (
                value.clone(),
                EnvConfigError {
                    name,
                    value,
                    expected,
                },
            )
        };
        let (host, wrong_host) = parsed(
            "HOST",
            "127.0.0.1",
            "an IP address such as 127.0.0.1 or 0.0.0.0",
        );
        let (port, wrong_port) = parsed("PORT", "4000", "a port number from 0 to 65535");
        Ok(Self {
            config_file: get("CONFIG_FILE").unwrap_or_else(|| "default_config.yml".to_owned()),
            region: get("AWS_REGION_NAME")
                .or_else(|| get("AWS_REGION"))
                .unwrap_or_else(|| "us-east-1".to_owned()),
            table_name: get("TABLE_NAME"),
            create_table: flag("CREATE_TABLE", get("CREATE_TABLE"))?,
            data_dir: get("DATA_DIR").unwrap_or_else(|| ".data".to_owned()).into(),
            host: host.parse().map_err(|_| wrong_host)?,
            port: port.parse().map_err(|_| wrong_port)?,
            log_level: get("LOG_LEVEL"),
            simulated: flag("SIMULATED_BEDROCK", get("SIMULATED_BEDROCK"))?,
            metrics: metrics(get("CLOUDWATCH_METRICS"), get("STAGE"))?,
            alerts: AlertVariables::read(
                get("ALERT_TOPIC_ARN"),
                get("ALERT_EVENT_BUS_ARN"),
                get("SLACK_WEBHOOK_URL"),
                &get,
            )?,
            search_endpoint: search::endpoint(&get),
            traces: TraceVariables::read(
                get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"),
                get("OTEL_EXPORTER_OTLP_TRACES_HEADERS"),
                on_lambda(get),
            )?,
            on_lambda: on_lambda(get),
            master_key: get("LITELLM_MASTER_KEY"),
            master_key_sha256: get("MASTER_KEY_SHA256"),
            allow_no_master_key: flag("ALLOW_NO_MASTER_KEY", get("ALLOW_NO_MASTER_KEY"))?,
            ui_username: get("UI_USERNAME"),
            ui_password: get("UI_PASSWORD"),
        })
    }

    /// The master key from the environment, else from the configuration file.
    pub fn master_key(&self, in_file: Option<&str>) -> Result<MasterKey, MasterKeyError> {
        let hash = self.master_key_sha256.as_deref();
        let key = self
            .master_key
            .as_deref()
            .or(in_file.filter(|_| hash.is_none()));
        MasterKey::new(key, hash, self.allow_no_master_key && !self.is_exposed())
    }

    /// The login of the admin pages: on Lambda always `admin` with the master key, for a function's variables can be
    /// read by whoever may describe it.
    pub fn login(&self) -> Login {
        if self.on_lambda {
            return Login::default();
        }
        Login::new(self.ui_username.as_deref(), self.ui_password.as_deref())
    }

    /// Refuses the credentials of `.env.example` where others can reach the process.
    ///
    /// # Errors
    /// When the master key, or the password of the admin pages, is published.
    pub fn refuse_test_credentials(
        &self,
        master_key: &MasterKey,
        login: &Login,
    ) -> Result<(), TestCredentials> {
        if !self.is_exposed() {
            return Ok(());
        }
        let (place, way_out) = if self.on_lambda {
            let place = "everybody can call a function's URL".to_owned();
            (place, "; `NEW_KEY=1 make deploy` replaces it")
        } else {
            let place = format!("HOST={} is not this machine alone", self.host);
            (place, ". Or listen on HOST=127.0.0.1")
        };
        if master_key.is_published() {
            return Err(TestCredentials::Key { place, way_out });
        }
        if login.is_published() {
            return Err(TestCredentials::Password { place, way_out });
        }
        Ok(())
    }

    /// Whether others than this machine's own programs can reach the process.
    fn is_exposed(&self) -> bool {
        self.on_lambda || !self.host.to_canonical().is_loopback()
    }
}

/// Whether this is AWS Lambda itself. An emulator only names a Runtime API.
pub fn on_lambda(get: impl Fn(&str) -> Option<String>) -> bool {
    get("AWS_EXECUTION_ENV").is_some_and(|name| name.starts_with("AWS_Lambda_"))
}

fn metrics(
    scope: Option<String>,
    stage: Option<String>,
) -> Result<Option<MetricsOptions>, EnvConfigError> {
    let scope = match scope.as_deref().map(str::trim) {
        None | Some("off") => return Ok(None),
        Some("stage") => MetricScope::Stage,
        Some("model") => MetricScope::Model,
        Some(_) => {
            return Err(EnvConfigError {
                name: "CLOUDWATCH_METRICS",
                value: scope.unwrap_or_default(),
                expected: "off, stage or model",
            });
        }
    };
    let stage = stage.unwrap_or_else(|| "prod".to_owned());
    Ok(Some(MetricsOptions { stage, scope }))
}

fn flag(name: &'static str, value: Option<String>) -> Result<bool, EnvConfigError> {
    match value
        .as_deref()
        .map(str::trim)
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        None | Some("0" | "false" | "no" | "off") => Ok(false),
        Some("1" | "true" | "yes" | "on") => Ok(true),
        Some(_) => Err(EnvConfigError {
            name,
            value: value.unwrap_or_default(),
            expected: "true or false",
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<EnvConfig, EnvConfigError> {
        EnvConfig::read(|name| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn an_empty_environment_gives_the_defaults() {
        let env = read(&[("CONFIG_FILE", "")]).unwrap();
        assert_eq!(env.config_file, "default_config.yml");
        assert_eq!(
            (env.host.to_string(), env.port),
            ("127.0.0.1".to_owned(), 4000)
        );
        assert_eq!(env.region, "us-east-1");
        assert!(!env.create_table);
        assert_eq!(env.master_key(None), Err(MasterKeyError::Missing));
    }

    #[test]
    fn a_wrong_value_says_what_would_be_right() {
        let error = read(&[("PORT", "http")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "PORT is 'http'; it must be a port number from 0 to 65535"
        );
        assert!(read(&[("CREATE_TABLE", "maybe")]).is_err());
        assert!(read(&[("CLOUDWATCH_METRICS", "yes")]).is_err());
    }

    #[test]
    fn going_without_a_key_is_for_loopback_only() {
        let open = read(&[("ALLOW_NO_MASTER_KEY", "1")]).unwrap();
        assert!(open.master_key(None).unwrap().is_open());
        let exposed = read(&[("ALLOW_NO_MASTER_KEY", "1"), ("HOST", "0.0.0.0")]).unwrap();
        assert_eq!(exposed.master_key(None), Err(MasterKeyError::Missing));
    }

    #[test]
    fn nobody_is_let_in_without_a_key_on_lambda() {
        let open = [
            ("ALLOW_NO_MASTER_KEY", "1"),
            ("AWS_EXECUTION_ENV", "AWS_Lambda_provided.al2023"),
        ];
        let refused = read(&open).unwrap().master_key(None);
        assert_eq!(refused, Err(MasterKeyError::Missing));
    }

    #[test]
    fn a_password_for_the_pages_counts_everywhere_but_on_lambda() {
        let local = [("UI_USERNAME", "maria"), ("UI_PASSWORD", "secret")];
        let lambda = [local[0], local[1], ("AWS_EXECUTION_ENV", "AWS_Lambda_rust")];
        assert_eq!(
            read(&local).unwrap().login(),
            Login::new(Some("maria"), Some("secret"))
        );
        assert_eq!(read(&lambda).unwrap().login(), Login::default());
    }

    #[test]
    fn an_emulator_is_not_lambda() {
        let emulated = read(&[("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9000")]).unwrap();
        assert!(!emulated.on_lambda);
    }

    #[test]
    fn the_environment_s_key_goes_before_the_file_s() {
        let env = read(&[("LITELLM_MASTER_KEY", "sk-env")]).unwrap();
        assert!(
            env.master_key(Some("sk-file"))
                .unwrap()
                .authenticate("sk-env")
                .is_some()
        );
        assert!(
            read(&[])
                .unwrap()
                .master_key(Some("sk-file"))
                .unwrap()
                .authenticate("sk-file")
                .is_some()
        );
    }
}

//! The real binary as a process of its own, with nothing of this process's environment.

use std::ffi::OsStr;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::time::sleep;

use super::KEY;

/// A gateway in a process of its own. It ends with the value.
pub struct Gateway {
    pub url: String,
    child: Child,
    folder: TempDir,
}

impl Gateway {
    /// Serves this configuration with these variables and the master key [`KEY`].
    pub async fn start<V: AsRef<OsStr>>(yaml: &str, variables: &[(&str, V)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("test.yml");
        std::fs::write(&config, yaml).unwrap();
        let log = File::create(folder.path().join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_bedrock-sidecar"))
            .arg("serve")
            .current_dir(folder.path())
            .env_clear()
            .env("CONFIG_FILE", config)
            .envs([("PORT", "0"), ("LITELLM_MASTER_KEY", KEY)])
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stderr(log.try_clone().unwrap())
            .stdout(log)
            .spawn()
            .unwrap();
        let mut gateway = Self {
            url: String::new(),
            child,
            folder,
        };
        gateway.url = gateway.announced().await;
        gateway.knows_the_secret().await;
        gateway
    }

    /// Waits until the lines of its log are signed, or will not be, as far as its log's level tells: it serves after
    /// 100 ms in any case, and a machine under tests may need longer.
    async fn knows_the_secret(&self) {
        let end = Instant::now() + Duration::from_secs(2);
        while !self.log().contains("the log's lines for replay are ") && Instant::now() < end {
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn announced(&mut self) -> String {
        loop {
            let log = self.log();
            let line = log.lines().find_map(|line| line.split_once(" listens on "));
            if let Some((_, url)) = line.filter(|_| log.contains('\n')) {
                return url.to_owned();
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "the gateway does not start: {log}");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Ends it as a crash does: at once, with nothing said.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Tells it to stop, as a supervisor does.
    pub fn terminate(&self) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits until it has ended by itself.
    pub async fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + Duration::from_secs(30);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it does not end: {}", self.log());
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until it has written this.
    pub async fn says(&self, text: &str) {
        let end = Instant::now() + Duration::from_secs(30);
        while !self.log().contains(text) {
            assert!(Instant::now() < end, "no {text}: {}", self.log());
            sleep(Duration::from_millis(1)).await;
        }
    }

    /// The lines that it has written so far. One that is being written is none yet.
    pub fn log(&self) -> String {
        let mut log = std::fs::read(self.log_file()).unwrap();
        let end = log.iter().rposition(|byte| *byte == b'\n');
        log.truncate(end.map_or(0, |at| at + 1));
        String::from_utf8(log).unwrap()
    }

    /// Where it writes.
    pub fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What the process says when it does not start with this configuration and these variables alone.
pub async fn refusal<V: AsRef<OsStr>>(yaml: &str, variables: &[(&str, V)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("test.yml");
    std::fs::write(&config, yaml).unwrap();
    let ended = tokio::process::Command::new(env!("CARGO_BIN_EXE_bedrock-sidecar"))
        .current_dir(folder.path())
        .env_clear()
        .env("CONFIG_FILE", config)
        .env("PORT", "0")
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(30), ended).await;
    let output = output.expect("it ends").unwrap();
    assert!(!output.status.success(), "it ends well");
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

/// What a command said.
#[derive(Debug)]
pub struct Ended {
    /// Whether it says that all is well.
    pub ok: bool,
    /// What it printed, errors last.
    pub text: String,
}

/// Runs a command of the binary with this configuration and these variables alone.
pub async fn command<V: AsRef<OsStr>, A: AsRef<OsStr>>(
    yaml: &str,
    variables: &[(&str, V)],
    arguments: &[A],
) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("test.yml");
    std::fs::write(&config, yaml).unwrap();
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_bedrock-sidecar"))
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .env("CONFIG_FILE", config)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .output()
        .await
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    Ended {
        ok: output.status.success(),
        text: String::from_utf8(text).unwrap(),
    }
}

/// Replays these logs with this configuration and these variables.
pub async fn replay<V: AsRef<OsStr>>(
    yaml: &str,
    variables: &[(&str, V)],
    options: &[&str],
    logs: &[PathBuf],
) -> Ended {
    let options = options.iter().map(OsStr::new);
    let arguments = [OsStr::new("replay")].into_iter().chain(options);
    let arguments: Vec<_> = arguments
        .chain(logs.iter().map(|log| log.as_os_str()))
        .collect();
    command(yaml, variables, &arguments).await
}

//! `make deploy` asks once, keeps the answers where git does not see them, and shows the master key once. SAM, Cargo and AWS
//! are played: what is tried is what they are asked for.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// Writes what it is asked for, and keeps the answers of `--guided` as SAM does.
const SAM: &str = r#"#!/usr/bin/env bash
echo "$*" >> asked
case " $* " in *" --guided "*)
	while [ $# -gt 0 ]; do
		case "$1" in
		--config-file) file=$2 ;;
		--config-env) environment=$2 ;;
		--parameter-overrides) overrides="$2 $3" ;;
		esac
		shift
	done
	section="[$environment.deploy.parameters]"
	grep -qxF "$section" "$file" || printf '\n%s\n' "$section" >> "$file"
	awk -v section="$section" -v answers="parameter_overrides = \"$overrides\"" \
		'{ print } $0 == section { print answers }' "$file" > answered
	mv answered "$file"
esac
"#;

/// AWS as the script asks it who deploys: `NO_CREDENTIALS` has it not know.
const BOTO3: &str = r#"
import os

class Session:
    region_name = None

    def client(self, service, region_name):
        assert service == "sts" and region_name
        return self

    def get_caller_identity(self):
        if os.environ.get("NO_CREDENTIALS"):
            raise RuntimeError("Unable to locate credentials")
        return {"Arn": "arn:aws:iam::123456789012:user/maria"}
"#;

/// A clone with what the script reads.
struct Clone(TempDir);

impl Clone {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in [".ci", "config", "tools", "target/debug"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        for name in [".ci/deploy", "samconfig.toml"] {
            fs::copy(root.join(name), folder.path().join(name)).unwrap();
        }
        for file in fs::read_dir(root.join("config")).unwrap() {
            let file = file.unwrap();
            fs::copy(
                file.path(),
                folder.path().join("config").join(file.file_name()),
            )
            .unwrap();
        }
        let binary = env!("CARGO_BIN_EXE_bedrock-sidecar");
        symlink(binary, folder.path().join("target/debug/bedrock-sidecar")).unwrap();
        for (name, script) in [("sam", SAM), ("cargo", "#!/bin/sh\n")] {
            let tool = folder.path().join("tools").join(name);
            fs::write(&tool, script).unwrap();
            fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(folder.path().join("tools/boto3.py"), BOTO3).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// Runs the script: whether it went well, and what it said.
    fn deploy(&self, variables: &[(&str, &str)]) -> (bool, String) {
        let path = std::env::var("PATH").unwrap();
        let output = Command::new(self.file(".ci/deploy"))
            .env_clear()
            .env("PATH", format!("{}:{path}", self.file("tools").display()))
            .env("PYTHONPATH", self.file("tools"))
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.success(), said)
    }

    /// The last call of SAM.
    fn last_call(&self) -> String {
        self.text("asked").lines().last().unwrap().to_owned()
    }
}

fn key_in(said: &str) -> Option<&str> {
    said.lines()
        .map(str::trim)
        .find(|line| line.starts_with("sk-"))
}

#[test]
fn answers_are_kept_beside_the_file_that_git_has() {
    let clone = Clone::new();
    let before = clone.text("samconfig.toml");
    let (deployed, said) = clone.deploy(&[]);
    assert!(deployed, "{said}");
    assert!(said.contains("deploying as arn:aws:iam::123456789012:user/maria"));
    let key = key_in(&said).expect("the key is shown");
    let answers = clone.text("samconfig.local.toml");
    let has_all = before.lines().all(|line| answers.contains(line));
    assert!(has_all && answers.contains("MasterKeySha256="), "{answers}");
    assert!(!answers.contains(key), "the key itself is kept nowhere");
    assert_eq!(clone.text("samconfig.toml"), before);

    let (deployed, said) = clone.deploy(&[]);
    assert!(deployed, "{said}");
    assert_eq!(key_in(&said), None, "the second time nothing is made");
    let call = clone.last_call();
    assert_eq!(
        call,
        "deploy --config-file samconfig.local.toml --config-env default"
    );

    let (deployed, said) = clone.deploy(&[("NEW_KEY", "1")]);
    assert!(deployed && key_in(&said).is_some(), "{said}");
}

#[test]
fn another_stage_has_a_stack_and_a_key_of_its_own() {
    let clone = Clone::new();
    clone.deploy(&[]);
    let (deployed, said) = clone.deploy(&[("STAGE", "test")]);
    assert!(deployed && key_in(&said).is_some(), "{said}");
    let call = clone.last_call();
    assert!(
        call.contains("--config-env test --stack-name bedrock-sidecar-test"),
        "{call}"
    );
    clone.deploy(&[("STAGE", "test")]);
    let call = clone.last_call();
    assert_eq!(
        call,
        "deploy --config-file samconfig.local.toml --config-env test"
    );
}

/// Until 0.1 SAM wrote them there.
#[test]
fn answers_in_samconfig_toml_come_along() {
    let clone = Clone::new();
    let mut kept = clone.text("samconfig.toml");
    kept.push_str("parameter_overrides = \"MasterKeySha256=\\\"abc\\\" Stage=\\\"prod\\\"\"\n");
    fs::write(clone.file("samconfig.toml"), &kept).unwrap();
    let (deployed, said) = clone.deploy(&[]);
    assert!(deployed, "{said}");
    assert_eq!(key_in(&said), None);
    assert_eq!(clone.text("samconfig.local.toml"), kept);
}

#[test]
fn a_configuration_that_would_not_start_is_not_deployed() {
    let clone = Clone::new();
    fs::write(clone.file("config/mine.yml"), "model_list: []\n").unwrap();
    let (deployed, said) = clone.deploy(&[]);
    assert!(!deployed && said.contains("mine.yml"), "{said}");
    assert_eq!(clone.text("asked"), "", "SAM is not asked for anything");
}

#[test]
fn without_credentials_nothing_is_built_or_asked_and_no_key_is_made() {
    let clone = Clone::new();
    fs::write(
        clone.file("tools/cargo"),
        "#!/bin/sh\necho cargo >> asked\n",
    )
    .unwrap();
    let (deployed, said) = clone.deploy(&[("NO_CREDENTIALS", "1")]);
    assert!(!deployed && said.contains("AWS_PROFILE"), "{said}");
    assert!(said.contains("Unable to locate credentials"), "{said}");
    assert_eq!((key_in(&said), clone.text("asked").as_str()), (None, ""));
}

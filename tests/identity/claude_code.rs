//! The real Claude Code with tokens of an identity provider: its helper is asked anew when a token has ended.
//!
//! Not run by default: it needs the client (`npm install @anthropic-ai/claude-code`), whose `bin` folder `CLAUDE_BIN` names.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use super::gateway;
use crate::support::{PRIMARY, TestApp};

/// Has Claude Code say something in a session, and returns what it printed.
async fn claude(app: &TestApp, home: &Path, arguments: &[&str], prompt: &str) -> String {
    let bin = std::env::var("CLAUDE_BIN").expect("CLAUDE_BIN: the folder that has claude");
    let mut run = Command::new(Path::new(&bin).join("claude"));
    run.args(["-p", prompt, "--model", "primary"])
        .args(arguments)
        .current_dir(home)
        .env("HOME", home)
        .env("CLAUDE_CONFIG_DIR", home.join(".claude"))
        .env("ANTHROPIC_BASE_URL", &app.url)
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .env("CLAUDE_CODE_API_KEY_HELPER_TTL_MS", "3600000")
        .env("ANTHROPIC_SMALL_FAST_MODEL", "primary")
        .env_remove("ANTHROPIC_API_KEY")
        .env_remove("ANTHROPIC_AUTH_TOKEN")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let output = run
        .spawn()
        .expect("claude")
        .wait_with_output()
        .await
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Claude Code: CLAUDE_BIN=… cargo test --test promises identity::claude_code:: -- --ignored"]
async fn a_session_goes_on_across_the_end_of_a_token() {
    let (app, provider) = gateway("").await;
    let home = TempDir::new().unwrap();
    // The helper prints what stands in a file, and writes down that it was asked.
    let (token, asked) = (home.path().join("token"), home.path().join("asked"));
    let helper = home.path().join("helper.sh");
    let script = format!(
        "#!/bin/sh\necho asked >> {}\ncat {}\n",
        asked.display(),
        token.display()
    );
    std::fs::write(&helper, script).unwrap();
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::create_dir_all(home.path().join(".claude")).unwrap();
    let settings = json!({"apiKeyHelper": helper.display().to_string()});
    std::fs::write(
        home.path().join(".claude/settings.json"),
        settings.to_string(),
    )
    .unwrap();

    let now = provider.claims()["iat"].as_i64().unwrap();
    let first = provider.token(json!({"exp": now + 300, "jti": "first"}));
    std::fs::write(&token, &first).unwrap();
    // In the middle of a turn, between the call of a tool and its result, the token ends, and the file has the next one.
    let (clock, path) = (app.clock.clone(), token.clone());
    let next = provider.token(json!({"jti": "next"}));
    let call = ScriptedReply::tool(
        "Bash",
        &json!({"command": "sleep 3; echo found it", "description": "Look"}),
    );
    app.bedrock.script(
        PRIMARY,
        [
            Step::reply(call),
            Step::reply(ScriptedReply::text("It was found.")),
        ],
    );
    let renewal = async {
        while app.bedrock.requests_for(PRIMARY).is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // The answer to the first request has begun with the first token.
        tokio::time::sleep(Duration::from_millis(500)).await;
        std::fs::write(&path, &next).unwrap();
        clock.advance(Duration::from_secs(301));
    };
    let arguments = ["--allowedTools", "Bash"];
    let session = claude(&app, home.path(), &arguments, "Look for it.");
    let (text, ()) = tokio::join!(session, renewal);
    assert!(text.contains("It was found."), "{text}");
    let times = std::fs::read_to_string(&asked).unwrap().lines().count();
    assert!(times >= 2, "the helper was asked {times} times");

    app.settle().await;
    let logs = app
        .get_json("/spend/logs/v2?user_id=maria&page_size=20")
        .await;
    let rows = logs["data"].as_array().unwrap();
    let keys: std::collections::BTreeSet<_> =
        rows.iter().map(|row| row["api_key"].to_string()).collect();
    assert!(rows.len() >= 2, "{logs}");
    assert_eq!(keys.len(), 1, "one person: {keys:?}");
}

//! The real Codex, in a session that grows past its model's window: it has it summed up and goes on.
//!
//! Not run by default: it needs the client (`npm install @openai/codex`), whose `bin` folder `CODEX_BIN` names.

use std::path::Path;
use std::process::Stdio;

use bedrock_sidecar::simulator::{ScriptedReply, Step};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::support::{KEY, TestApp, none_refused};

/// It has a window of a million tokens.
const SONNET: &str = "us.anthropic.claude-sonnet-5-5";
const FACT: &str = "The vault opens with 4711-KESTREL.";
const SUMMARY: &str = "The user said: the vault opens with 4711-KESTREL. Next: read on.";

/// Runs Codex in its home with this prompt, and returns what it printed.
async fn codex(app: &TestApp, home: &Path, arguments: &[&str], prompt: &str) -> String {
    let bin = std::env::var("CODEX_BIN").expect("CODEX_BIN: the folder that has codex");
    let config = format!(
        "model = \"primary\"\nopenai_base_url = \"{}/v1\"\nmodel_context_window = 280000\n\
         model_auto_compact_token_limit = 250000\ncheck_for_update_on_startup = false\n\
         [analytics]\nenabled = false\n",
        app.url
    );
    std::fs::write(home.join("config.toml"), config).unwrap();
    let mut run = Command::new(Path::new(&bin).join("codex"))
        .arg("exec")
        .args(arguments)
        .args(["--skip-git-repo-check", "--json", "-"])
        .current_dir(home)
        .env("CODEX_HOME", home)
        .env("HOME", home)
        .env("CODEX_API_KEY", KEY)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .expect("codex");
    let mut input = run.stdin.take().unwrap();
    input.write_all(prompt.as_bytes()).await.unwrap();
    drop(input);
    let output = run.wait_with_output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    text
}

/// Some 75,000 tokens of text, a different one each time.
fn long(part: usize) -> String {
    (0..6_400)
        .map(|line| format!("Part {part}, line {line}: nothing that matters here.\n"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the Codex client: CODEX_BIN=… cargo test --test promises codex_session:: -- --ignored"]
async fn a_session_of_300_000_tokens_is_summed_up_and_keeps_a_fact_of_its_first_turn() {
    let yaml = format!(
        "model_list:\n- model_name: primary\n  litellm_params: {{model: bedrock/{SONNET}, aws_region_name: us-east-1}}\n"
    );
    let app = TestApp::builder().config(&yaml).start().await;
    let home = TempDir::new().unwrap();
    let reply = |text: &str| Step::reply(ScriptedReply::text(text));
    app.bedrock.script(SONNET, [reply("Noted: part 0.")]);
    let first = format!("{FACT}\n{}", long(0));
    codex(&app, home.path(), &[], &first).await;
    for part in 1..4 {
        let done = format!("Noted: part {part}.");
        app.bedrock.script(SONNET, [reply(&done)]);
        let text = codex(&app, home.path(), &["resume", "--last"], &long(part)).await;
        assert!(text.contains(&done), "{text}");
    }
    let before = app.bedrock.requests();
    app.settle().await;
    let newest = app.get_json("/spend/logs/v2?page_size=1").await["data"][0].clone();
    assert!(newest["prompt_tokens"].as_u64() > Some(300_000), "{newest}");

    // Codex has it summed up before the next turn.
    app.bedrock
        .script(SONNET, [reply(SUMMARY), reply("4711-KESTREL")]);
    let question = "How does the vault open?";
    let text = codex(&app, home.path(), &["resume", "--last"], question).await;
    assert!(text.contains("4711-KESTREL"), "{text}");
    none_refused(&app);
    let requests = app.bedrock.requests();
    let [summed_up, asked] = &requests[before.len()..] else {
        panic!("{} requests", requests.len() - before.len());
    };
    let text = |body: &Value| body["messages"].to_string();
    assert!(text(&summed_up.body).contains(FACT));
    assert!(text(&asked.body).contains("4711-KESTREL"));
    assert!(text(&asked.body).len() < text(&summed_up.body).len() / 2);
}

//! Judged by exchanges with the real service and by requests of a real client: where `BEDROCK_RECORDINGS` names a folder,
//! the one beside it whose name ends in `_native`, and where `CLIENT_SAMPLES` does, `claude_code_native` beside that.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use http::HeaderMap;
use percent_encoding::percent_decode_str;

use super::*;
use crate::simulator::{
    ErrorReply, Step,
    messages::{MessagesCall, validate::validate},
};

fn recordings() -> Option<PathBuf> {
    let folder = std::env::var("BEDROCK_RECORDINGS").ok()?;
    Some(PathBuf::from(format!("{folder}_native"))).filter(|folder| folder.is_dir())
}

fn samples() -> Option<PathBuf> {
    let folder = PathBuf::from(std::env::var_os("CLIENT_SAMPLES")?);
    Some(folder.parent()?.join("claude_code_native")).filter(|folder| folder.is_dir())
}

fn json_of(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// All files below a folder whose names end so, in order.
fn collect(folder: &Path, ending: &str, into: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            collect(&path, ending, into);
        } else if path.to_string_lossy().ends_with(ending) {
            into.push(path);
        }
    }
}

/// The model and the operation of an address, where it is one of InvokeModel's.
fn invoked(uri: &str) -> Option<(String, String)> {
    let (_, path) = uri.split_once("/model/")?;
    let (model, operation) = path.split_once('/')?;
    let model = percent_decode_str(model).decode_utf8_lossy().into_owned();
    operation
        .starts_with("invoke")
        .then(|| (model, operation.to_owned()))
}

fn verdict(model: &str, body: &Value, check_signatures: bool) -> Result<(), ErrorReply> {
    let model = Catalog::bundled().resolve(model, None, None);
    validate(&MessagesCall {
        model: &model,
        headers: &HeaderMap::new(),
        body,
        check_signatures,
    })
}

#[tokio::test]
async fn recorded_requests_are_judged_as_the_real_service_judged_them() {
    let Some(folder) = recordings() else {
        return;
    };
    let mut requests = Vec::new();
    collect(&folder, ".request.json", &mut requests);
    let simulated = start().await;
    let client = fixtures::client(&simulated);
    let (mut accepted, mut refused) = (0, 0);
    for path in &requests {
        let name = path.to_string_lossy();
        let beside = |ending: &str| PathBuf::from(name.replace(".request.json", ending));
        let meta = json_of(&beside(".meta.json"));
        let (model, operation) = invoked(meta["uri"].as_str().unwrap()).unwrap();
        let body = json_of(path);
        match meta["status"].as_u64().unwrap() {
            // The body of a request with an old signature was not looked at.
            200 | 403 => {
                if let Err(refusal) = verdict(&model, &body, false) {
                    panic!("{name}: {}", refusal.message);
                }
                accepted += 1;
            }
            status => {
                let body = if body.is_null() { ask("hi") } else { body };
                let call = client.invoke_model().model_id(&model);
                let call = call.body(Blob::new(body.to_string())).send();
                let error = call.await.unwrap_err();
                assert_eq!(
                    u64::from(error.raw_response().unwrap().status().as_u16()),
                    status
                );
                let recorded = json_of(&beside(".response.json"));
                assert_eq!(error.message(), recorded["message"].as_str(), "{name}");
                assert!(operation.starts_with("invoke"));
                refused += 1;
            }
        }
    }
    println!("recorded requests: {accepted} accepted, {refused} refused as recorded");
    assert_eq!(accepted + refused, requests.len());
    assert!(accepted > 0, "no recording was checked");
}

#[tokio::test]
async fn recorded_streams_pass_through_unharmed() {
    let Some(folder) = recordings() else {
        return;
    };
    let mut streams = Vec::new();
    collect(&folder, ".response.bin", &mut streams);
    let simulated = start().await;
    for path in &streams {
        let bytes = fs::read(path).unwrap();
        simulated.script(SONNET_4_5, [Step::bytes(bytes)]);
        let heard = stream(&simulated, SONNET_4_5, &ask("hi")).await;
        assert_eq!(heard.error, None, "{}", path.display());
        let lines = path.to_string_lossy().replace(".bin", ".events.jsonl");
        let lines = fs::read_to_string(lines).unwrap();
        let recorded = lines.lines().map(|line| {
            let frame: Value = serde_json::from_str(line).unwrap();
            frame["decoded"].clone()
        });
        let recorded: Vec<Value> = recorded.collect();
        assert_eq!(heard.all, recorded, "{}", path.display());
        assert_eq!(heard.types().last(), Some(&"message_stop"));
    }
    println!("recorded native streams: {} replayed", streams.len());
    assert!(!streams.is_empty(), "no recording was replayed");
}

/// One captured request.
struct Sample {
    /// The name of its file, without what all have.
    mode: String,
    /// `None`: it asks no model.
    model: Option<String>,
    /// It was sent to InvokeModel, not to Anthropic's own API.
    is_native: bool,
    betas: Vec<String>,
    body: Value,
}

fn captured(folder: &Path) -> Vec<Sample> {
    let mut files = Vec::new();
    collect(folder, ".jsonl", &mut files);
    let mut samples = Vec::new();
    for file in files {
        let mode = file.file_stem().unwrap().to_string_lossy();
        let mode = mode.trim_start_matches("claude_code_native_").to_owned();
        for line in fs::read_to_string(&file).unwrap().lines() {
            let sample: Value = serde_json::from_str(line).unwrap();
            let path = sample["path"].as_str().unwrap();
            let body = sample["body"].clone();
            let native = invoked(path);
            let named = body["model"].as_str().map(|name| {
                let name = name
                    .trim_end_matches("[1m]")
                    .trim_start_matches("anthropic.");
                let id = match name {
                    "claude-sonnet-4-5-20250929" | "claude-haiku-4-5-20251001" => {
                        format!("{name}-v1:0")
                    }
                    name => name.to_owned(),
                };
                format!("us.anthropic.{id}")
            });
            let headers = sample["headers"].as_array().unwrap();
            let betas = headers.iter().find(|header| header[0] == "anthropic-beta");
            let betas = betas
                .and_then(|header| header[1].as_str())
                .unwrap_or_default();
            samples.push(Sample {
                mode: mode.clone(),
                is_native: native.is_some(),
                model: native.map(|(model, _)| model).or(named),
                betas: betas.split(',').map(str::to_owned).collect(),
                body,
            });
        }
    }
    samples
}

/// Takes out of a body what this refusal is about; says what that is.
fn mend(body: &mut Value, refusal: &str) -> &'static str {
    let fields = body.as_object_mut().unwrap();
    let mut remove = |name: &'static str| {
        assert!(fields.shift_remove(name).is_some(), "{refusal}");
        name
    };
    let is_about = |words: &str| refusal.contains(words);
    if is_about("[model]") || is_about("model: Extra") {
        return remove("model");
    }
    if is_about("[stream]") || is_about("stream: Extra") {
        return remove("stream");
    }
    if is_about("context_management: Extra") {
        return remove("context_management");
    }
    if is_about("Request metadata") {
        return remove("metadata");
    }
    if is_about("anthropic_version") {
        fields.insert("anthropic_version".into(), json!("bedrock-2023-05-31"));
        return "version";
    }
    if is_about("max_tokens: Field required") {
        fields.insert("max_tokens".into(), json!(1));
        return "max_tokens";
    }
    if is_about("output_config.format") {
        let config = fields["output_config"].as_object_mut().unwrap();
        config.shift_remove("format");
        return "format";
    }
    if is_about("beta") {
        // The older generation does not say which.
        let kept = [
            "claude-code-20250219",
            "interleaved-thinking-2025-05-14",
            "context-management-2025-06-27",
            "context-1m-2025-08-07",
            "effort-2025-11-24",
            "tool-search-tool-2025-10-19",
        ];
        let betas = fields["anthropic_beta"].as_array_mut().unwrap();
        let count = betas.len();
        betas.retain(|beta| kept.iter().any(|known| beta == known));
        assert!(betas.len() < count, "{refusal}");
        return "betas";
    }
    if is_about("`signature`") {
        for message in fields["messages"].as_array_mut().unwrap() {
            if let Some(blocks) = message["content"].as_array_mut() {
                blocks.retain(|block| block["type"] != "thinking");
            }
        }
        return "signatures";
    }
    if is_about("thinking.type.enabled") {
        fields.insert("thinking".into(), json!({"type": "adaptive"}));
        return "enabled thinking";
    }
    if is_about("thinking.type.disabled") {
        return match fields.shift_remove("thinking") {
            Some(_) => "disabled thinking",
            None => panic!("{refusal}"),
        };
    }
    if is_about("defer_loading: Extra") || is_about("tool_reference") {
        let betas = fields["anthropic_beta"].as_array_mut().unwrap();
        betas.push(json!("tool-search-tool-2025-10-19"));
        return "the beta of tool search";
    }
    panic!("{refusal}");
}

/// Why the requests of each mode would be refused if they were forwarded to InvokeModel as they came: with the betas of
/// their header in the body, and nothing else done. What was sent to InvokeModel is accepted as it is, but for one thing:
/// newer models refuse a `metadata.user_id` of JSON, by one report on InvokeModel and several on the Messages endpoint.
/// (No model had signed the thinking in these conversations.)
const REFUSED_FOR: &[(&str, &str)] = &[
    ("bedrock_mode_1m", ""),
    ("bedrock_mode_tool_search_sonnet45_1h", ""),
    ("bedrock_mode_tool_search_sonnet55", "metadata"),
    ("gateway_1m_1h", "betas, model, stream, version"),
    ("gateway_count_tokens", "betas, max_tokens, model, version"),
    (
        "gateway_default",
        "betas, disabled thinking, format, metadata, model, stream, version",
    ),
    (
        "gateway_error_adaptive",
        "betas, disabled thinking, enabled thinking, format, metadata, model, stream, version",
    ),
    (
        "gateway_error_max_tokens",
        "betas, disabled thinking, format, metadata, model, stream, version",
    ),
    (
        "gateway_error_signature",
        "betas, disabled thinking, format, metadata, model, signatures, stream, version",
    ),
    (
        "gateway_error_system_role",
        "betas, disabled thinking, format, metadata, model, stream, version",
    ),
    (
        "gateway_fable51_thinking",
        "betas, format, metadata, model, signatures, stream, version",
    ),
    (
        "gateway_no_experimental_betas",
        "metadata, model, stream, version",
    ),
    (
        "gateway_sonnet45_thinking",
        "betas, model, signatures, stream, version",
    ),
    (
        "gateway_subagent",
        "betas, disabled thinking, format, metadata, model, signatures, stream, version",
    ),
    (
        "gateway_tool_search",
        "betas, disabled thinking, format, metadata, model, stream, version",
    ),
    (
        "gateway_tool_search_haiku45",
        "betas, model, stream, the beta of tool search, version",
    ),
    (
        "gateway_tool_search_opus55_thinking",
        "betas, format, metadata, model, signatures, stream, version",
    ),
    (
        "mantle_mode_tool_search",
        "format, metadata, model, stream, version",
    ),
];

#[test]
fn what_claude_code_sends_is_refused_where_forwarding_it_would_be() {
    let Some(folder) = samples() else {
        return;
    };
    let samples = captured(&folder);
    let mut found: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut accepted = 0;
    for sample in &samples {
        let Some(model) = &sample.model else {
            continue;
        };
        let mut body = sample.body.clone();
        if !sample.is_native && !sample.betas.iter().all(String::is_empty) {
            body["anthropic_beta"] = json!(sample.betas);
        }
        let reasons = found.entry(sample.mode.clone()).or_default();
        for _ in 0..12 {
            match verdict(model, &body, true) {
                Ok(()) => break,
                Err(refusal) => {
                    let reason = mend(&mut body, &refusal.message);
                    if !reasons.contains(&reason) {
                        reasons.push(reason);
                    }
                }
            }
        }
        assert_eq!(verdict(model, &body, true).err(), None);
        accepted += 1;
    }
    println!(
        "captured requests: {accepted} of {} ask a model",
        samples.len()
    );
    let found: Vec<(String, String)> = found
        .into_iter()
        .map(|(mode, mut reasons)| {
            reasons.sort_unstable();
            (mode, reasons.join(", "))
        })
        .collect();
    let wanted: Vec<(String, String)> = REFUSED_FOR
        .iter()
        .map(|(mode, reasons)| ((*mode).to_owned(), (*reasons).to_owned()))
        .collect();
    assert_eq!(found, wanted);
}

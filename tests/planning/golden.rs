//! The reference system's requests side by side with this gateway's: the same, or different with a reason.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{UnsupportedFeatures, plan, sent};
use bedrock_sidecar::catalog::{Catalog, Model};
use bedrock_sidecar::config::{CachePolicy, Defaults};
use bedrock_sidecar::openai::ChatRequest;
use bedrock_sidecar::wire::WireRequest;

/// One case: what a client asks of a model, and what goes to Bedrock.
#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    model: String,
    request: Value,
    /// `None`: the request is refused.
    body: Option<Value>,
}

/// Names of the reference system's cases that go out differently here, each with its reason.
fn differences() -> serde_json::Map<String, Value> {
    serde_json::from_str(include_str!("golden_differences.json")).unwrap()
}

/// Cache points where they are marked and nowhere else: where they pay is the planner's own matter.
pub(super) fn only_marked() -> Defaults {
    Defaults {
        caching: CachePolicy::ClientOnly,
        ..Defaults::default()
    }
}

/// What goes to Bedrock; `None` where the request is refused.
fn ours(model: &Model, request: &Value) -> Option<Value> {
    let chat = ChatRequest::parse(request.to_string().as_bytes()).ok()?;
    let (request, _) = Box::new(chat)
        .into_conversation(&http::HeaderMap::new())
        .ok()?;
    let mut plan = plan(
        &request,
        model,
        &only_marked(),
        UnsupportedFeatures::default(),
    );
    // Which names cannot be guessed is looked at elsewhere.
    plan.names = bedrock_sidecar::bedrock::plan::ToolNames::default();
    Some(sent(&plan))
}

/// A body without what is different everywhere and by design: `maxTokens` is always sent, where the client says nothing
/// too; the choice `auto`, which is Bedrock's own, never is; schemas go out as they came, without a `required` that
/// says nothing; which stop sequence was met is asked for; JSON in text is written without spaces.
fn comparable(body: &Value, request: &Value) -> Value {
    let mut body = body.clone();
    let says_max = ["max_tokens", "max_completion_tokens"]
        .iter()
        .any(|field| request.get(field).is_some());
    if let Some(config) = body["inferenceConfig"].as_object_mut() {
        if !says_max {
            config.shift_remove("maxTokens");
        }
        for value in config.values_mut().filter(|value| value.is_number()) {
            *value = json!(format!("{:.3}", value.as_f64().unwrap()));
        }
    }
    if body.get("additionalModelResponseFieldPaths") == Some(&json!(["/stop_sequence"]))
        && let Some(fields) = body.as_object_mut()
    {
        fields.shift_remove("additionalModelResponseFieldPaths");
    }
    if let Some(config) = body.get_mut("toolConfig").and_then(Value::as_object_mut) {
        if config.get("toolChoice") == Some(&json!({"auto": {}})) {
            config.shift_remove("toolChoice");
        }
        for tool in config["tools"].as_array_mut().unwrap() {
            let schema = tool.pointer_mut("/toolSpec/inputSchema/json");
            if let Some(root) = schema.and_then(Value::as_object_mut)
                && root.get("required") == Some(&json!([]))
            {
                root.shift_remove("required");
            }
        }
    }
    let text = "/outputConfig/textFormat/structure/jsonSchema/schema";
    if let Some(schema) = body.pointer_mut(text) {
        *schema = serde_json::from_str(schema.as_str().unwrap()).unwrap();
    }
    body
}

fn is_same(ours: &Option<Value>, theirs: &Option<Value>, request: &Value) -> bool {
    match (ours, theirs) {
        (None, None) => true,
        (Some(ours), Some(theirs)) => comparable(ours, request) == comparable(theirs, request),
        _ => false,
    }
}

/// The reference system's cases in this project's own words: the body is the reference system's, or this gateway's
/// where the list of differences has the case.
#[test]
fn every_request_goes_out_as_the_reference_system_s_or_differs_for_a_reason() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("golden.json")).unwrap();
    let catalog = Catalog::bundled();
    let differences = differences();
    for case in &cases {
        let model = catalog.resolve(&case.model, None, None);
        let ours = ours(&model, &case.request);
        let expected = if differences.contains_key(&case.name) {
            ours == case.body
        } else {
            is_same(&ours, &case.body, &case.request)
        };
        assert!(
            expected,
            "{}:\n  is     {ours:?}\n  should {:?}",
            case.name, case.body
        );
    }
    for name in differences.keys() {
        assert!(
            cases.iter().any(|case| case.name == *name),
            "no case is called '{name}'"
        );
    }
}

/// The reference system's own cases, where `GOLDEN_TRANSFORMS` names the file.
#[test]
fn the_reference_system_s_own_cases_differ_only_where_the_list_says() {
    let Some(path) = std::env::var_os("GOLDEN_TRANSFORMS") else {
        println!("0 cases compared: GOLDEN_TRANSFORMS names no file");
        return;
    };
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let own: Vec<Case> = serde_json::from_str(include_str!("golden.json")).unwrap();
    let catalog = Catalog::bundled();
    let differences = differences();
    let (mut same, mut wrong) = (0, Vec::new());
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        let Some(known) = own.iter().find(|own| own.name == name) else {
            wrong.push(format!("{name}: not among this project's cases"));
            continue;
        };
        let model = catalog.resolve(&known.model, None, None);
        let theirs = case["upstream"][0].get("body").cloned();
        let theirs = theirs.filter(|_| case["status"] == 200);
        let ours = ours(&model, &case["request"]);
        let is_same = is_same(&ours, &theirs, &case["request"]);
        same += usize::from(is_same);
        if is_same == differences.contains_key(name) {
            wrong.push(format!(
                "{name}:\n  ours   {}\n  theirs {}",
                json!(ours),
                json!(theirs)
            ));
        }
    }
    println!(
        "{} cases, {same} the same, {} different by design",
        cases.len(),
        differences.len()
    );
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

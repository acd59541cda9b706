//! Requests that the real service accepted, where `BEDROCK_RECORDINGS` names a folder of them: put in OpenAI's words and
//! planned again, they come out as they were, up to a list of exchanges and reasons.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::golden::only_marked;
use super::{UnsupportedFeatures, list, plan, request, sent};
use bedrock_sidecar::catalog::Catalog;

fn requests(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(requests(&path));
        } else if path.to_str().unwrap().ends_with(".request.json") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Blocks as content parts, a cache point as the mark of the part before it. `None`: OpenAI has no word for one.
fn parts(blocks: &[Value]) -> Option<Vec<Value>> {
    let mut parts: Vec<Value> = Vec::new();
    for block in blocks {
        let (kind, value) = block.as_object()?.iter().next()?;
        let data = |kind: &str| {
            let bytes = value.pointer("/source/bytes")?.as_str()?;
            Some(format!("data:{kind};base64,{bytes}"))
        };
        parts.push(match kind.as_str() {
            "text" => json!({"type": "text", "text": value}),
            "image" => {
                let url = data(&format!("image/{}", value["format"].as_str()?))?;
                json!({"type": "image_url", "image_url": {"url": url}})
            }
            "document" => {
                let format = value["format"].as_str()?;
                let name = format!("{}.{format}", value["name"].as_str()?);
                let kind = if format == "pdf" { "application/pdf" } else { "text/plain" };
                json!({"type": "file", "file": {"filename": name, "file_data": data(kind)?}})
            }
            "cachePoint" => {
                let mut mark = json!({"type": "ephemeral"});
                if let Some(ttl) = value.get("ttl") {
                    mark["ttl"] = ttl.clone();
                }
                parts.last_mut()?["cache_control"] = mark;
                continue;
            }
            "reasoningContent" => match value.get("reasoningText") {
                Some(text) => json!({"type": "thinking", "thinking": text["text"], "signature": text["signature"]}),
                None => json!({"type": "redacted_thinking", "data": value["redactedContent"]}),
            },
            _ => return None,
        });
    }
    Some(parts)
}

/// A message as the messages that it is in OpenAI's words.
fn messages(message: &Value) -> Option<Vec<Value>> {
    let blocks = list(&message["content"]);
    let is = |kind: &'static str| move |block: &&Value| block.get(kind).is_some();
    let rest: Vec<Value> = blocks
        .iter()
        .filter(|block| block.get("toolUse").is_none() && block.get("toolResult").is_none())
        .cloned()
        .collect();
    let mut messages = Vec::new();
    for result in blocks.iter().filter(is("toolResult")) {
        let result = &result["toolResult"];
        let content = parts(list(&result["content"]))?;
        messages
            .push(json!({"role": "tool", "tool_call_id": result["toolUseId"], "content": content}));
    }
    let calls: Vec<Value> = blocks
        .iter()
        .filter(is("toolUse"))
        .map(|call| {
            let call = &call["toolUse"];
            let function = json!({"name": call["name"], "arguments": call["input"].to_string()});
            json!({"id": call["toolUseId"], "type": "function", "function": function})
        })
        .collect();
    let mut said = json!({"role": message["role"], "content": parts(&rest)?});
    if !calls.is_empty() {
        said["tool_calls"] = json!(calls);
    }
    if !rest.is_empty() || !calls.is_empty() {
        messages.push(said);
    }
    Some(messages)
}

/// The request in OpenAI's words. `None`: they have none for something in it.
fn in_openai_s_words(body: &Value) -> Option<Value> {
    let mut all = Vec::new();
    if body["system"]
        .as_array()
        .is_some_and(|system| !system.is_empty())
    {
        all.push(json!({"role": "system", "content": parts(list(&body["system"]))?}));
    }
    for message in list(&body["messages"]) {
        all.extend(messages(message)?);
    }
    let mut request = json!({"messages": all});
    let mut tools: Vec<Value> = Vec::new();
    for tool in list(&body["toolConfig"]["tools"]) {
        if tool.get("cachePoint").is_some() {
            tools.last_mut()?["cache_control"] = json!({"type": "ephemeral"});
            continue;
        }
        let spec = tool.get("toolSpec")?;
        let mut function = json!({"name": spec["name"], "parameters": spec["inputSchema"]["json"]});
        for key in ["description", "strict"] {
            if let Some(value) = spec.get(key) {
                function[key] = value.clone();
            }
        }
        tools.push(json!({"type": "function", "function": function}));
    }
    if !tools.is_empty() {
        request["tools"] = json!(tools);
    }
    match body["toolConfig"]["toolChoice"]
        .as_object()
        .and_then(|choice| choice.iter().next())
    {
        Some((kind, _)) if kind == "any" => request["tool_choice"] = json!("required"),
        Some((kind, tool)) if kind == "tool" => {
            request["tool_choice"] =
                json!({"type": "function", "function": {"name": tool["name"]}});
        }
        _ => {}
    }
    let moved = [
        ("/inferenceConfig/maxTokens", "max_tokens"),
        ("/inferenceConfig/temperature", "temperature"),
        ("/inferenceConfig/topP", "top_p"),
        ("/inferenceConfig/stopSequences", "stop"),
        (
            "/additionalModelRequestFields",
            "additional_model_request_fields",
        ),
        ("/guardrailConfig", "guardrailConfig"),
        ("/performanceConfig", "performanceConfig"),
        ("/serviceTier/type", "service_tier"),
        ("/requestMetadata", "requestMetadata"),
    ];
    for (pointer, field) in moved {
        if let Some(value) = body.pointer(pointer) {
            request[field] = value.clone();
        }
    }
    if let Some(fields) = request["additional_model_request_fields"].as_object_mut() {
        let thinking = fields.shift_remove("thinking");
        if let Some(thinking) = thinking {
            request["thinking"] = thinking;
        }
    }
    if let Some(schema) = body.pointer("/outputConfig/textFormat/structure/jsonSchema") {
        let mut wanted = schema.clone();
        wanted["schema"] = serde_json::from_str(schema["schema"].as_str()?).ok()?;
        request["response_format"] = json!({"type": "json_schema", "json_schema": wanted});
    }
    Some(request)
}

/// What is different by design: `maxTokens` is always sent, `auto` and the default tier never are; what thinking costs
/// and a summary of it are asked for; a result is successful unless the client says otherwise, which it cannot say; a
/// tool without a description is described by its name; a guardrail looks at what the user says last.
fn comparable(body: &Value, recorded: &Value) -> Map<String, Value> {
    let mut body = body.clone();
    let root = body.as_object_mut().unwrap();
    root.shift_remove("additionalModelResponseFieldPaths");
    if recorded.pointer("/inferenceConfig/maxTokens").is_none()
        && let Some(config) = root
            .get_mut("inferenceConfig")
            .and_then(Value::as_object_mut)
    {
        config.shift_remove("maxTokens");
    }
    root.entry("inferenceConfig").or_insert_with(|| json!({}));
    for config in ["system", "additionalModelRequestFields"] {
        if root
            .get(config)
            .is_some_and(|value| *value == json!([]) || *value == json!({}))
        {
            root.shift_remove(config);
        }
    }
    for value in root["inferenceConfig"]
        .as_object_mut()
        .unwrap()
        .values_mut()
    {
        if let Some(number) = value.as_f64() {
            *value = json!(format!("{number:.3}"));
        }
    }
    if root.get("serviceTier") == Some(&json!({"type": "default"})) {
        root.shift_remove("serviceTier");
    }
    if let Some(thinking) = root
        .get_mut("additionalModelRequestFields")
        .and_then(|fields| fields.get_mut("thinking"))
    {
        thinking.as_object_mut().unwrap().shift_remove("display");
    }
    for tool in root
        .get_mut("toolConfig")
        .and_then(|config| config["tools"].as_array_mut())
        .into_iter()
        .flatten()
    {
        if let Some(spec) = tool.get_mut("toolSpec").and_then(Value::as_object_mut)
            && spec
                .get("description")
                .is_none_or(|text| *text == spec["name"])
        {
            spec.shift_remove("description");
        }
    }
    if let Some(config) = root.get_mut("toolConfig").and_then(Value::as_object_mut)
        && config.get("toolChoice") == Some(&json!({"auto": {}}))
    {
        config.shift_remove("toolChoice");
    }
    for message in root["messages"].as_array_mut().unwrap() {
        for block in message["content"].as_array_mut().unwrap() {
            if let Some(text) = block.pointer("/guardContent/text") {
                *block = text.clone();
            }
            if let Some(result) = block.get_mut("toolResult").and_then(Value::as_object_mut) {
                result.shift_remove("status");
            }
        }
    }
    if let Some(schema) = body.pointer_mut("/outputConfig/textFormat/structure/jsonSchema/schema") {
        *schema = serde_json::from_str(schema.as_str().unwrap()).unwrap();
    }
    body.as_object().unwrap().clone()
}

#[test]
fn what_the_real_service_accepted_comes_out_as_it_was() {
    let Some(folder) = std::env::var_os("BEDROCK_RECORDINGS") else {
        println!("0 recorded requests planned: BEDROCK_RECORDINGS names no folder");
        return;
    };
    let catalog = Catalog::bundled();
    let differences: Map<String, Value> =
        serde_json::from_str(include_str!("recording_differences.json")).unwrap();
    let (mut same, mut different, mut unspeakable, mut wrong) = (0, 0, 0, Vec::new());
    for path in requests(Path::new(&folder)) {
        let name = path.display().to_string();
        let read = |path: &str| -> Value {
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
        };
        let meta = read(&name.replace(".request.json", ".meta.json"));
        let recorded = read(&name);
        if meta["status"] != 200 || recorded.get("messages").is_none() {
            continue;
        }
        let Some(asked) = in_openai_s_words(&recorded) else {
            unspeakable += 1;
            continue;
        };
        let path = meta["uri"]
            .as_str()
            .unwrap()
            .split("/model/")
            .nth(1)
            .unwrap();
        let id = path.split('/').next().unwrap();
        let id = percent_encoding::percent_decode_str(id)
            .decode_utf8()
            .unwrap();
        let model = catalog.resolve(&id, None, None);
        let planned = plan(
            &request(&asked),
            &model,
            &only_marked(),
            UnsupportedFeatures::default(),
        );
        let (ours, theirs) = (
            comparable(&sent(&planned), &recorded),
            comparable(&recorded, &recorded),
        );
        let keys = ours
            .keys()
            .chain(theirs.keys().filter(|key| !ours.contains_key(*key)));
        let differing: Vec<String> = keys
            .filter(|key| ours.get(*key) != theirs.get(*key))
            .map(|key| {
                format!(
                    "  {key}\n    is  {}\n    was {}",
                    json!(ours.get(key)),
                    json!(theirs.get(key))
                )
            })
            .collect();
        if differing.is_empty() {
            same += 1;
        } else if differences
            .keys()
            .any(|exchange| name.contains(&format!("/{exchange}/")))
        {
            different += 1;
        } else {
            wrong.push(format!("{name} ({id})\n{}", differing.join("\n")));
        }
    }
    println!(
        "{same} recorded requests planned as they were, {different} differ by design, {unspeakable} have no equivalent"
    );
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

//! The rules, judged by recorded exchanges with the real service.

use std::{fs, path::Path};

use serde_json::Value;

use super::*;
use crate::simulator::fixtures::lookup;

/// Where this service is stricter than one recorded answer, on purpose, and why.
const STRICTER: [(&str, &str); 1] = [(
    "message_history_starting_with_response",
    "an assistant's turn first: Sonnet 4.5 takes it, other models do not",
)];

/// What the real service accepted is accepted, when `BEDROCK_RECORDINGS` names a folder of exchanges with it.
#[test]
fn recorded_requests_are_judged_as_the_real_service_judged_them() {
    let Some(folder) = std::env::var_os("BEDROCK_RECORDINGS") else {
        return;
    };
    let mut exchanges = Vec::new();
    collect(Path::new(&folder), &mut exchanges);
    let (mut accepted, mut refused) = (0, 0);
    let mut wrong = Vec::new();
    for (name, meta, request, reply) in &exchanges {
        let uri = meta["uri"].as_str().unwrap_or_default();
        let path = uri.split_once(".com/").map_or("", |(_, path)| path);
        let parts: Vec<&str> = path.split('/').collect();
        let ["model", id, operation @ ("converse" | "converse-stream")] = parts.as_slice() else {
            continue;
        };
        let id = percent_encoding::percent_decode_str(id)
            .decode_utf8_lossy()
            .into_owned();
        if !request.is_object() {
            println!("{name}: not whole");
            continue;
        }
        let ok = meta["status"] == 200;
        let Some(model) = lookup(&id) else {
            if ok && id.contains('.') {
                panic!("{name}: {id} is not known");
            }
            if !ok {
                assert_eq!(
                    reply["message"],
                    "The provided model identifier is invalid."
                );
                refused += 1;
            }
            continue;
        };
        let asked = CheckedRequest {
            model: &model,
            streaming: *operation == "converse-stream",
            body: request,
            check_signatures: false,
        };
        let verdict = validate(&asked);
        if ok && STRICTER.iter().any(|(part, _)| name.contains(part)) {
            assert!(
                verdict.is_err(),
                "{name} is no longer refused: strike it off the list"
            );
            continue;
        }
        match (ok, verdict) {
            (true, Err(failure)) => wrong.push(format!("{name}: {}", failure.message)),
            (true, Ok(())) => accepted += 1,
            (false, verdict) => {
                let message = verdict.err().map(|failure| failure.message);
                assert_eq!(message.as_deref(), reply["message"].as_str(), "{name}");
                refused += 1;
            }
        }
    }
    println!("recorded requests: {accepted} accepted, {refused} refused as recorded");
    assert!(wrong.is_empty(), "Bedrock accepted these: {wrong:#?}");
    assert!(accepted > 0, "no recording was checked");
}

fn collect(folder: &Path, into: &mut Vec<(String, Value, Value, Value)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
            continue;
        }
        let name = path.to_string_lossy().into_owned();
        let Some(stem) = name.strip_suffix(".request.json") else {
            continue;
        };
        let read = |ending: &str| {
            let text = fs::read_to_string(format!("{stem}.{ending}")).unwrap_or_default();
            // One recorded body is JSON inside a JSON string.
            let value: Value = serde_json::from_str(&text).unwrap_or_default();
            match value.as_str().map(serde_json::from_str) {
                Some(Ok(inner)) => inner,
                _ => value,
            }
        };
        into.push((
            stem.to_owned(),
            read("meta.json"),
            read("request.json"),
            read("response.json"),
        ));
    }
}

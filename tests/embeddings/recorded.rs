//! Answers of the real service, where `CLIENT_SAMPLES` names a folder: `openai_state/recorded_bedrock_embeddings.jsonl` beside
//! it, one call a line (`uri`, `request`, `reply`). Of each vector it has the beginning and how many numbers there were.

use std::path::Path;

use bedrock_sidecar::simulator::{ANY_MODEL, Step};
use serde_json::{Value, json};

use super::{embed, gateway, vectors};

/// The group of [`CONFIG`](super::CONFIG) for a call's address; `None`: it has none.
fn group(uri: &str) -> Option<&'static str> {
    let groups = [
        ("/amazon.titan-embed-text-v2", "titan"),
        ("/amazon.titan-embed-text-v1", "titan-v1"),
        ("/cohere.embed-english-v3", "cohere-v3"),
        ("/us.cohere.embed-v4", "cohere"),
        ("/cohere.embed-v4", "cohere"),
        ("/amazon.nova-2-multimodal-embeddings", "nova"),
    ];
    let mut groups = groups.into_iter();
    let (_, group) = groups.find(|(model, _)| uri.contains(model))?;
    Some(group)
}

/// Makes vectors whole again: their end is zeros.
fn lengthen(value: &mut Value) {
    match value {
        Value::Array(list) => {
            let rest = list.last().and_then(Value::as_str).and_then(|text| {
                let number = text.strip_prefix("… ")?.strip_suffix(" numbers")?;
                number.parse::<usize>().ok()
            });
            match rest {
                Some(length) => {
                    list.pop();
                    list.resize(length, json!(0.0));
                }
                None => list.iter_mut().for_each(lengthen),
            }
        }
        Value::Object(fields) => fields.values_mut().for_each(lengthen),
        _ => {}
    }
}

/// The vectors of a reply of Bedrock's, whatever its form.
fn found(reply: &Value) -> Vec<Vec<f32>> {
    let is_vector = |value: &Value| value.get(0).is_some_and(Value::is_number);
    match (&reply["embedding"], &reply["embeddings"]) {
        (one, _) if is_vector(one) => vec![serde_json::from_value(one.clone()).unwrap()],
        (_, Value::Object(by_type)) => serde_json::from_value(by_type["float"].clone()).unwrap(),
        (_, Value::Array(list)) => {
            let vectors = list.iter().map(|one| match one.get("embedding") {
                Some(vector) => vector.clone(),
                None => one.clone(),
            });
            vectors
                .map(|vector| serde_json::from_value(vector).unwrap())
                .collect()
        }
        other => panic!("{other:?}"),
    }
}

/// The texts of a call, and the number of dimensions that it asks for.
fn asked(request: &Value) -> (Vec<String>, Value) {
    let nova = &request["singleEmbeddingParams"];
    let texts = match (&request["texts"], &request["inputText"]) {
        (Value::Array(texts), _) => json!(texts),
        (_, Value::String(text)) => json!([text]),
        _ => json!([nova["text"]["value"]]),
    };
    let lengths = [
        &request["dimensions"],
        &request["output_dimension"],
        &nova["embeddingDimension"],
    ];
    let length = lengths.into_iter().find(|length| length.is_number());
    (
        serde_json::from_value(texts).unwrap(),
        length.cloned().unwrap_or_default(),
    )
}

#[tokio::test]
async fn recorded_vectors_reach_the_client_as_they_are() {
    let Some(folder) = std::env::var_os("CLIENT_SAMPLES") else {
        println!("0 recorded vectors replayed: CLIENT_SAMPLES names no folder");
        return;
    };
    let file = Path::new("openai_state/recorded_bedrock_embeddings.jsonl");
    let file = Path::new(&folder).parent().unwrap().join(file);
    let recorded = std::fs::read_to_string(&file).unwrap();
    let app = gateway().await;
    let mut replayed = 0;
    for line in recorded.lines() {
        let mut exchange: Value = serde_json::from_str(line).unwrap();
        let Some(model) = group(exchange["uri"].as_str().unwrap()) else {
            continue;
        };
        lengthen(&mut exchange["reply"]);
        let (texts, length) = asked(&exchange["request"]);
        for format in ["float", "base64"] {
            let answer = exchange["reply"].to_string();
            app.bedrock.script(ANY_MODEL, [Step::bytes(answer)]);
            let mut body = json!({"model": model, "input": texts, "encoding_format": format});
            if length.is_number() {
                body["dimensions"] = length.clone();
            }
            let reply = embed(&app, &body).await;
            assert_eq!(vectors(&reply), found(&exchange["reply"]), "{line}");
            // What Bedrock was asked for is what it was asked for then.
            let sent = app.bedrock.requests().pop().unwrap();
            assert_eq!(asked(&sent.body), (texts.clone(), length.clone()), "{line}");
        }
        replayed += 1;
    }
    println!("{replayed} recorded calls replayed, each in both formats");
    assert!(replayed >= 25, "{replayed}");
}

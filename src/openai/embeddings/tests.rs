use serde_json::{Value, json};

use super::*;

fn parsed(body: &Value) -> Result<(EmbedRequest, Vec<String>), ApiError> {
    let parsed = Embeddings.parse(body.to_string().as_bytes(), &HeaderMap::new())?;
    let RetrievalRequest::Embed(request) = parsed.request else {
        unreachable!("the wire asks for vectors")
    };
    Ok((request, parsed.options.dropped))
}

#[test]
fn every_form_of_input_becomes_texts() {
    let rows = [
        (json!("hello"), vec!["hello"]),
        (json!(["a", "b"]), vec!["a", "b"]),
        // One text of two tokens, not two texts.
        (json!([15339, 1917]), vec!["hello world"]),
        (json!([[15339, 1917], [0]]), vec!["hello world", "!"]),
        (json!([[15339], "b"]), vec!["hello", "b"]),
        (json!(" "), vec![" "]),
    ];
    for (input, texts) in rows {
        let (request, dropped) = parsed(&json!({"model": "m", "input": input})).unwrap();
        assert_eq!(request.texts, texts, "{input}");
        assert_eq!(dropped, Vec::<String>::new());
    }
}

#[test]
fn what_is_wrong_with_a_body_is_said_with_its_place() {
    let many = vec!["a"; 2_049];
    let rows = [
        (json!({}), "input", "Missing required parameter: 'input'."),
        (
            json!({"input": null}),
            "input",
            "Missing required parameter: 'input'.",
        ),
        (json!({"input": ""}), "input", "'input' must not be empty."),
        (
            json!({"input": []}),
            "input",
            "'input' must not be an empty list.",
        ),
        (
            json!({"input": ["a", ""]}),
            "input[1]",
            "'input[1]' must not be empty.",
        ),
        (
            json!({"input": ["a", []]}),
            "input[1]",
            "'input[1]' must not be empty.",
        ),
        (
            json!({"input": ["a", 7]}),
            "input[1]",
            "'input[1]' is of another form",
        ),
        (
            json!({"input": [7, "a"]}),
            "input[1]",
            "'input[1]' is of another form",
        ),
        (
            json!({"input": [[0], [100_256]]}),
            "input[1]",
            "'input[1]' has 100256, which is no token of cl100k_base.",
        ),
        (
            json!({"input": [9_999_999_999_u64]}),
            "input",
            "'input' has 4294967295, which is no token",
        ),
        (
            json!({"input": [{"image": "x"}]}),
            "input[0]",
            "'input[0]': invalid type: map, expected a string, a token or a list of tokens",
        ),
        (
            json!({"input": {"text": "x"}}),
            "input",
            "'input': invalid type: map, expected a string, a list of strings",
        ),
        (
            json!({"input": [[-1]]}),
            "input[0][0]",
            "'input[0][0]': invalid value: integer `-1`",
        ),
        (
            json!({"input": many}),
            "input",
            "'input' has 2049 entries, and may have 2048 at most.",
        ),
        (
            json!({"input": "a", "encoding_format": "md5"}),
            "encoding_format",
            "Invalid value for 'encoding_format' = md5. Supported values: ['float', 'base64'].",
        ),
        (
            json!({"input": "a", "input_type": "x"}),
            "input_type",
            "Invalid value for 'input_type' = x.",
        ),
        (
            json!({"input": "a", "truncate": "x"}),
            "truncate",
            "Invalid value for 'truncate' = x.",
        ),
        (
            json!({"input": "a", "dimensions": -1}),
            "dimensions",
            "'dimensions': invalid value",
        ),
    ];
    for (body, param, message) in rows {
        let error = parsed(&body).unwrap_err();
        let shown: String = body.to_string().chars().take(80).collect();
        assert_eq!(error.param.as_deref(), Some(param), "{shown}");
        assert!(
            error.message.starts_with(message),
            "{shown}: {}",
            error.message
        );
    }
}

#[test]
fn unknown_fields_are_named_and_bookkeeping_is_not() {
    let body = json!({"input": "a", "user": "u", "store": true, "fallbacks": ["b"], "x": 1});
    assert_eq!(parsed(&body).unwrap().1, ["fallbacks", "x"]);
}

#[test]
fn a_text_of_very_many_tokens_is_read() {
    let body = json!({"input": vec![vec![15339; 8_000]; 30]});
    let (request, _) = parsed(&body).unwrap();
    assert_eq!(request.texts.len(), 30);
    assert_eq!(request.texts[29].len(), 40_000);
}

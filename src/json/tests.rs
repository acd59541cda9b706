use std::collections::BTreeMap;

use super::*;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(expecting = "an object")]
struct Body {
    list: Option<Vec<Body>>,
    word: Option<Word>,
    #[serde(default, deserialize_with = "late")]
    late: u8,
    either: Option<Either>,
    named: Option<BTreeMap<String, Inner>>,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Inner {
    #[serde(rename = "in")]
    _in: u8,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Yes,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged, expecting = "a number or an object")]
enum Either {
    Number(u8),
    Object { _number: u8 },
}

/// Fails when the value has been read and serde_json no longer knows where it stood.
fn late<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let value = u8::deserialize(deserializer)?;
    (value != 7).then_some(value).ok_or(D::Error::custom("a 7"))
}

fn misread(json: &str) -> JsonReadError {
    read::<Body>(json.as_bytes()).unwrap_err()
}

#[test]
fn an_error_knows_its_place() {
    let cases = [
        ("7", "", "expected an object"),
        (r#"{"list": 7}"#, "list", "expected a sequence"),
        (r#"{"list": [{}, 7]}"#, "list[1]", "expected an object"),
        (
            r#"{"list": [{}, []]}"#,
            "list[1]",
            "invalid type: sequence, expected an object",
        ),
        (
            r#"{"x": [{"y": 1}], "x": 2, "list": [{}, {"list": [{"word": "no"}, {}]}, {}]}"#,
            "list[1].list[0].word",
            "unknown variant `no`",
        ),
        (r#"{"late": 7}"#, "late", "a 7"),
        (r#"{"list": [{"late": 7}]}"#, "list[0].late", "a 7"),
        (
            r#"{"either": {"_number": "1"}, "late": 1}"#,
            "either",
            "a number or an object",
        ),
        (
            r#"{"either": {"_number": "1"}}"#,
            "either",
            "a number or an object",
        ),
        (
            r#"{"named": {"a.b": {"in": 1}, "c": {"out": 1}}}"#,
            "named.c",
            "missing field `in`",
        ),
        (
            r#"{"list": [{"late": 1, "late": 2}]}"#,
            "list[0]",
            "duplicate field `late`",
        ),
        (
            r#"{"list": [{}, {"late": 0}, }"#,
            "list[2]",
            "expected value",
        ),
        (r#"{"late": 1} {}"#, "", "trailing characters"),
    ];
    for (json, path, why) in cases {
        let found = misread(json);
        assert_eq!(found.path, path, "{json}: {}", found.error);
        assert!(
            found.error.to_string().contains(why),
            "{json}: {}",
            found.error
        );
    }
}

#[test]
fn what_is_read_is_what_serde_json_reads() {
    let json = r#"{"a": [1, -2, 3.5, "text", "\n", null, true, {"b": {}}], "c": []}"#;
    let plain: serde_json::Value = serde_json::from_str(json).unwrap();
    let traced: serde_json::Value = parse(json).unwrap();
    assert_eq!(traced, plain);
    let json = r#"{"list": [{"word": "yes"}], "late": 3, "either": 1, "named": {"a": {"in": 2}}}"#;
    let plain: Body = serde_json::from_str(json).unwrap();
    assert_eq!(parse::<Body>(json).unwrap(), plain);
}

#[test]
fn a_text_is_read_within_its_limits_alone() {
    let limits = JsonLimits { values: 5, free: 3 };
    let value = |json: &str| {
        let read = |json: JsonReader<'_, '_>| serde_json::Value::deserialize(json);
        read_with(json.as_bytes(), limits, read).map_err(|misread| misread.path)
    };
    assert!(value("[1, 2]").is_ok());
    assert_eq!(value("[1, 2, 3]").unwrap_err(), "[2]");
    assert_eq!(value(r#"{"a": {"b": [1]}}"#).unwrap_err(), "a.b[0]");
    // What has a fixed form is counted as items alone.
    let words = |json: &str| {
        let read = |json: JsonReader<'_, '_>| Vec::<String>::deserialize(json);
        read_with(json.as_bytes(), limits, read).is_ok()
    };
    assert!(words(r#"["a", "b", "c", "d"]"#));
    assert!(!words(r#"["a", "b", "c", "d", "e", "f"]"#));
}

#[test]
fn values_are_counted_without_reading_them() {
    let cases = [
        ("7", 1),
        ("[]", 2),
        ("[1, [2, 3]]", 5),
        (r#"{"a": 1, "b,[{": "c\",[", "d": null}"#, 4),
        (r#""\\", "x""#, 2),
    ];
    for (json, count) in cases {
        assert_eq!(count_values(json.as_bytes()), count, "{json}");
    }
}

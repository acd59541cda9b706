use proptest::prelude::*;
use serde_json::{Value, json};

use super::{FromLitellmError, from_litellm};
use crate::config::Config;

fn somewhere(name: &str) -> Option<String> {
    (name == "AWS_REGION").then(|| "us-east-1".to_owned())
}

/// The configuration of these entries, and what it says when it is read again.
fn written(data: &Value) -> (String, Config) {
    let text = from_litellm(&json!({ "data": data }).to_string(), None).unwrap();
    match Config::parse("config.yml", &text, &somewhere) {
        Ok((config, _)) => (text, config),
        Err(error) => panic!("{error}\n{text}"),
    }
}

fn nova() -> Value {
    json!({
        "model_name": "nova",
        "litellm_params": {"model": "bedrock/us.amazon.nova-pro-v1:0", "aws_region_name": "us-east-1"},
        "model_info": {"id": "n"},
    })
}

/// With a further parameter.
fn with(name: &str, value: Value) -> Value {
    let mut entry = nova();
    entry["litellm_params"][name] = value;
    entry
}

#[test]
fn what_litellm_hides_is_named_and_not_written() {
    for (name, value, line) in [
        ("api_key", json!("abcd*efgh"), "api_key: os.environ/API_KEY"),
        ("api_key", json!("********"), "api_key: os.environ/API_KEY"),
        (
            "api_key",
            json!("not-hidden"),
            "api_key: os.environ/API_KEY",
        ),
        (
            "aws_session_token",
            json!("toke****oken"),
            "aws_secret_access_key: os.environ/AWS_SECRET_ACCESS_KEY",
        ),
        (
            "aws_external_id",
            json!("ab****cd"),
            "aws_external_id: os.environ/AWS_EXTERNAL_ID",
        ),
        (
            "requestMetadata",
            json!({"token": "abcd****efgh", "team": "shop"}),
            "requestMetadata.token: os.environ/REQUESTMETADATA_TOKEN",
        ),
        (
            "litellm_credential_name",
            json!("prod"),
            "what LiteLLM keeps as the credential prod",
        ),
    ] {
        let (text, _) = written(&json!([with(name, value)]));
        let comment = format!("\n  # {line}\n");
        assert!(text.contains(&comment), "{name}: {text}");
        assert!(
            !text.contains("**") && !text.contains("not-hidden"),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_secret_stays() {
    for (name, value, line) in [
        (
            "api_key",
            json!("os.environ/KEY"),
            "api_key: os.environ/KEY",
        ),
        ("max_tokens", json!(5), "max_tokens: 5"),
        (
            "input_cost_per_token",
            json!(3e-6),
            "input_cost_per_token: 3e-6",
        ),
        ("drop_params", json!(false), "drop_params: false"),
        ("aws_profile_name", json!("p"), "aws_profile_name: p"),
    ] {
        let text = from_litellm(&json!({"data": [with(name, value)]}).to_string(), None);
        let text = text.unwrap();
        assert!(
            text.contains(&format!("\n      {line}\n")),
            "{name}: {text}"
        );
    }
    for (name, value) in [
        ("use_in_pass_through", json!(false)),
        ("timeout", json!("None")),
        ("tags", json!([])),
        ("rpm", json!(null)),
    ] {
        let (text, _) = written(&json!([with(name, value)]));
        assert!(!text.contains(name), "{name}: {text}");
    }
}

#[test]
fn an_entry_that_cannot_be_served_as_it_was_is_a_comment_with_its_reason() {
    let with_info = |info: Value| {
        let mut entry = nova();
        entry["model_info"] = info;
        entry
    };
    let of = |model: &str| with("model", json!(model));
    for (entry, reason) in [
        (of("openai/gpt-4o"), "not a model of Amazon Bedrock"),
        (of("gpt-4.1"), "not a model of Amazon Bedrock"),
        (
            of("auto_router/complexity_router"),
            "not a model of Amazon Bedrock",
        ),
        (
            with("custom_llm_provider", json!("openai")),
            "not a model of Amazon Bedrock",
        ),
        (with_info(json!({"blocked": true})), "it is paused"),
        (
            with_info(json!({"team_id": "t\n- x"})),
            "the team t\\u{a}- x alone",
        ),
        (
            with_info(json!({"access_windows": [{"start": "9"}]})),
            "at some hours alone",
        ),
    ] {
        let mut entry = entry;
        entry["model_name"] = json!("gone");
        let (text, config) = written(&json!([entry, nova()]));
        assert!(text.contains(reason), "{reason}: {text}");
        assert!(text.contains("\n  # - model_name: gone\n"), "{text}");
        assert!(text.contains("1 of 2 entries"), "{text}");
        assert_eq!(config.groups().len(), 1, "{text}");
    }
}

#[test]
fn only_what_its_owner_has_written_is_left_of_model_info() {
    let listed = json!({
        "id": "n", "db_model": true, "base_model": null, "supports_vision": false,
        "input_cost_per_token": 7e-7, "note": "ours", "pricing_overrides": ["input_cost_per_token"],
        "key": "us.amazon.nova-pro-v1:0", "max_tokens": 10000, "output_cost_per_token": 3.2e-6,
        "supports_function_calling": true, "direct_access": true,
    });
    let mut entry = nova();
    entry["model_info"] = listed.clone();
    let (text, _) = written(&json!([entry]));
    let info = text.split_once("model_info:\n").unwrap().1;
    assert_eq!(
        info,
        "      id: n\n      supports_vision: false\n      input_cost_per_token: 7e-7\n      note: ours\n"
    );
    // Some tools sort the fields: then a field of the price list cannot be told from the owner's, but for prices.
    let sorted: std::collections::BTreeMap<_, _> = listed.as_object().unwrap().iter().collect();
    entry["model_info"] = json!(sorted);
    let (text, _) = written(&json!([entry]));
    let info = text.split_once("model_info:\n").unwrap().1;
    assert_eq!(
        info,
        "      id: n\n      input_cost_per_token: 7e-7\n      note: ours\n"
    );
}

#[test]
fn rows_of_one_entry_are_one_entry() {
    let mut alias = nova();
    alias["model_name"] = json!("fast");
    let (text, config) = written(&json!([nova(), alias, nova()]));
    assert_eq!(config.deployments().count(), 1, "{text}");
    assert_eq!(config.resolve_name("fast"), Some("nova"));
    let behind = |model: &str| {
        json!({
            "model_name": model,
            "litellm_params": {"model": model, "aws_region_name": "us-east-1"},
            "model_info": {"id": "p"},
        })
    };
    let (text, config) = written(&json!([
        behind("bedrock/us.amazon.nova-lite-v1:0"),
        behind("bedrock/us.amazon.nova-pro-v1:0"),
        behind("bedrock/us.amazon.nova-2-lite-v1:0"),
    ]));
    assert!(text.contains("model: bedrock/us.amazon.nova-*\n"), "{text}");
    assert!(
        config
            .resolve_name("bedrock/us.amazon.nova-micro-v1:0")
            .is_some()
    );
}

#[test]
fn what_is_no_answer_is_told_with_its_place() {
    for (answer, what) in [
        ("nothing", "not JSON"),
        (r#"{"error": {}}"#, "the field `data` is missing"),
        (r#"{"data": {}}"#, "the field `data` is missing"),
        (r#"{"data": []}"#, "none of the 0 entries"),
        (
            r#"{"data": [{"model_name": "a", "litellm_params": {"model": "bedrock/x"}}, {}]}"#,
            "data[1]: the field `model_name` is missing",
        ),
        (
            r#"{"data": [{"model_name": "a", "litellm_params": {}}]}"#,
            "data[0]: the field `litellm_params.model` is missing",
        ),
        (
            r#"{"data": [{"model_name": "a", "litellm_params": {"model": "openai/a"}}]}"#,
            "none of the 1 entries can be served here: openai/a is not",
        ),
        (
            r#"{"data": [], "current_page": 1, "total_pages": 3}"#,
            "only page 1 of 3",
        ),
    ] {
        let error: FromLitellmError = from_litellm(answer, None).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
}

proptest! {
    #[test]
    fn whatever_names_there_are_the_file_reads_back(
        names in prop::collection::vec("\\PC{1,20}|[-#:&*!|>'\"%@`{}\\[\\], \n\t\u{85}\u{2028}]{1,6}|true|null|~|1e3|0x1", 1..5),
        notes in prop::collection::vec("(?s).{0,30}", 1..3),
    ) {
        let served = json!({
            "model_name": "nova",
            "litellm_params": nova()["litellm_params"],
            "model_info": {"notes": notes},
        });
        let others = names.iter().map(|name| json!({
            "model_name": name, "litellm_params": {"model": format!("openai/{name}"), "stop": notes},
        }));
        let data: Vec<Value> = std::iter::once(served).chain(others).collect();
        let (text, config) = written(&json!(data));
        prop_assert_eq!(config.groups().len(), 1);
        prop_assert_eq!(written(&json!(data)).0, text);
        let named = names.iter().enumerate().map(|(n, name)| {
            let mut entry = nova();
            entry["model_name"] = json!(name);
            entry["model_info"]["id"] = json!(n);
            entry
        });
        let named: Vec<Value> = named.collect();
        let text = from_litellm(&json!({"data": named}).to_string(), None).unwrap();
        let read: Value = serde_yaml::from_str(&text).unwrap();
        let read: Vec<&Value> = read["model_list"].as_array().unwrap().iter().map(|entry| &entry["model_name"]).collect();
        prop_assert_eq!(json!(read), json!(names));
    }
}

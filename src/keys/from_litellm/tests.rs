use serde_json::json;

use super::fields::{FieldFate, of_key, of_metadata};

#[test]
fn a_field_that_asks_for_nothing_is_passed_over_whatever_it_is() {
    for value in [
        json!(null),
        json!(false),
        json!(""),
        json!([]),
        json!({}),
        json!({"a": []}),
    ] {
        for name in [
            "guardrails",
            "team_id",
            "of_a_later_version",
            "allowed_routes",
        ] {
            assert_eq!(of_key(name, &value), FieldFate::Silent, "{name}: {value}");
        }
        assert_eq!(of_metadata("guardrails", &value), Some(FieldFate::Silent));
        assert_eq!(of_metadata("note", &value), None);
    }
}

#[test]
fn what_a_field_is_for_decides_what_becomes_of_it() {
    let protects = |fate| matches!(fate, FieldFate::Protects(_));
    for (name, value, is_protection) in [
        ("allowed_routes", json!(["llm_api_routes"]), false),
        (
            "allowed_routes",
            json!(["llm_api_routes", "/key/info"]),
            true,
        ),
        ("tpd_limit", json!(0), true),
        ("budget_limits", json!([{"max_budget": 1}]), true),
        ("access_group_ids", json!(["g"]), true),
        ("permissions", json!({"get_spend_routes": true}), false),
        ("team_max_budget", json!(5), false),
        ("seen_at", json!("2026-01-01T00:00:00Z"), false),
        ("later_count", json!(0), false),
        ("later_limit", json!(3), true),
    ] {
        assert_eq!(
            protects(of_key(name, &value)),
            is_protection,
            "{name}: {value}"
        );
    }
}
